#include "delivery.h"

#include <stdlib.h>

#include "addresses.h"
#include "base/memory.h"

#define YOUNG SPAN_MS(20)
#define POOL_MAX 4096
#define POOLED_SIZE_MAX 16384 /* bytes that a pooled delivery may keep */
#define OWN_BODY_MAX (80u << 20)

struct deliveries {
    struct delivery_list in_flight, pool;
    struct delivery *oldest_young;              /* those before it in `in_flight` are older than 20 ms */
    struct budget *share;                       /* of in-flight-max, by account */
    struct budget *young_fresh, *young_backlog; /* each of young-max, by account: new events do not wait for backlogs */
    int64_t pressure; /* young ones of new events; an account counts for at most a quarter of young-max */
    uint64_t aged;
    int pooled;
};

struct deliveries *deliveries_new(struct dispatcher *d, struct error *error)
{
    struct deliveries *deliveries = calloc(1, sizeof *deliveries);
    if (deliveries == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    TAILQ_INIT(&deliveries->in_flight);
    TAILQ_INIT(&deliveries->pool);
    if ((deliveries->share = budget_new(d->settings->in_flight_max)) == NULL ||
        (deliveries->young_fresh = budget_new(d->settings->young_max)) == NULL ||
        (deliveries->young_backlog = budget_new(d->settings->young_max)) == NULL) {
        error_set(error, "no memory");
        deliveries_free(&deliveries);
    }
    return deliveries;
}

static void delivery_free(struct delivery *delivery)
{
    curl_easy_cleanup(delivery->easy);
    buffer_fini(&delivery->own_body);
    answer_fini(&delivery->answer);
    free(delivery);
}

void deliveries_free(struct deliveries **deliveries)
{
    struct deliveries *old = *deliveries;
    struct delivery *delivery;
    if (old == NULL)
        return;
    invariant(TAILQ_EMPTY(&old->in_flight));
    while ((delivery = TAILQ_FIRST(&old->pool)) != NULL) {
        TAILQ_REMOVE(&old->pool, delivery, link);
        delivery_free(delivery);
    }
    budget_free(&old->share);
    budget_free(&old->young_fresh);
    budget_free(&old->young_backlog);
    free(old);
    *deliveries = NULL;
}

static struct delivery *take_from_pool(struct dispatcher *d)
{
    struct deliveries *deliveries = d->deliveries;
    struct delivery *delivery = TAILQ_FIRST(&deliveries->pool);
    if (delivery != NULL) {
        TAILQ_REMOVE(&deliveries->pool, delivery, link);
        deliveries->pooled--;
        return delivery;
    }
    delivery = memory_need(calloc(1, sizeof *delivery), "a delivery"); /* the windows bound their number */
    buffer_init(&delivery->own_body, OWN_BODY_MAX);
    answer_init(&delivery->answer, (size_t)d->settings->response_keep, (size_t)d->settings->response_max);
    return delivery;
}

struct delivery *delivery_new(struct dispatcher *d, struct passage *passage, struct destination *destination,
                              enum cause cause, int attempts)
{
    struct delivery *delivery = take_from_pool(d);
    invariant(delivery->passage == NULL && delivery->webhook == NULL);
    delivery->state = DELIVERY_NEW;
    delivery->cause = cause;
    delivery->has_row = passage->from_backlog;
    delivery->attempts = attempts;
    delivery->passage = passage;
    delivery->destination = destination;
    passage->references++;
    passage_hold(passage);
    delivery->charged = sizeof *delivery;
    passage_charge(d, passage, delivery->charged);
    destination->references++;
    TAILQ_INSERT_TAIL(&passage->deliveries, delivery, passage_link);
    return delivery;
}

/* States -------------------------------------------------------------------- */

/* The state diagram of delivery.h. A delivery returns to NEW before it ends. */
static bool may_move(enum delivery_state from, enum delivery_state to)
{
    switch (to) {
    case DELIVERY_NEW:
        return from != DELIVERY_NEW;
    case DELIVERY_WAITING:
    case DELIVERY_IN_FLIGHT:
        return from == DELIVERY_NEW;
    case DELIVERY_PARKED_IN_FLIGHT:
        return from == DELIVERY_IN_FLIGHT;
    }
    return false;
}

static void enter_waiting(struct dispatcher *d, struct delivery *delivery)
{
    TAILQ_INSERT_TAIL(&delivery->destination->waiting, delivery, link);
    delivery->destination->waiting_count++;
    d->metrics[METRIC_WAITING].value++;
}

static void leave_waiting(struct dispatcher *d, struct delivery *delivery)
{
    struct destination *destination = delivery->destination;
    invariant(destination->waiting_count > 0);
    TAILQ_REMOVE(&destination->waiting, delivery, link);
    destination->waiting_count--;
    d->metrics[METRIC_WAITING].value--;
}

static struct budget *young_of(const struct deliveries *deliveries, bool from_backlog)
{
    return from_backlog ? deliveries->young_backlog : deliveries->young_fresh;
}

/* True if the delivery is of a new event, and its account has no more young ones than count: then the delivery, which
 * is one of them, adds one to the pressure. */
static bool presses(const struct dispatcher *d, const struct delivery *delivery)
{
    int64_t most = d->settings->young_max < 4 ? 1 : d->settings->young_max / 4;
    return delivery->young == d->deliveries->young_fresh &&
           budget_held(delivery->young, (uint64_t)delivery->destination->account_id) <= most;
}

static void begin_youth(struct dispatcher *d, struct delivery *delivery)
{
    struct deliveries *deliveries = d->deliveries;
    delivery->young = young_of(deliveries, delivery->has_row);
    overdraw(delivery->young, (uint64_t)delivery->destination->account_id, 1);
    deliveries->pressure += presses(d, delivery);
    if (deliveries->oldest_young == NULL)
        deliveries->oldest_young = delivery;
}

static void end_youth(struct dispatcher *d, struct delivery *delivery)
{
    struct deliveries *deliveries = d->deliveries;
    if (deliveries->oldest_young == delivery)
        deliveries->oldest_young = TAILQ_NEXT(delivery, link);
    if (delivery->young == NULL)
        return;
    deliveries->pressure -= presses(d, delivery);
    invariant(deliveries->pressure >= 0);
    budget_give(delivery->young, (uint64_t)delivery->destination->account_id, 1);
    delivery->young = NULL;
    deliveries->aged++;
}

static void enter_in_flight(struct dispatcher *d, struct delivery *delivery)
{
    struct deliveries *deliveries = d->deliveries;
    struct destination *destination = delivery->destination;
    TAILQ_INSERT_TAIL(&deliveries->in_flight, delivery, link);
    begin_youth(d, delivery);
    overdraw(deliveries->share, (uint64_t)destination->account_id, 1);
    destination->in_flight++;
    delivery->window_started = window_started(&destination->window);
}

static void leave_in_flight(struct dispatcher *d, struct delivery *delivery)
{
    struct deliveries *deliveries = d->deliveries;
    invariant(delivery->destination->in_flight > 0);
    end_youth(d, delivery);
    budget_give(deliveries->share, (uint64_t)delivery->destination->account_id, 1);
    delivery->destination->in_flight--;
    TAILQ_REMOVE(&deliveries->in_flight, delivery, link);
}

void delivery_move(struct dispatcher *d, struct delivery *delivery, enum delivery_state to)
{
    enum delivery_state from = delivery->state;
    invariant(may_move(from, to));
    delivery->state = to;
    if (to == DELIVERY_PARKED_IN_FLIGHT) { /* it stays in the list of those in flight */
        passage_let_go(delivery->passage);
        return;
    }
    if (from == DELIVERY_WAITING)
        leave_waiting(d, delivery);
    else if (from != DELIVERY_NEW)
        leave_in_flight(d, delivery);
    delivery->since = loop_now(d->loop);
    if (to == DELIVERY_WAITING)
        enter_waiting(d, delivery);
    else if (to == DELIVERY_IN_FLIGHT)
        enter_in_flight(d, delivery);
}

void delivery_end(struct dispatcher *d, struct delivery *delivery)
{
    struct deliveries *deliveries = d->deliveries;
    struct passage *passage = delivery->passage;
    bool holds = delivery->state != DELIVERY_PARKED_IN_FLIGHT;
    if (delivery->state != DELIVERY_NEW)
        delivery_move(d, delivery, DELIVERY_NEW);
    TAILQ_REMOVE(&passage->deliveries, delivery, passage_link);
    webhook_release(&delivery->webhook);
    addresses_release(&delivery->addresses);
    destination_release(d, &delivery->destination);
    delivery->passage = NULL;
    if (holds)
        passage_let_go(passage);
    passage_discharge(d, passage, delivery->charged);
    passage_release(d, passage);
    /* libcurl keeps the head of the last answer until the next request: do not pool a large one */
    if (deliveries->pooled == POOL_MAX || delivery->own_body.capacity + delivery->answer.head > POOLED_SIZE_MAX) {
        delivery_free(delivery);
        return;
    }
    TAILQ_INSERT_HEAD(&deliveries->pool, delivery, link);
    deliveries->pooled++;
}

/* Bounds and shares --------------------------------------------------------- */

void deliveries_age(struct dispatcher *d)
{
    struct deliveries *deliveries = d->deliveries;
    struct delivery *oldest;
    while ((oldest = deliveries->oldest_young) != NULL && mono_since(loop_now(d->loop), oldest->since).ns >= YOUNG.ns)
        end_youth(d, oldest);
}

struct mono deliveries_age_at(const struct dispatcher *d)
{
    const struct delivery *oldest = d->deliveries->oldest_young;
    return oldest == NULL ? loop_now(d->loop) : mono_add(oldest->since, YOUNG);
}

uint64_t deliveries_aged(const struct dispatcher *d)
{
    return d->deliveries->aged;
}

bool deliveries_may_start_event(const struct dispatcher *d)
{
    int64_t half = d->settings->young_max < 2 ? 1 : d->settings->young_max / 2;
    return d->deliveries->pressure < half;
}

bool deliveries_may_start(const struct dispatcher *d, int32_t account_id, bool from_backlog)
{
    return budget_may_take(young_of(d->deliveries, from_backlog), (uint64_t)account_id, 1);
}

bool deliveries_have_share(const struct dispatcher *d, int32_t account_id)
{
    return budget_may_take(d->deliveries->share, (uint64_t)account_id, 1);
}

int deliveries_reserve(struct dispatcher *d, int32_t account_id, int most)
{
    struct budget *share = d->deliveries->share;
    int64_t left = d->settings->in_flight_max - budget_used(share) - budget_held(share, (uint64_t)account_id);
    if (left < most)
        most = (int)left;
    return most > 0 && budget_take(share, (uint64_t)account_id, most) ? most : 0;
}

void deliveries_unreserve(struct dispatcher *d, int32_t account_id, int count)
{
    if (count > 0)
        budget_give(d->deliveries->share, (uint64_t)account_id, count);
}

struct delivery_list *deliveries_in_flight(struct dispatcher *d)
{
    return &d->deliveries->in_flight;
}

int deliveries_in_flight_count(const struct dispatcher *d)
{
    return (int)budget_used(d->deliveries->share);
}
