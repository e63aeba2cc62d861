/* X-Forwarded-For: read from the end, as long as the addresses are those of trusted proxies. */
#include "address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct address address_from(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct address address;
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        assert_true(address_set(&address, (const struct sockaddr *)&four));
    else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
        assert_true(address_set(&address, (const struct sockaddr *)&six));
    return address;
}

static void test_forwarded(void **state)
{
    static const struct {
        const char *peer, *lines[3], *address;
    } cases[] = {
        {"10.0.0.1", {"192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"6.6.6.6, 192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"6.6.6.6", "192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"192.0.2.7", "6.6.6.6, 10.0.0.2"}, "6.6.6.6"},
        {"10.0.0.1", {"192.0.2.7, 10.0.0.3", "10.0.0.2"}, "192.0.2.7"},
        {"10.0.0.1", {"10.0.0.4, 10.0.0.3", "10.0.0.2"}, "10.0.0.4"},
        {"10.0.0.1", {"192.0.2.7:4711"}, "192.0.2.7"},
        {"10.0.0.1", {"2001:db8::7"}, "2001:db8::7"},
        {"10.0.0.1", {"[2001:db8::7]"}, "2001:db8::7"},
        {"10.0.0.1", {"[2001:db8::7]:4711"}, "2001:db8::7"},
        {"10.0.0.1", {"::ffff:192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"\t 192.0.2.7 \t,, "}, "192.0.2.7"},
        {"10.0.0.1", {"192.0.2.7, unknown"}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7, _hidden, 10.0.0.2"}, "10.0.0.2"},
        {"10.0.0.1", {"192.0.2.7:x"}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7:"}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7/8"}, "10.0.0.1"},
        {"10.0.0.1", {"[192.0.2.7]"}, "10.0.0.1"},
        {"10.0.0.1", {"[2001:db8::7"}, "10.0.0.1"},
        {"10.0.0.1", {"[2001:db8::7]4711"}, "10.0.0.1"},
        {"10.0.0.1", {""}, "10.0.0.1"},
        {"10.0.0.1", {","}, "10.0.0.1"},
        {"192.0.2.1", {"6.6.6.6"}, "192.0.2.1"},
        {"fd00::1", {"6.6.6.6, fd00::2"}, "6.6.6.6"},
    };
    struct networks proxies = {.count = 0};
    struct error error;
    (void)state;
    assert_true(networks_read(&proxies, "--forwarded-for", "10.0.0.0/8,fd00::/8", &error));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address = address_from(cases[i].peer);
        size_t count = 0;
        while (count < 3 && cases[i].lines[count] != NULL)
            count++;
        address_forwarded(&address, &proxies, cases[i].lines, count);
        assert_string_equal(address.text, cases[i].address);
    }
}

static void test_holders(void **state)
{
    struct address one = address_from("2001:db8:1:2::1"), same = address_from("2001:db8:1:2:ffff::9"),
                   other = address_from("2001:db8:1:3::1"), four = address_from("192.0.2.1"),
                   mapped = address_from("::ffff:192.0.2.1"), fifth = address_from("192.0.2.2"),
                   loopback = address_from("::1");
    (void)state;
    assert_true(address_holder(&one) == address_holder(&same));
    assert_true(address_holder(&one) != address_holder(&other));
    assert_true(address_holder(&four) == address_holder(&mapped));
    assert_true(address_holder(&four) != address_holder(&fifth));
    assert_true(address_holder(&loopback) > UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forwarded), cmocka_unit_test(test_holders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
