/* Loop: the event loop: one thread, epoll, and timers. Everything in a program happens in a callback from loop_turn().
 *
 * A watch or timer belongs to the struct that embeds it. Its owner may remove it at any time, also in a callback:
 * events of the same turn for a descriptor that is no longer watched are dropped. */
#pragma once
#include <sys/epoll.h>
#include <sys/queue.h>

#include "base/clock.h"

struct loop;

struct watch {
    void (*ready)(void *owner, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
    void *owner;
    int fd;
};

struct timer {
    void (*fire)(void *owner);
    void *owner;
    struct mono due;
    bool armed;
    TAILQ_ENTRY(timer) link;
};

struct loop *loop_new(struct error *error) MUST_USE;
void loop_free(struct loop **loop);

/* The clock, read at the start of this turn. */
struct mono loop_now(const struct loop *loop);

/* Watches a descriptor (level-triggered); one watch per descriptor. Returns false if epoll fails. */
bool loop_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events) MUST_USE;
void loop_change(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

/* Sets or moves a timer; it fires once, at or after `due`. */
void timer_set(struct loop *loop, struct timer *timer, struct mono due);
void timer_cancel(struct loop *loop, struct timer *timer);

/* Waits for events or timers, at most `longest`, and calls the callbacks. */
void loop_turn(struct loop *loop, struct span longest);
