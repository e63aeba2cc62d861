/* Destination: what the dispatcher keeps in memory about one webhook: its settings as last loaded, window, breaker,
 * health, and the deliveries that wait for it.
 *
 * A destination is a webhook, not a host: otherwise webhooks of different accounts would wait for each other. */
#pragma once
#include <uthash.h>

#include "host.h"
#include "lease.h"
#include "webhook.h"
#include "window.h"

struct destination {
    UT_hash_handle hh; /* by webhook_id */
    int32_t webhook_id, account_id;
    int references; /* by its account, its deliveries and its lease */
    struct webhook *webhook;
    uint64_t serial; /* of the load that last listed it */
    struct window window;
    struct lease lease;

    /* owned by delivery.c */
    int in_flight, waiting_count;
    struct delivery_list waiting;

    /* owned by deliver.c */
    TAILQ_ENTRY(destination) waiting_link; /* in the list of destinations with waiting deliveries */
    bool is_waiting;

    /* owned by health.c, except when loaded: health as in the queue row, or as that row will be */
    bool failing;
    struct wall failing_since;
    int gone;
    bool disabling;
    struct mono disable_at; /* not asked before */

    /* owned by resolve.c */
    struct host *host;                  /* of the webhook's URL; NULL until one is needed */
    TAILQ_ENTRY(destination) host_link; /* in the host's list of destinations that wait for its addresses */
    bool resolving;                     /* it is in that list */
};

/* `stopped` is called when a destination's webhook is no longer enabled: its waiting deliveries must be removed. */
struct destinations *destinations_new(void (*stopped)(struct dispatcher *d, struct destination *destination),
                                      struct error *error) MUST_USE;
/* No destination may be left. */
void destinations_free(struct destinations **destinations);

/* Returns NULL if this dispatcher does not know the webhook. */
struct destination *destination_find(struct dispatcher *d, int32_t webhook_id);
/* Finds or makes the destination. The caller owns one reference; a new destination has no webhook yet. */
struct destination *destination_hold(struct dispatcher *d, int32_t webhook_id, int32_t account_id);
void destination_release(struct dispatcher *d, struct destination **destination);

/* Takes over the reference to the webhook. The window starts anew if the webhook was enabled or has changed. */
void destination_set_webhook(struct dispatcher *d, struct destination *destination, struct webhook *webhook);
/* True if the destination has a webhook, and the webhook is enabled. */
bool destination_is_enabled(const struct destination *destination);
/* Returns why deliveries to a webhook that is not enabled are cancelled; a literal. */
const char *destination_cancel_reason(const struct destination *destination);

/* Sets the health as PostgreSQL has it. `since` is NULL if the webhook does not fail. */
void destination_set_health(struct destination *destination, const struct wall *since, int gone);

/* Returns the time before which no delivery should be taken from the backlog. */
struct wall destination_held_until(const struct dispatcher *d, const struct destination *destination);
