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

/* Fewer than young-max requests for fresh events are younger than 50 ms: the next event may fan out. */
bool send_may_start_event(const struct dispatcher *d);

/* The account has a share left of what a request takes: requests in flight, memory, attempts not yet committed. What it
 * cannot start waits, then is parked; nobody else waits for it. */
bool send_has_share(const struct dispatcher *d, int32_t account_id);

/* Set up to `most` of the account's share in flight aside for requests that will start soon; returns how many. */
int send_reserve(struct dispatcher *d, int32_t account_id, int most);
void send_unreserve(struct dispatcher *d, int32_t account_id, int count);

/* All in flight, the oldest first. */
struct delivery_list *send_in_flight(struct dispatcher *d);
int send_in_flight_count(const struct dispatcher *d);

/* The one function that moves a delivery from state to state and from list to list. */
void delivery_move(struct dispatcher *d, struct delivery *delivery, enum delivery_state to);
