/* Intake: stores the events of a batch of records in PostgreSQL, and makes sure that the subscriptions in memory are no
 * older than the batch.
 *
 *   EMPTY     records are read into the batch
 *   ACCOUNTS  accounts that are not cached are loaded
 *   STORE     one round trip: the event rows are inserted, and the subscription clock is read
 *   RELOAD    accounts that have changed by that clock are loaded again
 *   MATCH     PostgreSQL matches the events of accounts that do not fit into memory
 *   READY     events are fanned out in order, as fast as requests may start
 *
 * There are two batches: one is stored while the other is fanned out. */
#pragma once
#include "passage.h"

struct intake *intake_new(struct dispatcher *d, struct error *error) MUST_USE;
void intake_free(struct intake **intake);

/* Called in every turn. */
void intake_work(struct dispatcher *d);

/* True if records are queued and may be taken: the loop must not sleep. */
bool intake_has_work(struct dispatcher *d);

bool intake_connected(const struct dispatcher *d);
