#include "park.h"

#include "base/fault.h"
#include "flush_gather.h"

#define TIMEOUT_MARGIN SPAN_S(5)

void park_settled(struct dispatcher *d, struct destination *destination)
{
    lease_settle(&destination->lease, flush_next_seq(d));
    flush_touch(d); /* the flush must end, even with nothing to write */
}

void park_end(struct dispatcher *d, struct delivery *delivery)
{
    struct destination *destination = delivery->destination;
    bool from_backlog = delivery->passage->from_backlog;
    destination->references++;
    delivery_end(d, delivery);
    if (from_backlog)
        park_settled(d, destination);
    destination_release(d, &destination);
}

void park_delivery(struct dispatcher *d, struct delivery *delivery)
{
    invariant(delivery->state == DELIVERY_NEW || delivery->state == DELIVERY_WAITING);
    if (!delivery->has_row && delivery->passage->kind != PASSAGE_SKIPPED)
        flush_park(d, delivery, delivery->attempts, destination_held_until(d, delivery->destination));
    park_end(d, delivery);
    fault_point("after-park");
}

void park_in_flight(struct dispatcher *d, struct delivery *delivery)
{
    invariant(delivery->state == DELIVERY_IN_FLIGHT);
    struct wall due = wall_add(wall_add(delivery->started, d->settings->request_timeout), TIMEOUT_MARGIN);
    if (delivery->has_row || delivery->passage->kind == PASSAGE_SKIPPED)
        return;
    flush_park(d, delivery, delivery->attempts, due);
    delivery->has_row = true;
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
        if (delivery->state == DELIVERY_WAITING)
            delivery_end(d, delivery);
    }
}
