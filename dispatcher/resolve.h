/* Resolve: which addresses the host of a webhook has. Every answer of the name server goes past the guard, and a name
 * with any address that is not allowed is refused.
 *
 * An answer is kept for its time to live, 5 to 60 s. In the last quarter of it, the first request begins the next
 * look-up and does not wait for it. A look-up that fails does not change what was known: for an hour after the time to
 * live, the addresses stay in use and the name is looked up every 5 s (RFC 8767). A name that does not exist any more
 * is no failure, and an address that is not allowed is none either: they count at once. What was never known fails, and
 * is looked up again after 5 s.
 *
 * All webhooks of an account at one host and port share its look-ups. An account has a share of the look-ups under way
 * (base/budget.h), and what cannot start waits in the account's line; the lines take turns. */
#pragma once
#include "addresses.h"
#include "destination.h"

/* `resolved` is called with each destination that was asked for, once there is an answer, good or bad. */
struct resolver *resolver_new(struct dispatcher *d,
                              void (*resolved)(struct dispatcher *d, struct destination *destination),
                              struct error *error) MUST_USE;
void resolver_free(struct resolver **resolver);

/* A request to it may start: its addresses are known, or known to be missing, or libcurl needs none. */
bool resolve_ready(struct dispatcher *d, struct destination *destination);

/* Not ready: find them. */
void resolve_ask(struct dispatcher *d, struct destination *destination);

/* Of one that is ready: its addresses, one reference, which is the caller's; NULL when libcurl needs none. Returns
 * NULL, or what is wrong. */
const char *resolve_addresses(struct dispatcher *d, struct destination *destination, struct addresses **addresses);
