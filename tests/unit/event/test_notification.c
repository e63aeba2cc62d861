/* The six bodies: every byte for one event, and every field for the sample events of the four dialects. */
#include "event/notification.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const unsigned char webhook[UUID_SIZE] = {0x52, 0x49, 0x94, 0x1f, 0x13, 0x56, 0x44, 0x71,
                                                 0xb3, 0xbe, 0x9f, 0x96, 0xa6, 0xd5, 0x32, 0xc1};

static struct event event_of(const char *id, const char *type, const char *account, const char *time, const char *data)
{
    struct event event = {.id = text_of(id),
                          .type = text_of(type),
                          .account = text_of(account),
                          .source = TEXT("/payments"),
                          .data = text_of(data)};
    assert_true(wall_parse(text_of(time), &event.time));
    return event;
}

static void write_body(enum format format, const struct event *event, struct buffer *out)
{
    unsigned char hash[32];
    ids_hash(event->account, event->id, hash);
    buffer_init(out, 1 << 20);
    notification_write(format, event, hash, webhook, out);
}

static void assert_body(enum format format, const struct event *event, const char *expected)
{
    struct buffer body;
    write_body(format, event, &body);
    assert_false(body.failed);
    buffer_append_char(&body, '\0');
    assert_string_equal(body.data, expected);
    buffer_fini(&body);
}

static void test_bytes(void **state)
{
    (void)state;
    struct event event = event_of("evt-1", "ach.settled", "7qwnw4j2kmqvrb3", "2021-04-07T17:14:26.120+02:00",
                                  "{\"amount\": 5.00, \"n\":12345678901234567890,\"t\":\"\\u00e9\\u0000\"}");
#define DATA "{\"amount\": 5.00, \"n\":12345678901234567890,\"t\":\"\\u00e9\\u0000\"}"
    assert_body(FORMAT_PENNY, &event,
                "{\"event_id\":\"evt-1\",\"event_identifier\":\"ach.settled\",\"data\":" DATA "}");
    assert_body(FORMAT_MERCHANT, &event,
                "{\"type\":\"event\",\"event_triggered\":\"2021-04-07 15:14:26\",\"event_type\":\"ach.settled\","
                "\"event_body\":{\"merchant\":{\"merch_key\":\"7qwnw4j2kmqvrb3\"},\"object\":" DATA "},"
                "\"event_id\":\"8222c262f9f5d3e9ffa88bdda9451e5ed5711f433e938eda2fbe54879c2a53ad\"}");
    assert_body(FORMAT_PAYCONEX, &event,
                "{\"id\":\"not_1a2b7c749b2807d0f51920381062bfc4\",\"wbhid\":\"wbh_5249941f13564471b3be9f96a6d532c1\","
                "\"event\":\"ach.settled\",\"payload\":" DATA "}");
    assert_body(FORMAT_DEVENGO, &event,
                "{\"id\":\"evt_3xYt1n9Z7sSz1aSpBDiLXy\",\"api_version\":\"v1\",\"type\":\"ach.settled\","
                "\"created_at\":\"2021-04-07T15:14:26Z\",\"data\":{\"object\":" DATA "}}");
    assert_body(FORMAT_CLOUDEVENTS, &event,
                "{\"specversion\":\"1.0\",\"id\":\"evt-1\",\"source\":\"/payments\",\"type\":\"ach.settled\","
                "\"time\":\"2021-04-07T15:14:26.120000Z\",\"account\":\"7qwnw4j2kmqvrb3\","
                "\"datacontenttype\":\"application/json\",\"data\":" DATA "}");
    assert_body(FORMAT_STANDARD, &event,
                "{\"type\":\"ach.settled\",\"timestamp\":\"2021-04-07T15:14:26.120000Z\",\"data\":" DATA "}");
#undef DATA
}

/* An id, type and account may contain quotes and backslashes; the body is always JSON with the same text. */
static void test_hostile_names(void **state)
{
    (void)state;
    struct event event = event_of("i\"d\\", "t\"},\"x\":{", "a\"\\\"", "2021-04-07T15:14:26Z", "[null]");
    event.source = TEXT("/\xc3\xa9\"s");
    for (int format = 0; format < FORMAT_COUNT; format++) {
        static const char *const type_names[] = {"event_identifier", "event_type", "event", "type", "type", "type"};
        struct buffer body;
        json_error_t error;
        write_body((enum format)format, &event, &body);
        json_t *tree = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, &error);
        if (tree == NULL)
            fail_msg("%s: %s", format_name((enum format)format), error.text);
        assert_string_equal(json_string_value(json_object_get(tree, type_names[format])), "t\"},\"x\":{");
        json_decref(tree);
        buffer_fini(&body);
    }
}

