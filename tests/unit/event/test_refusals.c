/* Every reason to refuse a Kafka record. */
#include "record.h"

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
    {{{"ce_id", "e", "ce_type", "t"}, "a", "not json"}, REFUSAL_NOT_JSON, "not a JSON value at byte 0"},
    {{{"ce_id", "e", "ce_type", "t"}, "a", "\"\xff\""}, REFUSAL_BAD_UTF8, "not valid UTF-8"},
    {{{NULL}, "a", "not json"}, REFUSAL_NOT_JSON, "the value is not JSON"},
    {{{NULL}, "a", BARE(ALL ",")}, REFUSAL_NOT_JSON, "a member's name"},
    {{{NULL}, "a", BARE("\"x\":\"\xc0\x80\"," ALL)}, REFUSAL_BAD_UTF8, "not valid UTF-8"},
    {{{STRUCTURED}, "a", "{"}, REFUSAL_NOT_JSON, "unexpected end"},
    {{{STRUCTURED}, "a", "\xfe"}, REFUSAL_BAD_UTF8, "not valid UTF-8"},
    /* the shape */
    {{{NULL}, "a", "[1]"}, REFUSAL_BAD_SHAPE, "not an object"},
    {{{NULL}, "a", "null"}, REFUSAL_BAD_SHAPE, "not an object"},
    {{{NULL}, "a", BARE("\"id\":\"e\",\"id\":\"e\",\"type\":\"t\",\"data\":1")},
     REFUSAL_BAD_SHAPE,
     "the member \"id\" appears twice"},
    {{{NULL}, "a", BARE(ALL ",\"d\\u0061ta\":2")}, REFUSAL_BAD_SHAPE, "the member \"data\" appears twice"},
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
     "content-type does not name JSON"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", ""}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "content-type does not name JSON"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", "+json"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "content-type does not name JSON"},
    {{{"ce_id", "e", "ce_type", "t", "ce_datacontenttype", "text/plain"}, "a", "1"},
     REFUSAL_BAD_SHAPE,
     "the header ce_datacontenttype does not name JSON"},
    /* if a header occurs twice, the last value is used */
    {{{"ce_id", "e", "ce_type", "t", "ce_id", "a b"}, "a", "1"}, REFUSAL_BAD_ID, "the header ce_id is not"},
    /* headers that are almost those of the binary mode */
    {{{"ce-id", "e", "ce-type", "t"}, "a", "{}"},
     REFUSAL_NO_ID,
     "the header ce-type is ignored (its name in the Kafka binding of CloudEvents is ce_type): the member id is "
     "missing"},
    {{{"CE_ID", "e"}, "a", "[1]"},
     REFUSAL_BAD_SHAPE,
     "the header CE_ID is ignored (its name in the Kafka binding of CloudEvents is ce_id)"},
    {{{"ce_type", "t", "Ce-Id", "e"}, "a", "1"}, REFUSAL_NO_ID, "the header Ce-Id is ignored"},
    {{{"ce_type", "t", "ce_ID", "e"}, "a", "1"}, REFUSAL_NO_ID, "is ce_id): the header ce_id is missing"},
    {{{"ce-specversion", "1.0"}, "a", "x"}, REFUSAL_NOT_JSON, "the header ce-specversion is ignored"},
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

/* `why` is logged, stored and sent in a header: one line of ASCII for every input. */
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
        {{{"x-id", "e"}, "a", "1"},
         &named,
         REFUSAL_NO_ACCOUNT,
         "no header x-account"}, /* the key is not used instead */
        {{{"x-id", "e", "x-account", "\1"}, "a", "1"}, &named, REFUSAL_NO_ACCOUNT, "no header x-account"},
        {{{"x-account", "a"}, "a", "1"}, &named, REFUSAL_NO_ID, "the id is missing"},
        {{{"x-account", "a", "x-id", "e\n"}, "a", "1"}, &named, REFUSAL_BAD_ID, "the id is not"},
        {{{"x-account", "a", "x-id", "e"}, "a", "1"},
         &named,
         REFUSAL_BAD_TYPE,
         "the type is not"}, /* the name consists of the prefix only */
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

/* With a full arena, the record is refused; there is no crash and nothing is cut. */
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
        cmocka_unit_test(test_refuses),       cmocka_unit_test(test_why_quotes_nothing),
        cmocka_unit_test(test_plain_refuses), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_timestamps),    cmocka_unit_test(test_arena_full),
        cmocka_unit_test(test_refusal_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
