/* Which addresses requests may go to: each range of IANA's special-purpose registries, and their neighbours. */
#include "net/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

static bool allows(const struct guard *guard, const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return guard_allows(guard, (const struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return guard_allows(guard, (const struct sockaddr *)&six);
}

static struct guard *make(const char *networks, const char *ports)
{
    struct error error;
    struct guard *guard = guard_new(networks, "", ports, &error);
    assert_non_null(guard);
    return guard;
}

/* The tables are lists that tests in Python read, too. */
static void test_tables(void **state)
{
    (void)state;
    struct guard *guard = make("", "80,443");
    char line[TABLE_LINE];
    int refused = 0, passed = 0;
    for (FILE *table = table_open(TABLES "/forbidden-addresses"); table_next(&table, line); refused++)
        if (allows(guard, line))
            fail_msg("%s should not be allowed", line);
    for (FILE *table = table_open(TABLES "/public-addresses"); table_next(&table, line); passed++)
        if (!allows(guard, line))
            fail_msg("%s should be allowed", line);
    assert_true(refused >= 150 && passed >= 50);
    guard_free(&guard);
    assert_null(guard);
}

static void expect(const struct guard *guard, bool wanted, const char *const *addresses)
{
    for (; *addresses != NULL; addresses++)
        if (allows(guard, *addresses) != wanted)
            fail_msg("%s should%s be allowed", *addresses, wanted ? "" : " not");
}

static void test_opened(void **state)
{
    (void)state;
    static const char *const open[] = {"127.0.0.1", "::ffff:127.9.9.9", "10.1.2.3", "fd00::5", "10.9.128.1", NULL};
    static const char *const shut[] = {"10.2.0.1", "::1", "fd01::5", "192.168.0.1", "10.9.0.1", NULL};
    struct guard *guard = make("127.0.0.0/8,10.1.2.3,fd00::/16,10.9.128.0/17", "any");
    expect(guard, true, open);
    expect(guard, false, shut);
    guard_free(&guard);
}

/* A denied address stays denied although it is public, and although it is allowed. */
static void test_closed(void **state)
{
    (void)state;
    static const char *const open[] = {"127.0.0.1", "8.8.4.4", "2001:4860:4860::8888", NULL};
    static const char *const shut[] = {"127.0.0.2", "8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111", NULL};
    struct error error;
    struct guard *guard = guard_new("127.0.0.0/8", "127.0.0.2,8.8.8.0/24,2606:4700::/32", "any", &error);
    assert_non_null(guard);
    expect(guard, true, open);
    expect(guard, false, shut);
    guard_free(&guard);
    assert_null(guard_new("", "10.0.0.0/99", "any", &error));
    assert_non_null(strstr(error.text, "--deny-networks: '10.0.0.0/99'"));
}

static void test_other_families(void **state)
{
    (void)state;
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct guard *guard = make("0.0.0.0/0,::/0", "any");
    assert_false(guard_allows(guard, &local));
    guard_free(&guard);
}

static void test_ports(void **state)
{
    (void)state;
    struct guard *guard = make("", "80,8443");
    assert_true(guard_allows_port(guard, 80) && guard_allows_port(guard, 8443));
    assert_false(guard_allows_port(guard, 443) || guard_allows_port(guard, 0) || guard_allows_port(guard, 8));
    guard_free(&guard);
    guard = make("", "any");
    assert_true(guard_allows_port(guard, 1) && guard_allows_port(guard, 65535));
    guard_free(&guard);
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const struct {
        const char *networks, *ports, *said;
    } table[] = {
        {"10.0.0.0/33", "80", "10.0.0.0/33"},
        {"10.0.0/8", "80", "10.0.0/8"},
        {"10.0.0.0/", "80", "10.0.0.0/"},
        {"10.0.0.0/8x", "80", "10.0.0.0/8x"},
        {"10.0.0.0/-1", "80", "10.0.0.0/-1"},
        {"::/129", "80", "::/129"},
        {"here", "80", "here"},
        {"", "0", "0"},
        {"", "65536", "65536"},
        {"", "http", "http"},
        {"", "80,", "''"},
        {"", "80;443", "80;443"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct error error = {0};
        struct guard *guard = guard_new(table[i].networks, "", table[i].ports, &error);
        if (guard != NULL)
            fail_msg("'%s' and '%s' are taken", table[i].networks, table[i].ports);
        assert_non_null(strstr(error.text, table[i].said));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables),         cmocka_unit_test(test_closed),
                                       cmocka_unit_test(test_opened),         cmocka_unit_test(test_ports),
                                       cmocka_unit_test(test_other_families), cmocka_unit_test(test_bad_settings)};
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
