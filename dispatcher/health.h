/* Health: since when a webhook has been failing, as recorded in its row of posthorn.queue; disables a webhook that
 * fails for too long. */
#pragma once
#include "destination.h"

/* A request to the destination has ended. */
void health_learn(struct dispatcher *d, struct destination *destination, bool delivered, bool gone);
