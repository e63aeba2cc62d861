#include "request_shown.h"

#include <string.h>

#include "event/extension.h"
#include "event/notification.h"
#include "event_data.h"

#define SHOWN_MAX (256u * 1024)
#define BODY_MAX (80u << 20)
#define HIDDEN "••••••••"

/* The URL is that of the last attempt, else the current one; both without query values. */
static const char sql[] =
    "select w.uuid, w.format, w.auth_type, w.signature, coalesce(v.url, posthorn.url_shown(w.url)) as url, e.event_id, "
    "e.event_type, e.source, e.traceparent, posthorn.shown_time(e.occurred_at) as occurred_at, floor(extract(epoch "
    "from "
    "t.started_at))::bigint as timestamp from posthorn.webhook w cross join posthorn.event e left join lateral (select "
    "started_at, version from posthorn.attempt t where t.position_id = e.position_id and t.\"offset\" = e.\"offset\" "
    "and "
    "t.webhook_id = w.id order by started_at desc limit 1) t on true left join posthorn.webhook_version v on "
    "v.webhook_id = w.id and v.version = t.version where w.id = $1 and e.position_id = $2 and e.\"offset\" = $3";

static void set_text(json_t *json, const char *name, const char *text)
{
    json_object_set_new(json, name, json_string(text));
}

static json_t *headers_of(const PGresult *row, enum format format, const struct event *event)
{
    json_t *headers = json_object();
    const char *auth = store_cell(row, 0, "auth_type"), *signature = store_cell(row, 0, "signature");
    set_text(headers, "Content-Type", format_content_type(format));
    set_text(headers, "webhook-id", store_cell(row, 0, "event_id"));
    if (store_cell(row, 0, "timestamp") != NULL)
        set_text(headers, "webhook-timestamp", store_cell(row, 0, "timestamp"));
    if (strcmp(auth, "none") != 0)
        set_text(headers, "Authorization", strcmp(auth, "basic") == 0 ? "Basic " HIDDEN : "Bearer " HIDDEN);
    if (strcmp(signature, "standard") == 0)
        set_text(headers, "webhook-signature", "v1," HIDDEN);
    else if (strcmp(signature, "none") != 0)
        set_text(headers, "X-Signature", HIDDEN);
    if (store_cell(row, 0, "traceparent") != NULL)
        set_text(headers, "traceparent", store_cell(row, 0, "traceparent"));
    if (event->tracestate.size > 0)
        json_object_set_new(headers, "tracestate", json_stringn(event->tracestate.data, event->tracestate.size));
    return headers;
}

/* Makes the event as the dispatcher reads it from its rows; its texts are valid as long as the arguments. */
static bool read_event(const struct request *request, const PGresult *row, const struct event_payload *payload,
                       struct arena *arena, struct event *event)
{
    *event = (struct event){.id = text_of(store_cell(row, 0, "event_id")),
                            .type = text_of(store_cell(row, 0, "event_type")),
                            .account = text_of(request->caller.account),
                            .source = text_of(store_cell(row, 0, "source")),
                            .data = buffer_text(&payload->data),
                            .extensions = buffer_text(&payload->extensions)};
    if (store_cell(row, 0, "traceparent") != NULL)
        event->traceparent = text_of(store_cell(row, 0, "traceparent"));
    return wall_parse(text_of(store_cell(row, 0, "occurred_at")), &event->time) &&
           (event->extensions.size == 0 ||
            extensions_read(event->extensions, arena, &event->tracestate, &event->own_content_type));
}

static bool write_body(const PGresult *row, enum format format, const struct event *event, struct buffer *body)
{
    unsigned char hash[32];
    struct uuid uuid;
    if (!uuid_parse(store_cell(row, 0, "uuid"), &uuid))
        return false;
    ids_hash(event->account, event->id, hash);
    notification_write(format, event, hash, uuid.bytes, body);
    return !body->failed;
}

/* Returns the number of bytes that are shown, not ending within a character. */
static size_t shown_size(struct text body)
{
    size_t size = body.size < SHOWN_MAX ? body.size : SHOWN_MAX;
    while (size < body.size && size > 0 && ((unsigned char)body.data[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static json_t *compose(const struct request *request, const PGresult *row, const struct event_payload *payload)
{
    struct buffer body;
    struct arena arena;
    struct event event;
    enum format format = format_of(text_of(store_cell(row, 0, "format")));
    buffer_init(&body, BODY_MAX);
    arena_init(&arena, EXTENSIONS_SIZE_MAX);
    bool written =
        read_event(request, row, payload, &arena, &event) && payload->kept && write_body(row, format, &event, &body);
    size_t size = written ? shown_size(buffer_text(&body)) : 0;
    json_t *text = written ? json_stringn(body.data, size) : json_null();
    json_t *json =
        json_pack("{s:s, s:s, s:o, s:o, s:b, s:I, s:b}", "method", "POST", "url", store_cell(row, 0, "url"), "headers",
                  headers_of(row, format, &event), "body", text != NULL ? text : json_null(), "body_dropped", !written,
                  "body_size", (json_int_t)body.size, "body_cut", size < body.size);
    secret_wipe(&body);
    buffer_fini(&body);
    arena_fini(&arena);
    return json;
}

bool request_shown(struct request *request, long long webhook, const PGresult *found, json_t **shown)
{
    struct error error;
    struct event_payload payload;
    PGresult *row = store_query(request->db, sql,
                                VALUES(store_number(webhook), store_text(store_cell(found, 0, "position_id")),
                                       store_text(store_cell(found, 0, "offset"))),
                                &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool ok = PQntuples(row) == 1 || fail(request, PROBLEM_NOT_FOUND, "the event was just dropped");
    if (ok) {
        ok = event_payload_read(request, found, &payload);
        if (ok)
            *shown = compose(request, row, &payload);
        event_payload_fini(&payload);
    }
    PQclear(row);
    return ok;
}
