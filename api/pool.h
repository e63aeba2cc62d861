/* A bounded pool of connections to PostgreSQL, shared by the threads of requests. A connection is made when it is first
 * wanted, and again when it was lost. */
#pragma once
#include "base/clock.h"
#include "base/secret.h"
#include "store/store.h"

struct slot {
    PGconn *db;
    struct secret_key *master; /* one for each slot: a key is for one thread at a time */
    struct slot *next;         /* in the list of the free */
};

struct pool;

struct pool *pool_new(const char *url, const char *master_key, size_t size, struct span wait,
                      struct error *error) MUST_USE;
void pool_free(struct pool **pool); /* all slots must be back */

/* A connected slot; NULL and an error when none comes free in time, or PostgreSQL cannot be reached. */
struct slot *pool_take(struct pool *pool, struct error *error) MUST_USE;

/* Close the connection and make it again, once: for a first statement that found it dead. */
bool pool_renew(struct pool *pool, struct slot *slot, struct error *error) MUST_USE;

/* Give it back; an open transaction is rolled back, a broken connection closed. Sets *slot to NULL. */
void pool_give(struct pool *pool, struct slot **slot);
