/* Health: since when a webhook fails, as its row in posthorn.queue says it, and the end of one that fails for too long.
 */
#pragma once
#include "destination.h"

/* How a request to it went. */
void health_learn(struct dispatcher *d, struct destination *destination, bool delivered, bool gone);
