/* Intake: a batch of records becomes events that are known to PostgreSQL, and the state of subscriptions is known to be
 * no older than the batch.
 *
 *   READ ──> ACCOUNTS (load what is not known) ──> STORE (one round trip: claim the event ids, read the subscription
 * clock) ──> RELOAD (accounts that the clock says changed) ──> READY ──> fanned out in order, as fast as requests may
 * start
 *
 * Two batches in turn: one is stored while the other is fanned out. */
#pragma once
#include "passage.h"

struct intake *intake_new(struct dispatcher *d, struct error *error) MUST_USE;
void intake_free(struct intake **intake);

/* Called in every turn: does what can be done now. */
void intake_work(struct dispatcher *d);

/* Records are there and may be taken: do not sleep. */
bool intake_has_work(struct dispatcher *d);

bool intake_connected(const struct dispatcher *d);
