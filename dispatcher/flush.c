#include "flush.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "database.h"
#include "offsets.h"

#define REFUSED_PAUSE SPAN_MS(200)
#define ROOM_FLUSHES 4
#define FULL_BYTES ((size_t)16 << 20)

enum flush_state {
    FLUSH_NONE,
    FLUSH_TO_SEND,
    FLUSH_SENT,
    FLUSH_UNKNOWN /* connection lost: did it commit? */,
    FLUSH_ASKED
};

struct flusher {
    struct dispatcher *d;
    void (*lost)(struct dispatcher *d, int32_t position_id);
    struct session *session;
    struct timer timer; /* wakes the loop when a flush is due */
    struct flush_rows rows[2];
    struct budget *unflushed; /* attempts that are not durable yet, by account */
    int64_t charged;          /* bytes of rows charged to the dispatcher's memory */
    int gathering;            /* index of the set of rows that gathers; the other may be under way */
    int64_t seq, ended_seq;   /* number of the gathering flush; of the last that ended */
    enum flush_state state;
    bool touched, hurry, carefully;
    struct mono touched_at, sent_at, not_before;
};

static void connected(void *owner)
{
    (void)owner; /* flush_work() runs in every turn */
}

static void timer_fired(void *owner)
{
    (void)owner; /* it is enough to wake the loop */
}

struct flusher *flusher_new(struct dispatcher *d, void (*lost)(struct dispatcher *d, int32_t position_id),
                            struct error *error)
{
    struct flusher *flusher = calloc(1, sizeof *flusher);
    if (flusher == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    flusher->d = d;
    flusher->lost = lost;
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

/* Returns the bytes of the rows that are not durable yet. */
static size_t gathered_size(const struct flusher *flusher)
{
    return flush_rows_size(&flusher->rows[0]) + flush_rows_size(&flusher->rows[1]);
}

size_t flush_dead_letters_size(const struct dispatcher *d)
{
    return d->flusher->rows[0].deads_size + d->flusher->rows[1].deads_size;
}

/* States -------------------------------------------------------------------- */

/* The state diagram of ARCHITECTURE.md. */
static bool may_become(enum flush_state from, enum flush_state to)
{
    switch (to) {
    case FLUSH_NONE:
        return from == FLUSH_SENT || from == FLUSH_ASKED;
    case FLUSH_TO_SEND:
        return from == FLUSH_NONE || from == FLUSH_SENT || from == FLUSH_ASKED;
    case FLUSH_SENT:
        return from == FLUSH_TO_SEND;
    case FLUSH_UNKNOWN:
        return from == FLUSH_SENT || from == FLUSH_ASKED;
    case FLUSH_ASKED:
        return from == FLUSH_UNKNOWN;
    }
    return false;
}

/* The only function that changes the state of a flush. */
static void flush_become(struct flusher *flusher, enum flush_state state)
{
    invariant(may_become(flusher->state, state));
    flusher->state = state;
}

/* Everything gathered before the current `seq` is durable. */
static void ended(struct flusher *flusher)
{
    invariant(flusher->state == FLUSH_NONE);
    invariant(flusher->seq == flusher->ended_seq + 2); /* one flush at a time */
    flusher->ended_seq = flusher->seq - 1;
}

/* Composing ----------------------------------------------------------------- */

static void compose(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    struct flush_rows *rows = &flusher->rows[flusher->gathering];
    struct partition *partition;
    struct move move;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    if ((partition->state == PARTITION_RUNNING || partition->state == PARTITION_REVOKING) &&
        partition_pass(d, partition, &move))
        flush_rows_append(&rows->moves, &move, sizeof move);
    flusher->touched = flusher->hurry = false;
    if (flush_rows_empty(rows)) {
        flusher->seq++;
        ended(flusher); /* there was nothing to write */
        return;
    }
    invariant(flush_rows_empty(&flusher->rows[1 - flusher->gathering]));
    flusher->gathering = 1 - flusher->gathering;
    flusher->seq++;
    flusher->carefully = false;
    flush_become(flusher, FLUSH_TO_SEND);
}

/* Sending ------------------------------------------------------------------- */

static struct flush_rows *under_way(struct flusher *flusher)
{
    return &flusher->rows[1 - flusher->gathering];
}

/* The moves are durable: updates the positions in memory and, for lag tools, in Kafka. */
static void positions_passed(struct dispatcher *d, const struct flush_rows *rows)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    for (size_t i = 0; i < ROW_COUNT(rows->moves, struct move); i++) {
        const struct move *move = &ROWS(rows->moves, struct move)[i];
        if (move->position_id != partition->position_id || move->records == 0)
            continue;
        partition_passed(partition, move);
        if (partition->assigned && partition->state == PARTITION_RUNNING)
            offsets_remember(d, partition->topic, partition->number, move->new_next);
    }
}

/* The attempts are durable: gives their accounts their shares back. */
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
    positions_passed(d, under_way(flusher));
    give_back(flusher, under_way(flusher));
    flush_rows_clear(under_way(flusher));
    flush_become(flusher, FLUSH_NONE);
    ended(flusher);
}

