#include "flush.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "claim.h"
#include "destination.h"
#include "flush_gather.h"
#include "kafka.h"
#include "keeper.h"

#define REFUSED_PAUSE SPAN_MS(200)
#define ROOM_FLUSHES 4
#define FULL_BYTES ((size_t)16 << 20)

struct flusher {
    struct dispatcher *d;
    struct session *session;
    struct timer timer; /* wakes the loop when a flush is due */
    struct flush_rows rows[2];
    struct budget *unflushed; /* attempts that are not durable yet, by account */
    int64_t charged;          /* bytes of rows that are taken of the dispatcher's memory */
    int gathering;            /* which of the two; the other may be under way */
    int64_t seq, ended_seq;   /* of the one gathering; the last that ended */
    enum {
        FLUSH_NONE,
        FLUSH_TO_SEND,
        FLUSH_SENT,
        FLUSH_UNKNOWN /* connection lost: did it commit? */,
        FLUSH_ASKED
    } state;
    bool touched, hurry, carefully;
    struct mono touched_at, sent_at, not_before;
};

static void connected(void *owner)
{
    (void)owner; /* flush_work() looks in every turn */
}

static void timer_fired(void *owner)
{
    (void)owner; /* it is enough that the loop turns */
}

struct flusher *flusher_new(struct dispatcher *d, struct error *error)
{
    struct flusher *flusher = calloc(1, sizeof *flusher);
    if (flusher == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    flusher->d = d;
    flusher->seq = 1;
    flusher->timer = (struct timer){.fire = timer_fired, .owner = flusher};
    flush_rows_init(&flusher->rows[0]);
    flush_rows_init(&flusher->rows[1]);
    flusher->unflushed = budget_new(ROOM_FLUSHES * d->settings->flush_rows);
    if (flusher->unflushed == NULL)
        error_set(error, "no memory");
    else
        flusher->session =
            session_new(d->loop, d->settings->database_url, "posthorn-dispatcher flush", connected, d, error);
    if (flusher->session == NULL)
        flusher_free(&flusher);
    return flusher;
}

void flusher_free(struct flusher **flusher)
{
    struct flusher *old = *flusher;
    if (old == NULL)
        return;
    session_free(&old->session);
    timer_cancel(old->d->loop, &old->timer);
    flush_rows_fini(&old->rows[0]);
    flush_rows_fini(&old->rows[1]);
    budget_free(&old->unflushed);
    free(old);
    *flusher = NULL;
}

/* Gathering ----------------------------------------------------------------- */

struct flush_rows *flush_gathering(struct dispatcher *d)
{
    flush_touch(d);
    return &d->flusher->rows[d->flusher->gathering];
}

void flush_touch(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    if (flusher->touched)
        return;
    flusher->touched = true;
    flusher->touched_at = loop_now(d->loop);
    timer_set(d->loop, &flusher->timer, mono_add(flusher->touched_at, d->settings->flush_interval));
}

void flush_take_share(struct dispatcher *d, int32_t account_id)
{
    overdraw(d->flusher->unflushed, (uint64_t)account_id, 1);
}

/* Bytes of the rows that are not durable yet. */
static size_t gathered_size(const struct flusher *flusher)
{
    return flush_rows_size(&flusher->rows[0]) + flush_rows_size(&flusher->rows[1]);
}

size_t flush_dead_letters_size(const struct dispatcher *d)
{
    return d->flusher->rows[0].deads_size + d->flusher->rows[1].deads_size;
}

/* Composing ----------------------------------------------------------------- */

static void count_passage(struct move_row *move, const struct passage *passage)
{
    move->records++;
    move->events += passage->kind == PASSAGE_EVENT;
    move->repeated += passage->kind == PASSAGE_REPEAT;
    move->dead_lettered += passage->kind == PASSAGE_DEAD_LETTER;
    move->matched += passage->matched;
}

/* Pass all that is over at the head of the partition; if that is nothing, be sure to own it all the same when rows of
 * it are written. */
static void compose_move(struct dispatcher *d, struct partition *partition, struct flush_rows *rows)
{
    struct passage *passage = TAILQ_FIRST(&partition->passages);
    bool moves = passage != NULL && passage->open == 0;
    if (!moves && !partition->needs_fence)
        return;
    partition->needs_fence = false;
    struct move_row move = {.position_id = partition->position_id,
                            .old_next = partition->composed_offset,
                            .new_next = partition->composed_offset};
    memcpy(move.owner, partition->owner, sizeof move.owner);
    if (!moves) {
        flush_rows_append(&rows->moves, &move, sizeof move);
        return;
    }
    move.first_offset = partition->composed_offset >= 0 ? partition->composed_offset : passage->offset;
    while ((passage = TAILQ_FIRST(&partition->passages)) != NULL && passage->open == 0) {
        count_passage(&move, passage);
        move.last_offset = passage->offset;
        move.last_timestamp = passage->timestamp_ms;
        move.last_check = claims_check_of(passage->digest);
        TAILQ_REMOVE(&partition->passages, passage, link);
        passage->partition = NULL;
        passage_forget_record(d, passage);
        passage_release(d, passage);
    }
    move.new_next = move.last_offset + 1;
    partition->composed_offset = move.new_next;
    flush_rows_append(&rows->moves, &move, sizeof move);
}

static void compose(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    struct flush_rows *rows = &flusher->rows[flusher->gathering];
    struct partition *partition;
    TAILQ_FOREACH(partition, claims_partitions(d), link)
    if (partition->state == PARTITION_RUNNING || partition->state == PARTITION_REVOKING)
        compose_move(d, partition, rows);
    flusher->touched = flusher->hurry = false;
    if (flush_rows_empty(rows)) {
        flusher->ended_seq = flusher->seq++; /* nothing to write: it has ended */
        claims_flushed(d, flusher->ended_seq);
        return;
    }
    flusher->gathering = 1 - flusher->gathering;
    flusher->seq++;
    flusher->state = FLUSH_TO_SEND;
    flusher->carefully = false;
}

/* Sending ------------------------------------------------------------------- */

static struct flush_rows *under_way(struct flusher *flusher)
{
    return &flusher->rows[1 - flusher->gathering];
}

static void tell_kafka(struct dispatcher *d, const struct flush_rows *rows)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    struct partition *partition;
    TAILQ_FOREACH(partition, claims_partitions(d), link)
    for (size_t i = 0; i < ROW_COUNT(rows->moves, struct move_row); i++) {
        const struct move_row *move = &ROWS(rows->moves, struct move_row)[i];
        if (move->position_id != partition->position_id || move->records == 0)
            continue;
        partition->next_offset = move->new_next;
        if (partition->assigned && partition->state == PARTITION_RUNNING)
            rd_kafka_topic_partition_list_add(offsets, partition->topic, partition->number)->offset = move->new_next;
    }
    if (offsets->cnt > 0)
        keeper_commit_later(d, offsets);
    rd_kafka_topic_partition_list_destroy(offsets);
}

