/* Background: the PostgreSQL connection for everything outside the path of an event, one batch of statements at a time,
 * and the tick that wakes the loop for it. */
#pragma once
#include "kafka.h"

struct background *background_new(struct dispatcher *d, struct error *error) MUST_USE;
void background_free(struct background **background);

struct session *background_session(struct dispatcher *d);
/* True if this dispatcher is registered and no batch is under way. */
bool background_is_free(const struct dispatcher *d);
bool background_connected(const struct dispatcher *d);

/* There is work before the next tick. */
void background_hurry(struct dispatcher *d);
