/* Gathering: each function adds a row to the gathering flush. */
#pragma once
#include "delivery.h"
#include "flush.h"
#include "outcome.h"

/* A request was made, or could not be made. */
void flush_attempt(struct dispatcher *d, const struct delivery *delivery, enum outcome outcome, long status,
                   const char *why, struct span took);
/* The delivery waits in PostgreSQL until `due`. */
void flush_park(struct dispatcher *d, const struct delivery *delivery, int attempts_made, struct wall due);
/* As flush_park(), for a webhook that is not in memory. The row is due now. */
void flush_park_unloaded(struct dispatcher *d, const struct passage *passage, int32_t webhook_id);
/* Settles the delivery's pending row: it is over (`due` NULL), or due again. */
void flush_settle(struct dispatcher *d, const struct delivery *delivery, const struct wall *due);
void flush_cancel(struct dispatcher *d, const struct passage *passage, int32_t webhook_id, enum cause cause,
                  const char *reason);
void flush_repeat(struct dispatcher *d, const struct passage *passage);
/* `key`, `value` and `headers` are copied; data may be NULL. Returns false if memory is short. */
bool flush_dead_letter(struct dispatcher *d, const struct passage *passage, struct text value, struct text headers,
                       bool copied) MUST_USE;
void flush_health(struct dispatcher *d, int32_t webhook_id, bool failing, int gone);
