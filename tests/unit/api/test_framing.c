/* Where requests begin and end: the same result however the bytes arrive. */
#include "framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"

/* Feeds the bytes in pieces. *passed includes the bytes that are skipped; *ends counts requests; returns the status of
 * the refusal, or 0. */
static unsigned feed(const char *bytes, size_t size, size_t piece, size_t *passed, int *ends)
{
    struct framing framing = {0};
    size_t there = 0;
    *passed = 0;
    *ends = 0;
    while (there < size) {
        there = there + piece < size ? there + piece : size;
        for (;;) {
            struct framing_step step =
                framing_next(&framing, bytes + *passed, there - *passed, there - *passed >= FRAMING_HEAD_MAX);
            if (step.status != 0)
                return step.status;
            *passed += step.skip + step.size;
            *ends += step.ends;
            if (step.size == 0)
                break;
        }
    }
    return 0;
}

static void check(const char *bytes, unsigned status, int requests)
{
    static const size_t pieces[] = {1, 2, 3, 7, 1000};
    size_t size = strlen(bytes), passed;
    int ends;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        unsigned found = feed(bytes, size, pieces[i], &passed, &ends);
        if (found != status || ends != requests || (status == 0 && passed != size))
            fail_msg("in pieces of %zu: status %u, %d requests, %zu of %zu bytes: %s", pieces[i], found, ends, passed,
                     size, bytes);
    }
}

static void test_requests_that_are_taken(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1);
    check("GET / HTTP/1.0\r\n\r\n", 0, 1);
    check("GET /a?b=%00 HTTP/1.1\r\nhost:\r\nA: \xc3\xa9\t\r\nB:\r\n\r\nGET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0,
          2);
    check(HEAD "Content-Length: 5\r\n\r\nhello" HEAD "Content-Length: 0\r\n\r\n", 0, 2);
    check(HEAD "Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\nA;b=\"c d\"\r\n0123456789\r\n0\r\nA: b\r\n\r\n" HEAD
               "\r\n",
          0, 2);
    check(HEAD "Content-Length: 5\r\n\r\nhell", 0, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 1);
}

/* libmicrohttpd 1.0 rejects extensions of chunks, and does not respond to invalid trailers. */
static void test_what_the_parser_gets(void **state)
{
    static const char bytes[] =
        HEAD "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\nD: e\r\n\r\n" HEAD "\r\n";
    static const char wanted[] = HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nD: e\r\n\r\n" HEAD "\r\n";
    static const char bad[] = HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nA b\r\n\r\n";
    char got[sizeof bytes] = "";
    struct framing framing = {0};
    struct framing_step step;
    size_t size = 0;
    (void)state;
    for (size_t at = 0; at < sizeof bytes - 1; at += step.skip + step.size) {
        step = framing_next(&framing, bytes + at, sizeof bytes - 1 - at, false);
        assert_int_not_equal(step.size, 0);
        memcpy(got + size, bytes + at + step.skip, step.size);
        size += step.size;
    }
    assert_string_equal(got, wanted);
    framing = (struct framing){0};
    size = 0;
    while (step = framing_next(&framing, bad + size, sizeof bad - 1 - size, false), step.size > 0)
        size += step.skip + step.size;
    assert_int_equal(step.status, 400);
    assert_int_equal(size, strlen(HEAD "Transfer-Encoding: chunked\r\n\r\n0"));
}

static void test_requests_that_are_refused(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\n\r\n", 400, 0);
    check("GET / HTTP/1.1\nHost: a\r\n\r\n", 400, 0);
    check("GET / HTTP/2.0\r\n\r\n", 505, 0);
    check(HEAD " folded\r\n\r\n", 400, 0);
    check(HEAD "A : b\r\n\r\n", 400, 0);
    check(HEAD "Host: b\r\n\r\n", 400, 0);
    check(HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, 0);
    check(HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 0);
    check(HEAD "Content-Length: 1000000000000000\r\n\r\n", 413, 0);
    check(HEAD "Transfer-Encoding: chunked, gzip\r\n\r\n", 501, 0);
    check("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n5\nhello", 400, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n", 400, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello", 400, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n;a\r\n", 400, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n123456789\r\n", 413, 0);
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n", 400, 0);
}

static void test_bounds(void **state)
{
    static char long_head[FRAMING_HEAD_MAX + 1];
    size_t passed;
    int ends;
    (void)state;
    memset(long_head, 'a', sizeof long_head - 1);
    memcpy(long_head, "GET /", 5);
    assert_int_equal(feed(long_head, FRAMING_HEAD_MAX, 1000, &passed, &ends), 414);
    memcpy(long_head, "GET / HTTP/1.1\r\n", 16);
    memcpy(long_head + 16, "Host: a\r\nA: ", 12);
    assert_int_equal(feed(long_head, FRAMING_HEAD_MAX, 1000, &passed, &ends), 431);
    assert_int_equal(passed, 0);
    for (size_t at = 25; at + 4 < FRAMING_HEAD_MAX; at += 4)
        memcpy(long_head + at, "A:\r\n", 4);
    assert_int_equal(feed(long_head, FRAMING_HEAD_MAX, 1000, &passed, &ends), 431);
}

static void test_nul(void **state)
{
    static const char bytes[] = HEAD "A: b\0c\r\n\r\n";
    size_t passed;
    int ends;
    (void)state;
    assert_int_equal(feed(bytes, sizeof bytes - 1, 1, &passed, &ends), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_that_are_taken),
        cmocka_unit_test(test_what_the_parser_gets),
        cmocka_unit_test(test_requests_that_are_refused),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
