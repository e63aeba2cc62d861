/* A bounded pool of connections to PostgreSQL, shared by the threads of requests. A connection is made when it is first
 * wanted, and again when it was lost.
 *
 * Each holder (an account, or an address that has not said yet who it is) has a share of the connections
 * (lib/base/budget.h). A holder beyond its share waits while others pass; among those within theirs, the first come is
 * the first served. One connection more is kept for probes. */
#pragma once
#include "base/clock.h"
#include "base/secret.h"
#include "store/store.h"

#define POOL_PROBE 0 /* the holder of what the program's own operator asks */

struct slot {
    PGconn *db;
    struct secret_key *master; /* one for each slot: a key is for one thread at a time */
    uint64_t holder;
    struct slot *next; /* in the list of the free */
};

struct pool;

struct pool *pool_new(const char *url, const char *master_key, size_t size, struct span wait,
                      struct error *error) MUST_USE;
void pool_free(struct pool **pool); /* all slots must be back */

/* A connected slot; NULL and an error when none comes free in time, or PostgreSQL cannot be reached. */
struct slot *pool_take(struct pool *pool, uint64_t holder, struct error *error) MUST_USE;

/* It counts for another holder from now on. When it is beyond that one's share it is given back, and another is waited
 * for: *slot becomes that, or NULL with an error. There must be no open transaction. */
bool pool_move(struct pool *pool, struct slot **slot, uint64_t holder, struct error *error) MUST_USE;

/* Close the connection and make it again, once: for a first statement that found it dead. */
bool pool_renew(struct pool *pool, struct slot *slot, struct error *error) MUST_USE;

/* Give it back; an open transaction is rolled back, a broken connection closed. Sets *slot to NULL. */
void pool_give(struct pool *pool, struct slot **slot);
