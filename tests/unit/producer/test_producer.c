/* libposthorn-producer against librdkafka's mock cluster, which fails on demand: what is published, and what is
 * reported about it. */
#include "producer/posthorn-producer.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOPIC "events"
#define PATIENCE_MS 60000 /* bounds a hanging test; no test waits for it to pass */

/* The reports of the callbacks. Tags are 1, 2, … */
struct told {
    int acknowledged, failed, of_tag[16];
    char reason[200];
};

struct fixture {
    rd_kafka_t *owner; /* of the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    char servers[300];
    struct told told;
};

static void on_delivered(void *context, void *tag, enum posthorn_status status, const char *reason)
{
    struct fixture *f = context;
    size_t number = (size_t)tag;
    assert_true(number < 16);
    f->told.of_tag[number]++;
    if (status == POSTHORN_OK) {
        f->told.acknowledged++;
        assert_null(reason);
        return;
    }
    assert_int_equal(status, POSTHORN_FAILED);
    assert_non_null(reason);
    f->told.failed++;
    snprintf(f->told.reason, sizeof f->told.reason, "%s", reason);
}

static void quiet(void *context, int severity, const char *line)
{
    (void)context, (void)severity, (void)line;
}

static int set_up(void **state)
{
    char reason[300];
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->owner = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, reason, sizeof reason);
    assert_non_null(f->owner);
    f->cluster = rd_kafka_mock_cluster_new(f->owner, 1);
    assert_non_null(f->cluster);
    assert_int_equal(rd_kafka_mock_topic_create(f->cluster, TOPIC, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    snprintf(f->servers, sizeof f->servers, "bootstrap.servers=%s", rd_kafka_mock_cluster_bootstraps(f->cluster));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    rd_kafka_mock_cluster_destroy(f->cluster);
    rd_kafka_destroy(f->owner);
    free(f);
    return 0;
}

static struct posthorn_producer *start(struct fixture *f, const char *property)
{
    struct posthorn_error error = {""};
    const char *properties[] = {f->servers, "linger.ms=0", property, NULL};
    struct posthorn_options options = {
        .topic = TOPIC, .properties = properties, .delivered = on_delivered, .log = quiet, .context = f};
    struct posthorn_producer *producer = posthorn_producer_new(&options, &error);
    if (producer == NULL)
        fail_msg("%s", error.text);
    return producer;
}

static const struct posthorn_event sample = {.id = "e-1",
                                             .type = "ach.settled",
                                             .account = "7qwnw4j2kmqvrb3",
                                             .data = "{\"amount\": 5.00}",
                                             .data_size = 16,
                                             .occurred = &(const int64_t){1617808466500000}};

static enum posthorn_status publish(struct posthorn_producer *producer, const struct posthorn_event *event, size_t tag)
{
    struct posthorn_error error = {""};
    enum posthorn_status status = posthorn_publish(producer, event, (void *)tag, &error);
    if (status != POSTHORN_OK)
        print_message("%s\n", error.text);
    return status;
}

/* ---- what goes out ---- */

static rd_kafka_message_t *read_one(struct fixture *f, rd_kafka_t **consumer)
{
    char reason[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", strchr(f->servers, '=') + 1, reason, sizeof reason),
                     0);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "reader", reason, sizeof reason), 0);
    *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    assert_non_null(*consumer);
    rd_kafka_topic_partition_list_add(list, TOPIC, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(*consumer, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(*consumer, PATIENCE_MS);
    assert_non_null(message);
    assert_int_equal(message->err, 0);
    return message;
}

static void assert_header(const rd_kafka_message_t *message, const char *name, const char *expected)
{
    rd_kafka_headers_t *headers;
    const void *value = NULL;
    size_t size = 0;
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    if (expected == NULL) {
        assert_int_equal(rd_kafka_header_get_last(headers, name, &value, &size), RD_KAFKA_RESP_ERR__NOENT);
        return;
    }
    if (rd_kafka_header_get_last(headers, name, &value, &size) != 0 || size != strlen(expected) ||
        memcmp(value, expected, size) != 0)
        fail_msg("%s is '%.*s'", name, (int)size, (const char *)value);
}

static void test_record(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    struct posthorn_producer *producer = start(f, NULL);
    rd_kafka_t *consumer;
    assert_int_equal(publish(producer, &sample, 1), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_OK);
    assert_int_equal(f->told.acknowledged, 1);
    assert_int_equal(posthorn_pending(producer), 0);
    rd_kafka_message_t *message = read_one(f, &consumer);
    assert_int_equal(message->key_len, 15);
    assert_memory_equal(message->key, "7qwnw4j2kmqvrb3", 15);
    assert_int_equal(message->len, 16);
    assert_memory_equal(message->payload, sample.data, 16);
    assert_header(message, "ce_specversion", "1.0");
    assert_header(message, "ce_id", "e-1");
    assert_header(message, "ce_type", "ach.settled");
    assert_header(message, "ce_account", "7qwnw4j2kmqvrb3");
    assert_header(message, "ce_source", "/posthorn-producer");
    assert_header(message, "ce_time", "2021-04-07T15:14:26.500000Z");
    assert_header(message, "content-type", "application/json");
    assert_header(message, "traceparent", NULL);
    assert_header(message, "tracestate", NULL);
    rd_kafka_message_destroy(message);
    rd_kafka_destroy(consumer);
    posthorn_producer_free(&producer);
    assert_null(producer);
}

static void test_record_with_all(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    struct posthorn_producer *producer = start(f, NULL);
    struct posthorn_event event = sample;
    rd_kafka_t *consumer;
    event.source = "/ledger";
    event.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    event.tracestate = "rojo=1,congo=\"2\"";
    assert_int_equal(publish(producer, &event, 1), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_OK);
    rd_kafka_message_t *message = read_one(f, &consumer);
    assert_header(message, "ce_source", "/ledger");
    assert_header(message, "traceparent", event.traceparent);
    assert_header(message, "tracestate", event.tracestate);
    rd_kafka_message_destroy(message);
    rd_kafka_destroy(consumer);
    posthorn_producer_free(&producer);
}

/* ---- replies of the broker ---- */

static void test_broker_refuses(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    struct posthorn_producer *producer = start(f, NULL);
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(publish(producer, &sample, 1), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_FAILED);
    assert_non_null(
        strstr(error.text, "events that were not acknowledged: 1; the last one: Broker: Topic authorization failed"));
    assert_int_equal(f->told.failed, 1);
    assert_int_equal(f->told.acknowledged, 0);
    assert_non_null(strstr(f->told.reason, "Topic authorization failed"));
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_OK); /* told once */
    posthorn_producer_free(&producer);
    assert_int_equal(f->told.of_tag[1], 1);
}

