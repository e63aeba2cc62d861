/* Kafka records in all forms: what is read from them. */
#include "record.h"

static void assert_text(struct text text, const char *expected)
{
    if (!text_equal(text, text_of(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", TEXT_ARGS(text), expected);
}

/* ---- what is read ---- */

struct expected {
    const char *id, *type, *account, *source, *traceparent, *time, *data;
};

static void assert_reads(const struct given *given, const struct envelope_rules *rules, const struct expected *expected)
{
    struct reading reading;
    char time[40];
    enum refusal refusal = read_given(&reading, given, rules);
    if (refusal != REFUSAL_NONE)
        fail_msg("%s: %s", refusal_name(refusal), reading.why.text);
    wall_format(reading.event.time, true, time);
    assert_text(reading.event.id, expected->id);
    assert_text(reading.event.type, expected->type);
    assert_text(reading.event.account, expected->account);
    assert_text(reading.event.source, expected->source);
    assert_text(reading.event.traceparent, expected->traceparent);
    assert_string_equal(time, expected->time);
    assert_text(reading.event.data, expected->data);
    arena_fini(&reading.arena);
}

static void test_binary(void **state)
{
    (void)state;
    assert_reads(
        &(struct given){{"ce_specversion", "1.0", "ce_id", "e-1", "ce_type", "ach.settled", "ce_source", "/pay",
                         "ce_time", "2021-04-07T17:14:26.5+02:00", "ce_account", "acme", "content-type",
                         "application/json; charset=utf-8", "traceparent", TRACE, "other", "x"},
                        "key",
                        " {\"a\": 5.00}\n"},
        &standard_rules,
        &(struct expected){"e-1", "ach.settled", "acme", "/pay", TRACE, "2021-04-07T15:14:26.500000Z",
                           "{\"a\": 5.00}"});
    /* the minimum, as kcat sends it */
    assert_reads(&(struct given){{"ce_id", "e-1", "ce_type", "t"}, "acme", "null"}, &standard_rules,
                 &(struct expected){"e-1", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "null"});
    /* data of any kind, and kinds of JSON by their suffix; a null header is ignored */
    assert_reads(
        &(struct given){{"ce_id", "e-1", "ce_type", "t", "Content-Type", "application/vnd.acme+json", "ce_account",
                         "\1", "ce_time", "\1", "ce_source", ""},
                        "acme",
                        "\"\\u0000\""},
        &standard_rules,
        &(struct expected){"e-1", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "\"\\u0000\""});
    /* the event's own trace takes precedence over that of the last hop */
    assert_reads(&(struct given){{"ce_id", "!~", "ce_type", "*", "traceparent",
                                  "00-11111111111111111111111111111111-2222222222222222-00", "ce_traceparent", TRACE},
                                 "a",
                                 "[]"},
                 &standard_rules,
                 &(struct expected){"!~", "*", "a", "/kafka/payments", TRACE, "2023-11-14T22:13:20.123000Z", "[]"});
}

static void test_binary_copies_nothing(void **state)
{
    (void)state;
    struct reading reading;
    assert_int_equal(
        read_given(&reading,
                   &(struct given){{"ce_id", "e-1", "ce_type", "t", "ce_source", "/s", "ce_account", "a"}, NULL, "{}"},
                   &standard_rules),
        REFUSAL_NONE);
    assert_true(reading.event.id.data == reading.headers[0].value.data);
    assert_true(reading.event.data.data == reading.record.value.data);
    assert_int_equal(reading.arena.total, 0);
    arena_fini(&reading.arena);
}

static void test_structured(void **state)
{
    (void)state;
    static const char value[] =
        "{\"specversion\":\"1.0\",\"id\":\"e-\\u0031\",\"type\":\"ach.settled\",\"source\":\"/p\\u00e9\","
        "\"time\":\"2021-04-07T15:14:26Z\",\"account\":\"acme\",\"datacontenttype\":\"application/json\","
        "\"traceparent\":\"" TRACE "\",\"extension\":{\"id\":1},\"data\": {\"n\":12345678901234567890} }";
    static const char *const content_types[] = {
        "application/cloudevents+json", "application/cloudevents+json; charset=UTF-8", "Application/CloudEvents+JSON"};
    for (size_t i = 0; i < 3; i++)
        assert_reads(&(struct given){{"content-type", content_types[i], "traceparent", "00-00-00-00"}, "key", value},
                     &standard_rules,
                     &(struct expected){"e-1", "ach.settled", "acme", "/p\xc3\xa9", TRACE,
                                        "2021-04-07T15:14:26.000000Z", "{\"n\":12345678901234567890}"});
    /* additional headers are ignored; so are null members */
    assert_reads(
        &(struct given){
            {"content-type", "application/cloudevents+json", "ce_id", "other", "ce_type", "other", "ce_specversion",
             "0.3", "traceparent", TRACE},
            "key",
            "{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\",\"source\":null,\"account\":null,\"time\":null,"
            "\"traceparent\":null,\"datacontenttype\":null,\"data\":null}"},
        &standard_rules,
        &(struct expected){"e", "t", "key", "/kafka/payments", TRACE, "2023-11-14T22:13:20.123000Z", "null"});
}

static void test_bare(void **state)
{
    (void)state;
    assert_reads(
        &(struct given){{"traceparent", TRACE},
                        NULL,
                        "{\"id\":\"e-1\",\"type\":\"t\",\"account\":\"acme\",\"time\":\"2021-04-07t15:14:26."
                        "123456789z\",\"data\":[1e400]}"},
        &standard_rules,
        &(struct expected){"e-1", "t", "acme", "/kafka/payments", TRACE, "2021-04-07T15:14:26.123456Z", "[1e400]"});
    assert_reads(
        &(struct given){
            {NULL}, "acme", " {\"data\":{\"id\":5},\"unknown\":0,\"\\u0069d\":\"\\u0065\",\"type\":\"t\"} "},
        &standard_rules,
        &(struct expected){"e", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "{\"id\":5}"});
    /* headers of other systems and a content type of JSON do not make it a CloudEvent */
    assert_reads(&(struct given){{"content-type", "application/json", "ce_subject", "x", "content-type", "y"},
                                 "acme",
                                 "{\"id\":\"e\",\"type\":\"t\",\"data\":0}"},
                 &standard_rules,
                 &(struct expected){"e", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "0"});
}

static void test_plain(void **state)
{
    (void)state;
    struct envelope_rules rules = {.plain = true, .value_max = 65536};
    assert_reads(&(struct given){{"traceparent", TRACE}, "acme", "{\"id\":\"not the id\"}"}, &rules,
                 &(struct expected){"payments-3-1234567890123", "payments", "acme", "/kafka/payments", TRACE,
                                    "2023-11-14T22:13:20.123000Z", "{\"id\":\"not the id\"}"});
    rules.type_prefix = TEXT("pay");
    rules.account_header = TEXT("x-account");
    rules.id_header = TEXT("x-id");
    assert_reads(
        &(struct given){{"x-id", "e-1", "x-account", "acme"}, "key", "5.00"}, &rules,
        &(struct expected){"e-1", "ments", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "5.00"});
    rules.type_prefix = TEXT("other.");
    assert_reads(
        &(struct given){{"x-id", "e-1", "x-account", "acme", "content-type", "text/plain"}, NULL, "5"}, &rules,
        &(struct expected){"e-1", "payments", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "5"});
    /* CloudEvents in the same topics are read as CloudEvents */
    assert_reads(&(struct given){{"ce_id", "e-1", "ce_type", "t", "x-account", "other"}, "acme", "5"}, &rules,
                 &(struct expected){"e-1", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "5"});
}

/* An id made from the name of a long topic is shortened; one that fits is not changed. */
static void test_plain_with_long_topics(void **state)
{
    (void)state;
    const struct envelope_rules rules = {.plain = true, .value_max = 100};
    char topics[3][250], expected[300];
    struct text ids[3];
    struct reading readings[3];
    for (size_t i = 0; i < 3; i++) {
        memset(topics[i], 't', 249);
        topics[i][i == 0 ? 239 : 249] = '\0';
        topics[i][230] = (char)('a' + i); /* beyond the part that is kept */
        (void)read_given(&readings[i], &(struct given){{NULL}, "acme", "1"}, &rules);
        arena_fini(&readings[i].arena);
        arena_init(&readings[i].arena, 4096);
        readings[i].record.topic = text_of(topics[i]);
        assert_int_equal(
            envelope_read(&readings[i].record, &rules, &readings[i].arena, &readings[i].event, &readings[i].why),
            REFUSAL_NONE);
        ids[i] = readings[i].event.id;
    }
    snprintf(expected, sizeof expected, "%s-3-1234567890123", topics[0]);
    assert_int_equal(strlen(expected), 255);
    assert_text(ids[0], expected);
    for (size_t i = 1; i < 3; i++) {
        assert_true(text_is_visible_ascii(ids[i]));
        assert_memory_equal(ids[i].data, topics[i], 180);
        assert_int_equal(ids[i].data[180], '~');
        assert_string_equal(ids[i].data + ids[i].size - 16, "-3-1234567890123");
    }
    assert_false(text_equal(ids[1], ids[2]));
    for (size_t i = 0; i < 3; i++)
        arena_fini(&readings[i].arena);
}

/* Kafka's headers may occur twice: the last value is used, and a null is ignored. */
static void test_repeated_headers(void **state)
{
    (void)state;
    assert_reads(&(struct given){{"ce_id",        "e-1",         "ce_id",        "e-2",
                                  "ce_type",      "t",           "ce_id",        "\1",
                                  "ce_account",   "a",           "ce_account",   "acme",
                                  "content-type", "text/plain",  "content-type", "application/json",
                                  "traceparent",  "00-00-00-00", "traceparent",  TRACE},
                                 "key",
                                 "1"},
                 &standard_rules,
                 &(struct expected){"e-2", "t", "acme", "/kafka/payments", TRACE, "2023-11-14T22:13:20.123000Z", "1"});
    const struct envelope_rules rules = {
        .plain = true, .account_header = TEXT("x-account"), .id_header = TEXT("x-id"), .value_max = 100};
    assert_reads(
        &(struct given){
            {"x-id", "e-1", "x-account", "a", "x-account", "acme", "x-id", "e-2", "x-id", "\1"}, "key", "1"},
        &rules,
        &(struct expected){"e-2", "payments", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "1"});
}

static void test_data_content_type(void **state)
{
    (void)state;
    assert_reads(&(struct given){{"ce_id", "e", "ce_type", "t", "ce_datacontenttype", "application/json"}, "a", "1"},
                 &standard_rules,
                 &(struct expected){"e", "t", "a", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "1"});
    /* the header content-type is this attribute in the binary mode */
    assert_reads(&(struct given){{"ce_id", "e", "ce_type", "t", "ce_datacontenttype", "text/plain", "content-type",
                                  "application/json"},
                                 "a",
                                 "1"},
                 &standard_rules,
                 &(struct expected){"e", "t", "a", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "1"});
}

static void test_longest_names(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    struct given given = {{"ce_id", name, "ce_type", name, "ce_account", name}, NULL, "1"};
    struct reading reading;
    assert_int_equal(read_given(&reading, &given, &standard_rules), REFUSAL_NONE);
    assert_int_equal(reading.event.account.size, 255);
    arena_fini(&reading.arena);
}

static void test_traceparents_that_are_left_out(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "00",
                                        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
                                        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        TRACE "x",
                                        TRACE "-00"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading;
        struct given given = {{"ce_id", "e", "ce_type", "t", "traceparent", cases[i]}, "a", "1"};
        assert_int_equal(read_given(&reading, &given, &standard_rules), REFUSAL_NONE);
        assert_int_equal(reading.event.traceparent.size, 0);
        arena_fini(&reading.arena);
    }
}

static void test_bare_for_producers(void **state)
{
    (void)state;
    struct arena arena;
    struct event event;
    struct error why = {0};
    arena_init(&arena, 4096);
    assert_int_equal(
        envelope_read_bare(
            TEXT("{\"id\":\"e\",\"type\":\"t\",\"account\":\"a\",\"time\":\"2021-04-07T15:14:26Z\",\"data\":{}}"), 1000,
            &arena, &event, &why),
        REFUSAL_NONE);
    assert_int_equal(event.time.us, 1617808466000000);
    assert_int_equal(event.source.size, 0);
    struct wall before = wall_now();
    assert_int_equal(envelope_read_bare(TEXT("{\"id\":\"e\",\"type\":\"t\",\"account\":\"a\",\"data\":{}}"), 1000,
                                        &arena, &event, &why),
                     REFUSAL_NONE);
    assert_true(event.time.us / 1000 >= before.us / 1000);
    assert_int_equal(envelope_read_bare(TEXT("{\"id\":\"e\",\"type\":\"t\",\"data\":{}}"), 1000, &arena, &event, &why),
                     REFUSAL_NO_ACCOUNT);
    assert_int_equal(envelope_read_bare(TEXT("{}"), 1, &arena, &event, &why), REFUSAL_TOO_LARGE);
    assert_int_equal(envelope_read_bare((struct text){0}, 1, &arena, &event, &why), REFUSAL_NO_VALUE);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_binary_copies_nothing),
        cmocka_unit_test(test_structured),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_plain_with_long_topics),
        cmocka_unit_test(test_repeated_headers),
        cmocka_unit_test(test_data_content_type),
        cmocka_unit_test(test_longest_names),
        cmocka_unit_test(test_traceparents_that_are_left_out),
        cmocka_unit_test(test_bare_for_producers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
