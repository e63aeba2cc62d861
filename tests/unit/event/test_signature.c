/* Signatures against published vectors: RFC 4231 for HMAC-SHA256, and the Standard Webhooks specification. */
#include "event/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char repeated_aa[131] = {[0 ... 130] = (char)0xaa};

static void test_hex_rfc4231(void **state)
{
    (void)state;
    static const char key1[20] = {[0 ... 19] = 0x0b}, key3[20] = {[0 ... 19] = (char)0xaa},
                      body3[50] = {[0 ... 49] = (char)0xdd};
    const struct {
        struct text key, body;
        const char *hex;
    } cases[] = {
        {{key1, 20}, TEXT("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {TEXT("Jefe"), TEXT("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {{key3, 20}, {body3, 50}, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {{repeated_aa, 131},
         TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {TEXT(""), TEXT(""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"}, /* the empty key */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct signer *signer = signer_new(cases[i].key);
        assert_non_null(signer);
        for (int again = 0; again < 3; again++) { /* a signer is used for every delivery of a webhook */
            char out[SIGNATURE_HEX_SIZE];
            assert_true(signature_hex(signer, cases[i].body, out));
            assert_string_equal(out, cases[i].hex);
        }
        signer_free(&signer);
        assert_null(signer);
        signer_free(&signer);
    }
}

/* The example of the Standard Webhooks specification. */
static void test_standard(void **state)
{
    (void)state;
    struct buffer key;
    struct error error;
    char out[SIGNATURE_STANDARD_SIZE], other[SIGNATURE_STANDARD_SIZE];
    buffer_init(&key, 256);
    assert_true(signature_key(TEXT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &key, &error));
    struct signer *signer = signer_new(buffer_text(&key));
    assert_non_null(signer);
    assert_true(signature_standard(signer, TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek"), TEXT("1614265330"),
                                   TEXT("{\"test\": 2432232314}"), out));
    assert_string_equal(out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_true(signature_standard(signer, TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek"), TEXT("1614265330"),
                                   TEXT("{\"test\": 2432232315}"), other));
    assert_string_not_equal(out, other);
    signer_free(&signer);
    buffer_fini(&key);
}

static void test_key(void **state)
{
    (void)state;
    static const struct {
        const char *secret;
        size_t size; /* 0: refused */
    } cases[] = {
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},    /* not a multiple of four */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA====", 0}, /* too much padding */
        {"whsec_AAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAA=", 0}, /* padding inside */
        {"whsec_AAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAA", 0},
        {"whsec_\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
        {"whsec_AAAAAAAAAAAAAAAA-_AAAAAAAAAAAAAAAAAA", 0}, /* the specification does not use the URL alphabet */
        {"whsec_====", 0},
        {"whsec_", 0},
        {"", 0},
        {"f0edaa6a1c4a356acffa77389b89405f75e31e77", 40}, /* devengo: the characters themselves */
        {"WHSEC_AAAA", 10},
        {"k", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer key;
        struct error error = {0};
        buffer_init(&key, 256);
        if (signature_key(text_of(cases[i].secret), &key, &error) != (cases[i].size > 0))
            fail_msg("%s: %s", cases[i].secret, error.text);
        assert_int_equal(key.size, cases[i].size);
        assert_true(cases[i].size > 0 || error.text[0] != '\0');
        buffer_fini(&key);
    }
}

/* 24 to 64 bytes are allowed; every length around the bounds, with its padding. */
static void test_key_bounds(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes <= 200; bytes++) {
        char secret[300] = "whsec_";
        size_t characters = (bytes + 2) / 3 * 4, padding = (3 - bytes % 3) % 3;
        memset(secret + 6, 'A', characters);
        memset(secret + 6 + characters - padding, '=', padding);
        struct buffer key;
        struct error error = {0};
        buffer_init(&key, 256);
        assert_int_equal(signature_key(text_of(secret), &key, &error), bytes >= 24 && bytes <= 64);
        assert_int_equal(key.size, bytes >= 24 && bytes <= 64 ? bytes : 0);
        buffer_fini(&key);
    }
}

static void test_key_decodes(void **state)
{
    (void)state;
    struct buffer key;
    struct error error;
    buffer_init(&key, 256);
    assert_true(signature_key(TEXT("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), &key, &error));
    for (size_t i = 0; i < 32; i++)
        assert_int_equal((unsigned char)key.data[i], i);
    buffer_fini(&key);
    buffer_init(&key, 4);
    assert_false(signature_key(TEXT("longer than the buffer"), &key, &error));
    assert_non_null(strstr(error.text, "too long"));
    buffer_fini(&key);
}

/* Secrets that the libraries of receivers cannot use are refused. */
static void test_chosen_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *secret;
        bool standard, devengo;
    } cases[] = {
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", true, true},
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", true, true},
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", false, false},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false},
        {"WHSEC_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false},
        {"correct horse battery staple", false, false},
        {"0123456789abcdef0123456789abcdef01234567", false, true},
        {"0123456789abcdef0123456789abcdef0123456g", false, false},
        {"0123456789abcdef0123456789abcdef0123456789", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {""};
        if (signature_check(text_of(cases[i].secret), false, &error) != cases[i].standard ||
            signature_check(text_of(cases[i].secret), true, &error) != cases[i].devengo)
            fail_msg("%s: %s", cases[i].secret, error.text);
        assert_true(cases[i].devengo || strstr(error.text, "24 to 64 bytes") != NULL);
    }
}

static void test_new_secret(void **state)
{
    (void)state;
    for (int devengo = 0; devengo < 2; devengo++) {
        char one[64], two[64];
        struct buffer key;
        struct error error;
        buffer_init(&key, 256);
        assert_true(signature_new_secret(devengo, one, &error));
        assert_true(signature_new_secret(devengo, two, &error));
        assert_string_not_equal(one, two);
        assert_int_equal(strlen(one), devengo ? 40 : 50);
        assert_true(signature_key(text_of(one), &key, &error));
        assert_int_equal(key.size, devengo ? 40 : 32);
        buffer_fini(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_rfc4231),    cmocka_unit_test(test_standard),    cmocka_unit_test(test_key),
        cmocka_unit_test(test_key_bounds),     cmocka_unit_test(test_key_decodes), cmocka_unit_test(test_new_secret),
        cmocka_unit_test(test_chosen_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