/* An event that a broker asks to send again is sent again, and reported once. */
static void test_broker_hiccups(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    struct posthorn_producer *producer = start(f, "retry.backoff.ms=1");
    rd_kafka_mock_push_request_errors(f->cluster, 0, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    assert_int_equal(publish(producer, &sample, 1), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_OK);
    assert_int_equal(f->told.acknowledged, 1);
    assert_int_equal(f->told.of_tag[1], 1);
    posthorn_producer_free(&producer);
}

static void test_broker_is_down(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    rd_kafka_mock_broker_set_down(f->cluster, 1);
    struct posthorn_producer *producer = start(f, "queue.buffering.max.messages=3");
    for (size_t tag = 1; tag <= 3; tag++)
        assert_int_equal(publish(producer, &sample, tag), POSTHORN_OK);
    assert_int_equal(posthorn_publish(producer, &sample, (void *)4, &error), POSTHORN_FULL);
    assert_string_equal(error.text, "the queue is full");
    assert_int_equal(posthorn_pending(producer), 3);
    assert_int_equal(posthorn_flush(producer, 0, &error), POSTHORN_TIMED_OUT);
    assert_string_equal(error.text, "events that are not acknowledged yet: 3");
    posthorn_producer_free(&producer);
    assert_int_equal(f->told.failed, 3); /* each is reported, although nothing waited for it */
    assert_int_equal(f->told.of_tag[4], 0);
}

static void test_broker_comes_back(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    rd_kafka_mock_broker_set_down(f->cluster, 1);
    struct posthorn_producer *producer = start(f, "reconnect.backoff.max.ms=100");
    for (size_t tag = 1; tag <= 10; tag++)
        assert_int_equal(publish(producer, &sample, tag), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, 0, &error), POSTHORN_TIMED_OUT);
    rd_kafka_mock_broker_set_up(f->cluster, 1);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_OK);
    assert_int_equal(f->told.acknowledged, 10);
    posthorn_producer_free(&producer);
}

