/* Send: runs requests on libcurl's multi interface, driven by the loop (sockets.h). */
#pragma once
#include "delivery.h"

struct send_events {
    /* The delivery's request has completed. */
    void (*finished)(struct dispatcher *d, struct delivery *delivery, CURLcode code);
    /* libcurl repeats a request whose connection broke before any answer. */
    void (*repeated)(struct dispatcher *d, struct delivery *delivery);
    /* The request could not be made at all. */
    void (*not_made)(struct dispatcher *d, struct delivery *delivery, const char *why);
};

struct sender *sender_new(struct dispatcher *d, const struct send_events *events, struct error *error) MUST_USE;
/* Ends the requests in flight. */
void sender_free(struct sender **sender);

/* Starts the request of a delivery in state NEW or WAITING. */
void send_start(struct dispatcher *d, struct delivery *delivery);

/* Sends all requests started in this turn. Called once, at the end of each turn. */
void send_turn(struct dispatcher *d);
