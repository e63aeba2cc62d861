#include "event/envelope.h"

#include <stdio.h>
#include <strings.h>

#include "event/extension.h"
#include "event/ids.h"
#include "event/media.h"
#include "event/trace.h"

static const char *const refusal_names[REFUSAL_COUNT] = {
    [REFUSAL_NONE] = "none",
    [REFUSAL_NO_VALUE] = "no_value",
    [REFUSAL_TOO_LARGE] = "too_large",
    [REFUSAL_BAD_UTF8] = "bad_utf8",
    [REFUSAL_NOT_JSON] = "not_json",
    [REFUSAL_BAD_SHAPE] = "bad_shape",
    [REFUSAL_NO_ID] = "no_id",
    [REFUSAL_BAD_ID] = "bad_id",
    [REFUSAL_NO_TYPE] = "no_type",
    [REFUSAL_BAD_TYPE] = "bad_type",
    [REFUSAL_NO_ACCOUNT] = "no_account",
    [REFUSAL_BAD_ACCOUNT] = "bad_account",
    [REFUSAL_BAD_TIME] = "bad_time",
    [REFUSAL_UNKNOWN_ACCOUNT] = "unknown_account",
};

const char *refusal_name(enum refusal refusal)
{
    return (unsigned)refusal < REFUSAL_COUNT ? refusal_names[refusal] : "none";
}

/* `why` never quotes the input: it is logged and stored, and must be readable text without payload. */
#define REFUSE(reason, why, ...) (error_set((why), __VA_ARGS__), (reason))

/* What a record's headers or JSON members contain, before it is checked. data NULL: absent. */
struct said {
    struct text id, type, account, source, time, traceparent, tracestate; /* the event's attributes */
    struct text specversion, datacontenttype;                             /* about the form itself */
    struct text content_type, hop, hop_state; /* headers: content-type; traceparent, tracestate of the last hop */
    struct text data;                         /* one JSON value */
    struct text misnamed;                     /* a header with a wrong name, such as ce-id … */
    const char *meant;                        /* … and the right name */
    bool binary;                              /* a header marks this as a binary CloudEvent */
    const char *where;                        /* for messages: "header ce_", "member " */
};

static struct text *said_text(struct said *said, size_t offset)
{
    return (struct text *)((char *)said + offset);
}

/* ---- headers ---- */

static const struct {
    struct text name;
    size_t offset;
    bool marks_binary;
} ce_headers[] = {
    {TEXT("ce_id"), offsetof(struct said, id), true},
    {TEXT("ce_type"), offsetof(struct said, type), true},
    {TEXT("ce_specversion"), offsetof(struct said, specversion), true},
    {TEXT("ce_account"), offsetof(struct said, account), false},
    {TEXT("ce_source"), offsetof(struct said, source), false},
    {TEXT("ce_time"), offsetof(struct said, time), false},
    {TEXT("ce_datacontenttype"), offsetof(struct said, datacontenttype), false},
    {TEXT("ce_traceparent"), offsetof(struct said, traceparent), false},
    {TEXT("ce_tracestate"), offsetof(struct said, tracestate), false},
};
#define CE_HEADERS (sizeof ce_headers / sizeof *ce_headers)

/* Notes a name that is almost one of the binary mode: ce-id, as in the HTTP binding, or CE_ID. The header is ignored;
 * if the record is then refused, this is the probable reason. */
static void note_misnamed(struct text name, struct said *said)
{
    for (size_t i = 0; i < CE_HEADERS; i++) {
        struct text meant = ce_headers[i].name;
        if (ce_headers[i].marks_binary && name.size == meant.size && strncasecmp(name.data, "ce", 2) == 0 &&
            (name.data[2] == '-' || name.data[2] == '_') &&
            strncasecmp(name.data + 3, meant.data + 3, meant.size - 3) == 0) {
            said->misnamed = name;
            said->meant = meant.data;
        }
    }
}

/* Kafka's header names are case-sensitive, but some producers write "Content-Type". */
static void read_transport_header(const struct record_header *header, struct said *said)
{
    if (header->name.size == sizeof "content-type" - 1 &&
        strncasecmp(header->name.data, "content-type", header->name.size) == 0)
        said->content_type = header->value;
    else if (text_equal(header->name, TEXT("traceparent")))
        said->hop = header->value;
    else if (text_equal(header->name, TEXT("tracestate")))
        said->hop_state = header->value;
    else
        note_misnamed(header->name, said);
}

