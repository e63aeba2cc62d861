/* URLs: which are allowed, and the decision of the guard before a name is resolved. */
#include "net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

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
        assert_true(url_read(good[i], NULL, &error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(url_read(bad[i], NULL, &error));
    memset(large, 'a', URL_MAX + 20);
    memcpy(large, "https://a/", 10);
    large[URL_MAX] = '\0';
    assert_true(url_read(large, NULL, &error));
    large[URL_MAX] = 'a';
    large[URL_MAX + 1] = '\0';
    assert_false(url_read(large, NULL, &error));
    assert_non_null(strstr(error.text, "2048"));
    free(large);
}

/* The check of the URL itself; the tables are lists that tests in Python read, too. */
static bool may_be_registered(const char *url, const struct guard *guard)
{
    struct url_target target;
    struct error error = {""};
    bool ok = url_read(url, &target, &error) && url_guard(&target, guard, &error);
    if (!ok && error.text[0] == '\0')
        fail_msg("%s is refused without a word", url);
    return ok;
}

static void tables(void **state)
{
    struct error error;
    struct guard *guard = guard_new("", "", "80,443", &error);
    char line[TABLE_LINE];
    int refused = 0, passed = 0;
    (void)state;
    for (FILE *table = table_open(TABLES "/forbidden-urls"); table_next(&table, line); refused++)
        if (may_be_registered(line, guard))
            fail_msg("%s should be refused", line);
    for (FILE *table = table_open(TABLES "/public-urls"); table_next(&table, line); passed++)
        if (!may_be_registered(line, guard))
            fail_msg("%s should pass", line);
    assert_true(refused >= 150 && passed >= 40);
    guard_free(&guard);
}

/* URLs that do not fit into a line: control characters anywhere, and names that are too long. */
static void hidden(void **state)
{
    static const char *const bad[] = {
        "http://127.0.0.1\t/",   "\thttp://example.com/",   "http://example.com/\n",        "http://exam\nple.com/",
        "ht\ntp://example.com/", "http://example.com\r\n/", "http://example.com/\x7f",      " http://example.com/",
        "http://example.com/ ",  "http://example.com/\x01", "http://example.com/\r\nX-A: b"};
    struct error error;
    char label[120], name[400] = "";
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(url_read(bad[i], NULL, &error));
    snprintf(label, sizeof label, "http://%064d.example/", 0);
    assert_false(url_read(label, NULL, &error));
    snprintf(label, sizeof label, "http://%063d.example/", 0);
    assert_true(url_read(label, NULL, &error));
    for (int i = 0; i < 130; i++)
        snprintf(name + strlen(name), sizeof name - strlen(name), i == 0 ? "http://a" : ".a");
    assert_false(url_read(name, NULL, &error));
    assert_non_null(strstr(error.text, "longer"));
}

static void read_parts(void **state)
{
    static const struct {
        const char *url, *host;
        int port, family;
    } table[] = {{"http://EXAMPLE.com/", "EXAMPLE.com", 80, AF_UNSPEC},
                 {"https://example.com./", "example.com.", 443, AF_UNSPEC},
                 {"https://0x08.8:8443/", "8.0.0.8", 8443, AF_INET},
                 {"http://[2606:4700:0::1111]:81/", "[2606:4700::1111]", 81, AF_INET6}};
    struct url_target target;
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_true(url_read(table[i].url, &target, &error));
        assert_string_equal(target.host, table[i].host);
        assert_int_equal(target.port, table[i].port);
        assert_int_equal(target.address.ss_family, table[i].family);
    }
}

static void opened(void **state)
{
    struct error error;
    struct guard *four = guard_new("127.0.0.0/8", "", "any", &error), *six = guard_new("::1", "", "any", &error);
    (void)state;
    assert_true(may_be_registered("http://localhost:8080/", four));
    assert_true(may_be_registered("http://localhost:8080/", six));
    assert_true(may_be_registered("http://127.0.0.1:9/", four));
    assert_false(may_be_registered("http://127.0.0.1:9/", six));
    assert_false(may_be_registered("http://10.0.0.1/", four));
    guard_free(&four);
    guard_free(&six);
}

static void characters_are_encoded_behind_the_host(void **state)
{
    static const char *const table[][2] = {
        {"https://h/\xc3\xa9?q=\xf0\x9f\x98\x80&r=%C3%A9", "https://h/%C3%A9?q=%F0%9F%98%80&r=%C3%A9"},
        {"https://h?\xc3\xa9", "https://h?%C3%A9"},
        {"https://h/a b%zz#\xc2\x80", "https://h/a b%zz#%C2%80"},
        {"https://\xc3\xa9/\xc3\xa9", "https://\xc3\xa9/%C3%A9"},
        {"\xc3\xa9", "\xc3\xa9"},
        {"", ""}};
    char out[URL_MAX + 1], large[URL_MAX + 2];
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_true(url_encode(table[i][0], out, &error));
        assert_string_equal(out, table[i][1]);
    }
    assert_false(url_encode("https://h/\xff", out, &error));
    assert_non_null(strstr(error.text, "UTF-8"));
    memset(large, 'a', sizeof large);
    memcpy(large, "https://h/", 10);
    large[URL_MAX] = '\0';
    assert_true(url_encode(large, out, &error));
    assert_string_equal(out, large);
    memcpy(large + URL_MAX - 2, "\xc3\xa9", 2);
    assert_false(url_encode(large, out, &error));
    assert_non_null(strstr(error.text, "2048"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes), cmocka_unit_test(tables),
        cmocka_unit_test(hidden), cmocka_unit_test(read_parts),
        cmocka_unit_test(opened), cmocka_unit_test(characters_are_encoded_behind_the_host)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
