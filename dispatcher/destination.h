/* What the dispatcher keeps in memory about one webhook: its settings as last loaded, the window, the breaker, and what
 * waits for it.
 *
 * A destination is a webhook, not a host: nobody waits for somebody else's. */
#pragma once
#include <uthash.h>

#include "delivery.h"
#include "dispatcher.h"
#include "event/notification.h"
#include "window.h"

/* How an account keeps what receivers answer. */
enum store_response { RESPONSE_NONE, RESPONSE_SEALED, RESPONSE_PLAIN };

enum webhook_status {
    WEBHOOK_ENABLED,
    WEBHOOK_DISABLED,
    WEBHOOK_DELETED,
    WEBHOOK_UNLOADED /* its account cannot be loaded: nothing is sent, its deliveries wait in PostgreSQL */
};

/* A webhook's settings: never changed once loaded, shared by the destination and the requests under way. */
struct webhook {
    int references;
    unsigned char uuid[UUID_SIZE];
    int32_t version;
    enum webhook_status status;
    enum format format;
    enum store_response store_response; /* of its account */
    char *url, *host;                   /* host: NULL when it is an address literal */
    int port;
    char *authorization;                              /* "Authorization: …" or NULL */
    struct signer *standard, *previous, *x_signature; /* NULL: that one is not sent */
    struct wall previous_until;
    struct webhook_tls *tls; /* NULL: it has none of its own */
    size_t size;             /* about how many bytes it takes in memory */
    bool usable;             /* false: a secret could not be opened or the URL is bad; why says it */
    char why[160];
};

enum lease {
    LEASE_NONE,
    LEASE_HELD /* its deliveries are under way */,
    LEASE_ASKING /* for more due ones */,
    LEASE_RELEASING
};

struct destination {
    UT_hash_handle hh; /* by webhook_id, in accounts */
    int32_t webhook_id, account_id;
    int references; /* its account, its deliveries, its lease */
    struct webhook *webhook;
    uint64_t serial; /* of the load that it came with */
    struct window window;
    int in_flight, waiting_count;
    struct delivery_list waiting;
    TAILQ_ENTRY(destination) waiting_link; /* in sender's list while something waits */
    bool is_waiting;

    /* the backlog in PostgreSQL */
    enum lease lease;
    struct mono leased_at;
    bool release_asked;
    bool lease_refused; /* its account had no share left of the leases: it goes back at once */
    bool held_back;     /* what is due cannot be read just now: the lease goes back for a while */
    TAILQ_ENTRY(destination) lease_link;
    int reserved;        /* of its account's share in flight, for what it is ASKING for */
    int taken;           /* deliveries taken from it that are not over */
    int64_t settled_seq; /* flush that holds the last outcome of what was taken */

    /* health, as the queue row has it or is about to */
    bool failing;
    struct wall failing_since;
    int gone;
    bool disabling;

    /* resolve.c: */
    struct host *host;                  /* of its webhook's URL, once one was needed */
    TAILQ_ENTRY(destination) host_link; /* among those that wait for its addresses */
    bool resolving;                     /* it waits */
};
TAILQ_HEAD(destination_list, destination);

struct destination *destination_new(struct dispatcher *d, int32_t webhook_id, int32_t account_id);
void destination_release(struct dispatcher *d, struct destination **destination);
void webhook_release(struct webhook **webhook);

/* How an answer to a request made with these settings is kept, and the account's data key, which may be NULL. Sealed
 * becomes none once the key was destroyed. */
enum store_response destination_stores(struct dispatcher *d, const struct destination *destination,
                                       const struct webhook *webhook, struct secret_key **key);

/* A new delivery: start it, let it wait, or park it. Takes the delivery over. */
void destination_offer(struct dispatcher *d, struct destination *destination, struct delivery *delivery);

/* Start what may start, after something ended or changed. */
void destination_pump(struct dispatcher *d, struct destination *destination);

/* The webhook was disabled or deleted: cancel what waits. */
void destination_cancel_waiting(struct dispatcher *d, struct destination *destination);

/* Park what has waited longer than `limit`. */
void destination_park_waiting(struct dispatcher *d, struct destination *destination, struct span limit);

/* How a request to it went that window_started() said `started` of. */
void destination_learn(struct dispatcher *d, struct destination *destination, unsigned started, bool delivered,
                       bool gone, struct span took);

/* PostgreSQL knows that it did well meanwhile (another dispatcher's request): forget that it fails. */
void destination_not_hopeless(struct dispatcher *d, int32_t webhook_id);

/* The wall time before which nothing should be taken from its backlog. */
struct wall destination_held_until(const struct dispatcher *d, const struct destination *destination);
