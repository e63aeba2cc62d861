#include "destination.h"

#include <stdlib.h>

#include "base/memory.h"

struct destinations {
    struct destination *by_id;
    void (*stopped)(struct dispatcher *d, struct destination *destination);
};

struct destinations *destinations_new(void (*stopped)(struct dispatcher *d, struct destination *destination),
                                      struct error *error)
{
    struct destinations *destinations = calloc(1, sizeof *destinations);
    if (destinations == NULL)
        error_set(error, "no memory");
    else
        destinations->stopped = stopped;
    return destinations;
}

void destinations_free(struct destinations **destinations)
{
    invariant(*destinations == NULL || (*destinations)->by_id == NULL);
    free(*destinations);
    *destinations = NULL;
}

struct destination *destination_find(struct dispatcher *d, int32_t webhook_id)
{
    struct destination *destination;
    HASH_FIND(hh, d->destinations->by_id, &webhook_id, sizeof webhook_id, destination);
    return destination;
}

static struct destination *destination_new(struct dispatcher *d, int32_t webhook_id, int32_t account_id)
{
    struct destination *destination = memory_need(calloc(1, sizeof *destination), "a destination");
    destination->webhook_id = webhook_id;
    destination->account_id = account_id;
    TAILQ_INIT(&destination->waiting);
    window_init(&destination->window, (double)d->settings->window_max);
    HASH_ADD(hh, d->destinations->by_id, webhook_id, sizeof destination->webhook_id, destination);
    return destination;
}

struct destination *destination_hold(struct dispatcher *d, int32_t webhook_id, int32_t account_id)
{
    struct destination *destination = destination_find(d, webhook_id);
    if (destination == NULL)
        destination = destination_new(d, webhook_id, account_id);
    destination->references++;
    return destination;
}

void destination_release(struct dispatcher *d, struct destination **destination)
{
    struct destination *old = *destination;
    *destination = NULL;
    if (old == NULL)
        return;
    invariant(old->references > 0);
    if (--old->references > 0)
        return;
    invariant(old->in_flight == 0 && old->waiting_count == 0 && TAILQ_EMPTY(&old->waiting));
    invariant(old->lease.state == LEASE_NONE && !old->is_waiting && !old->resolving);
    HASH_DEL(d->destinations->by_id, old);
    host_release(&old->host);
    webhook_release(&old->webhook);
    free(old);
}

bool destination_is_enabled(const struct destination *destination)
{
    return destination->webhook != NULL && destination->webhook->status == WEBHOOK_ENABLED;
}

const char *destination_cancel_reason(const struct destination *destination)
{
    return destination->webhook->status == WEBHOOK_DELETED ? "webhook deleted" : "webhook disabled";
}

void destination_set_webhook(struct dispatcher *d, struct destination *destination, struct webhook *webhook)
{
    bool anew = !destination_is_enabled(destination) || destination->webhook->version != webhook->version;
    webhook_release(&destination->webhook);
    destination->webhook = webhook;
    destination->disabling = false;
    if (webhook->status != WEBHOOK_ENABLED)
        d->destinations->stopped(d, destination);
    else if (anew)
        window_renew(&destination->window);
}

void destination_set_health(struct destination *destination, const struct wall *since, int gone)
{
    destination->failing = since != NULL;
    destination->failing_since = since != NULL ? *since : (struct wall){0};
    destination->gone = gone;
}

struct wall destination_held_until(const struct dispatcher *d, const struct destination *destination)
{
    struct span left = mono_since(destination->window.open_until, loop_now(d->loop));
    return left.ns > 0 ? wall_add(clock_wall(d), left) : clock_wall(d);
}
