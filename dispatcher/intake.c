#include "intake.h"

#include <stdlib.h>

#include "accounts.h"
#include "base/fault.h"
#include "claim.h"
#include "database.h"
#include "dead_letter.h"
#include "delivery.h"
#include "event_rows.h"
#include "fanout.h"
#include "flush.h"
#include "kafka.h"
#include "record.h"
#include "unloaded.h"

#define BATCH_SIZE_MAX (8u << 20) /* bytes of a batch's records, not counting its last record */
#define KNOWN_FOR SPAN_S(30)      /* an account that was looked up stays cached for this long (SIZE_KEPT, accounts.c) */

enum phase { PHASE_EMPTY, PHASE_ACCOUNTS, PHASE_STORE, PHASE_RELOAD, PHASE_MATCH, PHASE_READY };

struct batch {
    enum phase phase;
    bool asked;           /* the query of this phase is under way */
    struct mono known_at; /* when all its accounts were known */
    int64_t clock;        /* the subscription clock when its events were stored; they are subject to changes up to it */
    struct passage **passages;
    size_t count, fanned; /* number of passages; the first `fanned` are done */
};

struct intake {
    struct dispatcher *d;
    struct session *session;
    struct batch batches[2];
    int first; /* index of the older batch */
    struct batch *storing;
    struct unloaded unloaded;
    struct mono not_before;  /* pause after PostgreSQL rejected a batch */
    struct event_rows *rows; /* of the batch in phase STORE */
};

static void intake_connected_now(void *owner)
{
    (void)owner; /* intake_work() runs in every turn */
}

