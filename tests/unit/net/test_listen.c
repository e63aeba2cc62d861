/* Addresses on which a program listens, as operators write them. */
#include "net/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void good(void **state)
{
    struct sockaddr_storage address;
    struct error error;
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&address;
    (void)state;
    assert_true(listen_parse("listen", "127.0.0.1:9100", &address, &error));
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(ntohs(four->sin_port), 9100);
    assert_string_equal(inet_ntop(AF_INET, &four->sin_addr, text, sizeof text), "127.0.0.1");
    assert_true(listen_parse("listen", ":80", &address, &error));
    assert_int_equal(four->sin_addr.s_addr, INADDR_ANY);
    assert_true(listen_parse("listen", "[::1]:65535", &address, &error));
    assert_int_equal(address.ss_family, AF_INET6);
    assert_int_equal(ntohs(six->sin6_port), 65535);
    assert_string_equal(inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text), "::1");
}

static void bad(void **state)
{
    static const char *const texts[] = {
        "",
        "9100",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:80abc",
        "127.0.0.1:000080",
        "127.0.0.1:-1",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[127.0.0.1]:80",
        "localhost:80",
        "1.2.3:x:80",
        "[]:80",
        "]:80",
        "127.0.0.1: 80",
        "127.0.0.1:0x50",
        "127.0.0.1:999999999999",
        "[::1]]:80",
        "a:b:80",
    };
    struct sockaddr_storage address;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error error = {0};
        if (listen_parse("monitor", texts[i], &address, &error))
            fail_msg("'%s' was taken", texts[i]);
        assert_non_null(strstr(error.text, "--monitor: '"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
