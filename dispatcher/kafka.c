#include "kafka.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kafka_conf.h"
#include "topics.h"

struct kafka {
    struct dispatcher *d;
    struct kafka_events events;
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *records, *reports;
    struct watch records_watch, reports_watch;
    int records_event, reports_event;
    bool readable; /* the queue may not be empty */
    bool joined, leaving;
    bool is_member; /* the group has accepted us: the configuration is right */
};

struct publication {
    kafka_published *done;
    void *owner;
};

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    log_write(level <= 3   ? LOG_ERROR
              : level <= 5 ? LOG_WARNING
                           : LOG_DEBUG,
              "kafka", "client=%s facility=%s text=\"%s\"", rd_kafka_name(rk), facility, text);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka *kafka = opaque;
    (void)rk;
    /* Before the first success, an error of authentication means a wrong configuration; later, trouble of a broker. */
    if (!kafka->is_member && !kafka->leaving &&
        (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
         code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)) {
        log_error("kafka_refused", "reason=\"%s\" do=\"check --kafka-properties\"", reason);
        kafka->d->refused = true;
        return;
    }
    log_warning("kafka_error", "code=%s reason=\"%s\"", rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

/* The answer (assign or unassign) follows when PostgreSQL has replied; librdkafka waits for it. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque)
{
    struct kafka *kafka = opaque;
    kafka->is_member = true;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !kafka->leaving)
        kafka->events.assigned(kafka->d, partitions);
    else if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        kafka_assign(kafka->d, partitions);
    else
        kafka->events.revoked(kafka->d, partitions, kafka->leaving || rd_kafka_assignment_lost(rk) == 1);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    struct publication *publication = message->_private;
    invariant(publication != NULL);
    publication->done(publication->owner, message->err);
    free(publication);
}

static void drain_event(int fd)
{
    uint64_t value;
    if (read(fd, &value, sizeof value) < 0)
        return; /* another thread took it first */
}

static void records_ready(void *owner, uint32_t events)
{
    (void)events;
    struct kafka *kafka = owner;
    drain_event(kafka->records_event);
    kafka->readable = true;
}

static void reports_ready(void *owner, uint32_t events)
{
    (void)events;
    struct kafka *kafka = owner;
    drain_event(kafka->reports_event);
    rd_kafka_poll(kafka->producer, 0);
}

/* Takes over `conf`. */
static rd_kafka_t *make_client(struct kafka *kafka, rd_kafka_type_t type, rd_kafka_conf_t *conf, struct error *error)
{
    char why[256];
    if (conf == NULL)
        return NULL;
    rd_kafka_conf_set_opaque(conf, kafka);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    else
        rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (rk == NULL) {
        error_set(error, "Kafka %s: %s", type == RD_KAFKA_CONSUMER ? "consumer" : "producer", why);
        rd_kafka_conf_destroy(conf);
    }
    return rk;
}

