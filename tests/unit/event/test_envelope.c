/* Kafka records in all forms: what is read from them, and every reason to refuse one. */
#include "event/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define NOW 1700000000123 /* the record's timestamp, in milliseconds */

#define HEADERS_MAX 10

/* Strings for short; NULL: absent. A header's value "\1" stands for a null value. */
struct given {
    const char *headers[2 * HEADERS_MAX]; /* name, value, … */
    const char *key, *value;
};

struct reading {
    struct record_header headers[HEADERS_MAX];
    struct record record;
    struct arena arena;
    struct event event;
    struct error why;
};

static const struct envelope_rules standard_rules = {.value_max = 65536};

static struct text text_or_null(const char *string)
{
    return string == NULL || string[0] == '\1' ? (struct text){0} : text_of(string);
}

static enum refusal read_given(struct reading *reading, const struct given *given, const struct envelope_rules *rules)
{
    size_t count = 0;
    while (count < HEADERS_MAX && given->headers[2 * count] != NULL) {
        reading->headers[count] =
            (struct record_header){text_of(given->headers[2 * count]), text_or_null(given->headers[2 * count + 1])};
        count++;
    }
    reading->record = (struct record){.topic = TEXT("payments"),
                                      .partition = 3,
                                      .offset = 1234567890123,
                                      .timestamp_ms = NOW,
                                      .key = text_or_null(given->key),
                                      .value = text_or_null(given->value),
                                      .headers = reading->headers,
                                      .header_count = count};
    reading->why = (struct error){0};
    arena_init(&reading->arena, 16384);
    return envelope_read(&reading->record, rules, &reading->arena, &reading->event, &reading->why);
}

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
    /* the least: as kcat sends it */
    assert_reads(&(struct given){{"ce_id", "e-1", "ce_type", "t"}, "acme", "null"}, &standard_rules,
                 &(struct expected){"e-1", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "null"});
    /* data of any kind, and kinds of JSON by their suffix; a null header says nothing */
    assert_reads(
        &(struct given){{"ce_id", "e-1", "ce_type", "t", "Content-Type", "application/vnd.acme+json", "ce_account",
                         "\1", "ce_time", "\1", "ce_source", ""},
                        "acme",
                        "\"\\u0000\""},
        &standard_rules,
        &(struct expected){"e-1", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "\"\\u0000\""});
    /* the event's own trace goes before the last hop's */
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
    /* headers beside it do not count; null members say nothing */
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
    /* headers of other systems and a label of JSON make no CloudEvent of it */
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
    /* CloudEvents are read as such in the same topics */
    assert_reads(&(struct given){{"ce_id", "e-1", "ce_type", "t", "x-account", "other"}, "acme", "5"}, &rules,
                 &(struct expected){"e-1", "t", "acme", "/kafka/payments", "", "2023-11-14T22:13:20.123000Z", "5"});
}

/* ---- what is refused ---- */

#define STRUCTURED "content-type", "application/cloudevents+json"
#define CE(members) "{\"specversion\":\"1.0\"," members "}"
#define BARE(members) "{" members "}"
#define ALL "\"id\":\"e\",\"type\":\"t\",\"account\":\"a\",\"data\":1"
#define LONG_16 "0123456789abcdef"
#define LONG_256                                                                                                       \
    LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16    \
        LONG_16 LONG_16

