#include "window.h"

#include "base/invariant.h"

void window_init(struct window *window, double max)
{
    *window =
        (struct window){.size = max < WINDOW_START ? max : WINDOW_START, .max = max, .pause = BREAKER_PAUSE_FIRST};
}

void window_renew(struct window *window)
{
    unsigned opened = window->opened + 1;
    window_init(window, window->max);
    window->opened = opened;
}

int window_room(struct window *window, int in_flight, struct mono now)
{
    if (mono_before(now, window->open_until))
        return 0;
    if (window->breaker == BREAKER_OPEN) {
        window->breaker = BREAKER_HALF_OPEN;
        window->size = 1;
    }
    if (window->breaker == BREAKER_HALF_OPEN) /* in addition to earlier requests that are still in flight */
        return window->probing ? 0 : 1;
    invariant(in_flight >= 0 && window->size >= 1 && window->size <= window->max);
    int room = (int)window->size - in_flight;
    return room > 0 ? room : 0;
}

unsigned window_started(struct window *window)
{
    window->probing = window->breaker == BREAKER_HALF_OPEN;
    return window->opened;
}

void window_success(struct window *window, unsigned started, struct span took)
{
    if (started == window->opened)
        window->probing = false;
    if (window->breaker == BREAKER_HALF_OPEN) { /* recovered: grow from 1 */
        window->breaker = BREAKER_CLOSED;
        window->pause = BREAKER_PAUSE_FIRST;
    }
    invariant(started <= window->opened);
    window->failures = 0;
    if (took.ns < WINDOW_SLOW.ns)
        window->size += window->size < WINDOW_START ? 0.5 : 1;
    else
        window->size -= window->size / 16;
    if (window->size > window->max)
        window->size = window->max;
    if (window->size < 1)
        window->size = 1;
}

void window_failure(struct window *window, unsigned started, struct mono now)
{
    if (started != window->opened) /* it started before the breaker last opened, and was not the probe */
        return;
    window->failures++;
    window->size = window->size > 2 ? window->size / 2 : 1;
    bool probe_failed = window->breaker == BREAKER_HALF_OPEN;
    if (!probe_failed && window->failures < BREAKER_FAILURES)
        return;
    if (probe_failed)
        window->pause.ns = window->pause.ns * 2 > BREAKER_PAUSE_MAX.ns ? BREAKER_PAUSE_MAX.ns : window->pause.ns * 2;
    invariant(window->breaker != BREAKER_OPEN);
    window->breaker = BREAKER_OPEN;
    window->opened++;
    window->probing = false;
    window->open_until = mono_add(now, window->pause);
}

void window_doubt(struct window *window)
{
    window->size = 1;
}

void window_hold(struct window *window, struct mono until)
{
    if (mono_before(window->open_until, until))
        window->open_until = until;
}
