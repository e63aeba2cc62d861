#include "kafka.h"

#include <stdio.h>
#include <stdlib.h>

#define SLICE_MS 1000
#define TIMEOUT_MS 30000 /* for a response of the brokers, and for the acknowledgement of a record */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *error)
{
    char text[256];
    return rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK ||
           error_set(error, "--kafka-properties: %s", text);
}

/* Sets "name=value;name=value", as the dispatcher does. */
static bool set_properties(rd_kafka_conf_t *conf, const char *properties, struct error *error)
{
    char *copy = strdup(properties != NULL ? properties : ""), *rest = copy, *item;
    bool ok = copy != NULL || error_set(error, "no memory");
    while (ok && (item = strsep(&rest, ";")) != NULL) {
        char *equals = strchr(item, '=');
        if (*item == '\0')
            continue;
        if (equals == NULL) {
            ok = error_set(
                error, "--kafka-properties: a part is not of the form name=value; a value cannot contain a semicolon");
        } else {
            *equals = '\0';
            ok = set(conf, item, equals + 1, error);
        }
    }
    free(copy);
    return ok;
}

#define RECORD_MAX "68157440" /* the largest dead letter that a dispatcher accepts (value-max), with its headers */

/* librdkafka's log is for debugging only; errors are returned. */
static void no_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client, (void)level, (void)facility, (void)text;
}

/* librdkafka's reason why a broker was not reached; calls only report a time-out. */
static char last_reason[300];
static bool refused; /* waiting does not help */

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client, (void)opaque;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) /* it would replace the reason, which came earlier */
        snprintf(last_reason, sizeof last_reason, "%s", reason);
    refused = refused || code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

/* Returns "why", or "why: the reason" if there is one. */
static const char *failure(rd_kafka_t *client, rd_kafka_resp_err_t code, char out[static 400])
{
    while (rd_kafka_poll(client, 0) > 0)
        continue;
    snprintf(out, 400, "%s%s%s", rd_kafka_err2str(code), *last_reason != '\0' ? ": " : "", last_reason);
    return out;
}

struct report {
    bool done;
    rd_kafka_resp_err_t error;
    int partition;
    long long offset;
};

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct report *report = message->_private;
    (void)client, (void)opaque;
    *report = (struct report){true, message->err, message->partition, message->offset};
}

static rd_kafka_t *client_new(struct context *context, rd_kafka_type_t type, struct error *error)
{
    char text[256];
    rd_kafka_t *client = NULL;
    const char *brokers = context->globals->kafka_brokers;
    if (brokers == NULL || *brokers == '\0') {
        error_set(error,
                  "--kafka-brokers is missing: give it, or set POSTHORN_KAFKA_BROKERS; this command connects to Kafka");
        return NULL;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    /* As libposthorn-producer and Java's clients: all records of an account are in one partition. */
    bool ok = set(conf, "partitioner", "murmur2_random", error) && set(conf, "message.max.bytes", RECORD_MAX, error) &&
              set_properties(conf, context->globals->kafka_properties, error) &&
              set(conf, "bootstrap.servers", brokers, error) && set(conf, "client.id", "posthorn-admin", error);
    if (ok && type == RD_KAFKA_PRODUCER)
        ok = set(conf, "enable.idempotence", "true", error) && set(conf, "message.timeout.ms", "30000", error);
    rd_kafka_conf_set_log_cb(conf, no_log);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (ok && (client = rd_kafka_new(type, conf, text, sizeof text)) == NULL)
        error_set(error, "Kafka: %s", text);
    if (client == NULL)
        rd_kafka_conf_destroy(conf); /* otherwise the client owns it */
    return client;
}

bool kafka_bounds(struct context *context, const char *topic, int partition, long long *first, long long *next,
                  struct error *error)
{
    int64_t low = 0, high = 0;
    char why[400];
    rd_kafka_t *client = client_new(context, RD_KAFKA_CONSUMER, error);
    if (client == NULL)
        return false;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int left = TIMEOUT_MS; left > 0 && !refused && code != RD_KAFKA_RESP_ERR_NO_ERROR; left -= SLICE_MS) {
        code = rd_kafka_query_watermark_offsets(client, topic, partition, &low, &high, SLICE_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__TIMED_OUT)
            break;
        rd_kafka_poll(client, 0);
    }
    *first = low;
    *next = high;
    bool ok = code == RD_KAFKA_RESP_ERR_NO_ERROR ||
              error_set(error, "Kafka did not return the beginning and end of %.80s, partition %d: %s", topic,
                        partition, failure(client, code, why));
    rd_kafka_destroy(client);
    return ok;
}

/* Chooses the record's partition if the topic has it; else RD_KAFKA_PARTITION_UA: the key determines it. */
static bool choose_partition(rd_kafka_t *client, const struct kafka_record *record, int32_t *partition,
                             struct error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    char why[400];
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, record->topic, NULL);
    rd_kafka_resp_err_t code = topic == NULL ? rd_kafka_last_error() : RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int left = TIMEOUT_MS; topic != NULL && left > 0 && !refused && metadata == NULL; left -= SLICE_MS) {
        code = rd_kafka_metadata(client, 0, topic, &metadata, SLICE_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__TIMED_OUT &&
            code != RD_KAFKA_RESP_ERR__TRANSPORT)
            break;
        rd_kafka_poll(client, 0);
    }
    if (metadata != NULL && metadata->topic_cnt == 1)
        code = metadata->topics[0].err;
    bool ok = metadata != NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (ok)
        *partition = record->partition < metadata->topics[0].partition_cnt ? record->partition : RD_KAFKA_PARTITION_UA;
    else
        error_set(error, "Kafka did not return the number of partitions of %.80s: %s", record->topic,
                  failure(client, code, why));
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    if (topic != NULL)
        rd_kafka_topic_destroy(topic);
    return ok;
}

static rd_kafka_resp_err_t produce(rd_kafka_t *client, const struct kafka_record *record, int32_t partition,
                                   struct report *report)
{
    rd_kafka_headers_t *copy = rd_kafka_headers_copy(record->headers);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_TIMESTAMP(record->timestamp_ms < 0 ? 0 : record->timestamp_ms), /* 0: now */
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY((void *)record->key.data, record->key.size),
        RD_KAFKA_V_VALUE((void *)record->value.data, record->value.size), RD_KAFKA_V_HEADERS(copy),
        RD_KAFKA_V_OPAQUE(report), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(copy); /* otherwise the record owns them */
        return code;
    }
    rd_kafka_flush(client, TIMEOUT_MS + 5000); /* message.timeout.ms ends the wait earlier, with a report */
    return report->done ? report->error : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

bool kafka_publish(struct context *context, const struct kafka_record *record, int *partition, long long *offset,
                   struct error *error)
{
    struct report report = {0};
    int32_t to = RD_KAFKA_PARTITION_UA;
    char why[400];
    rd_kafka_t *client = client_new(context, RD_KAFKA_PRODUCER, error);
    if (client == NULL)
        return false;
    bool ok = choose_partition(client, record, &to, error);
    if (ok) {
        rd_kafka_resp_err_t code = produce(client, record, to, &report);
        rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(client, 1000); /* no report may arrive when `report` is out of scope */
        ok = code == RD_KAFKA_RESP_ERR_NO_ERROR ||
             error_set(error, "Kafka did not acknowledge the record: %s", failure(client, code, why));
    }
    rd_kafka_destroy(client);
    *partition = report.partition;
    *offset = report.offset;
    return ok;
}
