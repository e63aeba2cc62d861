/* Park: a delivery that is not over gets a pending row, so that the position may pass it. Parked is what waited or hung
 * for longer than park-after, what does not fit into a destination's window, and everything when a partition is given
 * back or the process drains. */
#pragma once
#include "delivery.h"

/* A delivery that has not started: a row due now (or when the breaker lets go), and it is gone from memory. */
void park_delivery(struct dispatcher *d, struct delivery *delivery);

/* One in flight: its row is due after its time-out has certainly passed; whatever it is answered settles the row. */
void park_in_flight(struct dispatcher *d, struct delivery *delivery);

/* All deliveries of a passage. */
void park_passage(struct dispatcher *d, struct passage *passage);

/* The passage's partition is lost: what waits is dropped without a row, since the next owner makes it again. */
void park_drop_waiting(struct dispatcher *d, struct passage *passage);

/* It waited, and is over without an attempt. */
void park_end(struct dispatcher *d, struct delivery *delivery);

/* A delivery that was taken from the destination's backlog is over, and the flush that gathers says so. */
void park_settled(struct dispatcher *d, struct destination *destination);
