#include "events.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "body.h"
#include "event/envelope.h"
#include "event/json.h"
#include "event/trace.h"
#include "event_data.h"
#include "responses.h"
#include "store/lookup.h"

#define SHOWN_MAX 1000 /* deliveries, and attempts, of one event */
#define AT(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* POST /v1/events ------------------------------------------------------------------------------------------------ */

/* Parses the body without its data. A parser that builds a tree might change the data or reject it: numbers stay as
 * written. */
static bool parse_envelope(struct request *request, struct text *data)
{
    struct json_member member = {.name = TEXT("data")};
    struct error why;
    json_error_t error;
    struct buffer rest;
    if (!json_members(buffer_text(&request->bytes), &member, 1, &why))
        return fail(request, PROBLEM_BAD_REQUEST, "the body is not a JSON object: %s", why.text);
    if (member.value.raw.data == NULL)
        return fail_at(request, "/data", "data is missing");
    *data = member.value.raw;
    buffer_init(&rest, request->bytes.max + 16);
    buffer_append(&rest, request->bytes.data, (size_t)(data->data - request->bytes.data));
    buffer_append_text(&rest, TEXT("null"));
    const char *after = data->data + data->size;
    buffer_append(&rest, after, (size_t)(request->bytes.data + request->bytes.size - after));
    request->body = rest.failed ? NULL : json_loadb(rest.data, rest.size, JSON_REJECT_DUPLICATES, &error);
    buffer_fini(&rest);
    return request->body != NULL || fail(request, PROBLEM_BAD_REQUEST, "the body is not JSON: %s", error.text);
}

/* Derives the id from an idempotency key: the same key gives the same event, which is delivered once. */
static void id_of_key(const struct request *request, const char *key, char id[static 40])
{
    unsigned char hash[32];
    ids_hash(text_of(request->caller.account), text_of(key), hash);
    memcpy(id, "idk_", 5);
    text_to_hex(hash, 16, id + 4);
}

/* Chooses the event's id: the given one, one derived from the header Idempotency-Key, or a new one. */
static bool choose_id(struct request *request, const char *given, char made[static 40], const char **id)
{
    const char *key = request_header(request, "Idempotency-Key");
    struct uuid uuid;
    struct error error;
    *id = given != NULL ? given : made;
    if (given != NULL)
        return text_is_visible_ascii(text_of(given)) ||
               fail_at(request, "/id", "id must have 1 to 255 visible ASCII characters");
    if (key != NULL) {
        if (!text_is_visible_ascii(text_of(key)))
            return fail(request, PROBLEM_BAD_REQUEST, "Idempotency-Key must have 1 to 255 visible ASCII characters");
        id_of_key(request, key, made);
        return true;
    }
    if (!uuid_new(&uuid, &error))
        return fail(request, PROBLEM_INTERNAL, "%s", error.text);
    memcpy(made, "evt_", 4);
    ids_to_base62(uuid.bytes, made + 4);
    return true;
}

static bool publish(struct request *request, const struct publication *publication)
{
    struct error error;
    request_give_database(request); /* waiting for Kafka may take long */
    switch (publisher_publish(request->api->publisher, publication, &error)) {
    case PUBLISH_OK:
        return true;
    case PUBLISH_REFUSED:
        return fail(request, PROBLEM_INVALID, "%s", error.text);
    default:
        log_warning("publish", "text=\"%s\"", error.text);
        return fail(request, PROBLEM_UNAVAILABLE,
                    "Kafka has not acknowledged the event; it is safe to repeat the request with the same id or "
                    "Idempotency-Key");
    }
}

