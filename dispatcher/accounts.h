/* Accounts, their webhooks and subscriptions, as PostgreSQL had them when the subscription clock stood at `v` or later.
 *
 * Loaded when first needed, loaded again when the log of changes names them. Bounded: the least recently used go. No
 * correctness rests on a notification: who has read the clock and found it unmoved knows that what it holds is the
 * newest. */
#pragma once
#include "destination.h"

struct match {
    struct destination **destinations;
    size_t count;
};

struct account; /* see account.h */

struct accounts *accounts_new(struct dispatcher *d, struct error *error) MUST_USE;
void accounts_free(struct accounts **accounts);

/* NULL: not loaded, or there is no such account. */
struct account *accounts_find_key(struct dispatcher *d, struct text key);
struct account *accounts_find_id(struct dispatcher *d, int32_t id);
int32_t account_id(const struct account *account);
bool account_is_stale(const struct account *account);
bool account_is_closed(const struct account *account);
/* Its webhooks are not in memory: unloaded.c treats its events. */
bool account_is_unloaded(const struct account *account);

/* The key of what the account keeps; NULL when it was destroyed, or does not open. */
struct secret_key *account_data_key(const struct account *account);
/* Its data key does not open: what was sealed under it can be read again once an operator has mended that. */
bool account_is_keyless(const struct account *account);
/* Its payloads can be kept: the key was not destroyed. */
bool account_keeps_payloads(const struct account *account);
/* Seal a payload of an account that keeps them, open what was sealed: under its data key, bound to `column` ("payload",
 * "payload.extensions"), or under the master key while
 * that one does not open. */
bool account_seal_payload(struct dispatcher *d, const struct account *account, struct text column, struct text plain,
                          struct buffer *out, struct error *error) MUST_USE;
bool account_open_payload(struct dispatcher *d, const struct account *account, struct text column, struct text sealed,
                          struct buffer *out, struct error *error) MUST_USE;
struct text account_key(const struct account *account);

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

/* NULL when this dispatcher does not know the webhook. */
struct destination *accounts_destination(struct dispatcher *d, int32_t webhook_id);

/* From destination.c: its last reference is gone. */
void accounts_forget_destination(struct dispatcher *d, struct destination *destination);
/* With one reference for the caller. A webhook that its account does not list (any more) counts as deleted. */
struct destination *accounts_hold_destination(struct dispatcher *d, int32_t webhook_id, int32_t account_id);