struct kafka *kafka_new(struct dispatcher *d, const struct kafka_events *events, struct error *error)
{
    struct kafka *kafka = calloc(1, sizeof *kafka);
    if (kafka == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    *kafka = (struct kafka){.d = d,
                            .events = *events,
                            .records_watch = {.ready = records_ready, .owner = kafka, .fd = -1},
                            .reports_watch = {.ready = reports_ready, .owner = kafka, .fd = -1}};
    kafka->records_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    kafka->reports_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    kafka->consumer = make_client(kafka, RD_KAFKA_CONSUMER, kafka_conf_consumer(d->settings, error), error);
    if (kafka->consumer == NULL)
        goto bad;
    kafka->producer = make_client(kafka, RD_KAFKA_PRODUCER, kafka_conf_producer(d->settings, error), error);
    if (kafka->producer == NULL)
        goto bad;
    rd_kafka_poll_set_consumer(kafka->consumer);
    kafka->records = rd_kafka_queue_get_consumer(kafka->consumer);
    kafka->reports = rd_kafka_queue_get_main(kafka->producer);
    const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(kafka->records, kafka->records_event, &one, sizeof one);
    rd_kafka_queue_io_event_enable(kafka->reports, kafka->reports_event, &one, sizeof one);
    if (!loop_watch(d->loop, &kafka->records_watch, kafka->records_event, EPOLLIN) ||
        !loop_watch(d->loop, &kafka->reports_watch, kafka->reports_event, EPOLLIN)) {
        error_set(error, "epoll_ctl failed");
        goto bad;
    }
    return kafka;
bad:
    kafka_free(&kafka);
    return NULL;
}

void kafka_flush(struct kafka *kafka)
{
    if (kafka == NULL)
        return;
    rd_kafka_flush(kafka->producer, 5000);
    rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(kafka->producer, 1000);
}

void kafka_free(struct kafka **kafka)
{
    struct kafka *old = *kafka;
    if (old == NULL)
        return;
    loop_unwatch(old->d->loop, &old->records_watch);
    loop_unwatch(old->d->loop, &old->reports_watch);
    if (old->records != NULL) {
        rd_kafka_queue_io_event_enable(old->records, -1, NULL, 0);
        rd_kafka_queue_destroy(old->records);
    }
    if (old->reports != NULL)
        rd_kafka_queue_destroy(old->reports);
    if (old->consumer != NULL)
        rd_kafka_destroy(old->consumer);
    if (old->producer != NULL)
        rd_kafka_destroy(old->producer);
    close(old->records_event);
    close(old->reports_event);
    free(old);
    *kafka = NULL;
}

bool kafka_subscribe(struct dispatcher *d, struct error *error)
{
    struct kafka *kafka = d->kafka;
    if (kafka->joined)
        return true;
    rd_kafka_topic_partition_list_t *topics =
        topics_list(d->settings->topics, d->settings->system_events ? d->settings->system_topic : NULL);
    rd_kafka_resp_err_t failed = rd_kafka_subscribe(kafka->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, "--topics %s: %s", d->settings->topics, rd_kafka_err2str(failed));
    kafka->joined = true;
    return true;
}

void kafka_leave(struct dispatcher *d)
{
    d->kafka->leaving = true;
    rd_kafka_consumer_close(d->kafka->consumer);
}

size_t kafka_queued(const struct kafka *kafka)
{
    return rd_kafka_queue_length(kafka->records);
}

bool kafka_readable(const struct kafka *kafka)
{
    return kafka->readable;
}

void kafka_nudge(struct kafka *kafka)
{
    kafka->readable = true;
}

rd_kafka_message_t *kafka_take(struct dispatcher *d)
{
    struct kafka *kafka = d->kafka;
    rd_kafka_message_t *message;
    while (rd_kafka_consume_batch_queue(kafka->records, 0, &message, 1) == 1) {
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return message;
        kafka->events.failed(d, message);
        rd_kafka_message_destroy(message);
    }
    kafka->readable = false;
    return NULL;
}

static void log_refusal(const char *what, rd_kafka_error_t *error)
{
    if (error == NULL)
        return;
    log_warning("kafka_assignment", "call=%s error=\"%s\"", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

void kafka_assign(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions)
{
    log_refusal("assign", rd_kafka_incremental_assign(d->kafka->consumer, partitions));
}

void kafka_unassign(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions)
{
    log_refusal("unassign", rd_kafka_incremental_unassign(d->kafka->consumer, partitions));
}

void kafka_commit(struct dispatcher *d, const rd_kafka_topic_partition_list_t *offsets)
{
    rd_kafka_commit(d->kafka->consumer, offsets, 1);
}

bool kafka_end(struct dispatcher *d, const char *topic, int32_t partition, int64_t *end, struct error *error)
{
    int64_t low;
    rd_kafka_resp_err_t failed =
        rd_kafka_query_watermark_offsets(d->kafka->consumer, topic, partition, &low, end, 5000);
    return failed == RD_KAFKA_RESP_ERR_NO_ERROR ||
           error_set(error, "end of %s/%d: %s", topic, (int)partition, rd_kafka_err2str(failed));
}

int kafka_partition_count(struct dispatcher *d, const char *topic)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(d->kafka->consumer, topic, NULL);
    int count = 0;
    if (handle != NULL &&
        rd_kafka_metadata(d->kafka->consumer, 0, handle, &metadata, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1)
            count = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (handle != NULL)
        rd_kafka_topic_destroy(handle);
    return count;
}

bool kafka_publish(struct dispatcher *d, const char *topic, struct text key, struct text value,
                   rd_kafka_headers_t *headers, kafka_published *done, void *owner, rd_kafka_resp_err_t *why)
{
    struct publication *publication = malloc(sizeof *publication);
    if (publication == NULL) {
        *why = RD_KAFKA_RESP_ERR__QUEUE_FULL;
        return false;
    }
    *publication = (struct publication){done, owner};
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.data, key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.data, value.size}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = publication},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(d->kafka->producer, parts, sizeof parts / sizeof *parts);
    if (error == NULL)
        return true;
    *why = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    free(publication);
    return false;
}
