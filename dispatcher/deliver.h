/* Deliver: when a delivery starts, waits or is parked. Something is looked at when it is new, when another request of
 * its destination has ended, when addresses were found, and every 50 ms. */
#pragma once
#include "delivery.h"

struct deliverer *deliverer_new(struct dispatcher *d, struct error *error) MUST_USE;
void deliverer_free(struct deliverer **deliverer);

/* A new delivery: start it, let it wait, or park it. Takes the delivery over. */
void deliver_offer(struct dispatcher *d, struct destination *destination, struct delivery *delivery);

/* Start what may start, after something ended or changed. */
void deliver_pump(struct dispatcher *d, struct destination *destination);

/* For destination.h: what waits is cancelled, or waits in PostgreSQL when the account cannot be loaded. */
void deliver_stopped(struct dispatcher *d, struct destination *destination);

/* Everything that waits is parked (draining). */
void deliver_park_all(struct dispatcher *d);

/* The account has a share left of what a request takes: requests in flight, memory, attempts not yet committed. What it
 * cannot start waits, then is parked; nobody else waits for it. */
bool deliver_has_share(const struct dispatcher *d, int32_t account_id);