static void read_ce_header(const struct record_header *header, struct said *said, struct extensions *extensions)
{
    size_t prefix = sizeof "ce_" - 1;
    for (size_t i = 0; i < CE_HEADERS; i++) {
        if (!text_equal(header->name, ce_headers[i].name))
            continue;
        said->binary = said->binary || ce_headers[i].marks_binary;
        if (header->value.data != NULL)
            *said_text(said, ce_headers[i].offset) = header->value;
        return;
    }
    note_misnamed(header->name, said);
    if (header->value.data != NULL)
        extensions_add(extensions, (struct text){header->name.data + prefix, header->name.size - prefix},
                       header->value);
}

static void read_headers(const struct record *record, struct said *said, struct extensions *extensions)
{
    for (size_t i = 0; i < record->header_count; i++) {
        const struct record_header *header = &record->headers[i];
        if (text_starts(header->name, TEXT("ce_")))
            read_ce_header(header, said, extensions);
        else if (header->value.data != NULL)
            read_transport_header(header, said);
    }
}

/* ---- JSON ---- */

/* Returns the reason why json_check() refused a text. */
static enum refusal refuse_text(struct text json, struct error *why)
{
    error_prefix(why, "the value is not JSON");
    return text_is_utf8(json) ? REFUSAL_NOT_JSON : REFUSAL_BAD_UTF8;
}

static enum refusal read_data(struct text value, struct said *said, struct error *why)
{
    struct json_value json;
    if (!json_check(value, &json, why))
        return refuse_text(value, why);
    said->data = json.raw;
    return REFUSAL_NONE;
}

/* A string member of a JSON event. */
struct attribute {
    struct text name;
    size_t offset;
    size_t max;       /* maximum size in bytes */
    enum refusal bad; /* the reason if its string is invalid */
};

static const struct attribute bare_attributes[] = {
    {TEXT("id"), offsetof(struct said, id), EVENT_ID_MAX, REFUSAL_BAD_ID},
    {TEXT("type"), offsetof(struct said, type), EVENT_TYPE_MAX, REFUSAL_BAD_TYPE},
    {TEXT("account"), offsetof(struct said, account), EVENT_ACCOUNT_MAX, REFUSAL_BAD_ACCOUNT},
    {TEXT("time"), offsetof(struct said, time), 64, REFUSAL_BAD_TIME},
};

static const struct attribute cloudevents_attributes[] = {
    {TEXT("id"), offsetof(struct said, id), EVENT_ID_MAX, REFUSAL_BAD_ID},
    {TEXT("type"), offsetof(struct said, type), EVENT_TYPE_MAX, REFUSAL_BAD_TYPE},
    {TEXT("account"), offsetof(struct said, account), EVENT_ACCOUNT_MAX, REFUSAL_BAD_ACCOUNT},
    {TEXT("time"), offsetof(struct said, time), 64, REFUSAL_BAD_TIME},
    {TEXT("source"), offsetof(struct said, source), EVENT_SOURCE_MAX, REFUSAL_BAD_SHAPE},
    {TEXT("specversion"), offsetof(struct said, specversion), 64, REFUSAL_BAD_SHAPE},
    {TEXT("datacontenttype"), offsetof(struct said, datacontenttype), 255, REFUSAL_BAD_SHAPE},
    {TEXT("traceparent"), offsetof(struct said, traceparent), 255, REFUSAL_BAD_SHAPE},
    {TEXT("tracestate"), offsetof(struct said, tracestate), 64 * 1024, REFUSAL_BAD_SHAPE},
};
#define ATTRIBUTES_MAX (sizeof cloudevents_attributes / sizeof *cloudevents_attributes)

/* null counts as absent, as in CloudEvents' JSON format. */
static enum refusal read_attribute(const struct attribute *attribute, const struct json_value *value,
                                   struct arena *arena, struct text *text, struct error *why)
{
    if (value->raw.data == NULL || value->kind == JSON_KIND_NULL)
        return REFUSAL_NONE;
    if (value->kind != JSON_KIND_STRING)
        return REFUSE(REFUSAL_BAD_SHAPE, why, "the member %s is not a string", attribute->name.data);
    if (value->raw.size > attribute->max * JSON_ESCAPE_MAX + 2)
        return REFUSE(attribute->bad, why, "the member %s is longer than %zu bytes", attribute->name.data,
                      attribute->max);
    if (!json_unescape(value->raw, arena, text))
        return REFUSE(attribute->bad, why, "the member %s has an escaped lone surrogate, or there is no memory for it",
                      attribute->name.data);
    return REFUSAL_NONE;
}

/* What read_object() does with members that it does not know. */
struct others {
    struct extensions *extensions;
    struct arena *arena;
};

