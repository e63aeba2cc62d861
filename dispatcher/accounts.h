/* Accounts: the cache of accounts with their webhooks and subscriptions, each as PostgreSQL had it when the
 * subscription clock stood at loaded_at or later.
 *
 * An account is loaded when it is first needed, and again when the log of changes names it. The cache is bounded; the
 * least recently used accounts leave it. Correctness does not depend on notifications: an unchanged clock means that
 * the cache is current. */
#pragma once
#include "account.h"

struct accounts *accounts_new(struct dispatcher *d, struct error *error) MUST_USE;
void accounts_free(struct accounts **accounts);

/* Return NULL if the account is not loaded or does not exist. */
struct account *accounts_find_key(struct dispatcher *d, struct text key);
struct account *accounts_find_id(struct dispatcher *d, int32_t id);

/* accounts_want_key() and accounts_want_id() name accounts to load. accounts_load() loads those named since the last
 * call, and all stale ones, and then calls `done`. With `ok` false nothing was loaded: name them and call it again.
 * With `ok` true, an account that is still missing does not exist. */
void accounts_want_key(struct dispatcher *d, struct text key);
void accounts_want_id(struct dispatcher *d, int32_t id);
void accounts_load(struct dispatcher *d, void (*done)(void *owner, bool ok), void *owner);

/* The subscription clock as PostgreSQL reports it: a row of (v, changed, forget), from posthorn.intake() or
 * posthorn.changes_since(). Accounts that have changed since our clock become stale; with `forget`, the changed ones
 * are unknown, and all accounts become stale. */
int64_t accounts_clock(const struct dispatcher *d);
void accounts_take_clock(struct dispatcher *d, const PGresult *row);

/* Called in every turn. */
void accounts_work(struct dispatcher *d);

/* Returns the destination of a webhook, with one reference for the caller. A webhook that its account does not list
 * counts as deleted. */
struct destination *accounts_hold_destination(struct dispatcher *d, int32_t webhook_id, int32_t account_id);

/* Returns how the response to a request with these settings is kept, and in `key` the account's data key, which may be
 * NULL. If the data key was destroyed, RESPONSE_SEALED becomes RESPONSE_NONE. */
enum store_response accounts_store_response(struct dispatcher *d, const struct destination *destination,
                                            const struct webhook *webhook, struct secret_key **key);
