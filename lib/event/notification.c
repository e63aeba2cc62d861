#include "event/notification.h"

#include "event/json.h"

static const struct {
    const char *name, *content_type;
    bool shared;
} formats[FORMAT_COUNT] = {
    [FORMAT_PENNY] = {"penny", "application/json", true},
    [FORMAT_MERCHANT] = {"merchant", "application/json", true},
    [FORMAT_PAYCONEX] = {"payconex", "application/json", false}, /* contains the webhook's id */
    [FORMAT_DEVENGO] = {"devengo", "application/json", true},
    [FORMAT_CLOUDEVENTS] = {"cloudevents", "application/cloudevents+json", true},
    [FORMAT_STANDARD] = {"standard", "application/json", true},
};

const char *format_name(enum format format)
{
    return (unsigned)format < FORMAT_COUNT ? formats[format].name : NULL;
}

enum format format_of(struct text name)
{
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (text_equal(name, text_of(formats[i].name)))
            return (enum format)i;
    return FORMAT_COUNT;
}

const char *format_content_type(enum format format)
{
    return formats[format].content_type;
}

bool format_is_shared(enum format format)
{
    return formats[format].shared;
}

/* Writes {"name":"text" or ,"name":"text" */
static void member(struct buffer *out, struct text opening, struct text value)
{
    buffer_append_text(out, opening);
    json_append_string(out, value);
}

/* Writes the event's data as published, and the end of the body. */
static void data(struct buffer *out, struct text opening, const struct event *event, struct text closing)
{
    buffer_append_text(out, opening);
    buffer_append_text(out, event->data);
    buffer_append_text(out, closing);
}

static void write_penny(const struct event *event, struct buffer *out)
{
    member(out, TEXT("{\"event_id\":"), event->id);
    member(out, TEXT(",\"event_identifier\":"), event->type);
    data(out, TEXT(",\"data\":"), event, TEXT("}"));
}

static void write_merchant(const struct event *event, const unsigned char *hash, struct buffer *out)
{
    char id[65], when[40];
    struct text time = {when, wall_format(event->time, false, when) - 1}; /* without the Z: "2021-04-07 15:14:26" */
    when[10] = ' ';
    member(out, TEXT("{\"type\":\"event\",\"event_triggered\":"), time);
    member(out, TEXT(",\"event_type\":"), event->type);
    member(out, TEXT(",\"event_body\":{\"merchant\":{\"merch_key\":"), event->account);
    data(out, TEXT("},\"object\":"), event, TEXT("}"));
    member(out, TEXT(",\"event_id\":"), ids_merchant(event->id, hash, id));
    buffer_append_char(out, '}');
}

static void write_payconex(const struct event *event, const unsigned char *hash, const unsigned char *webhook,
                           struct buffer *out)
{
    char id[37], wbhid[4 + 2 * UUID_SIZE + 1] = "wbh_";
    text_to_hex(webhook, UUID_SIZE, wbhid + 4);
    member(out, TEXT("{\"id\":"), ids_payconex(event->id, hash, webhook, id));
    member(out, TEXT(",\"wbhid\":"), (struct text){wbhid, sizeof wbhid - 1});
    member(out, TEXT(",\"event\":"), event->type);
    data(out, TEXT(",\"payload\":"), event, TEXT("}"));
}

static void write_devengo(const struct event *event, const unsigned char *hash, struct buffer *out)
{
    char id[27], when[40];
    struct text time = {when, wall_format(event->time, false, when)};
    member(out, TEXT("{\"id\":"), ids_devengo(event->id, hash, id));
    member(out, TEXT(",\"api_version\":\"v1\",\"type\":"), event->type);
    member(out, TEXT(",\"created_at\":"), time);
    data(out, TEXT(",\"data\":{\"object\":"), event, TEXT("}}"));
}

/* Has microseconds only if they are not 0, so that a whole second looks as it was published. */
static struct text exact_time(const struct event *event, char out[static 40])
{
    return (struct text){out, wall_format(event->time, event->time.us % 1000000 != 0, out)};
}

static void write_cloudevents(const struct event *event, struct buffer *out)
{
    char when[40];
    member(out, TEXT("{\"specversion\":\"1.0\",\"id\":"), event->id);
    member(out, TEXT(",\"source\":"), event->source);
    member(out, TEXT(",\"type\":"), event->type);
    member(out, TEXT(",\"time\":"), exact_time(event, when));
    member(out, TEXT(",\"account\":"), event->account);
    if (!event->own_content_type)
        buffer_append_text(out, TEXT(",\"datacontenttype\":\"application/json\""));
    if (event->traceparent.size > 0)
        member(out, TEXT(",\"traceparent\":"), event->traceparent);
    if (event->extensions.size > 0) { /* the members of the object, without its braces */
        buffer_append_char(out, ',');
        buffer_append(out, event->extensions.data + 1, event->extensions.size - 2);
    }
    data(out, TEXT(",\"data\":"), event, TEXT("}"));
}

static void write_standard(const struct event *event, struct buffer *out)
{
    char when[40];
    member(out, TEXT("{\"type\":"), event->type);
    member(out, TEXT(",\"timestamp\":"), exact_time(event, when));
    data(out, TEXT(",\"data\":"), event, TEXT("}"));
}

void notification_write(enum format format, const struct event *event, const unsigned char hash[static 32],
                        const unsigned char webhook[static UUID_SIZE], struct buffer *out)
{
    switch (format) {
    case FORMAT_PENNY:
        write_penny(event, out);
        break;
    case FORMAT_MERCHANT:
        write_merchant(event, hash, out);
        break;
    case FORMAT_PAYCONEX:
        write_payconex(event, hash, webhook, out);
        break;
    case FORMAT_DEVENGO:
        write_devengo(event, hash, out);
        break;
    case FORMAT_CLOUDEVENTS:
        write_cloudevents(event, out);
        break;
    case FORMAT_STANDARD:
        write_standard(event, out);
        break;
    case FORMAT_COUNT:
        out->failed = true;
        break;
    }
}
