/* Deliver: decides when a delivery starts, waits or is parked. It decides when the delivery is new, when another
 * request of its destination has ended, when addresses were found, and every 50 ms.
 *
 * An account starts a bounded number of requests at once (young-max), so that an event with very many webhooks takes
 * the loop's time piece by piece, and other accounts' events come in between. */
#pragma once
#include "delivery.h"

struct deliverer *deliverer_new(struct dispatcher *d, struct error *error) MUST_USE;
void deliverer_free(struct deliverer **deliverer);

/* Starts a new delivery, lets it wait, or parks it. Takes over the delivery. */
void deliver_offer(struct dispatcher *d, struct destination *destination, struct delivery *delivery);

/* Starts the deliveries that may start, after something ended or changed. */
void deliver_pump(struct dispatcher *d, struct destination *destination);

/* Called in every turn: starts the deliveries that waited for a share of young-max. */
void deliver_work(struct dispatcher *d);

/* For destination.h: cancels the waiting deliveries, or parks them if the account cannot be loaded. */
void deliver_stopped(struct dispatcher *d, struct destination *destination);

/* Parks all waiting deliveries (draining). */
void deliver_park_all(struct dispatcher *d);

/* True if the account has a share left of what a request takes: requests in flight, memory, attempts not yet committed.
 * A delivery that cannot start waits, then is parked; deliveries of other accounts are not affected. */
bool deliver_has_share(const struct dispatcher *d, int32_t account_id);
