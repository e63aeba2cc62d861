/* Answer: the response of a webhook, read within bounds by libcurl's callbacks.
 *
 * Of the body, only the part for the audit is kept; the rest is only counted. The head is counted and not kept: the
 * lines of all responses to a request (any number of 1xx, the final one, trailers) count together. The request ends
 * when a bound is exceeded. The bound on time is request-timeout, which libcurl applies. An answer is attached to one
 * easy handle for its whole life. */
#pragma once
#include <curl/curl.h>

#include "base/buffer.h"
#include "result.h"

#define ANSWER_HEAD_MAX (32 << 10) /* bytes; common servers limit it to 8 to 16 KiB */
#define ANSWER_LINES_MAX 256

struct answer {
    struct buffer kept; /* the beginning of the body */
    size_t body_max;    /* bytes */
    size_t body, head;  /* bytes read so far */
    int lines;
    enum excess excess;
};

/* Keeps up to `keep` bytes of a body and reads up to `max`. */
void answer_init(struct answer *answer, size_t keep, size_t max);
void answer_fini(struct answer *answer);

/* Sets the handle's options so that it reads into the answer. */
void answer_attach(struct answer *answer, CURL *easy);

/* Must be called before each request on the handle. */
void answer_begin(struct answer *answer);

/* Returns what libcurl and the dispatcher know about a finished request. The caller sets `detail` and
 * `refused_by_guard`. */
struct result answer_result(const struct answer *answer, CURL *easy, CURLcode code);
