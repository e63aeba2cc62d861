#include "deliveries.h"

#include <openssl/evp.h>
#include <string.h>

#include "body.h"
#include "event/envelope.h"
#include "store/lookup.h"
#include "store/replay.h"
#include "webhook.h"

#define BATCHES_MAX 20 /* per replay request: 20,000 events, or 400,000 of all accounts */

/* Finds the webhook's row id; with `enabled`, only if the webhook is enabled. */
static bool find(struct request *request, bool enabled, struct replay *replay)
{
    PGresult *row = webhook_find(request, request->params[0], false);
    if (row == NULL)
        return false;
    bool ok = !enabled || strcmp(store_cell(row, 0, "status"), "enabled") == 0 ||
              fail(request, PROBLEM_CONFLICT, "the webhook is disabled: enable it first");
    replay->webhook = (int)store_cell_number(row, 0, "row_id");
    replay->account = request->caller.account_id;
    PQclear(row);
    return ok;
}

/* POST …/test ----------------------------------------------------------------------------------------------------- */

/* Chooses the type of the test event: the given one, or the first that the webhook subscribes to by name. */
static bool choose_type(struct request *request, int webhook, char type[static EVENT_TYPE_MAX + 1])
{
    const char *given = NULL;
    struct error error;
    if (request->body != NULL && !body_text(request, "event", false, EVENT_TYPE_MAX, &given))
        return false;
    PGresult *row = store_query(
        request->db,
        "select coalesce($2, (select min(pattern) from posthorn.subscription where webhook_id "
        "= $1 and position('*' in pattern) = 0), 'webhook.test') as type, $2::text is null or "
        "exists (select from posthorn.event_type where name = $2 and (dialect is null or "
        "dialect = $3)) as known",
        VALUES(store_number(webhook), store_text(given), store_text(dialect_name(request->caller.account_dialect))),
        &error);
    if (row == NULL)
        return fail_database(request, &error);
    snprintf(type, EVENT_TYPE_MAX + 1, "%s", store_cell(row, 0, "type"));
    bool known = store_cell_true(row, 0, "known");
    PQclear(row);
    return known || fail_at(request, "/event", "there is no event type %.100s; GET /v1/event-types lists all", given);
}

bool deliveries_test(struct request *request)
{
    static const char *const names[] = {"event", NULL};
    static const char data[] = "{\"test\":true}";
    struct replay replay = {0};
    struct uuid uuid, key;
    struct error error;
    unsigned char hash[32], digest[32];
    char type[EVENT_TYPE_MAX + 1], id[40] = "tst_", hex[33];
    if ((request->body != NULL && !body_only(request, names)) || !find(request, true, &replay) ||
        !choose_type(request, replay.webhook, type))
        return false;
    if (!uuid_new(&uuid, &error) || EVP_Digest(data, sizeof data - 1, digest, NULL, EVP_sha256(), NULL) != 1)
        return fail(request, PROBLEM_INTERNAL, "no random bytes");
    ids_to_base62(uuid.bytes, id + 4);
    ids_hash(text_of(request->caller.account), text_of(id), hash);
    text_to_hex(hash, EVENT_KEY_SIZE, hex);
    if (!uuid_parse(hex, &key) ||
        !store_run(request->db, "select posthorn.api_test($1, $2, $3, $4, $5, $6, $7)",
                   VALUES(store_number(replay.account), store_number(replay.webhook), store_text(key.text),
                          store_text(id), store_text(type), store_bytes((struct text){(char *)digest, sizeof digest}),
                          store_bytes((struct text){data, sizeof data - 1})),
                   &error))
        return fail_database(request, &error);
    return answer_json(request, 202, json_pack("{s:s, s:s}", "event_id", id, "event_type", type));
}

/* POST …/redeliver, …/replay -------------------------------------------------------------------------------------- */

