/* The function that maps every result of libcurl and HTTP to an outcome, as a table; and the schedule. */
#include "outcome.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CAP SPAN_S(3600)

struct expected {
    struct result result;
    struct verdict verdict;
};

static void check(const struct expected *expected)
{
    struct result result = expected->result;
    if (result.detail == NULL)
        result.detail = "";
    struct verdict verdict = outcome_of(&result, CAP);
    assert_string_equal(verdict.error, expected->verdict.error);
    assert_int_equal(verdict.delivered, expected->verdict.delivered);
    assert_int_equal(verdict.slow_down, expected->verdict.slow_down);
    assert_int_equal(verdict.gone, expected->verdict.gone);
    assert_int_equal(verdict.pause.ns, expected->verdict.pause.ns);
}

static void test_answers(void **state)
{
    (void)state;
    static const struct expected table[] = {
        {{.status = 200}, {.delivered = true}},
        {{.status = 299, .retry_after = {1000000000}},
         {.delivered = true}}, /* the status is a success: the rest of the response does not matter */
        {{.status = 199}, {.error = "answered 199"}},
        {{.status = 300}, {.error = "answered 300: redirects are not followed"}},
        {{.status = 301}, {.error = "answered 301: redirects are not followed"}},
        {{.status = 399}, {.error = "answered 399: redirects are not followed"}},
        {{.status = 400}, {.error = "answered 400"}},
        {{.status = 410}, {.error = "answered 410", .gone = true}},
        {{.status = 429}, {.error = "answered 429", .slow_down = true}},
        {{.status = 429, .retry_after = {60000000000}},
         {.error = "answered 429", .slow_down = true, .pause = {60000000000}}},
        {{.status = 503, .retry_after = {60000000000}},
         {.error = "answered 503", .slow_down = true, .pause = {60000000000}}},
        {{.status = 503, .retry_after = {7200000000000}},
         {.error = "answered 503", .slow_down = true, .pause = {3600000000000}}},
        {{.status = 500}, {.error = "answered 500"}},
        {{.status = 999}, {.error = "answered 999"}},
        {{.status = 0}, {.error = "answered 0"}}, /* impossible, and not a delivery */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(&table[i]);
}

/* libcurl's message is not quoted if the account stores nothing that might come from a receiver. */
static void test_quiet(void **state)
{
    (void)state;
    struct result result = {.code = CURLE_OPERATION_TIMEDOUT, .detail = "after 2 s", .quiet = true};
    assert_string_equal(outcome_of(&result, CAP).error, "timed out");
    result.code = CURLE_COULDNT_CONNECT;
    assert_string_equal(outcome_of(&result, CAP).error, curl_easy_strerror(CURLE_COULDNT_CONNECT));
}

static void test_failures(void **state)
{
    (void)state;
    static const struct expected table[] = {
        {{.code = CURLE_COULDNT_RESOLVE_HOST}, {.error = "the host name could not be resolved"}},
        {{.code = CURLE_COULDNT_CONNECT, .os_errno = ECONNREFUSED}, {.error = "cannot connect: Connection refused"}},
        {{.code = CURLE_COULDNT_CONNECT, .detail = "Failed somehow"}, {.error = "Failed somehow"}},
        {{.code = CURLE_COULDNT_CONNECT, .refused_by_guard = true},
         {.error = "the address is not allowed: it is not public"}},
        {{.code = CURLE_OPERATION_TIMEDOUT, .detail = "after 2 s"}, {.error = "timed out: after 2 s"}},
        {{.code = CURLE_GOT_NOTHING}, {.error = "the connection was closed without a response"}},
        {{.code = CURLE_RECV_ERROR, .status = 200}, {.error = "the connection was reset while the response was read"}},
        {{.code = CURLE_RECV_ERROR, .proxy_status = 403},
         {.error = "the proxy refused to connect: its response has the status 403"}},
        {{.code = CURLE_RECV_ERROR, .proxy_status = 200, .status = 200},
         {.error = "the connection was reset while the response was read"}},
        {{.code = CURLE_RECV_ERROR,
          .status = 200,
          .detail = "Illegal or missing hexadecimal sequence in chunked-encoding"},
         {.error = "the chunks of the response are invalid"}},
        {{.code = CURLE_OUT_OF_MEMORY},
         {.error = "a line of the response's head is too long, or there is no memory for it"}},
        {{.code = CURLE_WRITE_ERROR, .status = 100, .excess = EXCESS_HEAD},
         {.error = "the response's headers are too long or too many (status 100)"}},
        {{.code = CURLE_SEND_ERROR}, {.error = "the connection was reset while the request was sent"}},
        {{.code = CURLE_PARTIAL_FILE, .status = 200},
         {.error = "the connection was closed in the middle of the response"}},
        {{.code = CURLE_WEIRD_SERVER_REPLY}, {.error = "the response is not HTTP"}},
        {{.code = CURLE_GOT_NOTHING, .plain = true},
         {.error =
              "the connection was closed without a response; if the port speaks TLS, the URL must begin with https"}},
        {{.code = CURLE_RECV_ERROR, .plain = true, .status = 200},
         {.error = "the connection was reset while the response was read"}},
        {{.code = CURLE_WRITE_ERROR, .status = 200, .excess = EXCESS_BODY},
         {.error = "the response is too long (status 200)"}},
        {{.code = CURLE_OK, .status = 200, .excess = EXCESS_BODY}, {.error = "the response is too long (status 200)"}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(&table[i]);
}

/* The errors of OpenSSL and libcurl for TLS, in words; tests/system/test_tls.py tests most of them with real servers.
 */
static void test_tls(void **state)
{
    (void)state;
    static const char other_name[] = "the server's certificate is for another host name";
    static const struct expected table[] = {
        {{.code = CURLE_PEER_FAILED_VERIFICATION, .verify = X509_V_ERR_CERT_HAS_EXPIRED},
         {.error = "the server's certificate has expired"}},
        {{.code = CURLE_PEER_FAILED_VERIFICATION,
          .verify = X509_V_ERR_UNSPECIFIED,
          .detail = "SSL: no alternative certificate subject name matches target host name 'a'"},
         {.error = "the server's certificate is for another host name"}},
        {{.code = CURLE_PEER_FAILED_VERIFICATION,
          .verify = X509_V_ERR_UNSPECIFIED,
          .detail = "SSL: no alternative certificate subject name matches target ipv4 address '127.0.0.1'"},
         {.error = "the server's certificate is for another host name"}},
        {{.code = CURLE_SSL_CONNECT_ERROR,
          .detail = "TLS connect error: error:0A000410:SSL routines::ssl/tls alert handshake failure"},
         {.error = "the server refused the handshake: no cipher in common, or it requires a client certificate"}},
        {{.code = CURLE_PEER_FAILED_VERIFICATION, .verify = X509_V_ERR_PATH_LENGTH_EXCEEDED},
         {.error = "the server's certificate could not be verified: path length constraint exceeded"}},
        {{.code = CURLE_SSL_CERTPROBLEM}, {.error = "the webhook's client certificate or its key cannot be used"}},
        {{.code = CURLE_SSL_CLIENTCERT}, {.error = "the server requires a client certificate"}},
        {{.code = CURLE_RECV_ERROR, .detail = "OpenSSL SSL_read: error:0A00045C:SSL routines::x, errno 0"},
         {.error = "the server requires a client certificate"}},
        {{.code = CURLE_RECV_ERROR, .own_certificate = true, .detail = "error:0A000418:SSL routines::x"},
         {.error = "the server refused the client certificate"}},
        {{.code = CURLE_RECV_ERROR, .detail = "error:0A000126:SSL routines::unexpected eof while reading"},
         {.error = "the connection was reset while the response was read"}},
        {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "error:0A000458:SSL routines::x"},
         {.error = "the server does not know the host name"}},
        {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "error:0A000438:SSL routines::tlsv1 alert internal error"},
         {.error = "the TLS handshake failed: tlsv1 alert internal error"}},
        {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "error:0A000126:SSL routines::x"},
         {.error = "the connection was closed in the TLS handshake"}},
        {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "Recv failure: Connection reset by peer"},
         {.error = "the connection was reset in the TLS handshake"}},
        {{.code = CURLE_SSL_CONNECT_ERROR}, {.error = "the connection was closed in the TLS handshake"}},
        {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "error:nonsense"},
         {.error = "the connection was closed in the TLS handshake"}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(&table[i]);
    /* every result of OpenSSL has words */
    for (long verify = 0; verify < 200; verify++) {
        struct result result = {.code = CURLE_PEER_FAILED_VERIFICATION, .verify = verify, .detail = ""};
        struct verdict verdict = outcome_of(&result, CAP);
        bool is_name = verify == X509_V_ERR_HOSTNAME_MISMATCH || verify == X509_V_ERR_IP_ADDRESS_MISMATCH;
        assert_true(strlen(verdict.error) > 0);
        assert_int_equal(strcmp(verdict.error, other_name) == 0, is_name);
    }
}

