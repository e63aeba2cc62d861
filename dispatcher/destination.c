#include "destination.h"

#include <stdlib.h>

#include "accounts.h"
#include "base/memory.h"
#include "flush.h"
#include "keeper.h"
#include "park.h"
#include "passage.h"
#include "resolve.h"
#include "send.h"

#define WAITING_MIN 64
#define WAITING_WINDOWS                                                                                                \
    8 /* so many windows may wait in memory: a fast one is served from there, a slow one fills nothing */
#define GONE_LEAST 3

struct destination *destination_new(struct dispatcher *d, int32_t webhook_id, int32_t account_id)
{
    struct destination *destination = memory_need(calloc(1, sizeof *destination), "a destination");
    destination->references = 1;
    destination->webhook_id = webhook_id;
    destination->account_id = account_id;
    TAILQ_INIT(&destination->waiting);
    window_init(&destination->window, (double)d->settings->window_max);
    return destination;
}

void destination_release(struct dispatcher *d, struct destination **destination)
{
    struct destination *old = *destination;
    *destination = NULL;
    if (old == NULL || --old->references > 0)
        return;
    accounts_forget_destination(d, old);
    resolve_forget(old);
    webhook_release(&old->webhook);
    free(old);
}

static bool may_start(struct dispatcher *d, struct destination *destination)
{
    return window_room(&destination->window, destination->in_flight, loop_now(d->loop)) > 0 &&
           send_has_share(d, destination->account_id);
}

enum store_response destination_stores(struct dispatcher *d, const struct destination *destination,
                                       const struct webhook *webhook, struct secret_key **key)
{
    struct account *account = accounts_find_id(d, destination->account_id);
    *key = account != NULL ? account_data_key(account) : NULL;
    return webhook->store_response == RESPONSE_SEALED && *key == NULL ? RESPONSE_NONE : webhook->store_response;
}

void destination_offer(struct dispatcher *d, struct destination *destination, struct delivery *delivery)
{
    int most = (int)destination->window.size * WAITING_WINDOWS;
    bool open = mono_before(loop_now(d->loop), destination->window.open_until);
    if (destination->waiting_count == 0 && may_start(d, destination) && resolve_ready(d, destination)) {
        send_start(d, delivery);
    } else if (delivery->has_row || (!open && !d->draining && memory_has_share(d, destination->account_id) &&
                                     destination->waiting_count < (most > WAITING_MIN ? most : WAITING_MIN))) {
        delivery_move(d, delivery, DELIVERY_WAITING);
        park_watch(d, destination);
        destination_pump(d, destination);
    } else {
        park_delivery(d, delivery);
    }
}

void destination_pump(struct dispatcher *d, struct destination *destination)
{
    if (TAILQ_EMPTY(&destination->waiting) || destination->webhook->status != WEBHOOK_ENABLED)
        return;
    if (!resolve_ready(d, destination)) {
        resolve_ask(d, destination);
        return;
    }
    destination->references++;
    while (!TAILQ_EMPTY(&destination->waiting) && may_start(d, destination))
        send_start(d, TAILQ_FIRST(&destination->waiting));
    destination_release(d, &destination);
}

void destination_cancel_waiting(struct dispatcher *d, struct destination *destination)
{
    struct delivery *delivery;
    const char *reason = destination->webhook->status == WEBHOOK_DELETED ? "webhook deleted" : "webhook disabled";
    destination->references++;
    while ((delivery = TAILQ_FIRST(&destination->waiting)) != NULL) {
        if (delivery->has_row)
            flush_settle(d, delivery, NULL);
        if (delivery->has_row || delivery->passage->kind != PASSAGE_SKIPPED)
            flush_cancel(d, delivery->passage, destination->webhook_id, delivery->cause, reason);
        delivery->passage->open--;
        park_end(d, delivery);
    }
    destination_release(d, &destination);
}

void destination_park_waiting(struct dispatcher *d, struct destination *destination, struct span limit)
{
    struct delivery *delivery, *next;
    for (delivery = TAILQ_FIRST(&destination->waiting); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, link);
        if (mono_since(loop_now(d->loop), delivery->since).ns < limit.ns)
            return;
        park_delivery(d, delivery);
    }
}

/* What the queue row should say. Told only when it changes: a healthy webhook costs nothing. */
static void tell_health(struct dispatcher *d, struct destination *destination, bool failing, int gone)
{
    if (failing == destination->failing && gone == destination->gone)
        return;
    if (failing && !destination->failing)
        destination->failing_since = clock_wall(d);
    destination->failing = failing;
    destination->gone = gone;
    flush_health(d, destination->webhook_id, failing, gone);
}

/* "failed for 5 days", in the unit that a person would say it in. */
static void describe_failing(int64_t us, char *out, size_t size)
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{86400000000, "days"}, {3600000000, "hours"}, {60000000, "minutes"}, {1000000, "seconds"}};
    size_t i = 0;
    while (i < 3 && us < 2 * units[i].us)
        i++;
    snprintf(out, size, "failed for %lld %s", (long long)(us / units[i].us), units[i].name);
}

static void disable_if_hopeless(struct dispatcher *d, struct destination *destination)
{
    char reason[160];
    int64_t failing_us = clock_wall(d).us - destination->failing_since.us;
    bool gone = destination->gone >= GONE_LEAST && failing_us >= d->settings->gone_after.ns / 1000;
    if (!destination->failing || destination->disabling || (!gone && failing_us < d->settings->disable_after.ns / 1000))
        return;
    destination->disabling = true;
    if (gone)
        snprintf(reason, sizeof reason, "answered 410 Gone %d times in a row", destination->gone);
    else
        describe_failing(failing_us, reason, sizeof reason);
    keeper_disable(d, destination->webhook_id, gone ? d->settings->gone_after : d->settings->disable_after, reason);
}

void destination_not_hopeless(struct dispatcher *d, int32_t webhook_id)
{
    struct destination *destination = accounts_destination(d, webhook_id);
    if (destination == NULL)
        return;
    destination->disabling = destination->failing = false; /* the next failure is told anew */
    destination->gone = 0;
}

void destination_learn(struct dispatcher *d, struct destination *destination, unsigned started, bool delivered,
                       bool gone, struct span took)
{
    if (delivered)
        window_success(&destination->window, started, took);
    else
        window_failure(&destination->window, started, loop_now(d->loop));
    tell_health(d, destination, !delivered, gone ? destination->gone + 1 : 0);
    if (!delivered)
        disable_if_hopeless(d, destination);
}

struct wall destination_held_until(const struct dispatcher *d, const struct destination *destination)
{
    struct span left = mono_since(destination->window.open_until, loop_now(d->loop));
    return left.ns > 0 ? wall_add(clock_wall(d), left) : clock_wall(d);
}
