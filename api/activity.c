#include "activity.h"

#include <string.h>

#include "base/buffer.h"
#include "request_shown.h"
#include "responses.h"
#include "store/lookup.h"
#include "webhook.h"

#define DELIVERIES_MAX 200
#define DELIVERIES_STANDARD 50
#define ATTEMPTS_MAX 1000
#define ATTEMPTS_STANDARD 100
#define BUCKETS_MAX 200
#define BUCKETS_STANDARD 60
#define CURSOR_MAX 100

static bool find(struct request *request, long long *id)
{
    PGresult *row = webhook_find(request, request->params[0], false);
    *id = row == NULL ? 0 : store_cell_number(row, 0, "row_id");
    PQclear(row);
    return *id != 0;
}

/* Responds with the JSON of the result's only cell. */
static bool answer_cell(struct request *request, PGresult *rows, const struct error *error)
{
    if (rows == NULL)
        return fail_database(request, error);
    json_t *json = PQntuples(rows) == 1 ? json_loads(PQgetvalue(rows, 0, 0), 0, NULL) : NULL;
    PQclear(rows);
    return answer_json(request, 200, json) && responses_open(request, json);
}

/* Checks a query argument that is one of `words`, which end with NULL, if it is given. */
static bool check_word(struct request *request, bool given, const char *text, const char *const *words,
                       const char *problem)
{
    if (!given)
        return true;
    for (; *words != NULL; words++)
        if (strcmp(*words, text) == 0)
            return true;
    return fail(request, PROBLEM_BAD_REQUEST, "%s", problem);
}

/* Brings a time of a cursor to the form that PostgreSQL reads. */
static bool read_cursor_time(char time[static REQUEST_TIME_MAX])
{
    struct wall wall;
    if (!wall_parse(text_of(time), &wall))
        return false;
    wall_format(wall, true, time);
    return true;
}

/* GET …/deliveries ------------------------------------------------------------------------------------------------ */

struct filter {
    char state[20], type[256], event_id[256], from[REQUEST_TIME_MAX], to[REQUEST_TIME_MAX];
    bool has_state, has_type, has_event, has_from, has_to;
    char cursor_at[REQUEST_TIME_MAX], cursor_position[10], cursor_offset[19]; /* empty: start with the newest */
    long long limit;
};

/* Reads "2026-01-31T12:00:00.000000Z/7/1234": time of the last activity, position, offset. */
static bool read_cursor(struct request *request, struct filter *f)
{
    char cursor[CURSOR_MAX];
    bool given;
    int end = 0;
    if (!request_argument(request, "cursor", cursor, sizeof cursor, &given))
        return false;
    if (!given)
        return true;
    if (sscanf(cursor, "%39[^/]/%9[0-9]/%18[0-9]%n", f->cursor_at, f->cursor_position, f->cursor_offset, &end) != 3 ||
        cursor[end] != '\0' || !read_cursor_time(f->cursor_at))
        return fail(request, PROBLEM_BAD_REQUEST, "the query's cursor must be a next_cursor of this list");
    return true;
}

static bool read_filter(struct request *request, struct filter *f)
{
    static const char *const states[] = {"pending", "delivered", "failed", "cancelled", NULL};
    if (!request_number(request, "limit", 1, DELIVERIES_MAX, DELIVERIES_STANDARD, &f->limit) ||
        !request_argument(request, "state", f->state, sizeof f->state, &f->has_state) ||
        !request_argument(request, "event_type", f->type, sizeof f->type, &f->has_type) ||
        !request_argument(request, "event_id", f->event_id, sizeof f->event_id, &f->has_event) ||
        !request_time(request, "from", f->from, &f->has_from) || !request_time(request, "to", f->to, &f->has_to) ||
        !read_cursor(request, f))
        return false;
    return check_word(request, f->has_state, f->state, states,
                      "the query's state must be pending, delivered, failed or cancelled");
}

static bool list(struct request *request, long long webhook, const struct filter *f)
{
    struct error error;
    bool goes_on = *f->cursor_at != '\0';
    PGresult *rows = store_query(
        request->db,
        "select posthorn.webhook_deliveries($1, coalesce($2::timestamptz, now() - interval '24 hours'), "
        "coalesce($3::timestamptz, 'infinity'), $4, $5, $6, $7, $8, $9)",
        VALUES(store_number(webhook), store_text(f->has_from ? f->from : NULL), store_text(f->has_to ? f->to : NULL),
               store_text(goes_on ? f->cursor_at : NULL), store_text(goes_on ? f->cursor_position : NULL),
               store_text(goes_on ? f->cursor_offset : NULL), store_text(f->has_state ? f->state : NULL),
               store_text(f->has_type ? f->type : NULL), store_number(f->limit)),
        &error);
    return answer_cell(request, rows, &error);
}

