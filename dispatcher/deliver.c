#include "deliver.h"

#include <stdlib.h>

#include "flush_gather.h"
#include "park.h"
#include "resolve.h"
#include "send.h"

#define TICK SPAN_MS(50)
#define WAITING_MIN 64
#define WAITING_WINDOWS 8 /* windows that may wait in memory: enough for a fast webhook, and a bound for a slow one */

struct deliverer {
    struct dispatcher *d;
    struct destination_list waiting; /* destinations that may have waiting deliveries; one reference each */
    struct timer tick;

    bool held_back;    /* a delivery waits for its account's share of young-max */
    uint64_t aged;     /* deliveries_aged() when the waiting deliveries were last tried */
    struct timer wake; /* when one more request is no longer young */
};

static void watch(struct dispatcher *d, struct destination *destination)
{
    if (destination->is_waiting)
        return;
    destination->is_waiting = true;
    destination->references++;
    TAILQ_INSERT_TAIL(&d->deliverer->waiting, destination, waiting_link);
}

static void unwatch(struct dispatcher *d, struct destination *destination)
{
    invariant(TAILQ_EMPTY(&destination->waiting));
    TAILQ_REMOVE(&d->deliverer->waiting, destination, waiting_link);
    destination->is_waiting = false;
    destination_release(d, &destination);
}

bool deliver_has_share(const struct dispatcher *d, int32_t account_id)
{
    return deliveries_have_share(d, account_id) && memory_has_share(d, account_id) && flush_has_share(d, account_id);
}

static bool may_start(struct dispatcher *d, const struct delivery *delivery)
{
    struct destination *destination = delivery->destination;
    if (window_room(&destination->window, destination->in_flight, loop_now(d->loop)) <= 0 ||
        !deliver_has_share(d, destination->account_id))
        return false;
    if (deliveries_may_start(d, destination->account_id, delivery->has_row))
        return true;
    d->deliverer->held_back = true;
    return false;
}

void deliver_offer(struct dispatcher *d, struct destination *destination, struct delivery *delivery)
{
    invariant(delivery->state == DELIVERY_NEW && delivery->destination == destination);
    int most = (int)destination->window.size * WAITING_WINDOWS;
    bool open = mono_before(loop_now(d->loop), destination->window.open_until);
    if (destination->waiting_count == 0 && may_start(d, delivery) && resolve_ready(d, destination)) {
        send_start(d, delivery);
    } else if (delivery->has_row || (!open && !d->draining && memory_has_share(d, destination->account_id) &&
                                     destination->waiting_count < (most > WAITING_MIN ? most : WAITING_MIN))) {
        delivery_move(d, delivery, DELIVERY_WAITING);
        watch(d, destination);
        deliver_pump(d, destination);
    } else {
        park_delivery(d, delivery);
    }
}

void deliver_pump(struct dispatcher *d, struct destination *destination)
{
    if (TAILQ_EMPTY(&destination->waiting) || !destination_is_enabled(destination))
        return;
    if (!resolve_ready(d, destination)) {
        resolve_ask(d, destination);
        return;
    }
    destination->references++;
    while (!TAILQ_EMPTY(&destination->waiting) && may_start(d, TAILQ_FIRST(&destination->waiting)))
        send_start(d, TAILQ_FIRST(&destination->waiting));
    destination_release(d, &destination);
}

/* A destination that has started something goes behind the others, so that all take turns. */
static void try_held_back(struct dispatcher *d)
{
    struct destination_list *waiting = &d->deliverer->waiting;
    struct destination *last = TAILQ_LAST(waiting, destination_list), *destination = NULL, *next = TAILQ_FIRST(waiting);
    while (next != NULL && destination != last) {
        destination = next;
        next = TAILQ_NEXT(destination, waiting_link);
        int before = destination->waiting_count;
        deliver_pump(d, destination);
        if (destination->waiting_count < before) {
            TAILQ_REMOVE(waiting, destination, waiting_link);
            TAILQ_INSERT_TAIL(waiting, destination, waiting_link);
        }
    }
}

void deliver_work(struct dispatcher *d)
{
    struct deliverer *deliverer = d->deliverer;
    if (deliverer->held_back && deliverer->aged != deliveries_aged(d)) {
        deliverer->aged = deliveries_aged(d);
        deliverer->held_back = false;
        try_held_back(d);
    }
    if (deliverer->held_back || !deliveries_may_start_event(d))
        timer_set(d->loop, &deliverer->wake, deliveries_age_at(d));
}

