/* Flush: what happened becomes durable, and positions move, in one transaction.
 *
 * Two buffers in turn: rows gather in one while the other is under way. A flush is sent when it has flush-rows rows or
 * is flush-interval old. Its last statement, posthorn.move(), moves each position only if it is ours and stands where
 * we left it; if not, that partition's work is dropped, and the attempts that were made are recorded all the same. A
 * connection lost around the commit is resolved by posthorn.dispatcher.flush_seq. */
#pragma once
#include "delivery.h"
#include "dispatcher.h"
#include "outcome.h"
#include "passage.h"

struct flusher *flusher_new(struct dispatcher *d, struct error *error) MUST_USE;
void flusher_free(struct flusher **flusher);

/* A request was made, or could not be. */
void flush_attempt(struct dispatcher *d, const struct delivery *delivery, enum outcome outcome, long status,
                   const char *why, struct span took);
/* The delivery is to wait in PostgreSQL until `due`. */
void flush_park(struct dispatcher *d, const struct delivery *delivery, int attempts_made, struct wall due);
/* The same for a webhook that is not in memory: due now. */
void flush_park_unloaded(struct dispatcher *d, const struct passage *passage, int32_t webhook_id);
/* Its pending row: over (due NULL), or due again. */
void flush_settle(struct dispatcher *d, const struct delivery *delivery, const struct wall *due);
void flush_cancel(struct dispatcher *d, const struct passage *passage, int32_t webhook_id, enum cause cause,
                  const char *reason);
void flush_repeat(struct dispatcher *d, const struct passage *passage);
/* `key`, `value`, `headers` may have data NULL; they are copied. False without memory for that. */
bool flush_dead_letter(struct dispatcher *d, const struct passage *passage, struct text value, struct text headers,
                       bool copied) MUST_USE;
/* Bytes of the dead letters that are not durable yet. */
size_t flush_dead_letters_size(const struct dispatcher *d);
void flush_health(struct dispatcher *d, int32_t webhook_id, bool failing, int gone);

/* Something became passable without a row. */
void flush_touch(struct dispatcher *d);
/* Flush as soon as possible. */
void flush_hurry(struct dispatcher *d);

/* Called in every turn. */
void flush_work(struct dispatcher *d);

/* The number of the flush that takes what is written now; the last that ended. */
int64_t flush_next_seq(const struct dispatcher *d);
int64_t flush_ended_seq(const struct dispatcher *d);

/* Nothing gathered, nothing under way. */
bool flush_is_clean(const struct dispatcher *d);
/* Fewer than four flushes' attempts, and than 64 MiB of rows, are not yet durable: events may be taken in. */
bool flush_has_room(const struct dispatcher *d);
/* The account has a share left of these: its requests may start. */
bool flush_has_share(const struct dispatcher *d, int32_t account_id);
/* Attempts that are not durable yet. */
size_t flush_unflushed(const struct dispatcher *d);
bool flush_connected(const struct dispatcher *d);

/* What was gathered for a position and only its owner may write is dropped; attempts stay: they were made. (A flush
 * that is under way is for PostgreSQL to judge.) */
void flush_forget(struct dispatcher *d, int32_t position_id);

/* The position turned out not to be ours (any more): what was gathered for it is dropped, and it is claimed again. */
void flush_lose(struct dispatcher *d, int32_t position_id);
