#include "park.h"

#include <stdlib.h>

#include "base/fault.h"
#include "flush.h"
#include "passage.h"
#include "retry.h"
#include "send.h"

#define TICK SPAN_MS(50)
#define TIMEOUT_MARGIN SPAN_S(5)

struct parker {
    struct destination_list waiting; /* destinations for which something may wait; one reference each */
    struct timer tick;
    struct dispatcher *d;
};

static void tick_fired(void *owner)
{
    struct parker *parker = owner;
    park_tick(parker->d);
    timer_set(parker->d->loop, &parker->tick, mono_add(loop_now(parker->d->loop), TICK));
}

struct parker *parker_new(struct dispatcher *d, struct error *error)
{
    struct parker *parker = calloc(1, sizeof *parker);
    if (parker == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    parker->d = d;
    parker->tick = (struct timer){.fire = tick_fired, .owner = parker};
    TAILQ_INIT(&parker->waiting);
    timer_set(d->loop, &parker->tick, loop_now(d->loop));
    return parker;
}

static void unwatch(struct parker *parker, struct destination *destination)
{
    TAILQ_REMOVE(&parker->waiting, destination, waiting_link);
    destination->is_waiting = false;
    destination_release(parker->d, &destination);
}

void parker_free(struct parker **parker)
{
    struct parker *old = *parker;
    struct destination *destination;
    if (old == NULL)
        return;
    while ((destination = TAILQ_FIRST(&old->waiting)) != NULL) {
        while (!TAILQ_EMPTY(&destination->waiting))
            send_end_delivery(old->d, TAILQ_FIRST(&destination->waiting));
        unwatch(old, destination);
    }
    timer_cancel(old->d->loop, &old->tick);
    free(old);
    *parker = NULL;
}

void park_watch(struct dispatcher *d, struct destination *destination)
{
    if (destination->is_waiting)
        return;
    destination->is_waiting = true;
    destination->references++;
    TAILQ_INSERT_TAIL(&d->parker->waiting, destination, waiting_link);
}

void park_end(struct dispatcher *d, struct delivery *delivery)
{
    struct destination *destination = delivery->destination;
    bool from_backlog = delivery->passage->from_backlog;
    destination->references++;
    send_end_delivery(d, delivery);
    if (from_backlog)
        retry_settled(d, destination);
    destination_release(d, &destination);
}

void park_delivery(struct dispatcher *d, struct delivery *delivery)
{
    if (!delivery->has_row && delivery->passage->kind != PASSAGE_SKIPPED)
        flush_park(d, delivery, delivery->attempts, destination_held_until(d, delivery->destination));
    delivery->passage->open--;
    park_end(d, delivery);
    fault_point("after-park");
}

/* Its row is due after its time-out has certainly passed; whatever it is answered settles the row. */
static void park_in_flight(struct dispatcher *d, struct delivery *delivery)
{
    struct wall due = wall_add(wall_add(delivery->started, d->settings->request_timeout), TIMEOUT_MARGIN);
    if (delivery->has_row || delivery->passage->kind == PASSAGE_SKIPPED)
        return;
    flush_park(d, delivery, delivery->attempts, due);
    delivery->has_row = true;
    delivery->passage->open--;
    delivery_move(d, delivery, DELIVERY_PARKED_IN_FLIGHT);
}

void park_passage(struct dispatcher *d, struct passage *passage)
{
    struct delivery *delivery, *next;
    passage->references++;
    for (delivery = TAILQ_FIRST(&passage->deliveries); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, passage_link);
        if (delivery->state == DELIVERY_WAITING)
            park_delivery(d, delivery);
        else if (delivery->state == DELIVERY_IN_FLIGHT)
            park_in_flight(d, delivery);
    }
    passage_release(d, passage);
}

void park_drop_waiting(struct dispatcher *d, struct passage *passage)
{
    struct delivery *delivery, *next;
    for (delivery = TAILQ_FIRST(&passage->deliveries); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, passage_link);
        if (delivery->state == DELIVERY_WAITING) {
            passage->open--;
            send_end_delivery(d, delivery);
        }
    }
}

/* An account that has used up its share of the memory, or of the attempts not yet committed, does not keep what others
 * need: what it has in memory waits in PostgreSQL. */
static struct span limit_of(const struct dispatcher *d, int32_t account_id)
{
    bool pressed = !memory_has_share(d, account_id) || !flush_has_share(d, account_id);
    return pressed && TICK.ns < d->settings->park_after.ns ? TICK : d->settings->park_after;
}

/* What waits for a share of its account starts here: the account may have given something back. */
static void park_waiting(struct dispatcher *d, bool all)
{
    struct destination *destination, *next;
    for (destination = TAILQ_FIRST(&d->parker->waiting); destination != NULL; destination = next) {
        next = TAILQ_NEXT(destination, waiting_link);
        if (!all)
            destination_pump(d, destination);
        destination_park_waiting(d, destination, all ? (struct span){0} : limit_of(d, destination->account_id));
        if (TAILQ_EMPTY(&destination->waiting))
            unwatch(d->parker, destination);
    }
}

void park_tick(struct dispatcher *d)
{
    struct delivery *delivery, *next;
    park_waiting(d, false);
    for (delivery = TAILQ_FIRST(send_in_flight(d)); delivery != NULL; delivery = next) {
        struct span age = mono_since(loop_now(d->loop), delivery->since);
        next = TAILQ_NEXT(delivery, link);
        if (age.ns < TICK.ns && age.ns < d->settings->park_after.ns)
            break; /* the oldest come first */
        if (delivery->state == DELIVERY_IN_FLIGHT && age.ns >= limit_of(d, delivery->destination->account_id).ns)
            park_in_flight(d, delivery);
    }
}

void park_all(struct dispatcher *d)
{
    park_waiting(d, true);
}