bool deliveries_redeliver(struct request *request)
{
    static const char *const names[] = {"event_id", NULL};
    const char *id = NULL;
    struct replay replay = {0};
    struct error error;
    bool found = false;
    if (!body_only(request, names) || !body_text(request, "event_id", true, EVENT_ID_MAX, &id) ||
        !find(request, true, &replay))
        return false;
    PGresult *event = lookup_event(request->db, id, request->caller.account, &error);
    if (event == NULL)
        return fail_database(request, &error);
    bool ok = PQntuples(event) > 0 || fail(request, PROBLEM_NOT_FOUND, "the account has no such event");
    if (ok && !replay_one(request->db, replay.webhook, event, "d", &found, &error))
        ok = fail_database(request, &error);
    if (ok && !found)
        ok = fail(request, PROBLEM_CONFLICT, "the event's payload is no longer stored: it cannot be sent again");
    if (ok)
        ok = answer_json(request, 202,
                         json_pack("{s:s, s:i}", "event_id", store_cell(event, 0, "event_id"), "queued", 1));
    PQclear(event);
    return ok;
}

/* Reads "2026-01-31/7/1234": period, position, offset. */
static bool read_cursor(const char *cursor, char period[static 11], struct replay *replay)
{
    return sscanf(cursor, "%10[0-9-]/%9[0-9]/%18[0-9]", period, replay->position, replay->offset) == 3;
}

/* Runs each batch in its own transaction, so that locks are short. */
static bool run_batch(struct request *request, struct replay *replay, const char *period, bool *full)
{
    struct error error;
    if (!request_begin(request))
        return false;
    return (replay_batch(request->db, replay, period, full, &error) || fail_database(request, &error)) &&
           request_commit(request);
}

/* Runs at most BATCHES_MAX batches from the cursor on. *next is where another request may continue, "" at the end. */
static bool run_batches(struct request *request, struct replay *replay, const PGresult *periods, const char *from,
                        char next[static 60])
{
    bool started = *from == '\0', full = true;
    int batches = 0;
    for (int row = 0; row < PQntuples(periods); row++) {
        const char *period = PQgetvalue(periods, row, 0);
        if (!started && strcmp(period, from) != 0)
            continue;
        if (*from == '\0' || started)
            replay_rewind(replay);
        started = true;
        for (full = true; full; batches++) {
            if (batches == BATCHES_MAX) {
                snprintf(next, 60, "%s/%s/%s", period, replay->position, replay->offset);
                return true;
            }
            if (!run_batch(request, replay, period, &full))
                return false;
        }
    }
    return true;
}

bool deliveries_replay(struct request *request)
{
    static const char *const names[] = {"from", "to", "state", "cursor", NULL};
    static const char *const states[] = {"failed", "cancelled", "delivered", "missed", "all", NULL};
    struct replay replay = {.state = "failed"};
    const json_t *state = json_object_get(request->body, "state");
    const char *cursor = NULL;
    char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    bool has_from = false, has_to = false;
    char period[11] = "", next[60] = "";
    struct error error;
    if (!body_only(request, names) || !body_time(request, "from", from, &has_from) ||
        !body_time(request, "to", to, &has_to) || !body_text(request, "cursor", false, 59, &cursor) ||
        (state != NULL && !body_is_word(request, "/state", state, states, &replay.state)))
        return false;
    if (!has_from)
        return fail_at(request, "/from", "from is missing");
    replay.from = from;
    replay.to = has_to ? to : NULL;
    if (cursor != NULL && !read_cursor(cursor, period, &replay))
        return fail_at(request, "/cursor", "cursor must be the next_cursor of a replay");
    if (!find(request, true, &replay))
        return false;
    PGresult *periods = replay_periods(request->db, &replay, &error);
    if (periods == NULL)
        return fail_database(request, &error);
    bool ok = run_batches(request, &replay, periods, period, next);
    PQclear(periods);
    return ok && answer_json(request, 202,
                             json_pack("{s:I, s:I, s:I, s:I, s:s?}", "looked_at", (json_int_t)replay.looked_at,
                                       "queued", (json_int_t)replay.queued, "waiting_already",
                                       (json_int_t)replay.waiting, "payload_dropped", (json_int_t)replay.dropped,
                                       "next_cursor", *next != '\0' ? next : NULL));
}