static void test_event_waits_no_longer_than_it_may(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    rd_kafka_mock_broker_set_down(f->cluster, 1);
    struct posthorn_producer *producer = start(f, "message.timeout.ms=100");
    assert_int_equal(publish(producer, &sample, 1), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_FAILED);
    assert_non_null(strstr(f->told.reason, "timed out"));
    posthorn_producer_free(&producer);
}

/* The caller's properties cannot remove the callbacks. */
static void test_only_errors_are_not_all(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error;
    struct posthorn_producer *producer = start(f, "delivery.report.only.error=true");
    assert_int_equal(publish(producer, &sample, 1), POSTHORN_OK);
    assert_int_equal(posthorn_flush(producer, PATIENCE_MS, &error), POSTHORN_OK);
    assert_int_equal(f->told.acknowledged, 1);
    posthorn_producer_free(&producer);
}

/* ---- what is refused ---- */

static void test_events_refused(void **state)
{
    struct fixture *f = *state;
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const struct {
        struct posthorn_event event;
        const char *says;
    } cases[] = {
        {{.type = "t", .account = "a", .data = "1", .data_size = 1}, "the event has no id"},
        {{.id = "e", .account = "a", .data = "1", .data_size = 1}, "the event has no type"},
        {{.id = "e", .type = "t", .data = "1", .data_size = 1}, "the event has no account"},
        {{.id = "e", .type = "t", .account = "a"}, "the event has no data"},
        {{.id = "", .type = "t", .account = "a", .data = "1", .data_size = 1},
         "id is not 1 to 255 visible ASCII characters"},
        {{.id = "a\r\nb", .type = "t", .account = "a", .data = "1", .data_size = 1}, "the event's id is not"},
        {{.id = long_text, .type = "t", .account = "a", .data = "1", .data_size = 1}, "the event's id is not"},
        {{.id = "e", .type = "t t", .account = "a", .data = "1", .data_size = 1}, "the event's type is not"},
        {{.id = "e", .type = "t", .account = "\xc3\xa9", .data = "1", .data_size = 1}, "the event's account is not"},
        {{.id = "e", .type = "t", .account = "a", .data = "{]", .data_size = 2},
         "the event's data is not JSON: a member's name"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 0},
         "the event's data is not JSON: the text is empty"},
        {{.id = "e", .type = "t", .account = "a", .data = "\"\xff\"", .data_size = 3}, "not valid UTF-8"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .occurred = &(const int64_t){-1}},
         "the event's time is not between 1970 and 9999"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .occurred = &(const int64_t){INT64_MAX}},
         "time"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .source = ""},
         "the event's source is not a URI"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .source = "a\nb"}, "the event's source"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .source = long_text},
         "the event's source"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .traceparent = "a\nb"},
         "the event's traceparent"},
        {{.id = "e", .type = "t", .account = "a", .data = "1", .data_size = 1, .tracestate = "a=\n"},
         "the event's tracestate"},
    };
    struct posthorn_producer *producer = start(f, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct posthorn_error error = {""};
        assert_int_equal(posthorn_publish(producer, &cases[i].event, (void *)1, &error), POSTHORN_REFUSED);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("\"%s\" instead of \"%s\"", error.text, cases[i].says);
    }
    assert_int_equal(posthorn_pending(producer), 0);
    posthorn_producer_free(&producer);
    assert_int_equal(f->told.of_tag[1], 0);
}

