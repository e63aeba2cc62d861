#include "keeper.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "claim.h"
#include "destination.h"
#include "event/envelope.h"
#include "flush.h"
#include "kafka.h"
#include "send.h"
#include "verify.h"

#define TASKS_MAX 1024
#define HOUSEKEEPING SPAN_S(600)
#define LOOK_ROUND SPAN_S(2)
#define COUNT_ROUND SPAN_S(2)

enum task_kind { TASK_START_AT, TASK_STOP, TASK_DISABLE, TASK_PUBLISHED };

/* Something for PostgreSQL that must be done sometime soon. */
struct task {
    enum task_kind kind;
    int32_t id;     /* position or webhook */
    int64_t number; /* offset, or outbox id */
    unsigned char owner[UUID_SIZE];
    char text[200];
};

struct keeper {
    struct dispatcher *d;
    struct session *session;
    struct timer tick;
    struct task tasks[TASKS_MAX]; /* a ring */
    size_t first, count;
    bool partition_missing, task_sent;
    struct mono house_at, look_at, count_at, commit_at;
    rd_kafka_topic_partition_list_t *offsets;
};

static void connected(void *owner)
{
    (void)owner; /* keeper_work() looks in every turn */
}

static void ticked(void *owner)
{
    struct keeper *keeper = owner;
    struct dispatcher *d = keeper->d;
    kafka_nudge(d->kafka);
    claims_flushed(d, flush_ended_seq(d)); /* revocations whose time is over */
    if (keeper->offsets->cnt > 0 && !mono_before(loop_now(d->loop), keeper->commit_at)) {
        keeper->commit_at = mono_add(loop_now(d->loop), SPAN_S(1));
        fault_point("before-kafka-commit");
        kafka_commit(d, keeper->offsets);
        rd_kafka_topic_partition_list_destroy(keeper->offsets);
        keeper->offsets = rd_kafka_topic_partition_list_new(8);
    }
    timer_set(d->loop, &keeper->tick, mono_add(loop_now(d->loop), d->settings->clock_interval));
}

struct keeper *keeper_new(struct dispatcher *d, struct error *error)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    keeper->d = d;
    keeper->offsets = rd_kafka_topic_partition_list_new(8);
    keeper->tick = (struct timer){.fire = ticked, .owner = keeper};
    keeper->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher keeper", connected, d, error);
    if (keeper->session == NULL)
        keeper_free(&keeper);
    else
        timer_set(d->loop, &keeper->tick, mono_add(loop_now(d->loop), SPAN_MS(1)));
    return keeper;
}

void keeper_free(struct keeper **keeper)
{
    struct keeper *old = *keeper;
    if (old == NULL)
        return;
    session_free(&old->session);
    timer_cancel(old->d->loop, &old->tick);
    rd_kafka_topic_partition_list_destroy(old->offsets);
    free(old);
    *keeper = NULL;
}

struct session *keeper_session(struct dispatcher *d)
{
    return d->keeper->session;
}

bool keeper_connected(const struct dispatcher *d)
{
    return session_connected(d->keeper->session);
}

void keeper_hurry(struct dispatcher *d)
{
    timer_set(d->loop, &d->keeper->tick, loop_now(d->loop));
}

void keeper_mend(struct dispatcher *d, const char *who, const struct reply *reply)
{
    log_warning("database_refused", "who=%s sqlstate=%s error=\"%s\" detail=\"%s\"", who, reply->sqlstate,
                reply->message, reply->detail);
    if (strcmp(reply->sqlstate, "23514") == 0) /* no partition of relation … found for row */
        d->keeper->partition_missing = true;
}

void keeper_commit_later(struct dispatcher *d, const rd_kafka_topic_partition_list_t *offsets)
{
    rd_kafka_topic_partition_list_t *all = d->keeper->offsets;
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &offsets->elems[i];
        rd_kafka_topic_partition_t *known = rd_kafka_topic_partition_list_find(all, one->topic, one->partition);
        if (known == NULL)
            known = rd_kafka_topic_partition_list_add(all, one->topic, one->partition);
        known->offset = one->offset;
    }
}

/* Tasks --------------------------------------------------------------------- */

static void add_task(struct dispatcher *d, const struct task *task)
{
    struct keeper *keeper = d->keeper;
    if (keeper->count == TASKS_MAX) { /* each is found again: by the next attempt, the next claim, the outbox's lease */
        log_warning("keeper_full", "kind=%d", (int)task->kind);
        return;
    }
    keeper->tasks[(keeper->first + keeper->count++) % TASKS_MAX] = *task;
}

void keeper_start_at(struct dispatcher *d, int32_t position_id, const unsigned char owner[static 16], int64_t offset)
{
    struct task task = {.kind = TASK_START_AT, .id = position_id, .number = offset};
    memcpy(task.owner, owner, sizeof task.owner);
    add_task(d, &task);
}

