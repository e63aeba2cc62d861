/* Lease: the right to work on a webhook's backlog in PostgreSQL. One dispatcher has it at a time.
 *
 *   NONE ──> HELD <──> ASKING ──> RELEASING ──> NONE
 *     │        └───────────────────^
 *     └────────────────────────────┘ (the account has no share left)
 */
#pragma once
#include "dispatcher.h"

enum lease_state {
    LEASE_NONE,
    LEASE_HELD /* deliveries of its backlog are in memory */,
    LEASE_ASKING /* a query for due rows is under way */,
    LEASE_RELEASING
};

struct lease {
    enum lease_state state;
    TAILQ_ENTRY(destination) link; /* in the list of leases, ordered by when due rows were last asked for */
    struct mono since;
    bool release_asked;
    bool refused;   /* the account had no share of the leases left: the lease is released at once */
    bool held_back; /* due rows cannot be read at present: the lease is released for a while */
    int reserved;   /* part of the account's share of requests in flight, set aside for the rows it is ASKING for */
    int taken;      /* deliveries taken from the backlog that are not over */
    int64_t settled_seq; /* number of the flush that contains the last outcome of them */
};

/* The only function that changes the state of a lease. */
void lease_become(struct lease *lease, enum lease_state state);

/* lease_reserve(): `count` requests of the account's share are set aside for the rows it is ASKING for.
 * lease_unreserve(): the answer has come; returns how many were set aside. */
void lease_reserve(struct lease *lease, int count);
int lease_unreserve(struct lease *lease);

/* lease_take(): a delivery was taken from the backlog. lease_settle(): one is over, and flush number `seq` contains its
 * outcome. */
void lease_take(struct lease *lease);
void lease_settle(struct lease *lease, int64_t seq);
