/* Send: requests through libcurl's multi interface, driven by the loop (sockets.h). Handles and deliveries are pooled.
 */
#pragma once
#include "destination.h"
#include "passage.h"

struct sender *sender_new(struct dispatcher *d, struct error *error) MUST_USE;
void sender_free(struct sender **sender);

/* A delivery in state NEW, counted in passage->open when the passage holds a position. Refers to passage and
 * destination. */
struct delivery *send_new_delivery(struct dispatcher *d, struct passage *passage, struct destination *destination,
                                   enum cause cause, int attempts);

/* It is over, one way or the other: out of its list, back to the pool. */
void send_end_delivery(struct dispatcher *d, struct delivery *delivery);

/* Start the request (from NEW or WAITING). When it cannot even start, that is recorded as an attempt. */
void send_start(struct dispatcher *d, struct delivery *delivery);

/* Hand all requests started in this turn to the network. Called once at the end of each turn. */
void send_turn(struct dispatcher *d);

/* Fewer than young-max requests are younger than 50 ms: the next event may fan out. */
bool send_may_start_event(const struct dispatcher *d);

/* One more request fits under in-flight-max. */
bool send_has_room(const struct dispatcher *d);

/* All in flight, the oldest first. */
struct delivery_list *send_in_flight(struct dispatcher *d);
int send_in_flight_count(const struct dispatcher *d);

/* The one function that moves a delivery from state to state and from list to list. */
void delivery_move(struct dispatcher *d, struct delivery *delivery, enum delivery_state to);
