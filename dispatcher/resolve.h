/* Resolve: finds the addresses of a webhook's host. Every answer of the name server is checked by the guard; a name
 * with any address that is not allowed is refused.
 *
 * An answer is kept for its time to live, limited to 5 to 60 s. In the last quarter of that time, the first request
 * starts the next look-up and does not wait for it. A failed look-up does not change the known addresses: for an hour
 * after the time to live they stay in use, and the name is looked up every 5 s (RFC 8767). An answer that the name does
 * not exist, or one with an address that is not allowed, is not a failed look-up: it takes effect at once. If a look-up
 * fails and no address is known, deliveries fail, and the name is looked up again after 5 s.
 *
 * All webhooks of an account with the same host and port share one look-up. An account has a share of the look-ups
 * under way (base/budget.h). Look-ups that cannot start wait in the account's line; the lines take turns. */
#pragma once
#include "addresses.h"
#include "destination.h"

/* `resolved` is called for each destination passed to resolve_ask() when its look-up has ended, whether or not it found
 * addresses. */
struct resolver *resolver_new(struct dispatcher *d,
                              void (*resolved)(struct dispatcher *d, struct destination *destination),
                              struct error *error) MUST_USE;
void resolver_free(struct resolver **resolver);

/* True if a request to the destination may start: its addresses are known, or known to be missing, or libcurl needs
 * none. */
bool resolve_ready(struct dispatcher *d, struct destination *destination);

/* Looks up the addresses of a destination that is not ready. */
void resolve_ask(struct dispatcher *d, struct destination *destination);

/* Gets the addresses of a destination that is ready. The caller owns one reference; NULL if libcurl needs none. Returns
 * NULL on success, else the error text. */
const char *resolve_addresses(struct dispatcher *d, struct destination *destination, struct addresses **addresses);
