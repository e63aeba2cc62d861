/* How much may be in flight to one destination: a window that grows with successes and shrinks with failures and
 * slowness, and a breaker. Pure arithmetic on the clock that is handed in.
 *
 *            10 failures in a row               the pause is over
 *   CLOSED ----------------------> OPEN --------------------------> HALF_OPEN (one probe)
 *      ^                            ^                                  |       |
 *      +----------------------------|---------------- success --------+       |
 *                                   +-------------------- failure -------------+  (pause doubled, up to 5 minutes)
 */
#pragma once
#include "base/clock.h"

enum breaker { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct window {
    double size; /* requests that may be in flight; 1 at least */
    double max;
    enum breaker breaker;
    int failures;           /* in a row */
    struct span pause;      /* of the breaker, doubled at each failed probe */
    struct mono open_until; /* breaker open, or slowed down (429, Retry-After): nothing starts before */
    unsigned opened;        /* how often the breaker has opened: what started before is no probe */
    bool probing;           /* half open, and the probe is under way */
};

#define WINDOW_START 16
#define BREAKER_FAILURES 10
#define BREAKER_PAUSE_FIRST SPAN_S(5)
#define BREAKER_PAUSE_MAX SPAN_S(300)
#define WINDOW_SLOW SPAN_S(2)

void window_init(struct window *window, double max);

/* The webhook was enabled or changed: begin anew. A failure of a request that is in flight from before does not count.
 */
void window_renew(struct window *window);

/* How many more may start now, with `in_flight` under way. Opens the breaker half when its pause is over. */
int window_room(struct window *window, int in_flight, struct mono now);

/* A request starts. Hand what this returns to the function that tells its end: what started before the breaker opened
 * and ends late says nothing about the probe. */
unsigned window_started(struct window *window);

void window_success(struct window *window, unsigned started, struct span took);
void window_failure(struct window *window, unsigned started, struct mono now);

/* Somebody else saw it fail: begin with one, as after a breaker. */
void window_doubt(struct window *window);

/* The destination asked for a pause. */
void window_hold(struct window *window, struct mono until);