void flush_forget(struct dispatcher *d, int32_t position_id)
{
    flush_rows_drop(&d->flusher->rows[d->flusher->gathering], position_id);
}

void flush_lose(struct dispatcher *d, int32_t position_id)
{
    flush_forget(d, position_id);
    d->flusher->lost(d, position_id);
}

/* DETAIL of PH001 lists the positions that are not ours: drops their rows; the rest is sent again. */
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
    if (strcmp(reply->sqlstate, "PH002") == 0) { /* the first sending arrived late and was committed */
        flush_committed(d);
        return;
    }
    flush_become(flusher, FLUSH_TO_SEND);
    if (strcmp(reply->sqlstate, "PH001") == 0) {
        drop_lost(d, reply->detail);
        return;
    }
    if (strcmp(reply->sqlstate, "PH003") == 0) /* the database was set back to before this process registered */
        d->id = 0;
    flusher->not_before = mono_add(loop_now(d->loop), REFUSED_PAUSE);
    database_refused(d, "flush", reply);
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
        flush_become(d->flusher, FLUSH_UNKNOWN);
}

static void seq_answered(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct flusher *flusher = d->flusher;
    if (reply->status != REPLY_OK) {
        flush_become(flusher, FLUSH_UNKNOWN);
        return;
    }
    const PGresult *row = reply->results[0];
    bool committed = PQntuples(row) == 1 && result_int8(row, 0, 0) == flusher->seq - 1;
    log_info("flush_resolved", "seq=%lld committed=%d", (long long)flusher->seq - 1, committed);
    if (committed)
        flush_committed(d);
    else
        flush_become(flusher, FLUSH_TO_SEND);
}

static void send_flush(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    fault_point("before-flush");
    invariant(flusher->state == FLUSH_TO_SEND);
    flusher->sent_at = mono_now();
    if (!flush_rows_add(under_way(flusher), flusher->session, d->id, flusher->seq - 1, flusher->carefully) ||
        !session_send(flusher->session, flush_answered, d))
        return; /* nothing was committed: the flush is sent again over a new connection */
    flush_become(flusher, FLUSH_SENT);
    fault_point("inside-transaction");
}

static void ask_seq(struct dispatcher *d)
{
    struct value id;
    const struct param params[] = {param_int4(d->id, &id)};
    if (session_add(d->flusher->session, "select flush_seq from posthorn.dispatcher where id = $1", params, 1) &&
        session_send(d->flusher->session, seq_answered, d))
        flush_become(d->flusher, FLUSH_ASKED);
}

/* Charges the rows to memory-max, like the events that they come from. They count in no account's share, because they
 * are freed with the next flush, whatever the account does. */
static void charge_rows(struct dispatcher *d)
{
    struct flusher *flusher = d->flusher;
    int64_t more = (int64_t)gathered_size(flusher) - flusher->charged;
    if (more > 0 && !budget_overdraw(d->memory, MEMORY_SHARED, more))
        return;
    if (more < 0)
        budget_give(d->memory, MEMORY_SHARED, -more);
    flusher->charged += more;
    invariant(flusher->charged >= 0);
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