bool events_publish(struct request *request)
{
    static const char *const names[] = {"id", "type", "account", "time", "data", "traceparent", "tracestate", NULL};
    const char *given = NULL, *account = NULL;
    bool has_time = false;
    struct publication publication = {.account = request->caller.account};
    struct text data = {0};
    struct wall at = {0};
    char made[40], time[TIME_TEXT_MAX];
    if (!parse_envelope(request, &data) || !body_only(request, names) ||
        !body_text(request, "type", true, EVENT_TYPE_MAX, &publication.type) ||
        !body_text(request, "id", false, EVENT_ID_MAX, &given) ||
        !body_text(request, "account", false, EVENT_ACCOUNT_MAX, &account) ||
        !body_text(request, "traceparent", false, 128, &publication.traceparent) ||
        !body_text(request, "tracestate", false, TRACE_STATE_MAX, &publication.tracestate) ||
        !body_time(request, "time", time, &has_time) || !choose_id(request, given, made, &publication.id))
        return false;
    if (!text_is_visible_ascii(text_of(publication.type)))
        return fail_at(request, "/type", "type must have 1 to 255 visible ASCII characters");
    if (account != NULL && strcmp(account, request->caller.account) != 0)
        return fail_at(request, "/account", "the credential belongs to another account");
    if (data.size > (size_t)request->api->settings->event_max)
        return fail(request, PROBLEM_TOO_LARGE, "data has %zu bytes; an event may have at most %lld", data.size,
                    (long long)request->api->settings->event_max);
    if (has_time && wall_parse(text_of(time), &at))
        publication.time = &at;
    publication.data = data.data;
    publication.data_size = data.size;
    return publish(request, &publication) && answer_json(request, 202,
                                                         json_pack("{s:s, s:s, s:s}", "id", publication.id, "type",
                                                                   publication.type, "account", publication.account));
}

/* POST /api/v4/webhooks/trigger ----------------------------------------------------------------------------------- */

/* for example "2024-06-27 17:27" */
static bool is_batch_date(const char *text)
{
    static const char form[] = "dddd-dd-dd dd:dd";
    struct wall ignored;
    char rfc3339[24];
    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    snprintf(rfc3339, sizeof rfc3339, "%s:00Z", text);
    return wall_parse(text_of(rfc3339), &ignored);
}

bool events_trigger(struct request *request)
{
    static const char *const names[] = {"account_id", "event", "batch_id", "batch_date", NULL};
    static const char event[] = "PAYCONEX_BATCH_SETTLEMENT";
    const char *account = NULL, *name = NULL, *batch_id = NULL, *batch_date = NULL, *id;
    char made[40];
    if (!body_only(request, names) || !body_text(request, "account_id", true, EVENT_ACCOUNT_MAX, &account) ||
        !body_text(request, "event", true, EVENT_TYPE_MAX, &name) ||
        !body_text(request, "batch_id", true, 255, &batch_id) ||
        !body_text(request, "batch_date", true, 255, &batch_date))
        return false;
    if (strcmp(account, request->caller.account) != 0)
        return fail(request, PROBLEM_NOT_FOUND, "this credential does not belong to the account %.80s", account);
    if (strcmp(name, event) != 0)
        return fail_at(request, "/event", "only %s can be triggered by hand", event);
    if (*batch_id == '\0')
        return fail_at(request, "/batch_id", "batch_id must not be empty");
    if (!is_batch_date(batch_date))
        return fail_at(request, "/batch_date", "batch_date must be a date and time such as 2024-06-27 17:27");
    if (!choose_id(request, NULL, made, &id))
        return false;
    json_t *data = json_pack("{s:s, s:s}", "batch_id", batch_id, "batch_date", batch_date);
    char *text = data == NULL ? NULL : json_dumps(data, JSON_COMPACT);
    json_decref(data);
    if (text == NULL)
        return fail(request, PROBLEM_INTERNAL, "no memory");
    struct publication publication = {
        .id = id, .type = event, .account = account, .data = text, .data_size = strlen(text)};
    bool ok = publish(request, &publication);
    free(text);
    return ok && answer_json(request, 202,
                             json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "account_id", account, "event", event,
                                       "batch_id", batch_id, "batch_date", batch_date));
}

/* GET /v1/events/{event_id} --------------------------------------------------------------------------------------- */

#define DELIVERIES                                                                                                     \
    "select d.webhook_id, d.state, d.attempts, " AT("d.first_attempt_at") " as first_attempt_at, " AT(                 \
        "d.delivered_at") " as delivered_at, " AT("d.next_attempt_at") " as next_attempt_at, d.last_http_status, "     \
                                                                       "d.last_error from posthorn.delivery_shown d "  \
                                                                       "where d.event_id = e.event_id and d.account "  \
                                                                       "= $4 "                                         \
                                                                       "order by d.webhook_id limit $5"
#define ATTEMPTS                                                                                                       \
    "select t.webhook_id, t.url, t.attempt, t.cause, " AT(                                                             \
        "t.started_at") " as started_at, t.duration_ms, t.outcome, "                                                   \
                        "t.http_status, t.error, t.response_body from posthorn.attempt_shown t where t.event_id = "    \
                        "e.event_id "                                                                                  \
                        "and t.account = $4 order by t.started_at limit $5"
