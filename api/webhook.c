#include "webhook.h"

#include <string.h>

#include "responses.h"

#define ISO "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'"

/* `health` is an expression; only the dialect merchant shows it. */
#define COLUMNS(health)                                                                                                \
    "w.id as row_id, w.public_id, w.uuid, w.url, w.label, w.status, w.disabled_reason, w.auth_type, w.auth_username, " \
    "w.signature, k.name as source_key, w.secret is not null as has_secret, w.client_certificate_about, w.ca_about, "  \
    "to_char(w.created_at at time zone 'UTC', " ISO ") as created_at, "                                                \
    "to_char(w.updated_at at time zone 'UTC', " ISO ") as updated_at, "                                                \
    "(select coalesce(jsonb_agg(s.pattern order by s.pattern), '[]') from posthorn.subscription s where s.webhook_id " \
    "= w.id) as events, " health " as health from posthorn.webhook w left join posthorn.source_key k on k.id = "       \
    "w.source_key_id "

const char *webhook_columns(const struct request *request)
{
    return request->caller.dialect == DIALECT_MERCHANT ? COLUMNS("posthorn.webhook_health(w.id)") : COLUMNS("null");
}

PGresult *webhook_rows(struct request *request, const char *which, const struct store_value *values, size_t count)
{
    struct error error;
    char sql[WEBHOOK_SQL_MAX];
    bool health = request->caller.dialect == DIALECT_MERCHANT;
    /* computes the health of all of them in one query: one by one it costs a thousand times as much */
    snprintf(sql, sizeof sql,
             "with page as materialized (select w.id from posthorn.webhook w %s) select %s%swhere w.id in (select id "
             "from page) order by w.id",
             which, health ? COLUMNS("h.health") : COLUMNS("null"),
             health ? "left join posthorn.webhooks_health(array(select id from page)) h on h.webhook_id = w.id " : "");
    PGresult *rows = store_query(request->db, sql, values, count, &error);
    if (rows == NULL)
        fail_database(request, &error);
    return rows;
}

PGresult *webhook_find(struct request *request, const char *name, bool lock)
{
    struct uuid uuid;
    struct error error;
    char sql[WEBHOOK_SQL_MAX];
    if (!uuid_parse(name, &uuid)) {
        fail(request, PROBLEM_NOT_FOUND, "the account has no such webhook");
        return NULL;
    }
    snprintf(sql, sizeof sql, "select %swhere w.account_id = $1 and w.uuid = $2 and w.status <> 'deleted'%s",
             webhook_columns(request), lock ? " for update of w" : "");
    PGresult *row =
        store_query(request->db, sql, VALUES(store_number(request->caller.account_id), store_text(uuid.text)), &error);
    if (row != NULL && PQntuples(row) == 1)
        return row;
    if (row == NULL)
        fail_database(request, &error);
    else
        fail(request, PROBLEM_NOT_FOUND, "the account has no such webhook");
    PQclear(row);
    return NULL;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *events_of(const PGresult *rows, int row)
{
    json_t *events = json_loads(store_cell(rows, row, "events"), 0, NULL);
    return events != NULL ? events : json_array();
}

static json_t *authentication_of(const PGresult *rows, int row)
{
    json_t *json = json_pack("{s:s}", "type", store_cell(rows, row, "auth_type"));
    if (store_cell(rows, row, "auth_username") != NULL)
        json_object_set_new(json, "username", json_string(store_cell(rows, row, "auth_username")));
    return json;
}

static json_t *signature_of(const PGresult *rows, int row)
{
    json_t *json = json_pack("{s:s}", "type", store_cell(rows, row, "signature"));
    if (store_cell(rows, row, "source_key") != NULL)
        json_object_set_new(json, "source_key", json_string(store_cell(rows, row, "source_key")));
    return json;
}

/* Returns NULL if the member is not shown. */
static json_t *member_of(enum member member, const PGresult *rows, int row, const char *secret)
{
    json_t *events, *first;
    switch (member) {
    case MEMBER_ID:
        return json_string(store_cell(rows, row, "public_id"));
    case MEMBER_URL:
        return json_string(store_cell(rows, row, "url"));
    case MEMBER_EVENTS:
        return events_of(rows, row);
    case MEMBER_EVENT:
        events = events_of(rows, row);
        first = json_incref(json_array_get(events, 0));
        json_decref(events);
        return first != NULL ? first : json_null();
    case MEMBER_LABEL:
        return json_string(store_cell(rows, row, "label"));
    case MEMBER_STATUS:
        return json_string(store_cell(rows, row, "status"));
    case MEMBER_DISABLED_REASON:
        return text_or_null(store_cell(rows, row, "disabled_reason"));
    case MEMBER_AUTHENTICATION:
        return authentication_of(rows, row);
    case MEMBER_SIGNATURE:
        return signature_of(rows, row);
    case MEMBER_SECRET:
        return secret != NULL ? json_string(secret) : NULL;
    case MEMBER_CREATED_AT:
        return json_string(store_cell(rows, row, "created_at"));
    case MEMBER_UPDATED_AT:
        return json_string(store_cell(rows, row, "updated_at"));
    case MEMBER_TLS:
        return webhook_tls_json(rows, row);
    case MEMBER_HEALTH:
        return json_loads(store_cell(rows, row, "health"), 0, NULL);
    case MEMBER_TOKEN:
        break;
    }
    return NULL;
}

json_t *webhook_json(const struct request *request, const PGresult *rows, int row, const char *secret)
{
    json_t *json = json_object();
    for (const struct shape *shape = dialect_shapes[request->caller.dialect].webhook; shape->name != NULL; shape++) {
        bool shown = (shape->flags & SHAPE_SHOWN) != 0 || ((shape->flags & SHAPE_ONCE) != 0 && secret != NULL);
        json_t *member = shown ? member_of(shape->member, rows, row, secret) : NULL;
        if (member != NULL)
            json_object_set_new(json, shape->name, member);
    }
    return json;
}

bool webhook_answer(struct request *request, unsigned status, long long id, const char *secret)
{
    struct error error;
    char sql[WEBHOOK_SQL_MAX];
    const char *wrapper = dialect_shapes[request->caller.dialect].wrapper;
    snprintf(sql, sizeof sql, "select %swhere w.id = $1", webhook_columns(request));
    PGresult *row = store_query(request->db, sql, VALUES(store_number(id)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    json_t *json = webhook_json(request, row, 0, secret);
    PQclear(row);
    return answer_json(request, status, wrapper == NULL ? json : json_pack("{s:o}", wrapper, json)) &&
           responses_open(request, request->result);
}