static void other_member(void *owner, struct text name, const struct json_value *value)
{
    const struct others *others = owner;
    extensions_add_json(others->extensions, name, value, others->arena);
}

/* Reads the members of an event that is one JSON object. Other members become extensions, or are ignored if
 * `extensions` is NULL. *base64 is set if there is a "data_base64". */
static enum refusal read_object(struct text json, const struct attribute *attributes, size_t count, struct arena *arena,
                                struct said *said, struct extensions *extensions, bool *base64, struct error *why)
{
    struct others others = {extensions, arena};
    struct json_member members[ATTRIBUTES_MAX + 2];
    for (size_t i = 0; i < count; i++)
        members[i].name = attributes[i].name;
    members[count].name = TEXT("data");
    members[count + 1].name = TEXT("data_base64");
    if (!json_all_members(json, members, count + 2, extensions != NULL ? other_member : NULL, &others, why)) {
        struct json_value whole;
        struct error not_json;
        if (json_check(json, &whole, &not_json))
            return error_prefix(why, "the event"), REFUSAL_BAD_SHAPE;
        *why = not_json;
        return refuse_text(json, why);
    }
    for (size_t i = 0; i < count; i++) {
        enum refusal refusal =
            read_attribute(&attributes[i], &members[i].value, arena, said_text(said, attributes[i].offset), why);
        if (refusal != REFUSAL_NONE)
            return refusal;
    }
    said->data = members[count].value.raw;
    *base64 = members[count + 1].value.raw.data != NULL;
    return REFUSAL_NONE;
}

/* ---- the four forms ---- */

static enum refusal read_binary(const struct record *record, struct said *said, struct error *why)
{
    const char *name = said->content_type.data != NULL ? "content-type" : "ce_datacontenttype";
    said->where = "header ce_";
    if (said->content_type.data != NULL)
        said->datacontenttype = said->content_type;
    if (said->specversion.data != NULL && !text_equal(said->specversion, TEXT("1.0")))
        return REFUSE(REFUSAL_BAD_SHAPE, why, "the header ce_specversion is not 1.0");
    if (said->datacontenttype.data != NULL && !media_is_json(said->datacontenttype))
        return REFUSE(REFUSAL_BAD_SHAPE, why, "the header %s does not name JSON: publish with application/json", name);
    return read_data(record->value, said, why);
}

/* Headers of an event that is not a binary CloudEvent are ignored, except the trace of the last hop. */
static void begin_anew(struct said *said, struct extensions *extensions, const char *where)
{
    *said = (struct said){.hop = said->hop,
                          .hop_state = said->hop_state,
                          .misnamed = said->misnamed,
                          .meant = said->meant,
                          .where = where};
    extensions_init(extensions);
}

/* Headers of a structured event repeat its attributes for brokers and filters; the value takes precedence. */
static enum refusal read_structured(const struct record *record, struct arena *arena, struct said *said,
                                    struct extensions *extensions, struct error *why)
{
    bool base64;
    if (!media_is(said->content_type, TEXT("application/cloudevents+json")))
        return REFUSE(REFUSAL_BAD_SHAPE, why,
                      "only application/cloudevents+json is supported for structured CloudEvents: no batches and no "
                      "other format");
    begin_anew(said, extensions, "member ");
    enum refusal refusal =
        read_object(record->value, cloudevents_attributes, ATTRIBUTES_MAX, arena, said, extensions, &base64, why);
    if (refusal != REFUSAL_NONE)
        return refusal;
    if (!text_equal(said->specversion, TEXT("1.0")))
        return REFUSE(REFUSAL_BAD_SHAPE, why, "the member specversion is not \"1.0\"");
    if (base64 || (said->datacontenttype.data != NULL && !media_is_json(said->datacontenttype)))
        return REFUSE(REFUSAL_BAD_SHAPE, why, "the event's data is not JSON: publish JSON in the member data");
    return REFUSAL_NONE;
}

static enum refusal read_bare(const struct record *record, struct arena *arena, struct said *said,
                              struct extensions *extensions, struct error *why)
{
    bool base64;
    begin_anew(said, extensions, "member ");
    return read_object(record->value, bare_attributes, sizeof bare_attributes / sizeof *bare_attributes, arena, said,
                       NULL, &base64, why);
}

static struct text header_value(const struct record *record, struct text name)
{
    struct text value = {0};
    for (size_t i = 0; i < record->header_count; i++)
        if (record->headers[i].value.data != NULL && text_equal(record->headers[i].name, name))
            value = record->headers[i].value;
    return value;
}

