/* Destination: what the dispatcher keeps in memory about one webhook: its settings as last loaded, the window, the
 * breaker, its health, and what waits for it.
 *
 * A destination is a webhook, not a host: nobody waits for somebody else's. */
#pragma once
#include <uthash.h>

#include "host.h"
#include "lease.h"
#include "webhook.h"
#include "window.h"

struct destination {
    UT_hash_handle hh; /* by webhook_id */
    int32_t webhook_id, account_id;
    int references; /* its account, its deliveries, its lease */
    struct webhook *webhook;
    uint64_t serial; /* of the load that it came with */
    struct window window;
    struct lease lease;

    /* delivery.c: */
    int in_flight, waiting_count;
    struct delivery_list waiting;

    /* deliver.c: */
    TAILQ_ENTRY(destination) waiting_link; /* among those for which something waits */
    bool is_waiting;

    /* health, as the queue row has it or is about to: health.c, but for what is loaded */
    bool failing;
    struct wall failing_since;
    int gone;
    bool disabling;

    /* resolve.c: */
    struct host *host;                  /* of its webhook's URL, once one was needed */
    TAILQ_ENTRY(destination) host_link; /* among those that wait for its addresses */
    bool resolving;                     /* it waits */
};

/* `stopped` is called when a destination's webhook is no longer enabled: what waits for it must go. */
struct destinations *destinations_new(void (*stopped)(struct dispatcher *d, struct destination *destination),
                                      struct error *error) MUST_USE;
/* There are none left. */
void destinations_free(struct destinations **destinations);

/* NULL when this dispatcher does not know the webhook. */
struct destination *destination_find(struct dispatcher *d, int32_t webhook_id);
/* With one reference for the caller; a new one has no webhook yet. */
struct destination *destination_hold(struct dispatcher *d, int32_t webhook_id, int32_t account_id);
void destination_release(struct dispatcher *d, struct destination **destination);

/* Takes the reference to the webhook over. The window begins anew when the webhook was enabled, or changed. */
void destination_set_webhook(struct dispatcher *d, struct destination *destination, struct webhook *webhook);
/* It has a webhook, and that is enabled. */
bool destination_is_enabled(const struct destination *destination);

/* Its health as PostgreSQL has it; `since` NULL: it does not fail. */
void destination_set_health(struct destination *destination, const struct wall *since, int gone);

/* The wall time before which nothing should be taken from its backlog. */
struct wall destination_held_until(const struct dispatcher *d, const struct destination *destination);
