/* The limit on requests in flight to one destination: a window that grows with successes and shrinks with failures and
 * slow answers, and a breaker. Pure arithmetic; the caller passes the time.
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
    double size; /* requests that may be in flight; at least 1 */
    double max;
    enum breaker breaker;
    int failures;           /* in a row */
    struct span pause;      /* of the breaker; each failed probe doubles it */
    struct mono open_until; /* breaker open, or a pause requested (429, Retry-After): nothing starts earlier */
    unsigned opened;        /* how often the breaker opened; earlier requests are not the probe */
    bool probing;           /* half open, and the probe is in flight */
};

#define WINDOW_START 16
#define BREAKER_FAILURES 10
#define BREAKER_PAUSE_FIRST SPAN_S(5)
#define BREAKER_PAUSE_MAX SPAN_S(300)
#define WINDOW_SLOW SPAN_S(2)

void window_init(struct window *window, double max);

/* The webhook was enabled or changed: the window and the breaker begin anew. The failure of a request that started
 * before this call is not counted. */
void window_renew(struct window *window);

/* Returns how many more requests may start now, with `in_flight` in flight. Moves the breaker from OPEN to HALF_OPEN
 * when its pause is over. */
int window_room(struct window *window, int in_flight, struct mono now);

/* Must be called when a request starts. Pass the result to window_success() or window_failure() when the request ends:
 * a request that started before the breaker opened and ends late says nothing about the probe. */
unsigned window_started(struct window *window);

void window_success(struct window *window, unsigned started, struct span took);
void window_failure(struct window *window, unsigned started, struct mono now);

/* Another dispatcher saw the webhook fail: start with a window of 1, as after an open breaker. */
void window_doubt(struct window *window);

/* The destination asked for a pause. */
void window_hold(struct window *window, struct mono until);
