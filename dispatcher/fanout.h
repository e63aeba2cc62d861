/* Fan-out: one event becomes a delivery for each webhook that matches, and all that may start do start in the same turn
 * of the loop. */
#pragma once
#include "account.h"
#include "partition.h"

void fanout_event(struct dispatcher *d, struct passage *passage, struct account *account);

/* The event id was there before: recorded, not delivered. */
void fanout_repeat(struct dispatcher *d, struct passage *passage);
