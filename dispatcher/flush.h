/* Flush: writes attempts and other rows and moves the positions, in one transaction.
 *
 * There are two sets of rows: one gathers while the other is written. A flush is sent when it has flush-rows rows or is
 * flush-interval old. Its function posthorn.move() moves each position only if it is ours and stands where we left it;
 * otherwise the work of that partition is dropped, but attempts that were made are still recorded. If the connection
 * breaks around the commit, posthorn.dispatcher.flush_seq tells whether it committed. */
#pragma once
#include "flush_rows.h"

/* `lost` is called when a position is not ours any more; the rows gathered for it are dropped. */
struct flusher *flusher_new(struct dispatcher *d, void (*lost)(struct dispatcher *d, int32_t position_id),
                            struct error *error) MUST_USE;
void flusher_free(struct flusher **flusher);

/* Returns the rows of the gathering flush, for appending: the flush will be sent. */
struct flush_rows *flush_gathering(struct dispatcher *d);
/* Counts one more attempt of the account that is not durable. */
void flush_take_share(struct dispatcher *d, int32_t account_id);
/* Bytes of dead letters that are not durable yet. */
size_t flush_dead_letters_size(const struct dispatcher *d);

/* The position can move, or a flush must end, without a row being added. */
void flush_touch(struct dispatcher *d);
/* Flushes as soon as possible. */
void flush_hurry(struct dispatcher *d);

/* Called in every turn. */
void flush_work(struct dispatcher *d);

/* Numbers of the gathering flush, and of the last one that ended. */
int64_t flush_next_seq(const struct dispatcher *d);
int64_t flush_ended_seq(const struct dispatcher *d);

/* True if nothing is gathered and no flush is under way. */
bool flush_is_clean(const struct dispatcher *d);
/* True if fewer attempts than those of four flushes, and less than 64 MiB of rows, are not durable yet: intake may go
 * on. */
bool flush_has_room(const struct dispatcher *d);
/* True if the account has a share of these left: its requests may start. */
bool flush_has_share(const struct dispatcher *d, int32_t account_id);
/* Number of attempts that are not durable yet. */
size_t flush_unflushed(const struct dispatcher *d);
bool flush_connected(const struct dispatcher *d);

/* Drops the gathered rows that only the owner of the position may write. Attempts stay, because they were made. A flush
 * under way is not changed: PostgreSQL decides about it. */
void flush_forget(struct dispatcher *d, int32_t position_id);

/* The position is no longer ours: drops the rows gathered for it and has it claimed again. */
void flush_lose(struct dispatcher *d, int32_t position_id);
