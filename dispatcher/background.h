/* Background: the connection to PostgreSQL for all that is not on an event's way, one batch of statements at a time,
 * and the tick that wakes the loop for it. */
#pragma once
#include "kafka.h"

struct background *background_new(struct dispatcher *d, struct error *error) MUST_USE;
void background_free(struct background **background);

struct session *background_session(struct dispatcher *d);
/* This dispatcher is registered, and no batch is under way. */
bool background_is_free(const struct dispatcher *d);
bool background_connected(const struct dispatcher *d);

/* There is something to do before the next tick. */
void background_hurry(struct dispatcher *d);
