/* Attributes that are passed on: what is kept of a record, how it is stored, and what a webhook receives. */
#include "event/extension.h"

#include "event/notification.h"
#include "event/trace.h"
#include "record.h"

#define STRUCTURED "content-type", "application/cloudevents+json"
#define CE(members) "{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\",\"account\":\"a\",\"data\":1," members "}"

static void assert_text(struct text text, const char *expected)
{
    if (!text_equal(text, text_of(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", TEXT_ARGS(text), expected);
}

static const struct {
    struct given given;
    const char *extensions;
} cases[] = {
    {{{"ce_id", "e", "ce_type", "t"}, "a", "1"}, ""},
    {{{"ce_id", "e", "ce_type", "t", "ce_subject", "caf\xc3\xa9 \"1\"", "ce_dataschema", "https://x/y#z", "ce_tenant2",
       "", "other", "x"},
      "a",
      "1"},
     "{\"subject\":\"caf\xc3\xa9 \\\"1\\\"\",\"dataschema\":\"https://x/y#z\",\"tenant2\":\"\"}"},
    /* attributes that CloudEvents does not allow, and empty ones */
    {{{"ce_id",  "e",    "ce_type", "t",    "ce_Upper",   "1", "ce_with-dash", "1",  "ce_",     "1",
       "ce_bad", "a\nb", "ce_utf",  "\xff", "ce_subject", "",  "ce_null",      "\1", "ce_data", "1"},
      "a",
      "1"},
     ""},
    {{{"ce_id", "e", "ce_type", "t", "ce_x", "1", "ce_y", "2", "ce_x", "3"}, "a", "1"}, "{\"x\":\"3\",\"y\":\"2\"}"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", "application/vnd.x+json; a=b"}, "a", "1"},
     "{\"datacontenttype\":\"application/vnd.x+json\"}"},
    {{{"ce_id", "e", "ce_type", "t", "content-type", "Application/JSON; charset=utf-8"}, "a", "1"}, ""},
    /* if the record is not a CloudEvent, such headers are not attributes */
    {{{"ce_subject", "x"}, "a", "{\"id\":\"e\",\"type\":\"t\",\"data\":1,\"subject\":\"y\"}"}, ""},
    /* JSON: texts, booleans and integers of 32 bits */
    {{{STRUCTURED, "ce_x", "header"},
      "a",
      CE("\"subject\":\"s\\u0041\",\"b\":true,\"n\":-2147483648,\"\\u0069\":\"\\\"\",\"z\":0")},
     "{\"subject\":\"sA\",\"b\":true,\"n\":-2147483648,\"i\":\"\\\"\",\"z\":0}"},
    {{{STRUCTURED},
      "a",
      CE("\"o\":{\"id\":1},\"l\":[1],\"f\":1.10,\"e\":1e3,\"big\":2147483648,\"low\":-2147483649,\"nul\":null,"
         "\"Upper\":1,\"data_x\":1,\"sur\":\"\\ud800\",\"ctl\":\"\\n\",\"subject\":5,\"dataschema\":\"\"")},
     ""},
    {{{STRUCTURED}, "a", CE("\"x\":1,\"x\":2,\"datacontenttype\":\"text/json\"")},
     "{\"x\":2,\"datacontenttype\":\"text/json\"}"},
    /* the trace state is sent with its own parent */
    {{{"ce_id", "e", "ce_type", "t", "traceparent", TRACE, "tracestate", "a=\"1\", b=2"}, "a", "1"},
     "{\"tracestate\":\"a=\\\"1\\\", b=2\"}"},
    {{{"ce_id", "e", "ce_type", "t", "ce_traceparent", TRACE, "tracestate", "a=1"}, "a", "1"}, ""},
    {{{"ce_id", "e", "ce_type", "t", "ce_traceparent", TRACE, "ce_tracestate", "c=1", "traceparent", TRACE,
       "tracestate", "a=1"},
      "a",
      "1"},
     "{\"tracestate\":\"c=1\"}"},
    {{{"ce_id", "e", "ce_type", "t", "tracestate", "a=1"}, "a", "1"}, ""},
    {{{"traceparent", TRACE, "tracestate", "a=1"}, "a", "{\"id\":\"e\",\"type\":\"t\",\"data\":1}"},
     "{\"tracestate\":\"a=1\"}"},
    {{{STRUCTURED}, "a", CE("\"traceparent\":\"" TRACE "\",\"tracestate\":\"v=\\u0031\"")}, "{\"tracestate\":\"v=1\"}"},
};

static void test_what_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading;
        struct text trace_state = {0};
        bool own = false;
        if (read_given(&reading, &cases[i].given, &standard_rules) != REFUSAL_NONE)
            fail_msg("case %zu: %s", i, reading.why.text);
        assert_text(reading.event.extensions, cases[i].extensions);
        if (reading.event.extensions.size > 0) /* and back, as when it is read from the database */
            assert_true(extensions_read(reading.event.extensions, &reading.arena, &trace_state, &own));
        assert_true(text_equal(trace_state, reading.event.tracestate));
        assert_int_equal(own, reading.event.own_content_type);
        arena_fini(&reading.arena);
    }
}

static void assert_too_large(const struct given *given)
{
    struct reading reading;
    assert_int_equal(read_given(&reading, given, &standard_rules), REFUSAL_TOO_LARGE);
    assert_non_null(strstr(reading.why.text, "extension attributes"));
    arena_fini(&reading.arena);
}

static void test_bounds(void **state)
{
    (void)state;
    char members[4096] = "", value[8192], one[32];
    struct reading reading;
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        snprintf(one, sizeof one, "\"x%d\":%d,", i, i);
        strcat(members, one);
    }
    snprintf(value, sizeof value, CE("%s\"x1\":7"), members);
    assert_int_equal(read_given(&reading, &(struct given){{STRUCTURED}, "a", value}, &standard_rules), REFUSAL_NONE);
    assert_non_null(strstr(reading.event.extensions.data, "\"x1\":7,"));
    arena_fini(&reading.arena);
    snprintf(value, sizeof value, CE("%s\"more\":7"), members);
    assert_too_large(&(struct given){{STRUCTURED}, "a", value});

    static char text[EXTENSIONS_SIZE_MAX + 1];
    memset(text, 'x', EXTENSIONS_SIZE_MAX);
    assert_too_large(&(struct given){{"ce_id", "e", "ce_type", "t", "ce_x", text}, "a", "1"});
    struct given small = {{"ce_id", "e", "ce_type", "t", "ce_source", "/s", "ce_x", "value"}, "a", "1"};
    assert_int_equal(read_given(&reading, &small, &standard_rules), REFUSAL_NONE);
    arena_fini(&reading.arena);
    arena_init(&reading.arena, 4);
    assert_int_equal(envelope_read(&reading.record, &standard_rules, &reading.arena, &reading.event, &reading.why),
                     REFUSAL_TOO_LARGE);
    arena_fini(&reading.arena);
}