static void test_event_too_large(void **state)
{
    struct fixture *f = *state;
    struct posthorn_error error = {""};
    char data[2000] = "\"";
    memset(data + 1, 'x', sizeof data - 2);
    data[sizeof data - 1] = '"';
    struct posthorn_event event = sample;
    event.data = data;
    event.data_size = sizeof data;
    struct posthorn_producer *producer = start(f, "message.max.bytes=1000");
    assert_int_equal(posthorn_publish(producer, &event, (void *)1, &error), POSTHORN_REFUSED);
    assert_non_null(strstr(error.text, "message.max.bytes"));
    assert_int_equal(posthorn_pending(producer), 0);
    posthorn_producer_free(&producer);
    assert_int_equal(f->told.of_tag[1], 0);
}

static void test_options_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"bootstrap.servers=127.0.0.1:1", NULL}, *const none[] = {NULL};
    static const char *const unknown[] = {"bootstrap.servers=127.0.0.1:1", "no.such.thing=1", NULL};
    static const char *const bad_value[] = {"bootstrap.servers=127.0.0.1:1", "linger.ms=soon", NULL};
    static const char *const no_equals[] = {"bootstrap.servers", NULL}, *const no_name[] = {"=1", NULL};
    static const char *const contradiction[] = {"bootstrap.servers=127.0.0.1:1", "acks=1", NULL};
    const struct {
        struct posthorn_options options;
        const char *says;
    } cases[] = {
        {{.properties = good}, "no topic"},
        {{.topic = "", .properties = good}, "no topic"},
        {{.topic = TOPIC}, "bootstrap.servers is missing"},
        {{.topic = TOPIC, .properties = none}, "bootstrap.servers is missing"},
        {{.topic = TOPIC, .properties = unknown}, "the property no.such.thing: No such configuration property"},
        {{.topic = TOPIC, .properties = bad_value}, "the property linger.ms: "},
        {{.topic = TOPIC, .properties = no_equals}, "a property is not of the form name=value"},
        {{.topic = TOPIC, .properties = no_name}, "is not of the form name=value"},
        {{.topic = TOPIC, .properties = contradiction, .log = quiet}, "the Kafka client does not start: "},
        {{.topic = TOPIC, .properties = good, .source = ""}, "the source is not a URI reference"},
        {{.topic = TOPIC, .properties = good, .source = "a\tb"}, "the source is not a URI reference"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct posthorn_error error = {""};
        assert_null(posthorn_producer_new(&cases[i].options, &error));
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("case %zu: \"%s\" instead of \"%s\"", i, error.text, cases[i].says);
    }
    struct posthorn_producer *nothing = NULL;
    posthorn_producer_free(&nothing);
    assert_string_equal(posthorn_version(), POSTHORN_VERSION);
}

#define WITH_CLUSTER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLUSTER(test_record),
        WITH_CLUSTER(test_record_with_all),
        WITH_CLUSTER(test_broker_refuses),
        WITH_CLUSTER(test_broker_hiccups),
        WITH_CLUSTER(test_broker_is_down),
        WITH_CLUSTER(test_broker_comes_back),
        WITH_CLUSTER(test_event_waits_no_longer_than_it_may),
        WITH_CLUSTER(test_only_errors_are_not_all),
        WITH_CLUSTER(test_events_refused),
        WITH_CLUSTER(test_event_too_large),
        cmocka_unit_test(test_options_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