/* The attempts are durable: their accounts may make more. */
static void give_back(struct flusher *flusher, const struct flush_rows *rows)
{
    for (size_t i = 0; i < ROW_COUNT(rows->accounts, int32_t); i++)
        budget_give(flusher->unflushed, (uint64_t)ROWS(rows->accounts, int32_t)[i], 1);
}

static void flush_committed(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    fault_point("after-commit");
    count(d, METRIC_FLUSHES, 1);
    metric_observe(&d->metrics[METRIC_FLUSH_SECONDS], mono_since(mono_now(), flusher->sent_at));
    tell_kafka(d, under_way(flusher));
    give_back(flusher, under_way(flusher));
    flush_rows_clear(under_way(flusher));
    flusher->state = FLUSH_NONE;
    flusher->ended_seq = flusher->seq - 1;
    claims_flushed(d, flusher->ended_seq);
}

void flush_forget(struct dispatcher *d, int32_t position_id)
{
    flush_rows_drop(&d->flusher->rows[d->flusher->gathering], position_id);
}

void flush_lose(struct dispatcher *d, int32_t position_id)
{
    flush_forget(d, position_id);
    claims_lost(d, position_id);
}

/* DETAIL of PH001 lists the positions that are not ours: drop their work, and send the rest again. */
static void drop_lost(struct dispatcher *d, const char *detail)
{
    struct flusher *flusher = d->flusher;
    char *end;
    for (const char *at = detail; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        int32_t position = (int32_t)strtol(at, &end, 10);
        if (end == at)
            break;
        flush_rows_drop(under_way(flusher), position);
        flush_lose(d, position);
    }
}

