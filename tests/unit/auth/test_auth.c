/* Credentials: keys are identified by their hash, passwords by argon2id, codes by RFC 6238, scopes by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/apikey.h"
#include "auth/password.h"
#include "auth/scope.h"
#include "auth/totp.h"

static void apikeys(void **state)
{
    struct apikey one, other;
    struct error error;
    unsigned char hash[APIKEY_HASH_SIZE];
    (void)state;
    assert_true(apikey_new(&one, &error));
    assert_true(apikey_new(&other, &error));
    assert_string_not_equal(one.text, other.text);
    assert_int_equal(strlen(one.text), 4 + 12 + 1 + 43);
    assert_int_equal(strlen(one.prefix), 4 + 12);
    assert_memory_equal(one.text, one.prefix, strlen(one.prefix));
    assert_true(apikey_hash(text_of(one.text), hash));
    assert_memory_equal(hash, one.hash, sizeof hash);
    one.text[20] ^= 1;
    assert_true(apikey_hash(text_of(one.text), hash));
    assert_memory_not_equal(hash, one.hash, sizeof hash);
}

static void passwords(void **state)
{
    char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
    struct error error;
    (void)state;
    assert_true(password_hash(TEXT("correct horse"), hash, &error));
    assert_true(password_hash(TEXT("correct horse"), again, &error));
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_string_not_equal(hash, again); /* each has its own salt */
    assert_true(password_matches(TEXT("correct horse"), hash));
    assert_false(password_matches(TEXT("correct horsf"), hash));
    assert_false(password_matches(TEXT(""), hash));
    assert_false(password_matches(TEXT("correct horse"), NULL));
    assert_false(password_matches(TEXT("correct horse"), "nonsense"));
    assert_false(password_hash(TEXT("too short"), hash, &error));
    assert_non_null(strstr(error.text, "12 to 1024"));
}

/* RFC 6238, appendix B (SHA-1), the last six of its eight digits. */
static void codes(void **state)
{
    static const struct {
        int64_t at;
        const char *code;
    } vectors[] = {
        {59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"}, {2000000000, "279037"}};
    struct text secret = TEXT("12345678901234567890");
    int64_t step;
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(totp_matches(secret, vectors[i].code, vectors[i].at, &step));
        assert_int_equal(step, vectors[i].at / 30);
        assert_true(totp_matches(secret, vectors[i].code, vectors[i].at + 30, &step)); /* a clock that is slow */
        assert_int_equal(step, vectors[i].at / 30);
        assert_false(totp_matches(secret, vectors[i].code, vectors[i].at + 90, &step));
    }
    assert_false(totp_matches(secret, "28708", 59, &step));
    assert_false(totp_matches(secret, "2870822", 59, &step));
    assert_false(totp_matches(secret, "", 59, &step));
}

static void second_factors(void **state)
{
    unsigned char one[TOTP_SECRET_SIZE], other[TOTP_SECRET_SIZE];
    char base32[TOTP_BASE32_SIZE];
    struct error error;
    (void)state;
    assert_true(totp_new(one, base32, &error));
    assert_int_equal(strlen(base32), 32);
    assert_true(totp_new(other, base32, &error));
    assert_memory_not_equal(one, other, sizeof one);
}

static void scopes(void **state)
{
    static const struct {
        const char *list;
        unsigned scopes;
    } good[] = {{"*", SCOPE_ALL},
                {"pcx:*", SCOPE_ALL},
                {"webhooks:*", SCOPE_ALL & ~SCOPE_PUBLISH},
                {"pcx:webhooks:*", SCOPE_ALL & ~SCOPE_PUBLISH},
                {"webhooks:read", SCOPE_READ},
                {"pcx:webhooks:create,webhooks:delete", SCOPE_CREATE | SCOPE_DELETE},
                {"webhooks:update, webhooks:trigger", SCOPE_UPDATE | SCOPE_TRIGGER},
                {"events:publish", SCOPE_PUBLISH}};
    static const char *const bad[] = {
        "", ",", "webhooks", "webhooks:", "webhooks:reader", "webhook:read", "cx:webhooks:read", "read", "**"};
    struct error error;
    unsigned found;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(scope_parse(good[i].list, &found, &error));
        assert_int_equal(found, good[i].scopes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(scope_parse(bad[i], &found, &error));
    assert_string_equal(scope_name(SCOPE_UPDATE, false), "webhooks:update");
    assert_string_equal(scope_name(SCOPE_UPDATE, true), "pcx:webhooks:update");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(apikeys), cmocka_unit_test(passwords), cmocka_unit_test(codes),
                                       cmocka_unit_test(second_factors), cmocka_unit_test(scopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
