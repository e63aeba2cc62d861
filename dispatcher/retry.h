/* Retry: takes due deliveries from PostgreSQL. Leases are for webhooks, not for deliveries: one dispatcher at a time
 * works on a webhook's backlog, and takes no more rows than its window at once.
 *
 *   lease ──> (account loaded) ──> HELD ──> ASKING for due rows ──> sent like fresh ones
 *                                             ^   │                          │
 *                                             │   │       all settled and flushed
 *                                             └───│──────────────────────────┘
 *                                                 └──> none due, or the breaker is open: RELEASING ──> released
 */
#pragma once
#include "destination.h"

struct retrier *retrier_new(struct dispatcher *d, struct error *error) MUST_USE;
void retrier_free(struct retrier **retrier);

/* Called in every turn. */
void retry_work(struct dispatcher *d);

/* Draining: releases all leases. Returns true when none is left. */
bool retry_drain(struct dispatcher *d);