/* Lists one event or none, without a time range. */
static bool list_one(struct request *request, long long webhook, const struct filter *f)
{
    struct error error;
    PGresult *found = lookup_event(request->db, f->event_id, request->caller.account, &error);
    if (found == NULL)
        return fail_database(request, &error);
    PGresult *rows = store_query(
        request->db,
        "select jsonb_build_object('deliveries', coalesce(jsonb_agg(d.shown), '[]'), 'next_cursor', null) from "
        "posthorn.webhook_delivery($1, $2, $3, 'infinity') d where ($4::text is null or d.state = $4) and ($5::text is "
        "null or d.event_type = $5)",
        VALUES(store_number(webhook), store_text(PQntuples(found) > 0 ? store_cell(found, 0, "position_id") : NULL),
               store_text(PQntuples(found) > 0 ? store_cell(found, 0, "offset") : NULL),
               store_text(f->has_state ? f->state : NULL), store_text(f->has_type ? f->type : NULL)),
        &error);
    PQclear(found);
    return answer_cell(request, rows, &error);
}

bool activity_deliveries(struct request *request)
{
    struct filter f = {0};
    long long webhook;
    if (!read_filter(request, &f) || !find(request, &webhook))
        return false;
    return f.has_event ? list_one(request, webhook, &f) : list(request, webhook, &f);
}

/* GET …/deliveries/{event_id} ------------------------------------------------------------------------------------- */

static const char delivery_sql[] =
    "select d.shown, (select coalesce(jsonb_agg(posthorn.attempt_json(x.t)), '[]') from (select t from "
    "posthorn.attempt t where position_id = $2 and \"offset\" = $3 and webhook_id = $1 order by started_at, "
    "recorded_at limit 1000) x) as attempts from posthorn.webhook_delivery($1, $2, $3, 'infinity') d";

static bool show(struct request *request, long long webhook, const PGresult *found)
{
    struct error error;
    PGresult *rows = store_query(request->db, delivery_sql,
                                 VALUES(store_number(webhook), store_text(store_cell(found, 0, "position_id")),
                                        store_text(store_cell(found, 0, "offset"))),
                                 &error);
    if (rows == NULL)
        return fail_database(request, &error);
    bool ok = PQntuples(rows) == 1 || fail(request, PROBLEM_NOT_FOUND, "this event has no delivery to this webhook");
    json_t *json = ok ? json_loads(store_cell(rows, 0, "shown"), 0, NULL) : NULL, *sent = NULL;
    if (ok)
        json_object_set_new(json, "attempts", json_loads(store_cell(rows, 0, "attempts"), 0, NULL));
    ok = ok && responses_open(request, json) && request_shown(request, webhook, found, &sent);
    PQclear(rows);
    if (!ok) {
        json_decref(json);
        return false;
    }
    json_object_set_new(json, "request", sent);
    return answer_json(request, 200, json);
}

bool activity_delivery(struct request *request)
{
    struct error error;
    long long webhook;
    if (!find(request, &webhook))
        return false;
    PGresult *found = lookup_event(request->db, request->params[1], request->caller.account, &error);
    if (found == NULL)
        return fail_database(request, &error);
    bool ok = PQntuples(found) > 0 ? show(request, webhook, found)
                                   : fail(request, PROBLEM_NOT_FOUND, "the account has no such event");
    PQclear(found);
    return ok;
}

/* GET …/attempts -------------------------------------------------------------------------------------------------- */

struct attempt_filter {
    char outcome[20], event_id[256], from[REQUEST_TIME_MAX], to[REQUEST_TIME_MAX];
    bool has_outcome, has_event, has_from, has_to;
    char recorded[REQUEST_TIME_MAX], started[REQUEST_TIME_MAX]; /* the cursor's; empty: start with the newest */
    char position[10], offset[19];
    long long limit;
};

/* Reads "2026-01-31T12:00:00.000000Z/2026-01-31T11:59:59.000000Z/7/1234": times of recording and start, position,
 * offset. */
static bool read_attempt_cursor(struct request *request, struct attempt_filter *f)
{
    char cursor[CURSOR_MAX];
    bool given;
    int end = 0;
    if (!request_argument(request, "cursor", cursor, sizeof cursor, &given))
        return false;
    if (!given)
        return true;
    if (sscanf(cursor, "%39[^/]/%39[^/]/%9[0-9]/%18[0-9]%n", f->recorded, f->started, f->position, f->offset, &end) !=
            4 ||
        cursor[end] != '\0' || !read_cursor_time(f->recorded) || !read_cursor_time(f->started))
        return fail(request, PROBLEM_BAD_REQUEST, "the query's cursor must be a next_cursor of this list");
    return true;
}

