/* Park: gives a delivery that is not over a pending row, so that the position may pass its event. Parked are deliveries
 * that waited or were in flight for longer than park-after, those that do not fit into memory beside their
 * destination's window, and all deliveries when a partition is revoked or the process drains. */
#pragma once
#include "delivery.h"

/* Parks a delivery that has not started: its pending row is due now, or when the breaker's pause ends. The delivery
 * ends. */
void park_delivery(struct dispatcher *d, struct delivery *delivery);

/* Parks a delivery in flight: its pending row is due some seconds after the request's time-out. The outcome of the
 * request settles the row. */
void park_in_flight(struct dispatcher *d, struct delivery *delivery);

/* Parks all deliveries of a passage. */
void park_passage(struct dispatcher *d, struct passage *passage);

/* Drops the waiting deliveries of a passage whose partition was lost. No rows: the next owner makes them again. */
void park_drop_waiting(struct dispatcher *d, struct passage *passage);

/* Ends a delivery without an attempt. */
void park_end(struct dispatcher *d, struct delivery *delivery);

/* A delivery from the destination's backlog is over, and the gathering flush records it. */
void park_settled(struct dispatcher *d, struct destination *destination);