/* Any future result of libcurl: not delivered, and a text that is not empty. */
static void test_total(void **state)
{
    (void)state;
    for (int code = CURLE_OK + 1; code <= CURL_LAST + 5; code++) {
        struct result result = {.code = (CURLcode)code, .status = 200, .detail = ""};
        struct verdict verdict = outcome_of(&result, CAP);
        assert_false(verdict.delivered || verdict.gone || verdict.slow_down);
        assert_true(strlen(verdict.error) > 0);
    }
}

static void test_long_detail_is_cut(void **state)
{
    (void)state;
    char detail[CURL_ERROR_SIZE];
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    struct result result = {.code = CURLE_OPERATION_TIMEDOUT, .detail = detail};
    struct verdict verdict = outcome_of(&result, CAP);
    assert_int_equal(strlen(verdict.error), sizeof verdict.error - 1);
}

static void test_schedule(void **state)
{
    (void)state;
    const struct span schedule[] = {SPAN_S(10), SPAN_S(100)};
    struct span pause;
    assert_true(outcome_pause(schedule, 2, 1, 0.5, &pause));
    assert_int_equal(pause.ns, SPAN_S(10).ns);
    assert_true(outcome_pause(schedule, 2, 1, 0, &pause));
    assert_int_equal(pause.ns, SPAN_S(8).ns);
    assert_true(outcome_pause(schedule, 2, 2, 1, &pause));
    assert_int_equal(pause.ns, SPAN_S(120).ns);
    assert_false(outcome_pause(schedule, 2, 3, 0.5, &pause)); /* three attempts: that was the last */
    assert_false(outcome_pause(schedule, 2, 1000000, 0.5, &pause));
    assert_false(outcome_pause(schedule, 2, 0, 0.5, &pause));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_quiet),   cmocka_unit_test(test_tls),
                                       cmocka_unit_test(test_total),   cmocka_unit_test(test_long_detail_is_cut),
                                       cmocka_unit_test(test_schedule)};
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