static enum refusal read_plain(const struct record *record, const struct envelope_rules *rules, struct arena *arena,
                               struct said *said, struct extensions *extensions, struct error *why)
{
    struct text type = record->topic;
    if (text_starts(type, rules->type_prefix))
        type = (struct text){type.data + rules->type_prefix.size, type.size - rules->type_prefix.size};
    begin_anew(said, extensions, "");
    said->type = type;
    said->id = rules->id_header.size > 0 ? header_value(record, rules->id_header)
                                         : ids_of_coordinates(record->topic, record->partition, record->offset, arena);
    if (rules->id_header.size == 0 && said->id.data == NULL)
        return REFUSE(REFUSAL_TOO_LARGE, why, "the event's attributes are larger than the memory for them");
    if (rules->account_header.size > 0) {
        said->account = header_value(record, rules->account_header);
        if (said->account.data == NULL)
            return REFUSE(REFUSAL_NO_ACCOUNT, why,
                          "the record has no header %.*s, which is configured to name the account",
                          TEXT_ARGS(rules->account_header));
    }
    return read_data(record->value, said, why);
}

/* ---- from attributes to an event ---- */

static enum refusal check_name(struct text text, const char *where, const char *what, enum refusal absent,
                               enum refusal bad, struct error *why)
{
    if (text.data == NULL)
        return REFUSE(absent, why, "the %s%s is missing", where, what);
    if (!text_is_visible_ascii(text))
        return REFUSE(bad, why, "the %s%s is not 1 to 255 visible ASCII characters", where, what);
    return REFUSAL_NONE;
}

static enum refusal settle_account(const struct record *record, const struct said *said, struct event *event,
                                   struct error *why)
{
    event->account = said->account.data != NULL ? said->account : record->key;
    if (event->account.data == NULL)
        return REFUSE(REFUSAL_NO_ACCOUNT, why, "the %saccount is missing, and the record has no key to name it",
                      said->where);
    if (said->account.data != NULL)
        return check_name(event->account, said->where, "account", REFUSAL_NO_ACCOUNT, REFUSAL_BAD_ACCOUNT, why);
    return check_name(event->account, "record's key (the account)", "", REFUSAL_NO_ACCOUNT, REFUSAL_BAD_ACCOUNT, why);
}

static enum refusal settle_time(const struct record *record, const struct said *said, struct event *event,
                                struct error *why)
{
    if (said->time.data != NULL) {
        if (!wall_parse(said->time, &event->time) || event->time.us > EVENT_TIME_MAX)
            return REFUSE(REFUSAL_BAD_TIME, why, "the %stime is not RFC 3339, such as 2023-08-17T14:27:05Z",
                          said->where);
        return REFUSAL_NONE;
    }
    if (record->timestamp_ms < 0 || record->timestamp_ms > EVENT_TIME_MAX / 1000)
        return REFUSE(REFUSAL_BAD_TIME, why,
                      "the %stime is missing, and the record's timestamp is not between 1970 and 9999", said->where);
    event->time = (struct wall){record->timestamp_ms * 1000};
    return REFUSAL_NONE;
}

/* A URI-reference may contain non-ASCII characters, but no line break or NUL, since it is sent in notifications. */
bool event_is_source(struct text source)
{
    for (size_t i = 0; i < source.size; i++)
        if ((unsigned char)source.data[i] < 0x20 || source.data[i] == 0x7f)
            return false;
    return source.size > 0 && source.size <= EVENT_SOURCE_MAX && text_is_utf8(source);
}

static enum refusal settle_source(const struct record *record, const struct said *said, struct arena *arena,
                                  struct event *event, struct error *why)
{
    if (said->source.size > 0) {
        event->source = said->source;
        return event_is_source(said->source)
                   ? REFUSAL_NONE
                   : REFUSE(REFUSAL_BAD_SHAPE, why, "the %ssource is not a URI reference of at most %d bytes",
                            said->where, EVENT_SOURCE_MAX);
    }
    if (record->topic.size == 0)
        return REFUSAL_NONE;
    struct text prefix = TEXT("/kafka/");
    char *out = arena_alloc(arena, prefix.size + record->topic.size);
    if (out == NULL)
        return REFUSE(REFUSAL_TOO_LARGE, why, "the event's attributes are larger than the memory for them");
    memcpy(out, prefix.data, prefix.size);
    memcpy(out + prefix.size, record->topic.data, record->topic.size);
    event->source = (struct text){out, prefix.size + record->topic.size};
    return REFUSAL_NONE;
}

