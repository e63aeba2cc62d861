/* The outcome of an attempt: one total function from every result of libcurl and HTTP to an outcome. */
#pragma once
#include "result.h"

/* In the audit: delivered, retry, gave_up. */
enum outcome { OUTCOME_DELIVERED = 'd', OUTCOME_RETRY = 'r', OUTCOME_GAVE_UP = 'g' };

struct verdict {
    bool delivered;
    bool slow_down;    /* 429, or Retry-After: nothing is sent to this webhook for `pause` */
    bool gone;         /* 410 */
    struct span pause; /* minimum time before the next attempt, from Retry-After (capped) */
    char error[200];   /* "" when delivered */
};

struct verdict outcome_of(const struct result *result, struct span retry_after_max);

/* Computes the pause before attempt number `made + 1`, with a jitter of one fifth from `random` (0 to 1). Returns false
 * at the end of the schedule: the delivery has failed. */
bool outcome_pause(const struct span *schedule, size_t count, int made, double random, struct span *pause);
