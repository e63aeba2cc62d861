#include "producer/posthorn-producer.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "event/envelope.h"
#include "event/json.h"
#include "event/trace.h"

#define SOURCE_DEFAULT "/posthorn-producer"
#define PURGE_MS 5000 /* a purge completes from memory; this is only an upper bound */

struct posthorn_producer {
    rd_kafka_t *kafka;
    rd_kafka_topic_t *topic;
    char *source;
    posthorn_delivered *delivered;
    posthorn_log *log;
    void *context;
    atomic_size_t pending; /* accepted, callback not called yet */
    atomic_size_t failed;  /* not yet reported by posthorn_flush() */
    atomic_int last_problem;
};

static bool set_error(struct posthorn_error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Always returns false, for `return set_error(…)`. */
static bool set_error(struct posthorn_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

/* As set_error(), with a status as the value. */
#define SAY(error, status, ...) (set_error((error), __VA_ARGS__), (status))

const char *posthorn_version(void)
{
    return POSTHORN_VERSION;
}

/* ---- the client ---- */

static void on_delivered(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct posthorn_producer *producer = opaque;
    (void)kafka;
    bool ok = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    bool too_large = message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; /* for the topic: a permanent error */
    if (!ok) {
        atomic_store(&producer->last_problem, message->err);
        atomic_fetch_add(&producer->failed, 1);
    }
    atomic_fetch_sub(&producer->pending, 1);
    if (producer->delivered != NULL)
        producer->delivered(producer->context, message->_private,
                            ok          ? POSTHORN_OK
                            : too_large ? POSTHORN_REFUSED
                                        : POSTHORN_FAILED,
                            ok ? NULL : rd_kafka_err2str(message->err));
}

/* Does nothing: each event's own callback reports the error, and the log has it. Without this function it would be
 * logged twice. */
static void on_error(rd_kafka_t *kafka, int code, const char *reason, void *opaque)
{
    (void)kafka, (void)code, (void)reason, (void)opaque;
}

static void on_log(const rd_kafka_t *kafka, int severity, const char *facility, const char *line)
{
    struct posthorn_producer *producer = rd_kafka_opaque(kafka);
    (void)facility;
    producer->log(producer->context, severity, line);
}

static bool set_property(rd_kafka_conf_t *conf, const char *property, struct posthorn_error *error)
{
    char reason[300], name[200];
    const char *equals = strchr(property, '=');
    if (equals == NULL || equals == property || (size_t)(equals - property) >= sizeof name)
        return set_error(error, "a property is not of the form name=value"); /* it may be part of a password */
    snprintf(name, sizeof name, "%.*s", (int)(equals - property), property);
    if (rd_kafka_conf_set(conf, name, equals + 1, reason, sizeof reason) != RD_KAFKA_CONF_OK)
        return set_error(error, "the property %s: %s", name, reason);
    return true;
}

static long long number_of(const rd_kafka_conf_t *conf, const char *name)
{
    char value[32] = "";
    size_t size = sizeof value;
    return rd_kafka_conf_get(conf, name, value, &size) == RD_KAFKA_CONF_OK ? strtoll(value, NULL, 10) : 0;
}

/* An event as large as message.max.bytes must fit into the queue, or it could never be published. */
static bool make_room(rd_kafka_conf_t *conf, struct posthorn_error *error)
{
    char property[80];
    long long least = 2 * number_of(conf, "message.max.bytes") / 1024;
    if (number_of(conf, "queue.buffering.max.kbytes") >= least)
        return true;
    snprintf(property, sizeof property, "queue.buffering.max.kbytes=%lld", least);
    return set_property(conf, property, error);
}

/* Sets our properties first, so that the caller's override them. */
static bool set_properties(rd_kafka_conf_t *conf, const char *const *properties, struct posthorn_error *error)
{
    static const char *const defaults[] = {
        "client.id=posthorn-producer",         "enable.idempotence=true", /* implies acks=all */
        "queue.buffering.max.messages=100000", "queue.buffering.max.kbytes=65536", "linger.ms=5",
        "partitioner=murmur2_random", /* as Java's: an account's events are in one partition, whatever client publishes
                                         them */
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!set_property(conf, defaults[i], error))
            return false;
    for (size_t i = 0; properties != NULL && properties[i] != NULL; i++)
        if (!set_property(conf, properties[i], error))
            return false;
    if (!make_room(conf, error))
        return false;
    if (!set_property(conf, "delivery.report.only.error=false",
                      error)) /* we promise that every event's callback is called */
        return false;
    size_t size = 0;
    if (rd_kafka_conf_get(conf, "bootstrap.servers", NULL, &size) != RD_KAFKA_CONF_OK || size <= 1)
        return set_error(error,
                         "the property bootstrap.servers is missing: it names the brokers, such as 127.0.0.1:9092");
    return true;
}

static bool connect_client(struct posthorn_producer *producer, const struct posthorn_options *options,
                           struct posthorn_error *error)
{
    char reason[400];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!set_properties(conf, options->properties, error)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (producer->log != NULL)
        rd_kafka_conf_set_log_cb(conf, on_log);
    producer->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (producer->kafka == NULL) { /* conf is still ours */
        rd_kafka_conf_destroy(conf);
        return set_error(error, "the Kafka client does not start: %s", reason);
    }
    producer->topic = rd_kafka_topic_new(producer->kafka, options->topic, NULL);
    return producer->topic != NULL ||
           set_error(error, "the topic '%.100s': %s", options->topic, rd_kafka_err2str(rd_kafka_last_error()));
}

struct posthorn_producer *posthorn_producer_new(const struct posthorn_options *options, struct posthorn_error *error)
{
    const char *source = options->source != NULL ? options->source : SOURCE_DEFAULT;
    if (options->topic == NULL || *options->topic == '\0')
        return SAY(error, NULL, "no topic was given");
    if (!event_is_source(text_of(source)))
        return SAY(error, NULL, "the source is not a URI reference of at most %d bytes", EVENT_SOURCE_MAX);
    struct posthorn_producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL || (producer->source = strdup(source)) == NULL) {
        free(producer);
        return SAY(error, NULL, "no memory for a producer");
    }
    producer->delivered = options->delivered;
    producer->log = options->log;
    producer->context = options->context;
    if (!connect_client(producer, options, error))
        posthorn_producer_free(&producer);
    return producer;
}

void posthorn_producer_free(struct posthorn_producer **given)
{
    struct posthorn_producer *producer = *given;
    *given = NULL;
    if (producer == NULL)
        return;
    if (producer->kafka != NULL) {
        rd_kafka_purge(producer->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(producer->kafka, PURGE_MS); /* calls the callbacks of the purged events */
        if (producer->topic != NULL)
            rd_kafka_topic_destroy(producer->topic);
        rd_kafka_destroy(producer->kafka);
    }
    free(producer->source);
    free(producer);
}

/* ---- an event ---- */

static bool check_name(const char *name, const char *value, struct posthorn_error *error)
{
    if (value == NULL)
        return set_error(error, "the event has no %s", name);
    return text_is_visible_ascii(text_of(value)) ||
           set_error(error, "the event's %s is not 1 to %d visible ASCII characters", name, EVENT_ID_MAX);
}

/* The same checks as the dispatcher's, so that our events do not become dead letters. */
static bool check_event(const struct posthorn_event *event, struct posthorn_error *error)
{
    struct json_value json;
    struct error why;
    if (!check_name("id", event->id, error) || !check_name("type", event->type, error) ||
        !check_name("account", event->account, error))
        return false;
    if (event->source != NULL && !event_is_source(text_of(event->source)))
        return set_error(error, "the event's source is not a URI reference of at most %d bytes", EVENT_SOURCE_MAX);
    if (event->traceparent != NULL && !text_is_visible_ascii(text_of(event->traceparent)))
        return set_error(error, "the event's traceparent is not 1 to 255 visible ASCII characters");
    if (event->tracestate != NULL && *event->tracestate != '\0' && !trace_is_state(text_of(event->tracestate)))
        return set_error(error, "the event's tracestate is not a list of key=value in at most %d characters of ASCII",
                         TRACE_STATE_MAX);
    if (event->occurred != NULL && (*event->occurred < 0 || *event->occurred > EVENT_TIME_MAX))
        return set_error(error, "the event's time is not between 1970 and 9999");
    if (event->data == NULL)
        return set_error(error, "the event has no data");
    return json_check((struct text){event->data, event->data_size}, &json, &why) ||
           set_error(error, "the event's data is not JSON: %s", why.text);
}

static bool add_header(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    return rd_kafka_header_add(headers, name, -1, value, -1) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Returns NULL if memory is short. */
static rd_kafka_headers_t *event_headers(const struct posthorn_producer *producer, const struct posthorn_event *event)
{
    char time[40];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    struct wall when = event->occurred != NULL ? (struct wall){*event->occurred} : wall_now();
    wall_format(when, when.us % 1000000 != 0, time);
    if (headers == NULL)
        return NULL;
    if (!add_header(headers, "ce_specversion", "1.0") || !add_header(headers, "ce_id", event->id) ||
        !add_header(headers, "ce_type", event->type) || !add_header(headers, "ce_account", event->account) ||
        !add_header(headers, "ce_source", event->source != NULL ? event->source : producer->source) ||
        !add_header(headers, "ce_time", time) || !add_header(headers, "content-type", "application/json") ||
        (event->traceparent != NULL && !add_header(headers, "traceparent", event->traceparent)) ||
        (event->tracestate != NULL && !add_header(headers, "tracestate", event->tracestate))) {
        rd_kafka_headers_destroy(headers);
        return NULL;
    }
    return headers;
}

static enum posthorn_status refused(struct posthorn_producer *producer, const rd_kafka_error_t *problem,
                                    struct posthorn_error *error)
{
    char fatal[300];
    switch (rd_kafka_error_code(problem)) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return SAY(error, POSTHORN_FULL, "the queue is full");
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return SAY(error, POSTHORN_REFUSED, "the event is larger than message.max.bytes allows");
    case RD_KAFKA_RESP_ERR__FATAL:
        rd_kafka_fatal_error(producer->kafka, fatal, sizeof fatal);
        return SAY(error, POSTHORN_FAILED, "the Kafka client has failed permanently; create a new producer: %s", fatal);
    default:
        return SAY(error, POSTHORN_FAILED, "%s", rd_kafka_error_string(problem));
    }
}

enum posthorn_status posthorn_publish(struct posthorn_producer *producer, const struct posthorn_event *event, void *tag,
                                      struct posthorn_error *error)
{
    if (!check_event(event, error))
        return POSTHORN_REFUSED;
    rd_kafka_headers_t *headers = event_headers(producer, event);
    if (headers == NULL)
        return SAY(error, POSTHORN_FULL, "no memory for the event");
    /* librdkafka's unions have no const: it copies the value because of the flag, and always copies the key. */
    const rd_kafka_vu_t record[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = producer->topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(char *)(uintptr_t)event->account, strlen(event->account)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(char *)(uintptr_t)event->data, event->data_size}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = tag},
    };
    atomic_fetch_add(&producer->pending, 1); /* first, because another thread may call the callback at once */
    rd_kafka_error_t *problem = rd_kafka_produceva(producer->kafka, record, sizeof record / sizeof *record);
    if (problem == NULL)
        return POSTHORN_OK;
    atomic_fetch_sub(&producer->pending, 1);
    enum posthorn_status status = refused(producer, problem, error);
    rd_kafka_headers_destroy(headers);
    rd_kafka_error_destroy(problem);
    return status;
}

/* ---- waiting ---- */

void posthorn_poll(struct posthorn_producer *producer, int timeout_ms)
{
    rd_kafka_poll(producer->kafka, timeout_ms);
}

enum posthorn_status posthorn_flush(struct posthorn_producer *producer, int timeout_ms, struct posthorn_error *error)
{
    if (rd_kafka_flush(producer->kafka, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return SAY(error, POSTHORN_TIMED_OUT, "events that are not acknowledged yet: %zu", posthorn_pending(producer));
    size_t failed = atomic_exchange(&producer->failed, 0);
    if (failed > 0)
        return SAY(error, POSTHORN_FAILED, "events that were not acknowledged: %zu; the last one: %s", failed,
                   rd_kafka_err2str((rd_kafka_resp_err_t)atomic_load(&producer->last_problem)));
    return POSTHORN_OK;
}

size_t posthorn_pending(const struct posthorn_producer *producer)
{
    return atomic_load(&producer->pending);
}