static void cancel_waiting(struct dispatcher *d, struct destination *destination)
{
    struct delivery *delivery;
    const char *reason = destination_cancel_reason(destination);
    destination->references++;
    while ((delivery = TAILQ_FIRST(&destination->waiting)) != NULL) {
        if (delivery->has_row)
            flush_settle(d, delivery, NULL);
        if (delivery->has_row || delivery->passage->kind != PASSAGE_SKIPPED)
            flush_cancel(d, delivery->passage, destination->webhook_id, delivery->cause, reason);
        park_end(d, delivery);
    }
    destination_release(d, &destination);
}

static void park_waiting_since(struct dispatcher *d, struct destination *destination, struct span limit)
{
    struct delivery *delivery, *next;
    for (delivery = TAILQ_FIRST(&destination->waiting); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, link);
        if (mono_since(loop_now(d->loop), delivery->since).ns < limit.ns)
            return;
        park_delivery(d, delivery);
    }
}

void deliver_stopped(struct dispatcher *d, struct destination *destination)
{
    invariant(!destination_is_enabled(destination));
    if (destination->webhook->status == WEBHOOK_UNLOADED)
        park_waiting_since(d, destination, (struct span){0});
    else
        cancel_waiting(d, destination);
}

/* The tick ------------------------------------------------------------------ */

/* Returns how long a delivery of the account may stay in memory. An account that has used up its share of the memory,
 * or of the attempts not yet committed, is parked after one tick, so that it does not hold what other accounts need. */
static struct span limit_of(const struct dispatcher *d, int32_t account_id)
{
    bool pressed = !memory_has_share(d, account_id) || !flush_has_share(d, account_id);
    return pressed && TICK.ns < d->settings->park_after.ns ? TICK : d->settings->park_after;
}

/* Starts deliveries that waited for a share of their account: the account may have given something back. */
static void look_at_waiting(struct dispatcher *d, bool all)
{
    struct destination *destination, *next;
    for (destination = TAILQ_FIRST(&d->deliverer->waiting); destination != NULL; destination = next) {
        next = TAILQ_NEXT(destination, waiting_link);
        if (!all)
            deliver_pump(d, destination);
        park_waiting_since(d, destination, all ? (struct span){0} : limit_of(d, destination->account_id));
        if (TAILQ_EMPTY(&destination->waiting))
            unwatch(d, destination);
    }
}

static void tick(struct dispatcher *d)
{
    struct delivery *delivery, *next;
    look_at_waiting(d, false);
    for (delivery = TAILQ_FIRST(deliveries_in_flight(d)); delivery != NULL; delivery = next) {
        struct span age = mono_since(loop_now(d->loop), delivery->since);
        next = TAILQ_NEXT(delivery, link);
        if (age.ns < TICK.ns && age.ns < d->settings->park_after.ns)
            break; /* the oldest come first */
        if (delivery->state == DELIVERY_IN_FLIGHT && age.ns >= limit_of(d, delivery->destination->account_id).ns)
            park_in_flight(d, delivery);
    }
}

static void woken(void *owner)
{
    (void)owner; /* deliver_work() runs in every turn */
}

static void ticked(void *owner)
{
    struct deliverer *deliverer = owner;
    struct dispatcher *d = deliverer->d;
    tick(d);
    timer_set(d->loop, &deliverer->tick, mono_add(loop_now(d->loop), TICK));
}

void deliver_park_all(struct dispatcher *d)
{
    look_at_waiting(d, true);
}

struct deliverer *deliverer_new(struct dispatcher *d, struct error *error)
{
    struct deliverer *deliverer = calloc(1, sizeof *deliverer);
    if (deliverer == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    deliverer->d = d;
    deliverer->tick = (struct timer){.fire = ticked, .owner = deliverer};
    deliverer->wake = (struct timer){.fire = woken};
    TAILQ_INIT(&deliverer->waiting);
    timer_set(d->loop, &deliverer->tick, loop_now(d->loop));
    return deliverer;
}

void deliverer_free(struct deliverer **deliverer)
{
    struct deliverer *old = *deliverer;
    struct destination *destination;
    if (old == NULL)
        return;
    while ((destination = TAILQ_FIRST(&old->waiting)) != NULL) {
        while (!TAILQ_EMPTY(&destination->waiting))
            delivery_end(old->d, TAILQ_FIRST(&destination->waiting));
        unwatch(old->d, destination);
    }
    timer_cancel(old->d->loop, &old->tick);
    timer_cancel(old->d->loop, &old->wake);
    free(old);
    *deliverer = NULL;
}
