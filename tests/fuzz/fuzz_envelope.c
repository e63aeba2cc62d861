/* Records of any kind: what is read has the properties on which the rest of Posthorn relies, and its notifications are
 * JSON.
 *
 * An input is lines: the rules ("plain" or not, prefix, account header, id header), the key, the number of headers,
 * each header's name and value, and then the value. A line that is only "-" stands for null. */
#include "event/envelope.h"

#include "event/extension.h"
#include "event/json.h"
#include "event/notification.h"
#include "fuzz.h"

#define HEADERS_MAX 12

static struct text nullable_line(struct text *input)
{
    struct text line = fuzz_take_line(input);
    return text_equal(line, TEXT("-")) ? (struct text){0} : line;
}

/* Rules come from the operator's configuration, which must be visible ASCII here. */
static struct text header_name(struct text *input)
{
    struct text line = fuzz_take_line(input);
    return text_is_visible_ascii(line) ? line : (struct text){0};
}

static void check_notifications(const struct event *event)
{
    static const unsigned char webhook[UUID_SIZE] = {1};
    unsigned char hash[32];
    struct buffer body;
    struct json_value value;
    struct error error;
    ids_hash(event->account, event->id, hash);
    buffer_init(&body, 1 << 22);
    for (int format = 0; format < FORMAT_COUNT; format++) {
        buffer_clear(&body);
        notification_write((enum format)format, event, hash, webhook, &body);
        ENSURE(!body.failed);
        /* there are a few levels around the data, which may itself be nested to the limit */
        ENSURE(json_check(buffer_text(&body), &value, &error) || strstr(error.text, "nested deeper") != NULL);
    }
    buffer_fini(&body);
}

/* What is stored is read unchanged. */
static void check_extensions(const struct event *event)
{
    struct arena arena;
    struct text trace_state;
    bool own;
    if (event->extensions.size == 0) {
        ENSURE(event->tracestate.size == 0 && !event->own_content_type);
        return;
    }
    ENSURE(event->extensions.size <= EXTENSIONS_SIZE_MAX);
    arena_init(&arena, EXTENSIONS_SIZE_MAX);
    ENSURE(extensions_read(event->extensions, &arena, &trace_state, &own));
    ENSURE(text_equal(trace_state, event->tracestate) && own == event->own_content_type);
    ENSURE(event->tracestate.size == 0 || event->traceparent.size > 0);
    arena_fini(&arena);
}

static void check_event(const struct event *event)
{
    struct json_value value;
    struct error error;
    ENSURE(text_is_visible_ascii(event->id));
    ENSURE(text_is_visible_ascii(event->type));
    ENSURE(text_is_visible_ascii(event->account));
    ENSURE(event_is_source(event->source));
    ENSURE(event->traceparent.size == 0 ||
           (event->traceparent.size == 55 && text_is_visible_ascii(event->traceparent)));
    ENSURE(event->time.us >= 0 && event->time.us <= EVENT_TIME_MAX);
    ENSURE(json_check(event->data, &value, &error) && text_equal(value.raw, event->data));
    check_extensions(event);
    check_notifications(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text input = {(const char *)data, size};
    struct record_header headers[HEADERS_MAX];
    struct record record = {.topic = TEXT("topic"), .partition = 1, .offset = 2, .timestamp_ms = 3, .headers = headers};
    struct envelope_rules rules = {.value_max = 1 << 20};
    struct arena arena;
    struct event event;
    struct error why = {""};
    rules.plain = text_equal(fuzz_take_line(&input), TEXT("plain"));
    rules.type_prefix = fuzz_take_line(&input);
    rules.account_header = header_name(&input);
    rules.id_header = header_name(&input);
    record.key = nullable_line(&input);
    struct text count = fuzz_take_line(&input);
    record.header_count = count.size == 0 ? 0 : (unsigned char)count.data[0] % (HEADERS_MAX + 1);
    for (size_t i = 0; i < record.header_count; i++) {
        headers[i].name = fuzz_take_line(&input);
        headers[i].value = nullable_line(&input);
    }
    record.value = input;
    arena_init(&arena, 1 << 16);
    enum refusal refusal = envelope_read(&record, &rules, &arena, &event, &why);
    ENSURE(refusal < REFUSAL_COUNT && refusal != REFUSAL_UNKNOWN_ACCOUNT);
    if (refusal == REFUSAL_NONE)
        check_event(&event);
    else
        ENSURE(why.text[0] != '\0' && text_is_utf8(text_of(why.text)));
    arena_fini(&arena);

    arena_init(&arena, 1 << 16);
    refusal = envelope_read_bare(input, 1 << 20, &arena, &event, &why);
    ENSURE(refusal != REFUSAL_NONE || text_is_visible_ascii(event.account));
    arena_fini(&arena);
    return 0;
}
