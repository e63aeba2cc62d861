#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS_A_TURN 256

TAILQ_HEAD(timer_list, timer);

struct loop {
    int epoll;
    struct mono now;
    struct timer_list timers; /* sorted by due time; there are about a dozen, so a list is enough */
    struct watch **watches;   /* by descriptor */
    size_t watch_count;
};

struct loop *loop_new(struct error *error)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    TAILQ_INIT(&loop->timers);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        error_set(error, "epoll_create1: %s", strerror(errno));
        free(loop);
        return NULL;
    }
    loop->now = mono_now();
    return loop;
}

void loop_free(struct loop **loop)
{
    if (*loop == NULL)
        return;
    close((*loop)->epoll);
    free((*loop)->watches);
    free(*loop);
    *loop = NULL;
}

struct mono loop_now(const struct loop *loop)
{
    return loop->now;
}

static bool remember(struct loop *loop, struct watch *watch)
{
    size_t fd = (size_t)watch->fd;
    if (fd >= loop->watch_count) {
        size_t count = fd + 64;
        struct watch **watches = realloc(loop->watches, count * sizeof(struct watch *));
        if (watches == NULL)
            return false;
        memset(watches + loop->watch_count, 0, (count - loop->watch_count) * sizeof(struct watch *));
        loop->watches = watches;
        loop->watch_count = count;
    }
    loop->watches[fd] = watch;
    return true;
}

bool loop_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    watch->fd = fd;
    if (!remember(loop, watch)) {
        watch->fd = -1;
        return false;
    }
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    loop->watches[fd] = NULL;
    watch->fd = -1;
    return false;
}

void loop_change(struct loop *loop, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = watch->fd};
    epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (watch->fd < 0)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    loop->watches[watch->fd] = NULL;
    watch->fd = -1;
}

void timer_set(struct loop *loop, struct timer *timer, struct mono due)
{
    timer_cancel(loop, timer);
    timer->due = due;
    timer->armed = true;
    struct timer *before; /* from the end: most timers are due later than all others */
    TAILQ_FOREACH_REVERSE(before, &loop->timers, timer_list, link)
    if (!mono_before(due, before->due)) {
        TAILQ_INSERT_AFTER(&loop->timers, before, timer, link);
        return;
    }
    TAILQ_INSERT_HEAD(&loop->timers, timer, link);
}

void timer_cancel(struct loop *loop, struct timer *timer)
{
    if (timer->armed)
        TAILQ_REMOVE(&loop->timers, timer, link);
    timer->armed = false;
}

/* Rounds up, so that the loop does not spin during the last fraction of a millisecond. */
static int wait_ms(const struct loop *loop, struct span longest)
{
    struct timer *first = TAILQ_FIRST(&loop->timers);
    int64_t ns = longest.ns;
    if (first != NULL && mono_since(first->due, mono_now()).ns < ns)
        ns = mono_since(first->due, mono_now()).ns;
    return ns <= 0 ? 0 : (int)((ns + 999999) / 1000000);
}

static void fire_timers(struct loop *loop)
{
    struct timer *timer;
    while ((timer = TAILQ_FIRST(&loop->timers)) != NULL && !mono_before(loop->now, timer->due)) {
        timer_cancel(loop, timer);
        timer->fire(timer->owner);
    }
}

void loop_turn(struct loop *loop, struct span longest)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(loop->epoll, events, EVENTS_A_TURN, wait_ms(loop, longest));
    loop->now = mono_now();
    for (int i = 0; i < count; i++) {
        struct watch *watch = loop->watches[events[i].data.fd];
        if (watch != NULL)
            watch->ready(watch->owner, events[i].events);
    }
    fire_timers(loop);
}