static void test_reads_no_other_text(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "1", "{\"tracestate\":1}", "{\"tracestate\":\"a\",\"tracestate\":\"b\"}",
                                        "{"};
    struct arena arena;
    struct text trace_state;
    bool own;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(extensions_read(text_of(wrong[i]), &arena, &trace_state, &own));
    arena_fini(&arena);
}

static void test_notification(void **state)
{
    (void)state;
    struct reading reading;
    unsigned char hash[32] = {0};
    struct buffer body;
    struct given given = {{"ce_id", "e", "ce_type", "t", "ce_source", "/s", "ce_time", "2021-04-07T15:14:26Z",
                           "ce_subject", "s", "ce_x", "1", "content-type", "text/json", "ce_traceparent", TRACE,
                           "ce_tracestate", "a=1"},
                          "acme",
                          "{\"amount\": 5.00}"};
    assert_int_equal(read_given(&reading, &given, &standard_rules), REFUSAL_NONE);
    buffer_init(&body, 4096);
    notification_write(FORMAT_CLOUDEVENTS, &reading.event, hash, hash, &body);
    assert_text(
        buffer_text(&body),
        "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/s\",\"type\":\"t\",\"time\":\"2021-04-07T15:14:26Z\","
        "\"account\":\"acme\",\"traceparent\":\"" TRACE "\",\"subject\":\"s\",\"x\":\"1\",\"tracestate\":\"a=1\","
        "\"datacontenttype\":\"text/json\",\"data\":{\"amount\": 5.00}}");
    buffer_fini(&body);
    arena_fini(&reading.arena);
}

static void test_trace_states(void **state)
{
    (void)state;
    static const char *const good[] = {"a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
                                       "a=1 , b=x y,, c@d-e_f*g/h=!~\"\\", "0=1"};
    static const char *const bad[] = {"",      " ",     ",",     "a",          "a=",   "=1",   "A=1", "a=1=2",
                                      "a=1,b", "a=\t1", "a=1\n", "a=\xc3\xa9", " a=1", "a=1 ", "a =1"};
    static char longest[TRACE_STATE_MAX + 2] = "a=";
    memset(longest + 2, 'x', TRACE_STATE_MAX - 2);
    assert_true(trace_is_state(text_of(longest)));
    longest[TRACE_STATE_MAX] = 'x';
    assert_false(trace_is_state(text_of(longest)));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!trace_is_state(text_of(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (trace_is_state(text_of(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept),        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_reads_no_other_text), cmocka_unit_test(test_notification),
        cmocka_unit_test(test_trace_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
