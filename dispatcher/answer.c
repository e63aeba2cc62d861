#include "answer.h"

#define RETRY_AFTER_MOST (365LL * 86400) /* seconds; retry-after-max limits it further */

static size_t on_body(char *data, size_t one, size_t size, void *owner)
{
    struct answer *answer = owner;
    size_t room = answer->kept.max - answer->kept.size;
    (void)one;
    buffer_append(&answer->kept, data, size < room ? size : room);
    answer->body += size;
    if (answer->body <= answer->body_max)
        return size;
    answer->excess = EXCESS_BODY;
    return 0;
}

/* Called for each line of a head, and of the trailers after a chunked body. */
static size_t on_head(char *data, size_t one, size_t size, void *owner)
{
    struct answer *answer = owner;
    (void)data;
    (void)one;
    answer->head += size;
    answer->lines++;
    if (answer->head <= ANSWER_HEAD_MAX && answer->lines <= ANSWER_LINES_MAX)
        return size;
    answer->excess = EXCESS_HEAD;
    return 0;
}

void answer_init(struct answer *answer, size_t keep, size_t max)
{
    *answer = (struct answer){.body_max = max};
    buffer_init(&answer->kept, keep);
}

void answer_fini(struct answer *answer)
{
    buffer_fini(&answer->kept);
}

void answer_attach(struct answer *answer, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L); /* never requested; keep the bytes as received */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer);
}

void answer_begin(struct answer *answer)
{
    buffer_clear(&answer->kept);
    answer->body = answer->head = 0;
    answer->lines = 0;
    answer->excess = EXCESS_NONE;
}

struct result answer_result(const struct answer *answer, CURL *easy, CURLcode code)
{
    struct result result = {.code = code, .excess = answer->excess, .detail = ""};
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result.status);
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &result.proxy_status);
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &result.os_errno);
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
        result.retry_after = SPAN_S(retry_after > RETRY_AFTER_MOST ? RETRY_AFTER_MOST : retry_after);
    return result;
}
