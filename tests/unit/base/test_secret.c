/* Secrets at rest: they open only with their key, in their place, and unchanged. */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct fixture {
    struct secret_key *key, *other;
    struct buffer sealed, opened;
};

static int set_up(void **state)
{
    static struct fixture f;
    struct error error;
    f.key = secret_key_parse(KEY, &error);
    f.other = secret_key_parse(OTHER, &error);
    assert_non_null(f.key);
    assert_non_null(f.other);
    buffer_init(&f.sealed, 4096);
    buffer_init(&f.opened, 4096);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    secret_key_free(&f->key);
    secret_key_free(&f->other);
    assert_null(f->key);
    secret_key_free(&f->key);
    buffer_fini(&f->sealed);
    buffer_fini(&f->opened);
    return 0;
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct error error;
    char bytes[1000];
    for (size_t size = 0; size < sizeof bytes; size += 37) {
        memset(bytes, (int)size, sizeof bytes);
        buffer_clear(&f->sealed);
        buffer_clear(&f->opened);
        buffer_append_char(&f->opened, '!'); /* it appends */
        assert_true(secret_seal(f->key, TEXT("webhook.secret:1"), (struct text){bytes, size}, &f->sealed, &error));
        assert_int_equal(f->sealed.size, size + SECRET_OVERHEAD);
        assert_true(secret_open(f->key, TEXT("webhook.secret:1"), buffer_text(&f->sealed), &f->opened, &error));
        assert_int_equal(f->opened.size, size + 1);
        assert_memory_equal(f->opened.data + 1, bytes, size);
    }
}

static void test_never_the_same_twice(void **state)
{
    struct fixture *f = *state;
    struct error error;
    size_t size = 5 + SECRET_OVERHEAD;
    assert_true(secret_seal(f->key, TEXT("p"), TEXT("hello"), &f->sealed, &error));
    assert_true(secret_seal(f->key, TEXT("p"), TEXT("hello"), &f->sealed, &error));
    assert_int_equal(f->sealed.size, 2 * size);
    assert_memory_equal(f->sealed.data, f->sealed.data + size, 5);              /* layout and key id */
    assert_memory_not_equal(f->sealed.data + 5, f->sealed.data + size + 5, 12); /* nonce */
    assert_memory_not_equal(f->sealed.data + 17, f->sealed.data + size + 17, 5);
}

static void assert_stays_shut(struct fixture *f, struct secret_key *key, const char *place, struct text sealed)
{
    struct error error = {""};
    buffer_clear(&f->opened);
    assert_false(secret_open(key, text_of(place), sealed, &f->opened, &error));
    assert_int_equal(f->opened.size, 0);
    assert_true(error.text[0] != '\0');
    assert_null(strstr(error.text, "hello"));
}

