/* JSON Web Tokens: tokens that we write, the token of the RFC, and texts that must not be accepted. */
#include "jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct text key = TEXT("0123456789abcdef0123456789abcdef");

static bool is_read(const char *token)
{
    json_t *claims = jwt_read(text_of(token), key);
    json_decref(claims);
    return claims != NULL;
}

static void test_written_is_read(void **state)
{
    (void)state;
    json_t *claims = json_pack("{s:s, s:I}", "session_id", "\u00e4?>", "exp", (json_int_t)4102444800);
    char *token = jwt_write(claims, key);
    assert_non_null(token);
    json_t *read = jwt_read(text_of(token), key);
    assert_true(json_equal(read, claims));
    json_decref(read);
    assert_null(jwt_read(text_of(token), TEXT("another key")));
    for (size_t i = 0; token[i] != '\0'; i++) { /* no character may be changed */
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        assert_false(is_read(token));
        token[i] = was;
    }
    assert_true(is_read(token));
    free(token);
    json_decref(claims);
}

/* RFC 7515, appendix A.1. */
static void test_the_rfcs_own(void **state)
{
    (void)state;
    static const unsigned char rfc_key[] = {
        3,   35, 53,  75, 43,  15,  165, 188, 131, 126, 6,   101, 119, 123, 166, 143, 90,  179, 40,  230, 240, 84,
        201, 40, 169, 15, 132, 178, 210, 80,  46,  191, 211, 251, 90,  146, 210, 6,   71,  239, 150, 138, 180, 195,
        119, 98, 61,  34, 61,  46,  33,  114, 5,   46,  79,  8,   192, 205, 154, 245, 103, 208, 128, 163};
    json_t *claims = jwt_read(TEXT("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
                                   ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                                   "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
                                   ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                              (struct text){(const char *)rfc_key, sizeof rfc_key});
    assert_string_equal(json_string_value(json_object_get(claims, "iss")), "joe");
    json_decref(claims);
}

static void test_what_is_no_token(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "eyJhbGciOiJub25lIn0.e30.", /* {"alg":"none"} */
        "eyJhbGciOiJub25lIn0.e30.AAAA",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.=",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.A",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(is_read(bad[i]));
}

/* Other headers and claims, signed with the right key. */
static void test_signed_but_not_ours(void **state)
{
    (void)state;
    json_t *claims = json_pack("{s:s}", "alg", "none"); /* as a header, it would select no signature */
    char *token = jwt_write(claims, key), *dot = strchr(token, '.'), swapped[512];
    *dot = '\0';
    char *second = dot + 1;
    *strchr(second, '.') = '\0';
    snprintf(swapped, sizeof swapped, "%s.%s.%s", second, token, second + strlen(second) + 1);
    assert_false(is_read(swapped));
    free(token);
    json_decref(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_written_is_read), cmocka_unit_test(test_the_rfcs_own),
                                       cmocka_unit_test(test_what_is_no_token),
                                       cmocka_unit_test(test_signed_but_not_ours)};
    return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
