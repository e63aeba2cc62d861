#include "webhooks.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "responses.h"
#include "store/sealed.h"
#include "webhook.h"

#define PAGE_MAX 1000
#define PAGE_STANDARD 100

/* Runs after the insert, whose trigger holds the row of the subscription clock: no other change of webhooks is under
 * way then, so two requests cannot exceed the limit together. */
static bool check_count(struct request *request)
{
    struct error error;
    long long most = request->api->settings->webhooks_max;
    PGresult *row =
        store_query(request->db,
                    "select count(*) as n from (select from posthorn.webhook where account_id = $1 and status <> "
                    "'deleted' limit $2) w",
                    VALUES(store_number(request->caller.account_id), store_number(most + 1)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool ok = store_cell_number(row, 0, "n") <= most;
    PQclear(row);
    return ok || fail(request, PROBLEM_CONFLICT, "the account has %lld webhooks, which is the maximum", most);
}

static bool write_events(struct request *request, long long id, const json_t *events)
{
    struct error error;
    if (events == NULL)
        return true;
    char *list = json_dumps(events, JSON_COMPACT);
    if (list == NULL)
        return fail(request, PROBLEM_INTERNAL, "no memory");
    bool ok = webhook_subscribe(request->db, (int)id, list, &error) || fail_database(request, &error);
    free(list);
    return ok;
}

static bool write_status(struct request *request, long long id, const char *status)
{
    struct error error;
    return status == NULL ||
           store_run(request->db,
                     "update posthorn.webhook set status = $2, disabled_reason = case when $2 = 'disabled' then "
                     "coalesce(disabled_reason, 'by its owner') end where id = $1",
                     VALUES(store_number(id), store_text(status)), &error) ||
           fail_database(request, &error);
}

bool webhooks_create(struct request *request)
{
    struct webhook_wish wish;
    struct error error = {0};
    int id = 0;
    webhook_wish_init(&wish);
    bool ok = uuid_new(&wish.draft.uuid, &error) || fail(request, PROBLEM_INTERNAL, "%s", error.text);
    ok = ok && webhook_read(request, true, &wish);
    if (ok) {
        webhook_name(&wish.draft, dialect_name(request->caller.account_dialect));
        id = webhook_insert(request->db, &wish.draft, &error);
        ok = id != 0 || fail_database(request, &error);
    }
    ok = ok && check_count(request) && webhook_write_tls(request, id, &wish) &&
         write_events(request, id, wish.events) && write_status(request, id, wish.status) &&
         webhook_answer(request, 201, id, wish.shown_secret);
    webhook_wish_fini(&wish);
    return ok;
}

bool webhooks_get(struct request *request)
{
    const char *wrapper = dialect_shapes[request->caller.dialect].wrapper;
    PGresult *row = webhook_find(request, request->params[0], false);
    if (row == NULL)
        return false;
    json_t *json = webhook_json(request, row, 0, NULL);
    PQclear(row);
    return answer_json(request, 200, wrapper == NULL ? json : json_pack("{s:o}", wrapper, json)) &&
           responses_open(request, request->result);
}

bool webhooks_update(struct request *request)
{
    struct webhook_wish wish;
    struct error error;
    PGresult *row = webhook_find(request, request->params[0], true);
    if (row == NULL)
        return false;
    webhook_wish_init(&wish);
    long long id = store_cell_number(row, 0, "row_id");
    wish.has_secret = store_cell_true(row, 0, "has_secret");
    bool ok = uuid_parse(store_cell(row, 0, "uuid"), &wish.draft.uuid) && webhook_read(request, false, &wish);
    if (ok && !webhook_change(request->db, &wish.draft, (int)id, &error))
        ok = fail_database(request, &error);
    ok = ok && webhook_write_tls(request, id, &wish) && write_events(request, id, wish.events) &&
         write_status(request, id, wish.status) && webhook_answer(request, 200, id, NULL);
    PQclear(row);
    webhook_wish_fini(&wish);
    return ok;
}

static bool set_status(struct request *request, const char *status)
{
    PGresult *row = webhook_find(request, request->params[0], true);
    if (row == NULL)
        return false;
    long long id = store_cell_number(row, 0, "row_id");
    PQclear(row);
    return write_status(request, id, status) &&
           (strcmp(status, "deleted") == 0 ? answer_nothing(request) : webhook_answer(request, 200, id, NULL));
}

bool webhooks_delete(struct request *request)
{
    return set_status(request, "deleted");
}

bool webhooks_enable(struct request *request)
{
    return set_status(request, "enabled");
}

bool webhooks_disable(struct request *request)
{
    return set_status(request, "disabled");
}

static json_t *rows_json(const struct request *request, const PGresult *rows, int count)
{
    json_t *list = json_array();
    for (int row = 0; row < count; row++)
        json_array_append_new(list, webhook_json(request, rows, row, NULL));
    return list;
}

/* Lists all webhooks: payconex has no paging. */
static bool list_all(struct request *request)
{
    PGresult *rows = webhook_rows(
        request, "where w.account_id = $1 and w.status <> 'deleted' order by w.id limit $2",
        VALUES(store_number(request->caller.account_id), store_number(request->api->settings->webhooks_max)));
    if (rows == NULL)
        return false;
    json_t *list = rows_json(request, rows, PQntuples(rows));
    PQclear(rows);
    return answer_json(request, 200, list);
}

static bool list_page(struct request *request, const char *name, long long limit, const char *after)
{
    PGresult *rows = webhook_rows(
        request,
        "where w.account_id = $1 and w.status <> 'deleted' and ($2::uuid is null or w.id > (select c.id from "
        "posthorn.webhook c where c.uuid = $2 and c.account_id = $1)) order by w.id limit $3",
        VALUES(store_number(request->caller.account_id), store_text(after), store_number(limit + 1)));
    if (rows == NULL)
        return false;
    bool more = PQntuples(rows) > limit;
    int count = more ? (int)limit : PQntuples(rows);
    json_t *list = rows_json(request, rows, count);
    json_t *cursor = more ? json_string(store_cell(rows, count - 1, "public_id")) : json_null();
    PQclear(rows);
    return answer_json(request, 200, json_pack("{s:o, s:o}", name, list, "next_cursor", cursor)) &&
           responses_open(request, request->result);
}

bool webhooks_list(struct request *request)
{
    const char *name = dialect_shapes[request->caller.dialect].list;
    char cursor[100];
    bool given;
    struct uuid after;
    long long limit;
    if (name == NULL)
        return list_all(request);
    if (!request_number(request, "limit", 1, PAGE_MAX, PAGE_STANDARD, &limit) ||
        !request_argument(request, "cursor", cursor, sizeof cursor, &given))
        return false;
    if (given && !uuid_parse(cursor, &after))
        return fail(request, PROBLEM_BAD_REQUEST, "the query's cursor must be a next_cursor of this list");
    return list_page(request, name, limit, given ? after.text : NULL);
}

/* Seals the current secret again for the column previous_secret: a seal is bound to its column. */
static bool reseal(struct request *request, long long id, const struct uuid *uuid, struct buffer *previous)
{
    char place[SEALED_PLACE_SIZE];
    struct error error;
    struct buffer plain;
    PGresult *row =
        store_query(request->db, "select secret from posthorn.webhook where id = $1", VALUES(store_number(id)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    struct text sealed = store_cell_bytes(row, 0, "secret");
    buffer_init(&plain, 8192);
    bool ok = true;
    if (sealed.data != NULL) {
        ok = secret_open(request->slot->master, sealed_place("webhook.secret", uuid->text, place), sealed, &plain,
                         &error);
        ok = (ok && secret_seal(request->slot->master, sealed_place("webhook.previous_secret", uuid->text, place),
                                buffer_text(&plain), previous, &error)) ||
             fail(request, PROBLEM_INTERNAL, "%s", error.text);
    }
    secret_wipe(&plain);
    buffer_fini(&plain);
    PQfreemem((void *)sealed.data);
    PQclear(row);
    return ok;
}

static bool write_secret(struct request *request, long long id, const struct webhook_wish *wish,
                         const struct buffer *previous, long long seconds)
{
    struct error error;
    struct text old = previous->size > 0 ? buffer_text(previous) : (struct text){0};
    PGresult *row = store_query(
        request->db,
        "update posthorn.webhook set secret = $2, previous_secret = $3, previous_secret_until = case when $3 is not "
        "null then now() + make_interval(secs => $4) end where id = $1 returning public_id, "
        "to_char(previous_secret_until at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as until",
        VALUES(store_number(id), store_bytes(wish->draft.secret), store_bytes(old), store_number(seconds)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool ok = answer_json(request, 200,
                          json_pack("{s:s, s:s, s:s?}", "id", store_cell(row, 0, "public_id"), "secret",
                                    wish->shown_secret, "previous_secret_until", store_cell(row, 0, "until")));
    PQclear(row);
    return ok;
}

bool webhooks_rotate_secret(struct request *request)
{
    static const char *const names[] = {"overlap_seconds", NULL};
    struct webhook_wish wish;
    struct buffer previous;
    const json_t *overlap = json_object_get(request->body, "overlap_seconds");
    if (request->body != NULL && !body_only(request, names))
        return false;
    if (overlap != NULL &&
        (!json_is_integer(overlap) || json_integer_value(overlap) < 0 || json_integer_value(overlap) > 30 * 86400))
        return fail_at(request, "/overlap_seconds", "overlap_seconds must be a whole number from 0 to 2592000");
    long long seconds = overlap != NULL ? json_integer_value(overlap) : 86400;
    PGresult *row = webhook_find(request, request->params[0], true);
    if (row == NULL)
        return false;
    webhook_wish_init(&wish);
    buffer_init(&previous, 8192);
    long long id = store_cell_number(row, 0, "row_id");
    bool ok = uuid_parse(store_cell(row, 0, "uuid"), &wish.draft.uuid) &&
              (seconds == 0 || reseal(request, id, &wish.draft.uuid, &previous)) &&
              webhook_new_secret(request, &wish) && write_secret(request, id, &wish, &previous, seconds);
    PQclear(row);
    buffer_fini(&previous);
    webhook_wish_fini(&wish);
    return ok;
}

/* The caller's transaction records who looked at the secret. */
static bool answer_secret(struct request *request, const struct uuid *uuid, const char *id, struct text sealed)
{
    char place[64];
    struct error error;
    struct buffer plain;
    buffer_init(&plain, 8192);
    snprintf(place, sizeof place, "webhook.secret:%s", uuid->text);
    bool ok = secret_open(request->slot->master, text_of(place), sealed, &plain, &error) ||
              fail(request, PROBLEM_INTERNAL, "%s", error.text);
    ok = ok && (store_run(request->db, "select posthorn.remember_act('webhook', $1, 'show secret', null)",
                          VALUES(store_text(id)), &error) ||
                fail_database(request, &error));
    ok = ok && answer_json(request, 200,
                           json_pack("{s:s%, s:s}", "secret", plain.data, plain.size, "format",
                                     text_starts(buffer_text(&plain), TEXT("whsec_")) ? "whsec" : "hex"));
    secret_wipe(&plain);
    buffer_fini(&plain);
    return ok;
}

bool webhooks_show_secret(struct request *request)
{
    struct uuid uuid;
    struct error error;
    PGresult *found = webhook_find(request, request->params[0], false);
    if (found == NULL)
        return false;
    const char *id = store_cell(found, 0, "row_id");
    PGresult *row = store_query(request->db, "select uuid, secret from posthorn.webhook where id = $1",
                                VALUES(store_text(id)), &error);
    struct text sealed = row == NULL ? (struct text){0} : store_cell_bytes(row, 0, "secret");
    bool ok = row != NULL || fail_database(request, &error);
    ok = ok && (sealed.data != NULL ||
                fail(request, PROBLEM_NOT_FOUND, "the webhook has no secret; POST /v1/webhooks/{id}/secret makes one"));
    ok = ok && uuid_parse(store_cell(row, 0, "uuid"), &uuid) && answer_secret(request, &uuid, id, sealed);
    PQfreemem((void *)sealed.data);
    PQclear(row);
    PQclear(found);
    return ok;
}

bool webhooks_signature_options(struct request *request)
{
    struct error error;
    PGresult *row = store_query(
        request->db,
        "select coalesce((select jsonb_agg(jsonb_build_object('name', k.name) order by k.name) from (select name from "
        "posthorn.source_key where account_id = a.id order by name limit 1000) k), '[]') as keys, a.signature_key is "
        "not null as own from posthorn.account a where a.id = $1",
        VALUES(store_number(request->caller.account_id)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    json_t *keys = json_loads(store_cell(row, 0, "keys"), 0, NULL);
    bool own = store_cell_true(row, 0, "own");
    PQclear(row);
    return answer_json(request, 200, json_pack("{s:o, s:b}", "source_keys", keys, "signature_key", (int)own));
}

/* Below an account ------------------------------------------------------------------------------------------------ */

/* The path's account must be the caller's. Afterwards the webhook, if any, is the first parameter, as in other routes.
 */
static bool enter_account(struct request *request)
{
    if (strcmp(request->params[0], request->caller.account) != 0)
        return fail(request, PROBLEM_NOT_FOUND, "this credential does not belong to the account %.80s",
                    request->params[0]);
    free(request->params[0]);
    request->params[0] = request->params[1];
    request->params[1] = NULL;
    return true;
}

bool webhooks_create_of_account(struct request *request)
{
    return enter_account(request) && webhooks_create(request);
}

bool webhooks_list_of_account(struct request *request)
{
    return enter_account(request) && webhooks_list(request);
}

bool webhooks_get_of_account(struct request *request)
{
    return enter_account(request) && webhooks_get(request);
}

bool webhooks_update_of_account(struct request *request)
{
    return enter_account(request) && webhooks_update(request);
}

bool webhooks_delete_of_account(struct request *request)
{
    return enter_account(request) && webhooks_delete(request);
}