/* The samples in the documents of the dialects. */
static const struct {
    enum format format;
    const char *id, *type, *account, *time, *data, *body;
} samples[] = {
    {FORMAT_PENNY, "6f9619ff", "transaction.authorized", "penny", "2024-01-01T00:00:00Z", "{\"a\":{}}",
     "{\"event_id\":\"6f9619ff\", \"event_identifier\":\"transaction.authorized\", \"data\":{\"a\":{}}}"},
    {FORMAT_MERCHANT, "c088bc2884a2c3b4043991b04d96ceda7c65043778233dedb26bfd5853705dfd", "transaction.sale.success",
     "7qwnw4j2kmqvrb3", "2021-04-07T15:14:26Z",
     "{\"type\": \"transaction\", \"key\": \"1nftvzx7xtcggm3\", \"amount_detail\": {\"amount\": \"5.00\"}, "
     "\"authcode\": \"538228\"}",
     "{\"type\": \"event\", \"event_triggered\": \"2021-04-07 15:14:26\", \"event_type\": \"transaction.sale.success\","
     " \"event_body\": {\"merchant\": {\"merch_key\": \"7qwnw4j2kmqvrb3\"}, \"object\": {\"type\": \"transaction\","
     " \"key\": \"1nftvzx7xtcggm3\", \"amount_detail\": {\"amount\": \"5.00\"}, \"authcode\": \"538228\"}},"
     " \"event_id\": \"c088bc2884a2c3b4043991b04d96ceda7c65043778233dedb26bfd5853705dfd\"}"},
    {FORMAT_PAYCONEX, "not_5249941f13564471b3be9f96a6d532c1", "ACCOUNT_UPDATER_BATCH_UPDATES", "220615031547",
     "2024-06-27T17:27:00Z",
     "{\"updateId\" : \"aupres_5249941f13564471b3be9f96a6d532c1\","
     " \"url\" : \"https://api.payconex.net/api/v4/accounts/{account}/account-updater/updates/{updateId}\"}",
     "{\"id\" : \"not_5249941f13564471b3be9f96a6d532c1\", \"wbhid\" : \"wbh_5249941f13564471b3be9f96a6d532c1\","
     " \"event\" : \"ACCOUNT_UPDATER_BATCH_UPDATES\", \"payload\" : {\"updateId\" : "
     "\"aupres_5249941f13564471b3be9f96a6d532c1\","
     " \"url\" : \"https://api.payconex.net/api/v4/accounts/{account}/account-updater/updates/{updateId}\"}}"},
    {FORMAT_DEVENGO, "evt_4AzCpWGzp4NAJURIwaOwXR", "account.created", "devengo", "2023-08-17T14:27:05Z",
     "{\"id\": \"acc_4JuSDCyaSckH1N0YC8cH4d\", \"status\": \"active\", \"created_at\": \"2023-08-17T14:27:05Z\","
     " \"name\": \"Testing webhooks\", \"bank\": {\"name\": \"Prepaid Financial Services Limited, S.E\","
     " \"bic\": \"PFSSESM1XXX\"}, \"identifiers\": [{\"type\": \"iban\", \"iban\": \"ES9267130002000000000226\"}],"
     " \"balance\": {\"total\": {\"cents\": 0, \"currency\": \"EUR\"}, \"available\": {\"cents\": 0, \"currency\": "
     "\"EUR\"}}, \"metadata\": {}, \"closed_at\": null}",
     "{\"id\": \"evt_4AzCpWGzp4NAJURIwaOwXR\", \"api_version\": \"v1\", \"type\": \"account.created\","
     " \"created_at\": \"2023-08-17T14:27:05Z\", \"data\": {\"object\": {\"id\": \"acc_4JuSDCyaSckH1N0YC8cH4d\", "
     "\"status\": \"active\","
     " \"created_at\": \"2023-08-17T14:27:05Z\", \"name\": \"Testing webhooks\", \"bank\": {\"name\": \"Prepaid "
     "Financial Services Limited, S.E\","
     " \"bic\": \"PFSSESM1XXX\"}, \"identifiers\": [{\"type\": \"iban\","
     " \"iban\": \"ES9267130002000000000226\"}], \"balance\": {\"total\": {\"cents\": 0, \"currency\": \"EUR\"}, "
     "\"available\": {\"cents\": 0, \"currency\": \"EUR\"}}, \"metadata\": {},"
     " \"closed_at\": null}}}"},
    {FORMAT_CLOUDEVENTS, "A234-1234-1234", "com.example.someevent", "acme", "2018-04-05T17:31:00Z",
     "{\"appinfoA\" : \"abc\"}",
     "{\"specversion\" : \"1.0\", \"type\" : \"com.example.someevent\", \"source\" : \"/payments\", \"id\" : "
     "\"A234-1234-1234\","
     " \"time\" : \"2018-04-05T17:31:00Z\", \"account\" : \"acme\", \"datacontenttype\" : \"application/json\","
     " \"data\" : {\"appinfoA\" : \"abc\"}}"},
    {FORMAT_STANDARD, "msg_1", "user.created", "acme", "2022-11-03T20:26:10.344522Z",
     "{\"id\": \"1f81eb52-5198-4599-803e-771906343485\"}",
     "{\"type\": \"user.created\", \"timestamp\": \"2022-11-03T20:26:10.344522Z\","
     " \"data\": {\"id\": \"1f81eb52-5198-4599-803e-771906343485\"}}"},
};

