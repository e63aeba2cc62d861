/* What an attempt came to: one total function from every result of libcurl and HTTP to an outcome. */
#pragma once
#include <curl/curl.h>

#include "base/clock.h"

/* In the audit: delivered, retry, gave_up. */
enum outcome { OUTCOME_DELIVERED = 'd', OUTCOME_RETRY = 'r', OUTCOME_GAVE_UP = 'g' };

/* Which bound an answer went beyond. */
enum excess { EXCESS_NONE, EXCESS_BODY, EXCESS_HEAD };

/* What libcurl and we know of a finished request. */
struct result {
    CURLcode code;
    long status;           /* of the last response; 0: none came */
    long proxy_status;     /* of the proxy's answer to CONNECT; 0: none was asked */
    long os_errno;         /* of a connect that failed */
    bool refused_by_guard; /* the address is not allowed */
    enum excess excess;
    bool own_certificate;    /* the request had a client certificate */
    bool plain;              /* the URL says http */
    long verify;             /* OpenSSL's result for the server's certificate */
    struct span retry_after; /* 0: the header was absent */
    const char *detail;      /* libcurl's own words; may be "" */
    bool quiet;              /* they may not be quoted: the account keeps nothing that might come from a receiver */
};

struct verdict {
    bool delivered;
    bool slow_down;    /* 429, or a Retry-After: nothing to this webhook for `pause` */
    bool gone;         /* 410 */
    struct span pause; /* least time before the next attempt, from Retry-After (capped) */
    char error[200];   /* "" when delivered */
};

struct verdict outcome_of(const struct result *result, struct span retry_after_max);

/* The pause before attempt number `made + 1`, jittered by a fifth with `random` (0 to 1). False when the schedule is
 * over: gave up. */
bool outcome_pause(const struct span *schedule, size_t count, int made, double random, struct span *pause);
