/* Accounts, their webhooks and subscriptions, as PostgreSQL had them when the subscription clock stood at `v` or later.
 *
 * Loaded when first needed, loaded again when the log of changes names them. Bounded: the least recently used go. No
 * correctness rests on a notification: who has read the clock and found it unmoved knows that what it holds is the
 * newest. */
#pragma once
#include "account.h"

struct accounts *accounts_new(struct dispatcher *d, struct error *error) MUST_USE;
void accounts_free(struct accounts **accounts);

/* NULL: not loaded, or there is no such account. */
struct account *accounts_find_key(struct dispatcher *d, struct text key);
struct account *accounts_find_id(struct dispatcher *d, int32_t id);

/* Load what was asked for since the last call, by key or id, and all that is stale; `done` is
 * called when it is there (or surely not); with ok false nothing was loaded: ask again. */
void accounts_want_key(struct dispatcher *d, struct text key);
void accounts_want_id(struct dispatcher *d, int32_t id);
void accounts_load(struct dispatcher *d, void (*done)(void *owner, bool ok), void *owner);

/* The subscription clock as PostgreSQL tells it: a row of (v, changed, forget), from posthorn.intake() or
 * posthorn.changes_since(). Accounts that changed since ours are stale; with `forget` nobody knows which did, and all
 * are. */
int64_t accounts_clock(const struct dispatcher *d);
void accounts_take_clock(struct dispatcher *d, const PGresult *row);

/* Called in every turn. */
void accounts_work(struct dispatcher *d);

/* A webhook with one reference for the caller. One that its account does not list (any more) counts as deleted. */
struct destination *accounts_hold_destination(struct dispatcher *d, int32_t webhook_id, int32_t account_id);

/* How an answer to a request made with these settings is kept, and the account's data key, which may be NULL. Sealed
 * becomes none once the key was destroyed. */
enum store_response accounts_store_response(struct dispatcher *d, const struct destination *destination,
                                            const struct webhook *webhook, struct secret_key **key);
