/* Responses of webhooks: for every response, the limits apply, and the recorded result is one of the outcomes with its
 * words.
 *
 * An input is everything that the server sends before it closes. libcurl reads it from a socket, as it is set up in
 * the dispatcher, but with small bounds, so that inputs get beyond them. */
#include "answer.h"

#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "outcome.h"

#define KEEP 32
#define MOST 256
#define PAUSE_MOST SPAN_S(3600)

static curl_socket_t on_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    (void)address;
    return *(int *)owner;
}

static int on_socket(void *owner, curl_socket_t fd, curlsocktype purpose)
{
    (void)owner;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static CURL *new_request(struct answer *answer, int *fd, char detail[static CURL_ERROR_SIZE])
{
    CURL *easy = curl_easy_init();
    ENSURE(easy != NULL);
    curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fd);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    answer_attach(answer, easy);
    return easy;
}

static void check(const struct answer *answer, const struct result *result)
{
    struct verdict verdict = outcome_of(result, PAUSE_MOST);
    ENSURE(answer->kept.size <= KEEP && !answer->kept.failed && answer->kept.size <= answer->body);
    ENSURE(answer->body <= MOST || answer->excess == EXCESS_BODY);
    ENSURE((answer->head <= ANSWER_HEAD_MAX && answer->lines <= ANSWER_LINES_MAX) || answer->excess == EXCESS_HEAD);
    ENSURE(verdict.delivered == (verdict.error[0] == '\0'));
    ENSURE(!verdict.delivered || (result->code == CURLE_OK && result->excess == EXCESS_NONE && result->status >= 200 &&
                                  result->status < 300));
    ENSURE(!verdict.gone || result->status == 410);
    ENSURE(verdict.pause.ns >= 0 && verdict.pause.ns <= PAUSE_MOST.ns);
    ENSURE(memchr(verdict.error, '\0', sizeof verdict.error) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    char detail[CURL_ERROR_SIZE] = "";
    struct answer answer;
    ENSURE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    size = size < 65536 ? size : 65536; /* what the socket's buffer accepts */
    ENSURE(write(ends[1], data, size) == (ssize_t)size && shutdown(ends[1], SHUT_WR) == 0);
    answer_init(&answer, KEEP, MOST);
    CURL *easy = new_request(&answer, &ends[0], detail);
    answer_begin(&answer);
    CURLcode code = curl_easy_perform(easy);
    struct result result = answer_result(&answer, easy, code);
    result.detail = detail;
    check(&answer, &result);
    curl_easy_cleanup(easy);
    answer_fini(&answer);
    close(ends[1]);
    return 0;
}