static const struct {
    struct given given;
    enum refusal refusal;
    const char *says;
} refused[] = {
    /* the value */
    {{{"ce_id", "e", "ce_type", "t"}, "a", NULL}, REFUSAL_NO_VALUE, "the record has no value"},
    {{{NULL}, "a", ""}, REFUSAL_NO_VALUE, "no value"},
    {{{"ce_id", "e", "ce_type", "t"}, "a", "{\"a\":"},
     REFUSAL_NOT_JSON,
     "the value is not JSON: unexpected end at byte 5"},
    {{{"ce_id", "e", "ce_type", "t"}, "a", "not json"}, REFUSAL_NOT_JSON, "no JSON value at byte 0"},
    {{{"ce_id", "e", "ce_type", "t"}, "a", "\"\xff\""}, REFUSAL_BAD_UTF8, "not UTF-8"},
    {{{NULL}, "a", "not json"}, REFUSAL_NOT_JSON, "the value is not JSON"},
    {{{NULL}, "a", BARE(ALL ",")}, REFUSAL_NOT_JSON, "a member's name"},
    {{{NULL}, "a", BARE("\"x\":\"\xc0\x80\"," ALL)}, REFUSAL_BAD_UTF8, "not UTF-8"},
    {{{STRUCTURED}, "a", "{"}, REFUSAL_NOT_JSON, "unexpected end"},
    {{{STRUCTURED}, "a", "\xfe"}, REFUSAL_BAD_UTF8, "not UTF-8"},
    /* the shape */
    {{{NULL}, "a", "[1]"}, REFUSAL_BAD_SHAPE, "not an object"},
    {{{NULL}, "a", "null"}, REFUSAL_BAD_SHAPE, "not an object"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"id\":\"e\",\"type\":\"t\",\"data\":1")},
     REFUSAL_BAD_SHAPE,
     "the member \"id\" stands twice"},
    {{{NULL}, "a", BARE(ALL ",\"d\\u0061ta\":2")}, REFUSAL_BAD_SHAPE, "the member \"data\" stands twice"},
    {{{NULL}, "a", BARE("\"id\":5,\"type\":\"t\",\"data\":1")}, REFUSAL_BAD_SHAPE, "the member id is not a string"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"type\":[\"t\"],\"data\":1")},
     REFUSAL_BAD_SHAPE,
     "the member type is not a string"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"type\":\"t\",\"account\":{},\"data\":1")},
     REFUSAL_BAD_SHAPE,
     "the member account is not a string"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"type\":\"t\",\"time\":1617808466,\"data\":1")},
     REFUSAL_BAD_SHAPE,
     "the member time is not a string"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"type\":\"t\"")}, REFUSAL_BAD_SHAPE, "the member data is missing"},
    {{{STRUCTURED}, "a", CE("\"id\":\"e\",\"type\":\"t\"")}, REFUSAL_BAD_SHAPE, "the member data is missing"},
    {{{STRUCTURED}, "a", "[" CE(ALL) "]"}, REFUSAL_BAD_SHAPE, "not an object"},
    {{{STRUCTURED}, "a", BARE(ALL)}, REFUSAL_BAD_SHAPE, "the member specversion is not \"1.0\""},
    {{{STRUCTURED}, "a", BARE("\"specversion\":\"0.3\"," ALL)}, REFUSAL_BAD_SHAPE, "specversion is not \"1.0\""},
    {{{STRUCTURED}, "a", BARE("\"specversion\":1.0," ALL)},
     REFUSAL_BAD_SHAPE,
     "the member specversion is not a string"},
    {{{STRUCTURED}, "a", CE(ALL ",\"data_base64\":\"AA==\"")}, REFUSAL_BAD_SHAPE, "publish JSON in the member data"},
    {{{STRUCTURED}, "a", CE(ALL ",\"datacontenttype\":\"text/xml\"")},
     REFUSAL_BAD_SHAPE,
     "the event's data is not JSON"},
    {{{STRUCTURED}, "a", CE(ALL ",\"source\":\"\\u0000\"")}, REFUSAL_BAD_SHAPE, "the member source is not a URI"},
    {{{STRUCTURED}, "a", CE(ALL ",\"source\":\"\\udc00\"")},
     REFUSAL_BAD_SHAPE,
     "the member source has an escaped lone surrogate"},
    {{{STRUCTURED}, "a", CE(ALL ",\"source\":\"" LONG_256 LONG_256 LONG_256 LONG_256 "x\"")},
     REFUSAL_BAD_SHAPE,
     "at most 1024 bytes"},
    {{{STRUCTURED}, "a", CE(ALL ",\"traceparent\":1")}, REFUSAL_BAD_SHAPE, "the member traceparent is not a string"},
    {{{"content-type", "application/cloudevents-batch+json"}, "a", "[]"}, REFUSAL_BAD_SHAPE, "no batches"},
    {{{"content-type", "application/cloudevents+avro", "ce_id", "e"}, "a", "x"},
     REFUSAL_BAD_SHAPE,
     "only application/cloudevents+json"},
    {{{"content-type", "application/cloudevents"}, "a", "{}"}, REFUSAL_BAD_SHAPE, "only application/cloudevents+json"},
    {{{"ce_specversion", "0.3", "ce_id", "e", "ce_type", "t"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "ce_specversion is not 1.0"},
    {{{"ce_specversion", "", "ce_id", "e", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_SHAPE, "ce_specversion is not 1.0"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", "text/plain"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "content-type is not that of JSON"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", ""}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "content-type is not that of JSON"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", "+json"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "content-type is not that of JSON"},
    {{{"ce_id", "e", "ce_id", "e", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_SHAPE, "the header ce_id stands twice"},
    {{{"ce_id", "e", "ce_type", "t", "ce_account", "a", "ce_account", "b"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "the header ce_account stands twice"},
    {{{"ce_id", "e", "ce_type", "t", "ce_source", "a\nb"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "the header ce_source is not a URI"},
    {{{"ce_id", "e", "ce_type", "t", "ce_source", "\xff"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "the header ce_source is not a URI"},
    /* the id */
    {{{"ce_type", "t"}, "a", "1"}, REFUSAL_NO_ID, "the header ce_id is missing"},
    {{{"ce_id", "\1", "ce_type", "t"}, "a", "1"}, REFUSAL_NO_ID, "the header ce_id is missing"},
    {{{"ce_specversion", "1.0"}, "a", "1"}, REFUSAL_NO_ID, "the header ce_id is missing"},
    {{{NULL}, "a", "{}"}, REFUSAL_NO_ID, "the member id is missing"},
    {{{NULL}, "a", BARE("\"id\":null,\"type\":\"t\",\"data\":1")}, REFUSAL_NO_ID, "the member id is missing"},
    {{{STRUCTURED}, "a", CE("\"type\":\"t\",\"data\":1")}, REFUSAL_NO_ID, "the member id is missing"},
    {{{"ce_id", "", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_ID, "the header ce_id is not 1 to 255 visible ASCII"},
    {{{"ce_id", "e\r\nX-Evil: 1", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_ID, "visible ASCII"},
    {{{"ce_id", "e\n", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_ID, "visible ASCII"},
    {{{"ce_id", "a b", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_ID, "visible ASCII"},
    {{{"ce_id", "\xc3\xa9", "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_ID, "visible ASCII"},
    {{{"ce_id", LONG_256, "ce_type", "t"}, "a", "1"}, REFUSAL_BAD_ID, "visible ASCII"},
    {{{NULL}, "a", BARE("\"id\":\"a\\r\\nb\",\"type\":\"t\",\"data\":1")},
     REFUSAL_BAD_ID,
     "the member id is not 1 to 255 visible ASCII"},
    {{{NULL}, "a", BARE("\"id\":\"a\\u0000\",\"type\":\"t\",\"data\":1")}, REFUSAL_BAD_ID, "visible ASCII"},
    {{{NULL}, "a", BARE("\"id\":\"\\ud800\",\"type\":\"t\",\"data\":1")}, REFUSAL_BAD_ID, "lone surrogate"},
    {{{NULL},
      "a",
      BARE("\"id\":\"" LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 "\",\"type\":\"t\",\"data\":1")},
     REFUSAL_BAD_ID,
     "the member id is longer than 255 bytes"},
    /* the type */
    {{{"ce_id", "e"}, "a", "1"}, REFUSAL_NO_TYPE, "the header ce_type is missing"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"data\":1")}, REFUSAL_NO_TYPE, "the member type is missing"},
    {{{"ce_id", "e", "ce_type", ""}, "a", "1"}, REFUSAL_BAD_TYPE, "the header ce_type is not"},
    {{{"ce_id", "e", "ce_type", "a\tb"}, "a", "1"}, REFUSAL_BAD_TYPE, "visible ASCII"},
    {{{"ce_id", "e", "ce_type", LONG_256}, "a", "1"}, REFUSAL_BAD_TYPE, "visible ASCII"},
    /* the account */
    {{{"ce_id", "e", "ce_type", "t"}, NULL, "1"},
     REFUSAL_NO_ACCOUNT,
     "the header ce_account is missing, and the record has no key"},
    {{{NULL}, NULL, BARE("\"id\":\"e\",\"type\":\"t\",\"data\":1")},
     REFUSAL_NO_ACCOUNT,
     "the member account is missing, and the record has no key"},
    {{{"ce_id", "e", "ce_type", "t"}, "", "1"}, REFUSAL_BAD_ACCOUNT, "the record's key (the account) is not 1"},
    {{{"ce_id", "e", "ce_type", "t"}, "a b", "1"}, REFUSAL_BAD_ACCOUNT, "the record's key"},
    {{{"ce_id", "e", "ce_type", "t", "ce_account", ""}, "a", "1"}, REFUSAL_BAD_ACCOUNT, "the header ce_account is not"},
    {{{"ce_id", "e", "ce_type", "t", "ce_account", LONG_256}, "a", "1"},
     REFUSAL_BAD_ACCOUNT,
     "the header ce_account is not"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"type\":\"t\",\"account\":\"\",\"data\":1")},
     REFUSAL_BAD_ACCOUNT,
     "the member account is not"},
    /* the time */
    {{{"ce_id", "e", "ce_type", "t", "ce_time", ""}, "a", "1"}, REFUSAL_BAD_TIME, "the header ce_time is not RFC 3339"},
    {{{"ce_id", "e", "ce_type", "t", "ce_time", "2021-04-07"}, "a", "1"}, REFUSAL_BAD_TIME, "the header ce_time"},
    {{{"ce_id", "e", "ce_type", "t", "ce_time", "2021-02-29T00:00:00Z"}, "a", "1"},
     REFUSAL_BAD_TIME,
     "the header ce_time"},
    {{{"ce_id", "e", "ce_type", "t", "ce_time", "1969-12-31T23:59:59Z"}, "a", "1"},
     REFUSAL_BAD_TIME,
     "the header ce_time"},
    {{{"ce_id", "e", "ce_type", "t", "ce_time", "9999-12-31T23:59:59-01:00"}, "a", "1"},
     REFUSAL_BAD_TIME,
     "the header ce_time"},
    {{{NULL}, "a", BARE(ALL ",\"time\":\"now\"")}, REFUSAL_BAD_TIME, "the member time is not RFC 3339"},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reading reading;
        enum refusal refusal = read_given(&reading, &refused[i].given, &standard_rules);
        if (refusal != refused[i].refusal || strstr(reading.why.text, refused[i].says) == NULL)
            fail_msg("case %zu: %s (\"%s\") instead of %s (\"%s\")", i, refusal_name(refusal), reading.why.text,
                     refusal_name(refused[i].refusal), refused[i].says);
        arena_fini(&reading.arena);
    }
}

/* `why` is logged, stored and sent in a header: one line of ASCII, whatever came. */
static void test_why_quotes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reading reading;
        assert_int_not_equal(read_given(&reading, &refused[i].given, &standard_rules), REFUSAL_NONE);
        for (const char *c = reading.why.text; *c != '\0'; c++)
            assert_true(*c >= 0x20 && *c < 0x7f);
        assert_null(strstr(reading.why.text, "Evil"));
        arena_fini(&reading.arena);
    }
}

static void test_plain_refuses(void **state)
{
    (void)state;
    const struct envelope_rules named = {.plain = true,
                                         .type_prefix = TEXT("payments"),
                                         .account_header = TEXT("x-account"),
                                         .id_header = TEXT("x-id"),
                                         .value_max = 100};
    const struct envelope_rules keyed = {.plain = true, .value_max = 100};
    const struct {
        struct given given;
        const struct envelope_rules *rules;
        enum refusal refusal;
        const char *says;
    } cases[] = {
        {{{"x-id", "e"}, "a", "1"}, &named, REFUSAL_NO_ACCOUNT, "no header x-account"}, /* the key does not stand in */
        {{{"x-id", "e", "x-account", "\1"}, "a", "1"}, &named, REFUSAL_NO_ACCOUNT, "no header x-account"},
        {{{"x-account", "a"}, "a", "1"}, &named, REFUSAL_NO_ID, "the id is missing"},
        {{{"x-account", "a", "x-id", "e\n"}, "a", "1"}, &named, REFUSAL_BAD_ID, "the id is not"},
        {{{"x-account", "a", "x-id", "e"}, "a", "1"},
         &named,
         REFUSAL_BAD_TYPE,
         "the type is not"}, /* the prefix is all of it */
        {{{"x-account", "a", "x-id", "e"}, "a", "x"}, &named, REFUSAL_NOT_JSON, "not JSON"},
        {{{NULL}, NULL, "1"}, &keyed, REFUSAL_NO_ACCOUNT, "the record has no key"},
        {{{NULL}, "\x80", "1"}, &keyed, REFUSAL_BAD_ACCOUNT, "the record's key"},
        {{{NULL}, "a", "\"" LONG_256 "\""}, &keyed, REFUSAL_TOO_LARGE, "258 bytes; at most 100"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading;
        enum refusal refusal = read_given(&reading, &cases[i].given, cases[i].rules);
        if (refusal != cases[i].refusal || strstr(reading.why.text, cases[i].says) == NULL)
            fail_msg("case %zu: %s (\"%s\")", i, refusal_name(refusal), reading.why.text);
        arena_fini(&reading.arena);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    struct given given = {{"ce_id", "e", "ce_type", "t"}, "a", "\"6789\""};
    struct reading reading;
    struct envelope_rules rules = {.value_max = 6};
    assert_int_equal(read_given(&reading, &given, &rules), REFUSAL_NONE);
    arena_fini(&reading.arena);
    rules.value_max = 5;
    assert_int_equal(read_given(&reading, &given, &rules), REFUSAL_TOO_LARGE);
    assert_string_equal(reading.why.text, "the value has 6 bytes; at most 5 are allowed");
    arena_fini(&reading.arena);
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

static void test_timestamps(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        enum refusal refusal;
    } cases[] = {{-1, REFUSAL_BAD_TIME},          {0, REFUSAL_NONE},
                 {253402300799999, REFUSAL_NONE}, {253402300800000, REFUSAL_BAD_TIME},
                 {INT64_MAX, REFUSAL_BAD_TIME},   {INT64_MIN, REFUSAL_BAD_TIME}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading;
        struct given given = {{"ce_id", "e", "ce_type", "t"}, "a", "1"};
        (void)read_given(&reading, &given, &standard_rules);
        arena_fini(&reading.arena);
        reading.record.timestamp_ms = cases[i].ms;
        arena_init(&reading.arena, 4096);
        assert_int_equal(envelope_read(&reading.record, &standard_rules, &reading.arena, &reading.event, &reading.why),
                         cases[i].refusal);
        if (cases[i].refusal == REFUSAL_NONE)
            assert_int_equal(reading.event.time.us, cases[i].ms * 1000);
        arena_fini(&reading.arena);
    }
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

/* An arena that is full refuses; it neither crashes nor cuts. */
static void test_arena_full(void **state)
{
    (void)state;
    struct reading reading;
    struct given given = {{NULL}, "a", "{\"id\":\"\\u0065\",\"type\":\"t\",\"data\":1}"};
    assert_int_equal(read_given(&reading, &given, &standard_rules), REFUSAL_NONE);
    arena_fini(&reading.arena);
    arena_init(&reading.arena, 4);
    assert_int_equal(envelope_read(&reading.record, &standard_rules, &reading.arena, &reading.event, &reading.why),
                     REFUSAL_BAD_ID);
    arena_fini(&reading.arena);
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

static void test_refusal_names(void **state)
{
    (void)state;
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        assert_non_null(refusal_name((enum refusal)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(refusal_name((enum refusal)i), refusal_name((enum refusal)j));
    }
    assert_string_equal(refusal_name(REFUSAL_BAD_ID), "bad_id");
    assert_string_equal(refusal_name(REFUSAL_UNKNOWN_ACCOUNT), "unknown_account");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_binary_copies_nothing),
        cmocka_unit_test(test_structured),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_why_quotes_nothing),
        cmocka_unit_test(test_plain_refuses),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_longest_names),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_traceparents_that_are_left_out),
        cmocka_unit_test(test_arena_full),
        cmocka_unit_test(test_bare_for_producers),
        cmocka_unit_test(test_refusal_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