static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct event event =
            event_of(samples[i].id, samples[i].type, samples[i].account, samples[i].time, samples[i].data);
        struct buffer body;
        json_error_t error;
        write_body(samples[i].format, &event, &body);
        json_t *written = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, &error);
        json_t *expected = json_loads(samples[i].body, JSON_REJECT_DUPLICATES, &error);
        assert_non_null(written);
        assert_non_null(expected);
        if (!json_equal(written, expected))
            fail_msg("%s: %.*s", format_name(samples[i].format), (int)body.size, body.data);
        json_decref(written);
        json_decref(expected);
        buffer_fini(&body);
    }
}

static void test_shared_bodies_are_the_same(void **state)
{
    (void)state;
    static const unsigned char other[UUID_SIZE] = {9};
    struct event event = event_of("evt-1", "t", "a", "2021-04-07T15:14:26Z", "1");
    unsigned char hash[32];
    ids_hash(event.account, event.id, hash);
    for (int format = 0; format < FORMAT_COUNT; format++) {
        struct buffer one, two;
        buffer_init(&one, 4096);
        buffer_init(&two, 4096);
        notification_write((enum format)format, &event, hash, webhook, &one);
        notification_write((enum format)format, &event, hash, other, &two);
        assert_int_equal(text_equal(buffer_text(&one), buffer_text(&two)), format_is_shared((enum format)format));
        buffer_fini(&one);
        buffer_fini(&two);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int format = 0; format < FORMAT_COUNT; format++) {
        assert_int_equal(format_of(text_of(format_name((enum format)format))), format);
        assert_string_equal(format_content_type((enum format)format),
                            format == FORMAT_CLOUDEVENTS ? "application/cloudevents+json" : "application/json");
    }
    assert_null(format_name(FORMAT_COUNT));
    assert_int_equal(format_of(TEXT("")), FORMAT_COUNT);
    assert_int_equal(format_of(TEXT("Penny")), FORMAT_COUNT);
    assert_int_equal(format_of(TEXT("pennyx")), FORMAT_COUNT);
}

static void test_too_large(void **state)
{
    (void)state;
    struct event event =
        event_of("evt-1", "t", "a", "2021-04-07T15:14:26Z",
                 "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789\"");
    unsigned char hash[32] = {0};
    for (int format = 0; format <= FORMAT_COUNT; format++) {
        struct buffer body;
        buffer_init(&body, 80);
        notification_write((enum format)format, &event, hash, webhook, &body);
        assert_true(body.failed);
        buffer_fini(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_samples), cmocka_unit_test(test_shared_bodies_are_the_same),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
