/* What an attempt came to: one total function from every result of libcurl and HTTP to an outcome. */
#pragma once
#include "result.h"

/* In the audit: delivered, retry, gave_up. */
enum outcome { OUTCOME_DELIVERED = 'd', OUTCOME_RETRY = 'r', OUTCOME_GAVE_UP = 'g' };

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
