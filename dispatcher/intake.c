#include "intake.h"

#include <stdlib.h>

#include "accounts.h"
#include "base/fault.h"
#include "claim.h"
#include "database.h"
#include "dead_letter.h"
#include "delivery.h"
#include "fanout.h"
#include "flush.h"
#include "kafka.h"
#include "record.h"
#include "unloaded.h"

#define BATCH_SIZE_MAX (8u << 20) /* bytes of the records of a batch, but for its last record */
#define COLUMN_MAX (256u << 20)
#define KNOWN_FOR SPAN_S(30) /* so long an account that was looked for stays cached (SIZE_KEPT, accounts.c) */

enum phase { PHASE_EMPTY, PHASE_ACCOUNTS, PHASE_STORE, PHASE_RELOAD, PHASE_MATCH, PHASE_READY };

struct batch {
    enum phase phase;
    bool asked;           /* the phase's question is under way */
    struct mono known_at; /* when its accounts were all known */
    struct passage **passages;
    size_t count, fanned; /* `fanned` of them are through */
};

/* The parameters of posthorn.intake(), in their order. */
enum {
    KEYS,
    POSITIONS,
    OFFSETS,
    ACCOUNTS,
    TYPES,
    IDS,
    SOURCES,
    OCCURRED,
    DIGESTS,
    TRACEPARENTS,
    ORDER_KEYS,
    BODIES,
    EXTENSIONS,
    COLUMNS
};

struct intake {
    struct dispatcher *d;
    struct session *session;
    struct batch batches[2];
    int first; /* the older of the two */
    struct batch *storing;
    struct unloaded unloaded;
    struct mono not_before; /* pause after PostgreSQL refused a batch */
    struct column columns[COLUMNS];
    struct passage **stored; /* the events of the batch being stored, in the order of the columns */
    size_t stored_count;
    struct buffer sealed;
};

static void intake_connected_now(void *owner)
{
    (void)owner; /* intake_work() looks in every turn */
}

struct intake *intake_new(struct dispatcher *d, struct error *error)
{
    static const enum pg_type types[COLUMNS] = {PG_UUID,        PG_INT4,  PG_INT8, PG_INT4, PG_TEXT,  PG_TEXT, PG_TEXT,
                                                PG_TIMESTAMPTZ, PG_BYTEA, PG_TEXT, PG_INT8, PG_BYTEA, PG_BYTEA};
    struct intake *intake = calloc(1, sizeof *intake);
    size_t most = (size_t)d->settings->batch_max;
    if (intake == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    intake->d = d;
    intake->stored = calloc(most, sizeof(struct passage *));
    for (int i = 0; i < 2; i++)
        intake->batches[i].passages = calloc(most, sizeof(struct passage *));
    for (int i = 0; i < COLUMNS; i++)
        column_init(&intake->columns[i], types[i], COLUMN_MAX);
    buffer_init(&intake->sealed, COLUMN_MAX);
    unloaded_init(&intake->unloaded, d);
    intake->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher intake", intake_connected_now, d, error);
    if (intake->session == NULL || intake->stored == NULL || intake->batches[0].passages == NULL ||
        intake->batches[1].passages == NULL)
        intake_free(&intake);
    return intake;
}

static void batch_release(struct dispatcher *d, struct batch *batch)
{
    for (size_t i = batch->fanned; i < batch->count; i++) {
        passage_let_go(batch->passages[i]);
        passage_release(d, batch->passages[i]);
    }
    batch->phase = PHASE_EMPTY;
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
    for (int i = 0; i < COLUMNS; i++)
        column_fini(&old->columns[i]);
    buffer_fini(&old->sealed);
    unloaded_fini(&old->unloaded);
    free(old->stored);
    free(old);
    *intake = NULL;
}

/* READ ---------------------------------------------------------------------- */

static void add_message(struct dispatcher *d, struct batch *batch, struct partition *partition,
                        rd_kafka_message_t *message)
{
    struct passage *passage = record_read(d, partition, message);
    passage_hold(passage); /* until it is through the fan-out */
    partition_add(partition, passage);
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
        batch->phase = PHASE_ACCOUNTS;
        fault_point("after-read");
    }
}

static bool is_event(const struct passage *passage)
{
    return passage->refusal == REFUSAL_NONE && passage->kind != PASSAGE_SKIPPED;
}

