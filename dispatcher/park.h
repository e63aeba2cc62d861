/* Park: a delivery that is not over gets a pending row, so that the position may pass it. Parked is what waited or hung
 * for longer than park-after, what does not fit into a destination's window, and everything when a partition is given
 * back or the process drains. */
#pragma once
#include "destination.h"

/* A delivery that has not started: a row due now (or when the breaker lets go), and it is gone from memory. */
void park_delivery(struct dispatcher *d, struct delivery *delivery);

/* All deliveries of a passage: waiting ones as above; those in flight get a row that is due after their time-out has
 * certainly passed. */
void park_passage(struct dispatcher *d, struct passage *passage);

/* The passage's partition is lost: what waits is dropped without a row, since the next owner makes it again. */
void park_drop_waiting(struct dispatcher *d, struct passage *passage);

/* It waited, and is over without an attempt. */
void park_end(struct dispatcher *d, struct delivery *delivery);

/* Something waits for this destination: look at it in the coming ticks. */
void park_watch(struct dispatcher *d, struct destination *destination);

/* Called by a timer every 50 ms. */
void park_tick(struct dispatcher *d);
/* Everything that waits, at once (draining). */
void park_all(struct dispatcher *d);

struct parker *parker_new(struct dispatcher *d, struct error *error) MUST_USE;
void parker_free(struct parker **parker);
