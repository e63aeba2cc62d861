/* Lease: the right to work on a webhook's backlog in PostgreSQL, which one dispatcher has at a time.
 *
 *   NONE ──> HELD <──> ASKING ──> RELEASING ──> NONE
 *              └───────────────────^
 */
#pragma once
#include "dispatcher.h"

enum lease_state {
    LEASE_NONE,
    LEASE_HELD /* its deliveries are under way */,
    LEASE_ASKING /* for more due ones */,
    LEASE_RELEASING
};

struct lease {
    enum lease_state state;
    TAILQ_ENTRY(destination) link; /* among those leased, in the order in which they were asked for due rows last */
    struct mono since;
    bool release_asked;
    bool refused;        /* its account had no share left of the leases: it goes back at once */
    bool held_back;      /* what is due cannot be read just now: the lease goes back for a while */
    int reserved;        /* of its account's share in flight, for what it is ASKING for */
    int taken;           /* deliveries taken from the backlog that are not over */
    int64_t settled_seq; /* flush that holds the last outcome of what was taken */
};

/* The one function that moves a lease from state to state. */
void lease_become(struct lease *lease, enum lease_state state);

/* So many requests of its account's share are set aside for what it is ASKING for; they are returned with the answer.
 */
void lease_reserve(struct lease *lease, int count);
int lease_unreserve(struct lease *lease);

/* A delivery was taken from the backlog; one is over, and the flush `seq` holds its outcome. */
void lease_take(struct lease *lease);
void lease_settle(struct lease *lease, int64_t seq);