static void test_stays_shut(void **state)
{
    struct fixture *f = *state;
    struct error error;
    assert_true(secret_seal(f->key, TEXT("row:1"), TEXT("hello"), &f->sealed, &error));
    struct text sealed = buffer_text(&f->sealed);
    assert_stays_shut(f, f->other, "row:1", sealed);
    assert_stays_shut(f, f->key, "row:2", sealed);
    assert_stays_shut(f, f->key, "", sealed);
    for (size_t size = 0; size < sealed.size; size++)
        assert_stays_shut(f, f->key, "row:1", (struct text){sealed.data, size});
    for (size_t bit = 0; bit < 8 * sealed.size; bit++) { /* any one of them */
        f->sealed.data[bit / 8] = (char)(f->sealed.data[bit / 8] ^ 1 << bit % 8);
        assert_stays_shut(f, f->key, "row:1", sealed);
        f->sealed.data[bit / 8] = (char)(f->sealed.data[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(secret_open(f->key, TEXT("row:1"), sealed, &f->opened, &error)); /* and the key still works */
}

static void test_bounds(void **state)
{
    struct fixture *f = *state;
    struct error error;
    char bytes[4096] = {0};
    assert_true(secret_seal(f->key, TEXT("p"), (struct text){bytes, 4096 - SECRET_OVERHEAD}, &f->sealed, &error));
    buffer_clear(&f->sealed);
    assert_false(secret_seal(f->key, TEXT("p"), (struct text){bytes, 4097 - SECRET_OVERHEAD}, &f->sealed, &error));
    assert_int_equal(f->sealed.size, 0);
    /* what can be sealed can be opened into a buffer of its size */
    struct buffer small;
    buffer_init(&small, 100);
    buffer_clear(&f->sealed);
    assert_true(secret_seal(f->key, TEXT("p"), (struct text){bytes, 100}, &f->sealed, &error));
    assert_true(secret_open(f->key, TEXT("p"), buffer_text(&f->sealed), &small, &error));
    assert_int_equal(small.size, 100);
    buffer_fini(&small);
}

static void test_keys_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        NULL, "", "abc", KEY "0", "0" KEY, "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {""};
        assert_null(secret_key_parse(bad[i], &error));
        assert_non_null(strstr(error.text, "64 hexadecimal digits"));
        if (bad[i] != NULL && *bad[i] != '\0')
            assert_null(strstr(error.text, bad[i])); /* a key that is nearly correct is secret, too */
    }
}

/* While the master key is being changed: the first key seals, and all can open. */
static void test_several_keys(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct secret_key *both = secret_key_parse(" " OTHER "\r\n" KEY ";\n", &error);
    assert_non_null(both);
    assert_true(secret_seal(f->key, TEXT("p"), TEXT("hello"), &f->sealed, &error));
    assert_true(secret_open(both, TEXT("p"), buffer_text(&f->sealed), &f->opened, &error));
    assert_true(text_equal(buffer_text(&f->opened), TEXT("hello")));
    assert_memory_not_equal(f->sealed.data + 1, secret_key_id(both).data, SECRET_KEY_ID_SIZE);

    buffer_clear(&f->sealed);
    assert_true(secret_seal(both, TEXT("p"), TEXT("hello"), &f->sealed, &error));
    assert_memory_equal(f->sealed.data + 1, secret_key_id(both).data, SECRET_KEY_ID_SIZE);
    assert_stays_shut(f, f->key, "p", buffer_text(&f->sealed));
    assert_true(secret_open(f->other, TEXT("p"), buffer_text(&f->sealed), &f->opened, &error));

    /* its key, without opening it */
    assert_int_equal(secret_key_count(both), 2);
    assert_memory_equal(secret_key_nth_id(both, 0).data, secret_key_id(f->other).data, SECRET_KEY_ID_SIZE);
    assert_memory_equal(secret_key_nth_id(both, 1).data, secret_key_id(f->key).data, SECRET_KEY_ID_SIZE);
    assert_true(secret_is_foreign(f->key, buffer_text(&f->sealed)));
    assert_false(secret_is_foreign(f->other, buffer_text(&f->sealed)));
    f->sealed.data[f->sealed.size - 1] ^= 1; /* changed, but still under our key */
    assert_false(secret_is_foreign(both, buffer_text(&f->sealed)));
    assert_false(secret_is_foreign(f->key, TEXT("no sealed value")));
    secret_key_free(&both);
}

static void test_several_keys_refused(void **state)
{
    (void)state;
    struct error error;
    assert_null(secret_key_parse(KEY " " OTHER " 012", &error));
    assert_non_null(strstr(error.text, "old key number 2"));
    assert_null(strstr(error.text, "012"));
    char nine[9 * sizeof KEY + 1] = "";
    for (int i = 0; i < 9; i++)
        strcat(nine, KEY ",");
    assert_null(secret_key_parse(nine, &error));
    assert_non_null(strstr(error.text, "more than 8"));
    nine[8 * sizeof KEY] = '\0';
    struct secret_key *eight = secret_key_parse(nine, &error);
    assert_non_null(eight);
    secret_key_free(&eight);
}

static void test_wipe(void **state)
{
    struct fixture *f = *state;
    buffer_append(&f->opened, "hello", 5);
    secret_wipe(&f->opened);
    assert_int_equal(f->opened.size, 0);
    for (size_t i = 0; i < f->opened.capacity; i++)
        assert_int_equal(f->opened.data[i], 0);
    struct buffer empty;
    buffer_init(&empty, 10);
    secret_wipe(&empty);
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(test_round_trip),   WITH_KEYS(test_never_the_same_twice),        WITH_KEYS(test_stays_shut),
        WITH_KEYS(test_bounds),       cmocka_unit_test(test_keys_refused),         WITH_KEYS(test_wipe),
        WITH_KEYS(test_several_keys), cmocka_unit_test(test_several_keys_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
