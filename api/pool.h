/* Pool: a bounded pool of connections to PostgreSQL, shared by the threads of requests. A connection is made when it is
 * first needed, and again after it was lost.
 *
 * Each holder (an account, or the address of a request that is not authenticated yet) has a share of the connections
 * (lib/base/budget.h). A holder beyond its share waits and lets others pass; the others are served in order of arrival.
 * One additional connection is kept for probes. */
#pragma once
#include "base/clock.h"
#include "base/secret.h"
#include "store/store.h"

#define POOL_PROBE 0 /* the holder for requests of the operator */

struct slot {
    PGconn *db;
    struct secret_key *master; /* one per slot: a key is for one thread at a time */
    uint64_t holder;
    struct slot *next; /* in the list of free slots */
};

struct pool;

struct pool *pool_new(const char *url, const char *master_key, size_t size, struct span wait,
                      struct error *error) MUST_USE;
void pool_free(struct pool **pool); /* all slots must have been given back */

/* Returns a connected slot. Returns NULL if none becomes free in time, or PostgreSQL cannot be reached. */
struct slot *pool_take(struct pool *pool, uint64_t holder, struct error *error) MUST_USE;

/* Charges the slot to another holder. If it exceeds that holder's share, it is given back and the function waits for
 * another slot: *slot is then that one, or NULL on an error. No transaction may be open. */
bool pool_move(struct pool *pool, struct slot **slot, uint64_t holder, struct error *error) MUST_USE;

/* Closes the connection and makes it again, once: for a first statement that found it broken. */
bool pool_renew(struct pool *pool, struct slot *slot, struct error *error) MUST_USE;

/* Gives the slot back: rolls back an open transaction, closes a broken connection. Sets *slot to NULL. */
void pool_give(struct pool *pool, struct slot **slot);
