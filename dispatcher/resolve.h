/* Resolve: host names of webhooks to addresses, by c-ares inside the loop (libcurl's own resolver blocks). Every answer
 * goes past the guard, and a name with any address that is not allowed is refused. Answers are kept for their time to
 * live (5 to 60 s), failures for 5 s. */
#pragma once
#include "destination.h"

struct resolver *resolver_new(struct dispatcher *d, struct error *error) MUST_USE;
void resolver_free(struct resolver **resolver);

/* Find the address of the destination's host; it is pumped again once there is an answer, good or bad. */
void resolve_ask(struct dispatcher *d, struct destination *destination);