void keeper_stop_position(struct dispatcher *d, int32_t position_id, const unsigned char owner[static 16],
                          const char *why)
{
    struct task task = {.kind = TASK_STOP, .id = position_id};
    memcpy(task.owner, owner, sizeof task.owner);
    snprintf(task.text, sizeof task.text, "%s", why);
    add_task(d, &task);
}

void keeper_disable(struct dispatcher *d, int32_t webhook_id, struct span failed_for, const char *reason)
{
    struct task task = {.kind = TASK_DISABLE, .id = webhook_id, .number = failed_for.ns / 1000};
    snprintf(task.text, sizeof task.text, "%s", reason);
    add_task(d, &task);
}

static void task_done(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct keeper *keeper = d->keeper;
    keeper->task_sent = false;
    if (reply->status == REPLY_LOST)
        return; /* once more; all of them may be done twice */
    const struct task *task = &keeper->tasks[keeper->first];
    if (reply->status == REPLY_REFUSED) {
        keeper_mend(d, "task", reply);
    } else if (task->kind == TASK_DISABLE && !result_bool(reply->results[0], 0, 0)) {
        destination_not_hopeless(d, task->id);
    } else if (task->kind == TASK_DISABLE) {
        count(d, METRIC_WEBHOOKS_DISABLED, 1);
        log_warning("webhook_disabled", "webhook=%d reason=\"%s\"", task->id, task->text);
        keeper->look_at = loop_now(d->loop); /* an event about it waits in the outbox */
    }
    keeper->first = (keeper->first + 1) % TASKS_MAX;
    keeper->count--;
}

static bool send_task(struct dispatcher *d)
{
    struct keeper *keeper = d->keeper;
    const struct task *task = &keeper->tasks[keeper->first];
    struct value id, number;
    const struct param params[] = {param_int4(task->id, &id), param_uuid(task->owner),
                                   param_int8(task->number, &number)};
    const struct param told[] = {params[0], params[1], param_text(text_of(task->text))};
    const struct param hopeless[] = {params[0], told[2], params[2]};
    bool ok = false;
    switch (task->kind) {
    case TASK_START_AT:
        ok = session_add(keeper->session, "select posthorn.start_at($1, $2, $3)", params, 3);
        break;
    case TASK_STOP:
        ok = session_add(keeper->session,
                         "update posthorn.position set stopped = nullif($3, '') where id = $1 and owner = $2", told, 3);
        break;
    case TASK_DISABLE:
        ok = session_add(keeper->session, "select posthorn.disable($1, $2, $3)", hopeless, 3);
        break;
    case TASK_PUBLISHED:
        ok = session_add(keeper->session, "delete from posthorn.outbox where id = $1", &params[2], 1);
        break;
    }
    keeper->task_sent = ok && session_send(keeper->session, task_done, d);
    return true;
}

/* The outbox ---------------------------------------------------------------- */

struct own_event {
    struct dispatcher *d;
    int64_t id;
};

static void published(void *owner, rd_kafka_resp_err_t error)
{
    struct own_event *event = owner;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        add_task(event->d, &(struct task){.kind = TASK_PUBLISHED, .number = event->id});
    else
        log_warning("outbox", "id=%lld error=\"%s\" note=\"tried again when its lease is over\"", (long long)event->id,
                    rd_kafka_err2str(error));
    free(event);
}

static void add_header(rd_kafka_headers_t *headers, const char *name, struct text value)
{
    rd_kafka_header_add(headers, name, -1, value.data, (ssize_t)value.size);
}

/* Columns: id, event_id, event_type, account, data, created_at. */
static void publish_own(struct dispatcher *d, const PGresult *rows, int row)
{
    struct own_event *event = memory_need(malloc(sizeof *event), "an event of our own");
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    rd_kafka_resp_err_t why;
    char time[40];
    *event = (struct own_event){d, result_int8(rows, row, 0)};
    add_header(headers, "ce_specversion", TEXT("1.0"));
    add_header(headers, "ce_id", result_text(rows, row, 1));
    add_header(headers, "ce_type", result_text(rows, row, 2));
    add_header(headers, "ce_source", TEXT("/posthorn"));
    add_header(headers, "ce_account", result_text(rows, row, 3));
    add_header(headers, "ce_time", (struct text){time, wall_format(result_time(rows, row, 5), true, time)});
    add_header(headers, "content-type", TEXT("application/json"));
    if (kafka_publish(d, d->settings->system_topic, result_text(rows, row, 3), result_text(rows, row, 4), headers,
                      published, event, &why))
        return;
    rd_kafka_headers_destroy(headers);
    published(event, why);
}

