#include "outbox.h"

#include <stdlib.h>

#include "base/memory.h"
#include "database.h"

#define ROUND SPAN_S(2)

struct outbox {
    struct mono look_at;
};

struct outbox *outbox_new(struct error *error)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (outbox == NULL)
        error_set(error, "no memory");
    return outbox;
}

void outbox_free(struct outbox **outbox)
{
    free(*outbox);
    *outbox = NULL;
}

void outbox_hurry(struct dispatcher *d)
{
    d->outbox->look_at = loop_now(d->loop);
}

struct own_event {
    struct dispatcher *d;
    int64_t id;
};

static void published(void *owner, rd_kafka_resp_err_t error)
{
    struct own_event *event = owner;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        tasks_add(event->d, &(struct task){.statement = "delete from posthorn.outbox where id = $4",
                                           .who = "outbox",
                                           .number = event->id});
    else
        log_warning("outbox", "id=%lld error=\"%s\" note=\"will be retried when its lease expires\"",
                    (long long)event->id, rd_kafka_err2str(error));
    free(event);
}

static void add_header(rd_kafka_headers_t *headers, const char *name, struct text value)
{
    rd_kafka_header_add(headers, name, -1, value.data, (ssize_t)value.size);
}

/* Columns: id, event_id, event_type, account, data, created_at. */
static void publish_own(struct dispatcher *d, const PGresult *rows, int row)
{
    struct own_event *event = memory_need(malloc(sizeof *event), "one of Posthorn's own events");
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

/* Handles the result of the query of the outbox. The query also returns what is needed every few seconds: how many
 * webhooks have deliveries due (at most 10,000), and PostgreSQL's time. */
static void looked(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status != REPLY_OK) {
        if (reply->status == REPLY_REFUSED)
            database_refused(d, "outbox", reply);
        return;
    }
    for (int row = 0; row < PQntuples(reply->results[0]); row++)
        publish_own(d, reply->results[0], row);
    d->metrics[METRIC_BACKLOG_DUE].value = (double)result_int8(reply->results[1], 0, 0);
    clock_set(d, result_time(reply->results[1], 0, 1));
}

void outbox_work(struct dispatcher *d)
{
    struct session *session = background_session(d);
    if (!background_is_free(d) || mono_before(loop_now(d->loop), d->outbox->look_at))
        return;
    d->outbox->look_at = mono_add(loop_now(d->loop), ROUND);
    if (session_add(session, "select id, event_id, event_type, account, data, created_at from posthorn.outbox_take(10)",
                    NULL, 0) &&
        session_add(session,
                    "select count(*), clock_timestamp() from (select from posthorn.queue where next_due <= now() limit "
                    "10000) q",
                    NULL, 0) &&
        !session_send(session, looked, d))
        outbox_hurry(d);
}