/* ACCOUNTS ------------------------------------------------------------------ */

static void accounts_loaded(void *owner, bool ok)
{
    struct batch *batch = owner;
    batch->phase = ok ? PHASE_STORE : PHASE_ACCOUNTS;
    batch->known_at = mono_now();
    batch->asked = false;
}

static void ask_accounts(struct dispatcher *d, struct batch *batch)
{
    bool all_known = true;
    for (size_t i = 0; i < batch->count; i++) {
        struct passage *passage = batch->passages[i];
        if (is_event(passage) && accounts_find_key(d, passage->event.account) == NULL) {
            accounts_want_key(d, passage->event.account);
            all_known = false;
        }
    }
    if (all_known) {
        batch->phase = PHASE_STORE;
        batch->known_at = mono_now();
        return;
    }
    batch->asked = true;
    accounts_load(d, accounts_loaded, batch);
}

/* STORE --------------------------------------------------------------------- */

/* What is kept beside an event's row: sealed under the account's key, or plain; nothing when the key was destroyed.
 * `place` binds it to its column. False when it cannot be sealed just now. */
static bool add_stored(struct dispatcher *d, const struct account *account, const struct passage *passage,
                       struct text place, struct text plain, struct column *column)
{
    struct intake *intake = d->intake;
    struct error error;
    if (d->settings->store_payload == STORE_PLAIN || !account_keeps_payloads(account)) {
        column_bytes(column, d->settings->store_payload == STORE_PLAIN ? plain : (struct text){"", 0});
        return true;
    }
    buffer_clear(&intake->sealed);
    if (!account_seal_payload(d, account, place, plain, &intake->sealed, &error)) {
        log_error("seal", "account=%.*s error=\"%s\" note=\"tried again\"", TEXT_ARGS(passage->event.account),
                  error.text);
        return false;
    }
    column_bytes(column, buffer_text(&intake->sealed));
    return true;
}

static bool add_payload(struct dispatcher *d, const struct account *account, const struct passage *passage)
{
    struct column *c = d->intake->columns;
    const struct event *event = &passage->event;
    bool extended =
        event->extensions.size > 0 && (d->settings->store_payload == STORE_PLAIN || account_keeps_payloads(account));
    if (!extended)
        column_null(&c[EXTENSIONS]);
    return add_stored(d, account, passage, TEXT("payload"), event->data, &c[BODIES]) &&
           (!extended ||
            add_stored(d, account, passage, TEXT("payload.extensions"), event->extensions, &c[EXTENSIONS]));
}

/* False when that must be tried again: the columns are filled anew. */
static bool add_row(struct dispatcher *d, const struct account *account, const struct passage *passage)
{
    struct column *c = d->intake->columns;
    column_bytes(&c[KEYS], (struct text){(const char *)passage->hash, EVENT_KEY_SIZE});
    column_int4(&c[POSITIONS], passage->position_id);
    column_int8(&c[OFFSETS], passage->offset);
    column_int4(&c[ACCOUNTS], passage->account_id);
    column_bytes(&c[TYPES], passage->event.type);
    column_bytes(&c[IDS], passage->event.id);
    column_bytes(&c[SOURCES], passage->event.source);
    column_time(&c[OCCURRED], passage->event.time);
    column_bytes(&c[DIGESTS], (struct text){(const char *)passage->digest, sizeof passage->digest});
    if (passage->event.traceparent.size > 0)
        column_bytes(&c[TRACEPARENTS], passage->event.traceparent);
    else
        column_null(&c[TRACEPARENTS]);
    column_null(&c[ORDER_KEYS]);
    return add_payload(d, account, passage);
}

/* The events of the batch into the columns. False when that must be tried again. */
static bool fill_columns(struct dispatcher *d, struct batch *batch)
{
    struct intake *intake = d->intake;
    intake->stored_count = 0;
    for (int i = 0; i < COLUMNS; i++)
        column_clear(&intake->columns[i]);
    for (size_t i = 0; i < batch->count; i++) {
        struct passage *passage = batch->passages[i];
        if (!is_event(passage))
            continue;
        const struct account *account = accounts_find_key(d, passage->event.account);
        if (account == NULL || account->closed) {
            passage->refusal = REFUSAL_UNKNOWN_ACCOUNT;
            error_set(&passage->refused_why,
                      account == NULL ? "there is no account '%.*s'" : "the account '%.*s' is closed",
                      TEXT_ARGS(passage->event.account));
            continue;
        }
        passage_set_account(d, passage, account->id);
        if (!add_row(d, account, passage))
            return false;
        intake->stored[intake->stored_count++] = passage;
    }
    return true;
}

