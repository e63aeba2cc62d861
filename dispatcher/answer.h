/* Answer: what comes back from a webhook, read within bounds by libcurl's callbacks.
 *
 * Of the body only what the audit keeps is kept; the rest is counted. The head is counted and not kept: the lines of
 * every response of a request (any number of 1xx, the last one, trailers) together. What exceeds a bound ends the
 * request. Time has its bound elsewhere (request-timeout). An answer is attached to one easy handle for life. */
#pragma once
#include <curl/curl.h>

#include "base/buffer.h"
#include "result.h"

#define ANSWER_HEAD_MAX (32 << 10) /* bytes; servers' own limits are 8 to 16 KiB */
#define ANSWER_LINES_MAX 256

struct answer {
    struct buffer kept; /* the beginning of the body */
    size_t body_max;    /* bytes */
    size_t body, head;  /* bytes read so far */
    int lines;
    enum excess excess;
};

/* Keeps `keep` bytes of a body, reads `max`. */
void answer_init(struct answer *answer, size_t keep, size_t max);
void answer_fini(struct answer *answer);

/* Sets what the handle needs to read into it. */
void answer_attach(struct answer *answer, CURL *easy);

/* Before each request over the handle. */
void answer_begin(struct answer *answer);

/* What libcurl and we know of a finished request; its `detail` and `refused_by_guard` are the caller's. */
struct result answer_result(const struct answer *answer, CURL *easy, CURLcode code);