static bool read_attempt_filter(struct request *request, struct attempt_filter *f)
{
    static const char *const outcomes[] = {"delivered", "retry", "gave_up", NULL};
    if (!request_number(request, "limit", 1, ATTEMPTS_MAX, ATTEMPTS_STANDARD, &f->limit) ||
        !request_argument(request, "outcome", f->outcome, sizeof f->outcome, &f->has_outcome) ||
        !request_argument(request, "event_id", f->event_id, sizeof f->event_id, &f->has_event) ||
        !request_time(request, "from", f->from, &f->has_from) || !request_time(request, "to", f->to, &f->has_to) ||
        !read_attempt_cursor(request, f))
        return false;
    return check_word(request, f->has_outcome, f->outcome, outcomes,
                      "the query's outcome must be delivered, retry or gave_up");
}

/* Writes the coordinates of events as two arrays in PostgreSQL's text form. */
static void add_coordinates(const PGresult *events, struct buffer *positions, struct buffer *offsets)
{
    buffer_printf(positions, "{");
    buffer_printf(offsets, "{");
    for (int row = 0; row < PQntuples(events); row++) {
        const char *comma = row == 0 ? "" : ",";
        buffer_printf(positions, "%s%s", comma, store_cell(events, row, "position_id"));
        buffer_printf(offsets, "%s%s", comma, store_cell(events, row, "offset"));
    }
    buffer_printf(positions, "}");
    buffer_printf(offsets, "}");
}

/* positions and offsets: NULL for attempts of all events. */
static bool list_attempts(struct request *request, long long webhook, const struct attempt_filter *f,
                          const char *positions, const char *offsets)
{
    struct error error;
    bool goes_on = *f->recorded != '\0';
    PGresult *rows = store_query(
        request->db,
        "select posthorn.webhook_attempts($1, coalesce($2::timestamptz, case when $9::int[] is null then now() - "
        "interval '24 hours' else '-infinity' end), coalesce($3::timestamptz, 'infinity'), $4, $5, $6, $7, left($8, "
        "1)::\"char\", $9, $10, $11)",
        VALUES(store_number(webhook), store_text(f->has_from ? f->from : NULL), store_text(f->has_to ? f->to : NULL),
               store_text(goes_on ? f->recorded : NULL), store_text(goes_on ? f->started : NULL),
               store_text(goes_on ? f->position : NULL), store_text(goes_on ? f->offset : NULL),
               store_text(f->has_outcome ? f->outcome : NULL), store_text(positions), store_text(offsets),
               store_number(f->limit)),
        &error);
    return answer_cell(request, rows, &error);
}

static bool list_attempts_of_event(struct request *request, long long webhook, const struct attempt_filter *f)
{
    struct error error;
    struct buffer positions, offsets;
    PGresult *events = lookup_event(request->db, f->event_id, request->caller.account, &error);
    if (events == NULL)
        return fail_database(request, &error);
    buffer_init(&positions, 4096);
    buffer_init(&offsets, 4096);
    add_coordinates(events, &positions, &offsets);
    PQclear(events);
    bool ok = positions.failed || offsets.failed ? fail(request, PROBLEM_INTERNAL, "no memory")
                                                 : list_attempts(request, webhook, f, positions.data, offsets.data);
    buffer_fini(&positions);
    buffer_fini(&offsets);
    return ok;
}

bool activity_attempts(struct request *request)
{
    struct attempt_filter f = {0};
    long long webhook;
    if (!read_attempt_filter(request, &f) || !find(request, &webhook))
        return false;
    return f.has_event ? list_attempts_of_event(request, webhook, &f) : list_attempts(request, webhook, &f, NULL, NULL);
}

/* GET …/statistics ------------------------------------------------------------------------------------------------ */

static bool check_span(struct request *request, const char *from, bool has_from, const char *to, bool has_to)
{
    struct wall first, past = wall_now();
    if (!has_from || !wall_parse(text_of(from), &first))
        return true;
    if (has_to && !wall_parse(text_of(to), &past))
        return true;
    return first.us < past.us || fail(request, PROBLEM_BAD_REQUEST, "the query's from must be before its to, or now");
}

bool activity_statistics(struct request *request)
{
    char from[REQUEST_TIME_MAX], to[REQUEST_TIME_MAX];
    bool has_from, has_to;
    long long buckets, webhook;
    struct error error;
    if (!request_time(request, "from", from, &has_from) || !request_time(request, "to", to, &has_to) ||
        !request_number(request, "buckets", 1, BUCKETS_MAX, BUCKETS_STANDARD, &buckets) ||
        !check_span(request, from, has_from, to, has_to) || !find(request, &webhook))
        return false;
    PGresult *rows = store_query(
        request->db,
        "select posthorn.webhook_statistics($1, coalesce($2::timestamptz, coalesce($3::timestamptz, now()) - interval "
        "'1 hour'), coalesce($3::timestamptz, now()), $4)",
        VALUES(store_number(webhook), store_text(has_from ? from : NULL), store_text(has_to ? to : NULL),
               store_number(buckets)),
        &error);
    return answer_cell(request, rows, &error);
}