static void batch_stored(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct intake *intake = d->intake;
    struct batch *batch = intake->storing;
    intake->storing = NULL;
    batch->asked = false;
    if (reply->status != REPLY_OK) { /* the same batch again: it is repeatable */
        intake->not_before = mono_add(loop_now(d->loop), SPAN_MS(100));
        if (reply->status == REPLY_REFUSED)
            database_refused(d, "intake", reply);
        return;
    }
    const PGresult *row = reply->results[0];
    for (size_t i = 0; i < intake->stored_count; i++) {
        passage_become(intake->stored[i], PASSAGE_EVENT);
        intake->stored[i]->period = result_int4(row, 0, 3);
    }
    for (int i = 0; i < result_array_count(row, 0, 4); i++)
        intake->stored[text_int4(result_array_item(row, 0, 4, i)) - 1]->period =
            text_int4(result_array_item(row, 0, 5, i));
    for (int i = 0; i < result_array_count(row, 0, 6); i++) {
        struct passage *passage = intake->stored[text_int4(result_array_item(row, 0, 6, i)) - 1];
        passage_become(passage, PASSAGE_REPEAT);
        passage->repeat_of_position = text_int4(result_array_item(row, 0, 7, i));
        passage->repeat_of_offset = text_int8(result_array_item(row, 0, 8, i));
    }
    accounts_take_clock(d, row);
    batch->phase = PHASE_RELOAD;
    fault_point("after-intake");
}

static void ask_store(struct dispatcher *d, struct batch *batch)
{
    struct intake *intake = d->intake;
    struct param params[COLUMNS + 2];
    struct value clock, sealed;
    if (mono_since(loop_now(d->loop), batch->known_at).ns > KNOWN_FOR.ns) { /* an account may have left the cache */
        batch->phase = PHASE_ACCOUNTS;
        return;
    }
    if (intake->storing != NULL || !session_idle(intake->session) || mono_before(loop_now(d->loop), intake->not_before))
        return;
    if (!fill_columns(d, batch)) {
        intake->not_before = mono_add(loop_now(d->loop), SPAN_MS(100));
        return;
    }
    if (intake->stored_count == 0) {
        batch->phase = PHASE_READY;
        return;
    }
    params[0] = param_int8(accounts_clock(d), &clock);
    for (int i = 0, to = 1; i < COLUMNS; i++) {
        if (i == BODIES)
            params[to++] = param_bool(d->settings->store_payload == STORE_SEALED, &sealed);
        params[to++] = column_param(&intake->columns[i]);
    }
    if (!session_add(intake->session,
                     "select v, changed, forget, period, again, again_period, repeated, of_position, of_offset"
                     " from posthorn.intake($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                     params, COLUMNS + 2) ||
        !session_send(intake->session, batch_stored, d))
        return;
    intake->storing = batch;
    batch->asked = true;
}

/* RELOAD -------------------------------------------------------------------- */

static void reloaded(void *owner, bool ok)
{
    struct batch *batch = owner;
    (void)ok;
    batch->asked = false; /* look again: the clock may have moved meanwhile, or an account may have been let go */
}

static void ask_reload(struct dispatcher *d, struct batch *batch)
{
    bool all_fresh = true;
    for (size_t i = batch->fanned; i < batch->count; i++) { /* those before are released */
        struct passage *passage = batch->passages[i];
        if (passage->kind != PASSAGE_EVENT)
            continue;
        struct account *account = accounts_find_id(d, passage->account_id);
        if (account == NULL || account_is_stale(account)) {
            accounts_want_id(d, passage->account_id);
            all_fresh = false;
        }
    }
    if (all_fresh) {
        batch->phase = PHASE_MATCH;
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
            /* let go for lack of room, or unloaded since: look again */
            batch->phase = PHASE_RELOAD;
            return;
        }
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
        passage_let_go(passage); /* from here on only deliveries hold the position, or a dead letter's copy */
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
        batch->phase = PHASE_READY;
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
        return; /* what is not fanned out is read again by the next owner */
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