struct intake *intake_new(struct dispatcher *d, struct error *error)
{
    struct intake *intake = calloc(1, sizeof *intake);
    size_t most = (size_t)d->settings->batch_max;
    if (intake == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    intake->d = d;
    intake->rows = event_rows_new(most);
    for (int i = 0; i < 2; i++)
        intake->batches[i].passages = calloc(most, sizeof(struct passage *));
    unloaded_init(&intake->unloaded, d);
    intake->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher intake", intake_connected_now, d, error);
    if (intake->session == NULL || intake->rows == NULL || intake->batches[0].passages == NULL ||
        intake->batches[1].passages == NULL)
        intake_free(&intake);
    return intake;
}

/* The state diagram of ARCHITECTURE.md. */
static bool may_become(enum phase from, enum phase to)
{
    switch (to) {
    case PHASE_EMPTY:
        return true; /* also at the end of the process */
    case PHASE_ACCOUNTS:
        return from == PHASE_EMPTY || from == PHASE_ACCOUNTS || from == PHASE_STORE;
    case PHASE_STORE:
        return from == PHASE_ACCOUNTS;
    case PHASE_RELOAD:
        return from == PHASE_STORE || from == PHASE_READY;
    case PHASE_MATCH:
        return from == PHASE_RELOAD;
    case PHASE_READY:
        return from == PHASE_STORE || from == PHASE_MATCH;
    }
    return false;
}

/* The only function that changes the phase of a batch. */
static void batch_become(struct batch *batch, enum phase phase)
{
    invariant(may_become(batch->phase, phase));
    invariant(phase == PHASE_EMPTY || batch->fanned < batch->count);
    batch->phase = phase;
}

static void batch_release(struct dispatcher *d, struct batch *batch)
{
    for (size_t i = batch->fanned; i < batch->count; i++) {
        passage_let_go(batch->passages[i]);
        passage_release(d, batch->passages[i]);
    }
    batch_become(batch, PHASE_EMPTY);
    batch->asked = false;
    batch->count = batch->fanned = 0;
}

void intake_free(struct intake **intake)
{
    struct intake *old = *intake;
    if (old == NULL)
        return;
    session_free(&old->session);
    for (int i = 0; i < 2; i++) {
        batch_release(old->d, &old->batches[i]);
        free(old->batches[i].passages);
    }
    event_rows_free(&old->rows);
    unloaded_fini(&old->unloaded);
    free(old);
    *intake = NULL;
}

/* READ ---------------------------------------------------------------------- */

static void add_message(struct dispatcher *d, struct batch *batch, struct partition *partition,
                        rd_kafka_message_t *message)
{
    struct passage *passage = record_read(d, partition, message);
    passage_hold(passage); /* until its fan-out is done */
    partition_add(partition, passage);
    invariant(batch->count < (size_t)d->settings->batch_max);
    batch->passages[batch->count++] = passage;
    count(d, METRIC_RECORDS, 1);
}

static void read_batch(struct dispatcher *d, struct batch *batch)
{
    rd_kafka_message_t *message;
    int64_t before = budget_used(d->memory);
    for (int64_t most = d->settings->batch_max;
         most > 0 && memory_has_room(d) && budget_used(d->memory) - before < BATCH_SIZE_MAX &&
         (message = kafka_take(d)) != NULL;
         most--) {
        struct partition *partition = claims_accept(d, message);
        if (partition == NULL)
            rd_kafka_message_destroy(message);
        else
            add_message(d, batch, partition, message);
    }
    if (batch->count > 0) {
        batch_become(batch, PHASE_ACCOUNTS);
        fault_point("after-read");
    }
}

/* ACCOUNTS ------------------------------------------------------------------ */

static void accounts_loaded(void *owner, bool ok)
{
    struct batch *batch = owner;
    batch_become(batch, ok ? PHASE_STORE : PHASE_ACCOUNTS);
    batch->known_at = mono_now();
    batch->asked = false;
}

static void ask_accounts(struct dispatcher *d, struct batch *batch)
{
    bool all_known = true;
    for (size_t i = 0; i < batch->count; i++) {
        struct passage *passage = batch->passages[i];
        if (passage_is_readable(passage) && accounts_find_key(d, passage->event.account) == NULL) {
            accounts_want_key(d, passage->event.account);
            all_known = false;
        }
    }
    if (all_known) {
        batch_become(batch, PHASE_STORE);
        batch->known_at = mono_now();
        return;
    }
    batch->asked = true;
    accounts_load(d, accounts_loaded, batch);
}

/* STORE --------------------------------------------------------------------- */

static void batch_stored(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct intake *intake = d->intake;
    struct batch *batch = intake->storing;
    invariant(batch != NULL && batch->phase == PHASE_STORE && batch->asked);
    intake->storing = NULL;
    batch->asked = false;
    if (reply->status != REPLY_OK) { /* send the same batch again: it can be repeated */
        intake->not_before = mono_add(loop_now(d->loop), SPAN_MS(100));
        if (reply->status == REPLY_REFUSED)
            database_refused(d, "intake", reply);
        return;
    }
    const PGresult *row = reply->results[0];
    event_rows_take(intake->rows, row);
    accounts_take_clock(d, row);
    batch->clock = accounts_clock(d);
    batch_become(batch, PHASE_RELOAD);
    fault_point("after-intake");
}

static void ask_store(struct dispatcher *d, struct batch *batch)
{
    struct intake *intake = d->intake;
    if (mono_since(loop_now(d->loop), batch->known_at).ns > KNOWN_FOR.ns) { /* an account may have left the cache */
        batch_become(batch, PHASE_ACCOUNTS);
        return;
    }
    if (intake->storing != NULL || !session_idle(intake->session) || mono_before(loop_now(d->loop), intake->not_before))
        return;
    if (!event_rows_fill(d, intake->rows, batch->passages, batch->count)) {
        intake->not_before = mono_add(loop_now(d->loop), SPAN_MS(100));
        return;
    }
    if (event_rows_count(intake->rows) == 0) {
        batch_become(batch, PHASE_READY);
        return;
    }
    if (!event_rows_add(d, intake->rows, intake->session) || !session_send(intake->session, batch_stored, d))
        return;
    intake->storing = batch;
    batch->asked = true;
}

/* RELOAD -------------------------------------------------------------------- */

static void reloaded(void *owner, bool ok)
{
    struct batch *batch = owner;
    (void)ok;
    batch->asked = false; /* check again: the load may have failed, or an account may have left the cache */
}

static void ask_reload(struct dispatcher *d, struct batch *batch)
{
    bool all_fresh = true;
    for (size_t i = batch->fanned; i < batch->count; i++) { /* earlier ones are released */
        struct passage *passage = batch->passages[i];
        if (passage->kind != PASSAGE_EVENT)
            continue;
        struct account *account = accounts_find_id(d, passage->account_id);
        if (account == NULL || !account_is_fresh_at(account, batch->clock)) {
            accounts_want_id(d, passage->account_id);
            all_fresh = false;
        }
    }
    if (all_fresh) {
        batch_become(batch, PHASE_MATCH);
        return;
    }
    batch->asked = true;
    accounts_load(d, reloaded, batch);
}

/* READY --------------------------------------------------------------------- */

static void fan_out(struct dispatcher *d, struct batch *batch)
{
    while (batch->fanned < batch->count && deliveries_may_start_event(d) && flush_has_room(d)) {
        struct passage *passage = batch->passages[batch->fanned];
        struct account *account = passage->kind == PASSAGE_EVENT ? accounts_find_id(d, passage->account_id) : NULL;
        bool unloaded = account != NULL && account->unloaded;
        if (passage->kind == PASSAGE_EVENT && (account == NULL || (unloaded && passage->reached == NULL))) {
            /* an account has left the cache or was unloaded: check again */
            batch_become(batch, PHASE_RELOAD);
            return;
        }
        invariant(!passage->fanned);
        batch->fanned++;
        passage->fanned = true;
        if (unloaded)
            unloaded_fan_out(d, passage);
        else if (passage->kind == PASSAGE_EVENT)
            fanout_event(d, passage, account);
        else if (passage->kind == PASSAGE_REPEAT)
            fanout_repeat(d, passage);
        else if (passage->kind != PASSAGE_SKIPPED)
            dead_letter_start(d, passage);
        passage_let_go(passage); /* from here on, only deliveries or a dead letter's copy hold the position */
        flush_touch(d);
        passage_release(d, passage);
    }
    if (batch->fanned == batch->count)
        batch_release(d, batch);
}

static void work_on(struct dispatcher *d, struct batch *batch, bool may_fan_out)
{
    if (batch->phase == PHASE_ACCOUNTS && !batch->asked)
        ask_accounts(d, batch);
    if (batch->phase == PHASE_STORE && !batch->asked)
        ask_store(d, batch);
    if (batch->phase == PHASE_RELOAD && !batch->asked)
        ask_reload(d, batch);
    if (batch->phase == PHASE_MATCH && unloaded_work(d, &d->intake->unloaded, d->intake->session,
                                                     batch->passages + batch->fanned, batch->count - batch->fanned))
        batch_become(batch, PHASE_READY);
    if (batch->phase == PHASE_READY && may_fan_out)
        fan_out(d, batch);
}

static bool may_read(struct dispatcher *d)
{
    return kafka_readable(d->kafka) && memory_has_room(d) && flush_has_room(d);
}

bool intake_has_work(struct dispatcher *d)
{
    const struct intake *intake = d->intake;
    bool empty = intake->batches[0].phase == PHASE_EMPTY || intake->batches[1].phase == PHASE_EMPTY;
    return !d->draining && empty && may_read(d);
}

void intake_work(struct dispatcher *d)
{
    struct intake *intake = d->intake;
    if (d->draining || d->refused)
        return; /* the next owner reads again what is not fanned out */
    if (intake->batches[intake->first].phase == PHASE_EMPTY)
        intake->first = 1 - intake->first;
    struct batch *older = &intake->batches[intake->first], *newer = &intake->batches[1 - intake->first];
    if (older->phase == PHASE_EMPTY && may_read(d))
        read_batch(d, older);
    work_on(d, older, true);
    if (older->phase != PHASE_EMPTY && newer->phase == PHASE_EMPTY && may_read(d))
        read_batch(d, newer);
    work_on(d, newer, false);
}

bool intake_connected(const struct dispatcher *d)
{
    return session_connected(d->intake->session);
}