/* The event's own trace takes precedence over that of the last hop. A state belongs to its parent. */
static void settle_trace(const struct said *said, struct event *event, struct extensions *extensions)
{
    bool own = trace_is_parent(said->traceparent);
    if (!own && !trace_is_parent(said->hop))
        return;
    event->traceparent = own ? said->traceparent : said->hop;
    event->tracestate = own ? said->tracestate : said->hop_state;
    if (!trace_is_state(event->tracestate))
        event->tracestate = (struct text){0};
    else
        extensions_set(extensions, TEXT("tracestate"), event->tracestate);
}

static enum refusal settle_extensions(const struct said *said, struct extensions *extensions, struct arena *arena,
                                      struct event *event, struct error *why)
{
    struct text type = media_type(said->datacontenttype);
    event->own_content_type = text_is_visible_ascii(type) && !media_is(type, TEXT("application/json"));
    if (event->own_content_type)
        extensions_set(extensions, TEXT("datacontenttype"), type);
    return extensions_write(extensions, arena, &event->extensions)
               ? REFUSAL_NONE
               : REFUSE(REFUSAL_TOO_LARGE, why,
                        "the event has more than %d extension attributes, or more than %d bytes of them",
                        EXTENSIONS_MAX, EXTENSIONS_SIZE_MAX);
}

static enum refusal settle(const struct record *record, const struct said *said, struct extensions *extensions,
                           struct arena *arena, struct event *event, struct error *why)
{
    enum refusal refusal = check_name(said->id, said->where, "id", REFUSAL_NO_ID, REFUSAL_BAD_ID, why);
    if (refusal == REFUSAL_NONE)
        refusal = check_name(said->type, said->where, "type", REFUSAL_NO_TYPE, REFUSAL_BAD_TYPE, why);
    if (refusal == REFUSAL_NONE)
        refusal = settle_account(record, said, event, why);
    if (refusal == REFUSAL_NONE)
        refusal = settle_time(record, said, event, why);
    if (refusal == REFUSAL_NONE)
        refusal = settle_source(record, said, arena, event, why);
    if (refusal != REFUSAL_NONE)
        return refusal;
    if (said->data.data == NULL)
        return REFUSE(REFUSAL_BAD_SHAPE, why, "the member data is missing");
    event->id = said->id;
    event->type = said->type;
    event->data = said->data;
    settle_trace(said, event, extensions);
    return settle_extensions(said, extensions, arena, event, why);
}

static enum refusal check_size(struct text value, size_t max, struct error *why)
{
    if (value.data == NULL || value.size == 0)
        return REFUSE(REFUSAL_NO_VALUE, why, "the record has no value");
    if (value.size > max)
        return REFUSE(REFUSAL_TOO_LARGE, why, "the value has %zu bytes; at most %zu are allowed", value.size, max);
    return REFUSAL_NONE;
}

enum refusal envelope_read(const struct record *record, const struct envelope_rules *rules, struct arena *arena,
                           struct event *event, struct error *why)
{
    struct said said = {0};
    struct extensions extensions;
    *event = (struct event){0};
    extensions_init(&extensions);
    enum refusal refusal = check_size(record->value, rules->value_max, why);
    if (refusal != REFUSAL_NONE)
        return refusal;
    read_headers(record, &said, &extensions);
    if (media_is_cloudevents(said.content_type))
        refusal = read_structured(record, arena, &said, &extensions, why);
    else if (said.binary)
        refusal = read_binary(record, &said, why);
    else if (rules->plain)
        refusal = read_plain(record, rules, arena, &said, &extensions, why);
    else
        refusal = read_bare(record, arena, &said, &extensions, why);
    if (refusal == REFUSAL_NONE)
        refusal = settle(record, &said, &extensions, arena, event, why);
    if (refusal != REFUSAL_NONE && said.misnamed.data != NULL)
        error_prefix(why, "the header %.*s is ignored (its name in the Kafka binding of CloudEvents is %s)",
                     TEXT_ARGS(said.misnamed), said.meant);
    return refusal;
}

enum refusal envelope_read_bare(struct text json, size_t value_max, struct arena *arena, struct event *event,
                                struct error *why)
{
    const struct record record = {.value = json, .timestamp_ms = wall_now().us / 1000};
    struct said said = {0};
    struct extensions extensions;
    *event = (struct event){0};
    extensions_init(&extensions);
    enum refusal refusal = check_size(json, value_max, why);
    if (refusal == REFUSAL_NONE)
        refusal = read_bare(&record, arena, &said, &extensions, why);
    return refusal != REFUSAL_NONE ? refusal : settle(&record, &said, &extensions, arena, event, why);
}
