/* The names of an event and a webhook in the four dialects. Expected values were computed separately, with Python's
 * hashlib.
 */
#include "event/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void from_hex(const char *hex, unsigned char *bytes, size_t size)
{
    assert_true(text_from_hex(text_of(hex), bytes, size));
}

static void test_hash(void **state)
{
    (void)state;
    static const struct {
        const char *account, *id, *hex;
    } cases[] = {
        {"7qwnw4j2kmqvrb3", "evt-1", "8222c262f9f5d3e9ffa88bdda9451e5ed5711f433e938eda2fbe54879c2a53ad"},
        {"", "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"a", "bc", "40bb547d936bbd31318ee37ac8799e7ecbb22eda2651f65e3214bffb8ce97bb4"},
        {"ab", "c", "6c032e631d39a14d85aff7e319546af701e26c97b57ca95fbfe9c6ba855f67bf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char hash[32];
        char hex[65];
        ids_hash(text_of(cases[i].account), text_of(cases[i].id), hash);
        text_to_hex(hash, sizeof hash, hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void test_base62(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *base62;
    } cases[] = {
        {"00000000000000000000000000000000", "0000000000000000000000"},
        {"0000000000000000000000000000003d", "000000000000000000000z"},
        {"0000000000000000000000000000003e", "0000000000000000000010"},
        {"0000000000000000000000000000000a", "000000000000000000000A"},
        {"000000000000000100000000000000ff", "00000000000LygHa16AHcN"},
        {"0123456789abcdeffedcba9876543210", "0296tiiBb3UUmdjYQ3ySu0"},
        {"ffffffffffffffffffffffffffffffff", "7n42DGM5Tflk9n8mt7Fhc7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char bytes[16], back[16];
        char out[BASE62_SIZE + 1];
        from_hex(cases[i].hex, bytes, sizeof bytes);
        ids_to_base62(bytes, out);
        assert_string_equal(out, cases[i].base62);
        assert_true(ids_from_base62(text_of(out), back));
        assert_memory_equal(back, bytes, sizeof bytes);
    }
}

static void test_base62_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "000000000000000000000",   /* 21 */
        "00000000000000000000000", /* 23 */
        "00000000000000000000-0",
        "00000000000000000000 0",
        "00000000000000000000\xc3\xa9",
        "7n42DGM5Tflk9n8mt7Fhc8", /* 2 to the 128th */
        "zzzzzzzzzzzzzzzzzzzzzz",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char bytes[16];
        assert_false(ids_from_base62(text_of(cases[i]), bytes));
    }
}

static void test_base62_orders_as_numbers(void **state)
{
    (void)state;
    unsigned char bytes[16] = {0}, back[16];
    char before[BASE62_SIZE + 1] = "", out[BASE62_SIZE + 1];
    for (unsigned i = 0; i < 65536; i++) { /* steps over all 128 bits */
        bytes[0] = (unsigned char)(i >> 8);
        bytes[1] = (unsigned char)i;
        bytes[15] = (unsigned char)(i * 7);
        ids_to_base62(bytes, out);
        assert_true(strcmp(before, out) < 0);
        memcpy(before, out, sizeof out);
        assert_true(ids_from_base62(text_of(out), back));
        assert_memory_equal(back, bytes, sizeof bytes);
    }
}

static void test_forms(void **state)
{
    (void)state;
    unsigned char hash[32], webhook[UUID_SIZE];
    char merchant[65], devengo[27], payconex[37];
    ids_hash(TEXT("7qwnw4j2kmqvrb3"), TEXT("evt-1"), hash);
    from_hex("5249941f13564471b3be9f96a6d532c1", webhook, sizeof webhook);
    struct text id = TEXT("evt-1");
    assert_true(text_equal(ids_merchant(id, hash, merchant),
                           TEXT("8222c262f9f5d3e9ffa88bdda9451e5ed5711f433e938eda2fbe54879c2a53ad")));
    assert_true(text_equal(ids_devengo(id, hash, devengo), TEXT("evt_3xYt1n9Z7sSz1aSpBDiLXy")));
    assert_true(text_equal(ids_payconex(id, hash, webhook, payconex), TEXT("not_1a2b7c749b2807d0f51920381062bfc4")));
}

static void test_forms_that_pass(void **state)
{
    (void)state;
    static const unsigned char hash[32] = {1}, webhook[UUID_SIZE] = {2};
    char merchant[65], devengo[27], payconex[37];
    struct text hex = TEXT("c088bc2884a2c3b4043991b04d96ceda7c65043778233dedb26bfd5853705dfd");
    struct text evt = TEXT("evt_4AzCpWGzp4NAJURIwaOwXR"), not = TEXT("not_5249941f13564471b3be9f96a6d532c1");
    assert_true(ids_merchant(hex, hash, merchant).data == hex.data);
    assert_true(ids_devengo(evt, hash, devengo).data == evt.data);
    assert_true(ids_payconex(not, hash, webhook, payconex).data == not .data);
    /* an id of another form, or nearly of this form, is hashed */
    static const char *const others[] = {"C088bc2884a2c3b4043991b04d96ceda7c65043778233dedb26bfd5853705dfd",
                                         "c088bc2884a2c3b4043991b04d96ceda7c65043778233dedb26bfd5853705df",
                                         "evt_4AzCpWGzp4NAJURIwaOwX-",
                                         "evt_4AzCpWGzp4NAJURIwaOwX",
                                         "evt-4AzCpWGzp4NAJURIwaOwXR",
                                         "not_5249941F13564471b3be9f96a6d532c1",
                                         "not_5249941f13564471b3be9f96a6d532c",
                                         "evt_",
                                         "not_",
                                         ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct text other = text_of(others[i]);
        assert_true(ids_merchant(other, hash, merchant).data == merchant);
        assert_true(ids_devengo(other, hash, devengo).data == devengo);
        assert_true(ids_payconex(other, hash, webhook, payconex).data == payconex);
    }
}

/* Each notification has its own id, from which its event is found. */
static void test_payconex_key(void **state)
{
    (void)state;
    unsigned char hash[32], one[UUID_SIZE] = {1}, two[UUID_SIZE] = {2}, key[EVENT_KEY_SIZE];
    char first[37], second[37];
    ids_hash(TEXT("220615031547"), TEXT("batch-00412"), hash);
    struct text a = ids_payconex(TEXT("batch-00412"), hash, one, first);
    struct text b = ids_payconex(TEXT("batch-00412"), hash, two, second);
    assert_false(text_equal(a, b));
    assert_true(ids_payconex_key(a, one, key));
    assert_memory_equal(key, hash, sizeof key);
    assert_true(ids_payconex_key(b, two, key));
    assert_memory_equal(key, hash, sizeof key);
    assert_true(ids_payconex_key(a, two, key));
    assert_memory_not_equal(key, hash, sizeof key);
    assert_false(ids_payconex_key(TEXT("not_"), one, key));
    assert_false(ids_payconex_key(TEXT("evt_5249941f13564471b3be9f96a6d532c1"), one, key));
    assert_false(ids_payconex_key(TEXT("not_5249941f13564471b3be9f96a6d532cg"), one, key));
    assert_false(ids_payconex_key(TEXT(""), one, key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),           cmocka_unit_test(test_base62),
        cmocka_unit_test(test_base62_refuses), cmocka_unit_test(test_base62_orders_as_numbers),
        cmocka_unit_test(test_forms),          cmocka_unit_test(test_forms_that_pass),
        cmocka_unit_test(test_payconex_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
