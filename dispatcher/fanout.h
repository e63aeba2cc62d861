/* Fan-out: makes a delivery of an event for each webhook that matches. All deliveries that may start do so in the same
 * turn of the loop. */
#pragma once
#include "account.h"
#include "partition.h"

void fanout_event(struct dispatcher *d, struct passage *passage, struct account *account);

/* The event id was published before: recorded, not delivered. */
void fanout_repeat(struct dispatcher *d, struct passage *passage);
