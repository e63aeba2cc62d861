/* Responses of receivers, opened in the JSON that shows them. */
#include "store/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct secret_key *key_of(unsigned char byte)
{
    unsigned char bytes[SECRET_KEY_SIZE];
    memset(bytes, byte, sizeof bytes);
    struct secret_key *key = secret_key_new(bytes);
    assert_non_null(key);
    return key;
}

/* Marked as posthorn.response_bytes() does. */
static json_t *marked(struct secret_key *key, struct text plain)
{
    struct buffer sealed;
    struct error error;
    char text[4096] = "\tsealed\t";
    buffer_init(&sealed, 1024);
    assert_true(secret_seal(key, RESPONSE_PLACE, plain, &sealed, &error));
    text_to_hex((const unsigned char *)sealed.data, sealed.size, text + strlen(text));
    buffer_fini(&sealed);
    return json_string(text);
}

static void test_shown(void **state)
{
    (void)state;
    static const struct {
        struct text plain;
        const char *shown;
    } table[] = {
        {TEXT("plain \xc3\xa4\n\t"), "plain \xc3\xa4\n\t"},
        {TEXT("nul \0"), "nul \\000"},
        {TEXT("bad \xff \\"), "bad \\377 \\\\"},
        {TEXT("\x1b[2J \xc2\x9b\x7f"), "\xef\xbf\xbd[2J \xef\xbf\xbd\xef\xbf\xbd"},
    };
    struct secret_key *key = key_of(1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *tree = json_pack("{s:[{s:o, s:s}]}", "attempts", "response_body", marked(key, table[i].plain), "error",
                                 "answered 500");
        assert_true(response_is_sealed(tree));
        response_open(tree, key);
        const json_t *attempt = json_array_get(json_object_get(tree, "attempts"), 0);
        assert_string_equal(json_string_value(json_object_get(attempt, "response_body")), table[i].shown);
        assert_string_equal(json_string_value(json_object_get(attempt, "error")), "answered 500");
        assert_false(response_is_sealed(tree));
        json_decref(tree);
    }
    secret_key_free(&key);
}

static void test_what_does_not_open_is_null(void **state)
{
    (void)state;
    struct secret_key *key = key_of(1), *other = key_of(2);
    struct secret_key *const keys[] = {NULL, other};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *tree = json_pack("{s:o, s:s}", "last_error", marked(key, TEXT("x")), "error", "\tsealed\tzz");
        response_open(tree, keys[i]);
        assert_true(json_is_null(json_object_get(tree, "last_error")));
        assert_true(json_is_null(json_object_get(tree, "error")));
        json_decref(tree);
    }
    secret_key_free(&key);
    secret_key_free(&other);
}

static void test_other_members_are_left_alone(void **state)
{
    (void)state;
    struct secret_key *key = key_of(1);
    json_t *tree = json_pack("{s:o, s:s, s:i}", "label", marked(key, TEXT("x")), "error", "sealed", "attempt", 1);
    json_t *before = json_deep_copy(tree);
    assert_false(response_is_sealed(tree));
    response_open(tree, key);
    assert_true(json_equal(tree, before));
    json_decref(tree);
    json_decref(before);
    secret_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shown), cmocka_unit_test(test_what_does_not_open_is_null),
                                       cmocka_unit_test(test_other_members_are_left_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
