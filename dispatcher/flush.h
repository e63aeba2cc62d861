/* Flush: what happened becomes durable, and positions move, in one transaction.
 *
 * Two buffers in turn: rows gather in one while the other is under way. A flush is sent when it has flush-rows rows or
 * is flush-interval old. Its last statement, posthorn.move(), moves each position only if it is ours and stands where
 * we left it; if not, that partition's work is dropped, and the attempts that were made are recorded all the same. A
 * connection lost around the commit is resolved by posthorn.dispatcher.flush_seq. */
#pragma once
#include "flush_rows.h"

struct flush_events {
    /* A flush is durable, or had nothing to write: all up to `seq` are. */
    void (*ended)(struct dispatcher *d, int64_t seq);
    /* The position is not ours (any more); what was gathered for it is dropped. */
    void (*lost)(struct dispatcher *d, int32_t position_id);
};

struct flusher *flusher_new(struct dispatcher *d, const struct flush_events *events, struct error *error) MUST_USE;
void flusher_free(struct flusher **flusher);

/* The rows of the flush that gathers now: it will be sent. */
struct flush_rows *flush_gathering(struct dispatcher *d);
/* One attempt more of the account is not durable. */
void flush_take_share(struct dispatcher *d, int32_t account_id);
/* Bytes of the dead letters that are not durable yet. */
size_t flush_dead_letters_size(const struct dispatcher *d);

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