static void looked(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status != REPLY_OK) {
        if (reply->status == REPLY_REFUSED)
            keeper_mend(d, "look", reply);
        return;
    }
    for (int row = 0; row < PQntuples(reply->results[0]); row++)
        publish_own(d, reply->results[0], row);
    d->metrics[METRIC_BACKLOG_DUE].value = (double)result_int8(reply->results[1], 0, 0);
    clock_set(d, result_time(reply->results[1], 0, 1));
}

/* The rounds ---------------------------------------------------------------- */

static void started(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct error error;
    if (reply->status == REPLY_REFUSED) {
        log_error("start", "sqlstate=%s error=\"%s\" do=\"posthorn-admin migrate\"", reply->sqlstate, reply->message);
        d->keeper->look_at = mono_add(loop_now(d->loop), SPAN_S(1));
    }
    if (reply->status != REPLY_OK)
        return;
    d->id = result_int4(reply->results[0], 0, 0);
    clock_set(d, result_time(reply->results[0], 0, 1));
    log_info("started", "dispatcher=%d name=\"%s\" topics=%s", d->id, d->settings->name, d->settings->topics);
    if (!kafka_subscribe(d, &error)) {
        log_error("start", "error=\"%s\"", error.text);
        d->refused = true;
    }
}

static void housekept(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status == REPLY_REFUSED)
        log_warning("housekeeping", "sqlstate=%s error=\"%s\"", reply->sqlstate, reply->message);
    if (reply->status != REPLY_OK)
        d->keeper->house_at = mono_add(loop_now(d->loop), SPAN_S(5));
}

static void start(struct dispatcher *d)
{
    const struct param params[] = {param_text(text_of(d->settings->name))};
    if (!mono_before(loop_now(d->loop), d->keeper->look_at) &&
        session_add(d->keeper->session, "select posthorn.dispatcher_started($1), clock_timestamp()", params, 1) &&
        !session_send(d->keeper->session, started, d))
        return;
}

/* Partitions ahead, seals, expiry. A table that somebody is using can wait. */
static void keep_house(struct dispatcher *d)
{
    struct keeper *keeper = d->keeper;
    keeper->partition_missing = false;
    keeper->house_at = mono_add(loop_now(d->loop), HOUSEKEEPING);
    if (session_add(keeper->session, "select set_config('lock_timeout', '2s', true)", NULL, 0) &&
        session_add(keeper->session, "select posthorn.make_partitions()", NULL, 0) &&
        session_add(keeper->session, "select posthorn.seal_chunks()", NULL, 0) &&
        session_add(keeper->session, "select posthorn.drop_partitions()", NULL, 0) &&
        !session_send(keeper->session, housekept, d))
        keeper->house_at = loop_now(d->loop);
}

static void look_round(struct dispatcher *d)
{
    struct keeper *keeper = d->keeper;
    keeper->look_at = mono_add(loop_now(d->loop), LOOK_ROUND);
    if (session_add(keeper->session,
                    "select id, event_id, event_type, account, data, created_at from posthorn.outbox_take(10)", NULL,
                    0) &&
        session_add(keeper->session, "select count(*), clock_timestamp() from posthorn.queue where next_due <= now()",
                    NULL, 0) &&
        !session_send(keeper->session, looked, d))
        keeper->look_at = loop_now(d->loop);
}

static void counted(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status == REPLY_REFUSED)
        keeper_mend(d, "count", reply);
}

/* What became of each webhook's attempts, for who looks at it; one dispatcher at a time does it, the others find it
 * locked. */
static void count_round(struct dispatcher *d)
{
    struct keeper *keeper = d->keeper;
    keeper->count_at = mono_add(loop_now(d->loop), COUNT_ROUND);
    if (session_add(keeper->session, "select posthorn.count_activity()", NULL, 0) &&
        !session_send(keeper->session, counted, d))
        keeper->count_at = loop_now(d->loop);
}

void keeper_work(struct dispatcher *d)
{
    struct keeper *keeper = d->keeper;
    struct mono now = loop_now(d->loop);
    int running, stopped;
    claims_count(d, &running, &stopped);
    d->metrics[METRIC_PARTITIONS].value = running;
    d->metrics[METRIC_PARTITIONS_STOPPED].value = stopped;
    d->metrics[METRIC_IN_FLIGHT].value = send_in_flight_count(d);
    d->metrics[METRIC_MEMORY].value = (double)budget_used(d->memory);
    d->metrics[METRIC_UNFLUSHED].value = (double)flush_unflushed(d);
    if (!session_idle(keeper->session))
        return;
    if (d->id == 0) {
        start(d);
        return;
    }
    claims_work(d);
    if (!session_idle(keeper->session))
        return;
    if (keeper->count > 0 && !keeper->task_sent)
        send_task(d);
    else if (keeper->partition_missing || !mono_before(now, keeper->house_at))
        keep_house(d);
    else if (!mono_before(now, keeper->look_at))
        look_round(d);
    else if (!mono_before(now, keeper->count_at))
        count_round(d);
    else
        verify_ask(d, keeper->session);
}
