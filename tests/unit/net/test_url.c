/* URLs: what may be called, and what the guard says before a name is resolved. */
#include "net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void shapes(void **state)
{
    static const char *const good[] = {"http://example.com", "https://example.com:8443/a?b=c", "HTTPS://EXAMPLE.com/",
                                       "http://[2606:4700::1111]/", "https://xn--grn-yna.example/"};
    static const char *const bad[] = {"",
                                      "example",
                                      "ftp://example.com/",
                                      "http://",
                                      "https://u@example.com/",
                                      "https://u:p@example.com/",
                                      "https://example.com/#a",
                                      "https://example.com/a b",
                                      "https://example.com/\r\nx",
                                      "http://example.com:0x/",
                                      "http://example.com:99999/",
                                      "mailto:a@b.c"};
    struct error error;
    char *large = malloc(URL_MAX + 20);
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(url_check(good[i], &error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(url_check(bad[i], &error));
    memset(large, 'a', URL_MAX + 20);
    memcpy(large, "https://a/", 10);
    large[URL_MAX] = '\0';
    assert_true(url_check(large, &error));
    large[URL_MAX] = 'a';
    large[URL_MAX + 1] = '\0';
    assert_false(url_check(large, &error));
    assert_non_null(strstr(error.text, "2048"));
    free(large);
}

static void guarded(void **state)
{
    static const char *const closed[] = {
        "http://127.0.0.1/", "http://127.1/",           "http://0x7f000001/",      "http://2130706433/",
        "http://10.1.2.3/",  "http://169.254.169.254/", "http://[::1]/",           "http://[::ffff:10.0.0.1]/",
        "http://localhost/", "http://a.LocalHost./",    "https://example.com:22/", "http://8.8.8.8:8080/"};
    static const char *const open[] = {"http://example.com/",   "https://example.com/",
                                       "http://8.8.8.8/",       "https://[2606:4700::1111]/",
                                       "https://notlocalhost/", "https://localhost.example.com/"};
    struct error error;
    struct guard *guard = guard_new("", "80,443", &error), *opened = guard_new("127.0.0.0/8", "any", &error);
    (void)state;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        assert_false(url_check_guard(closed[i], guard, &error));
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_true(url_check_guard(open[i], guard, &error));
    assert_true(url_check_guard("http://localhost:8080/", opened, &error));
    assert_true(url_check_guard("http://127.0.0.1:9/", opened, &error));
    assert_false(url_check_guard("http://10.0.0.1/", opened, &error));
    guard_free(&guard);
    guard_free(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(guarded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