#define LIST(query) "coalesce((select jsonb_agg(to_jsonb(x)) from (" query ") x), '[]')"

static const char event_sql[] = "select e.event_id, e.event_type, " AT("e.occurred_at") " as occurred_at, " AT(
    "e.received_at") " as received_at, " LIST(DELIVERIES) " as deliveries, " LIST(ATTEMPTS) " as attempts from "
                                                                                            "posthorn.event e "
                                                                                            "where e.position_id = $1 "
                                                                                            "and e.\"offset\" = $2 and "
                                                                                            "e.period = $3";

/* Returns a list of deliveries or attempts, opened; NULL with a problem. */
static json_t *cell_json(struct request *request, const PGresult *row, const char *column)
{
    json_t *json = json_loads(store_cell(row, 0, column), 0, NULL);
    if (json == NULL)
        (void)fail(request, PROBLEM_INTERNAL, "no memory");
    else if (responses_open(request, json))
        return json;
    json_decref(json);
    return NULL;
}

/* Returns the event without its data. */
static json_t *event_json(struct request *request, const PGresult *row)
{
    const char *type = store_cell(row, 0, "event_type");
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "event_id", store_cell(row, 0, "event_id"), "event_type", type,
                  "occurred_at", store_cell(row, 0, "occurred_at"), "received_at", store_cell(row, 0, "received_at"),
                  "deliveries", cell_json(request, row, "deliveries"), "attempts", cell_json(request, row, "attempts"));
    if (request->caller.dialect == DIALECT_PENNY)
        json_object_set_new(json, "event_identifier", json_string(type));
    return json;
}

/* Adds the data as published; null if it is not kept. A row that was changed by hand may contain invalid JSON, which
 * must not break the response. */
static bool answer_event(struct request *request, const PGresult *found, const PGresult *row)
{
    struct event_payload payload;
    struct json_value data;
    struct error error = {0};
    bool ok = event_payload_read(request, found, &payload);
    if (ok) {
        bool shown = payload.kept && json_check(buffer_text(&payload.data), &data, &error);
        if (payload.kept && !shown)
            log_error("payload", "account=%s text=\"the stored data is not JSON: %s\"", request->caller.account,
                      error.text);
        ok = answer_json_raw(request, 200, event_json(request, row), "data", shown ? data.raw : TEXT("null"));
    }
    event_payload_fini(&payload);
    return ok;
}

bool events_get(struct request *request)
{
    struct error error;
    PGresult *found = lookup_event(request->db, request->params[0], request->caller.account, &error), *row = NULL;
    if (found == NULL)
        return fail_database(request, &error);
    bool ok = PQntuples(found) > 0 ||
              fail(request, PROBLEM_NOT_FOUND,
                   "the account has no such event; it has not been consumed yet, or was dropped because of its age");
    if (ok)
        row = store_query(request->db, event_sql,
                          VALUES(store_number(store_cell_number(found, 0, "position_id")),
                                 store_number(store_cell_number(found, 0, "offset")),
                                 store_text(store_cell(found, 0, "period")), store_text(request->caller.account),
                                 store_number(SHOWN_MAX)),
                          &error);
    if (ok && row == NULL)
        ok = fail_database(request, &error);
    if (ok && PQntuples(row) == 0)
        ok = fail(request, PROBLEM_NOT_FOUND, "the event was just dropped because of its age");
    ok = ok && answer_event(request, found, row);
    PQclear(row);
    PQclear(found);
    return ok;
}

bool events_types(struct request *request)
{
    struct error error;
    PGresult *rows = store_query(request->db,
                                 "select name, description from posthorn.event_type where dialect is null or dialect = "
                                 "$1 order by name limit 10000",
                                 VALUES(store_text(dialect_name(request->caller.account_dialect))), &error);
    if (rows == NULL)
        return fail_database(request, &error);
    json_t *list = json_array();
    for (int row = 0; row < PQntuples(rows); row++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", store_cell(rows, row, "name"), "description",
                                              store_cell(rows, row, "description")));
    PQclear(rows);
    return answer_json(request, 200, json_pack("{s:o}", "event_types", list));
}