static void flush_refused(struct dispatcher *d, const struct reply *reply)
{
    struct flusher *flusher = d->flusher;
    count(d, METRIC_FLUSHES_REFUSED, 1);
    flusher->state = FLUSH_TO_SEND;
    if (strcmp(reply->sqlstate, "PH001") == 0) {
        drop_lost(d, reply->detail);
        return;
    }
    if (strcmp(reply->sqlstate, "PH002") == 0) { /* the first sending was only late */
        flush_committed(d);
        return;
    }
    if (strcmp(reply->sqlstate, "PH003") == 0) /* the database went back in time: this process is not in it yet */
        d->id = 0;
    flusher->not_before = mono_add(loop_now(d->loop), REFUSED_PAUSE);
    keeper_mend(d, "flush", reply);
    bool bad_data = strncmp(reply->sqlstate, "22", 2) == 0 || strncmp(reply->sqlstate, "23", 2) == 0;
    flusher->carefully = flusher->carefully || bad_data;
}

static void flush_answered(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status == REPLY_OK)
        flush_committed(d);
    else if (reply->status == REPLY_REFUSED)
        flush_refused(d, reply);
    else
        d->flusher->state = FLUSH_UNKNOWN;
}

static void seq_answered(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct flusher *flusher = d->flusher;
    if (reply->status != REPLY_OK) {
        flusher->state = FLUSH_UNKNOWN;
        return;
    }
    const PGresult *row = reply->results[0];
    bool committed = PQntuples(row) == 1 && result_int8(row, 0, 0) == flusher->seq - 1;
    log_info("flush_resolved", "seq=%lld committed=%d", (long long)flusher->seq - 1, committed);
    if (committed)
        flush_committed(d);
    else
        flusher->state = FLUSH_TO_SEND;
}

static void send_flush(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    fault_point("before-flush");
    flusher->sent_at = mono_now();
    if (!flush_rows_add(under_way(flusher), flusher->session, d->id, flusher->seq - 1, flusher->carefully) ||
        !session_send(flusher->session, flush_answered, d))
        return; /* nothing was committed: the connection is made anew, and it is sent again */
    flusher->state = FLUSH_SENT;
    fault_point("inside-transaction");
}

static void ask_seq(struct dispatcher *d)
{
    struct value id;
    const struct param params[] = {param_int4(d->id, &id)};
    if (session_add(d->flusher->session, "select flush_seq from posthorn.dispatcher where id = $1", params, 1) &&
        session_send(d->flusher->session, seq_answered, d))
        d->flusher->state = FLUSH_ASKED;
}

/* Rows count towards memory-max as what they stem from does. They are taken of no account's share: an account cannot
 * hold them back, and they go with the next flush. */
static void charge_rows(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    int64_t more = (int64_t)gathered_size(flusher) - flusher->charged;
    if (more > 0 && !budget_overdraw(d->memory, MEMORY_SHARED, more))
        return;
    if (more < 0)
        budget_give(d->memory, MEMORY_SHARED, -more);
    flusher->charged += more;
}

void flush_work(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    struct mono now = loop_now(d->loop);
    charge_rows(d);
    if (!session_idle(flusher->session) || mono_before(now, flusher->not_before) || d->id == 0)
        return;
    if (flusher->state == FLUSH_UNKNOWN)
        ask_seq(d);
    const struct flush_rows *rows = &flusher->rows[flusher->gathering];
    bool full = rows->attempts[0].count >= (uint32_t)d->settings->flush_rows || flush_rows_size(rows) >= FULL_BYTES;
    bool old = flusher->touched && mono_since(now, flusher->touched_at).ns >= d->settings->flush_interval.ns;
    if (flusher->state == FLUSH_NONE && (full || old || flusher->hurry))
        compose(d);
    if (flusher->state == FLUSH_TO_SEND)
        send_flush(d);
}

void flush_hurry(struct dispatcher *d)
{
    d->flusher->hurry = true;
}

int64_t flush_next_seq(const struct dispatcher *d)
{
    return d->flusher->seq;
}

int64_t flush_ended_seq(const struct dispatcher *d)
{
    return d->flusher->ended_seq;
}

bool flush_is_clean(const struct dispatcher *d)
{
    return d->flusher->state == FLUSH_NONE && !d->flusher->touched;
}

size_t flush_unflushed(const struct dispatcher *d)
{
    return (size_t)budget_used(d->flusher->unflushed);
}

bool flush_has_room(const struct dispatcher *d)
{
    const struct flusher *flusher = d->flusher;
    return flush_unflushed(d) < ROOM_FLUSHES * (size_t)d->settings->flush_rows &&
           gathered_size(flusher) < ROOM_FLUSHES * FULL_BYTES;
}

bool flush_has_share(const struct dispatcher *d, int32_t account_id)
{
    return budget_may_take(d->flusher->unflushed, (uint64_t)account_id, 1);
}

bool flush_connected(const struct dispatcher *d)
{
    return session_connected(d->flusher->session);
}
