/* Retry: due deliveries come back from PostgreSQL. Leased are webhooks, not deliveries: one dispatcher at a time works
 * on a webhook's backlog, and takes no more than its window at once.
 *
 *   lease ──> (account loaded) ──> HELD ──> ASKING for due rows ──> sent like fresh ones ──> all settled and flushed
 * ──> ASKING … └── none due, or the breaker is open ──> RELEASING ──> given back
 */
#pragma once
#include "destination.h"

struct retrier *retrier_new(struct dispatcher *d, struct error *error) MUST_USE;
void retrier_free(struct retrier **retrier);

/* Called in every turn. */
void retry_work(struct dispatcher *d);

/* Draining: give all leases back. True when there are none left. */
bool retry_drain(struct dispatcher *d);
