/* replay, redeliver: make deliveries anew. What is made is a pending row of cause 'r' or 'd', due now; the dispatchers
 * do the rest. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "lookup.h"
#include "webhook.h"

#define BATCH 1000 /* events looked at in one transaction: the webhook's row in the queue is locked as long as that */
#define STATES "failed|cancelled|delivered|missed|all"

struct replay_settings {
    struct globals globals;
    char *webhook, *from, *to, *state, *event_id;
};

struct replay {
    struct context *context;
    int webhook, account;
    const char *from, *to, *state;
    char position[16], offset[24]; /* where the next batch goes on */
    long long looked_at, queued, waiting, dropped;
};

/* What is known of each (event, webhook) pair of a batch. A pair that waits already is left alone. $1 period, $2 $3
 * after these coordinates, $4 account, $5 webhook, $6 $7 from and to, $8 state, $9 how many. */
static const char batch_sql[] =
    "with page as materialized (select e.position_id, e.\"offset\", e.period, e.event_type, e.received_at from "
    "posthorn.event e "
    "  where e.period = $1 and (e.position_id, e.\"offset\") > ($2::int, $3::bigint) and e.account_id = $4 "
    "  and ($6::timestamptz is null or e.received_at >= $6) and ($7::timestamptz is null or e.received_at < $7) "
    "  order by e.position_id, e.\"offset\" limit $9), "
    "pair as (select p.*, "
    "  exists (select from posthorn.pending n where n.position_id = p.position_id and n.\"offset\" = p.\"offset\" and "
    "n.webhook_id = $5) as waiting, "
    "  exists (select from posthorn.cancellation c where c.position_id = p.position_id and c.\"offset\" = p.\"offset\" "
    "and c.webhook_id = $5 "
    "          and c.recorded_at >= p.received_at) as cancelled, "
    "  coalesce(t.delivered, false) as delivered, coalesce(t.failed, false) as failed, "
    "  exists (select from posthorn.payload l join posthorn.account a on a.id = $4 where l.position_id = p.position_id "
    "and l.\"offset\" = p.\"offset\" "
    "          and l.recorded_at = p.received_at and (not l.sealed or a.data_key is not null)) as payload, "
    "  exists (select from posthorn.subscription s where s.webhook_id = $5 and (s.pattern = '*' or s.pattern = "
    "p.event_type "
    "          or (right(s.pattern, 2) = '.*' and starts_with(p.event_type, left(s.pattern, -1))))) as subscribed "
    "  from page p cross join lateral (select bool_or(outcome = 'd') as delivered, bool_or(outcome = 'g') as failed "
    "from posthorn.attempt t "
    "  where t.position_id = p.position_id and t.\"offset\" = p.\"offset\" and t.webhook_id = $5 and t.cause <> 't' "
    "and t.recorded_at >= p.received_at) t), "
    "wanted as (select * from pair where case $8 when 'failed' then failed and not delivered when 'delivered' then "
    "delivered "
    "  when 'cancelled' then cancelled and not failed and not delivered when 'missed' then subscribed and not (waiting "
    "or cancelled or failed or delivered) "
    "  else cancelled or failed or delivered end), "
    "chosen as (select * from wanted where payload and not waiting) "
    "select (select count(*) from page) as looked_at, (select count(*) from wanted where not payload) as dropped, "
    "  (select count(*) from wanted where payload and waiting) as waiting, (select count(*) from chosen) as queued, "
    "  (select array_agg(position_id order by position_id, \"offset\") from chosen) as positions, "
    "  (select array_agg(\"offset\" order by position_id, \"offset\") from chosen) as offsets, "
    "  (select position_id from page order by position_id desc, \"offset\" desc limit 1) as last_position, "
    "  (select \"offset\" from page order by position_id desc, \"offset\" desc limit 1) as last_offset";

static const char park_sql[] =
    "select posthorn.park(array_fill($1::int, array[n]), $2::int[], $3::bigint[], array_fill($4::\"char\", array[n]), "
    "array_fill($5::date, array[n]), array_fill(0::smallint, array[n]), array_fill(now(), array[n]), "
    "array_fill(null::bigint, array[n])) "
    "from cardinality($2::int[]) as n";

static bool park(struct context *context, int webhook, const char *positions, const char *offsets, const char *cause,
                 const char *period, struct error *error)
{
    return store_run(context->db, park_sql,
                     VALUES(store_number(webhook), store_text(positions), store_text(offsets), store_text(cause),
                            store_text(period)),
                     error);
}

/* One batch of one period, in its own transaction. *full tells that there may be more. */
static bool replay_batch(struct replay *replay, const char *period, bool *full, struct error *error)
{
    PGconn *db = replay->context->db;
    if (!store_run(db, "begin", NO_VALUES, error))
        return false;
    PGresult *row =
        store_query(db, batch_sql,
                    VALUES(store_text(period), store_text(replay->position), store_text(replay->offset),
                           store_number(replay->account), store_number(replay->webhook), store_text(replay->from),
                           store_text(replay->to), store_text(replay->state), store_number(BATCH)),
                    error);
    bool ok = row != NULL;
    if (ok && store_cell_number(row, 0, "queued") > 0)
        ok = park(replay->context, replay->webhook, store_cell(row, 0, "positions"), store_cell(row, 0, "offsets"), "r",
                  period, error);
    ok = ok && store_run(db, "commit", NO_VALUES, error);
    if (ok) {
        replay->looked_at += store_cell_number(row, 0, "looked_at");
        replay->queued += store_cell_number(row, 0, "queued");
        replay->waiting += store_cell_number(row, 0, "waiting");
        replay->dropped += store_cell_number(row, 0, "dropped");
        *full = store_cell_number(row, 0, "looked_at") == BATCH;
        snprintf(replay->position, sizeof replay->position, "%lld", store_cell_number(row, 0, "last_position"));
        snprintf(replay->offset, sizeof replay->offset, "%lld", store_cell_number(row, 0, "last_offset"));
    } else {
        store_rollback(db);
    }
    PQclear(row);
    return ok;
}

static void show_progress(const struct replay *replay, const char *period, int done, int periods)
{
    char bar[21] = "....................";
    if (isatty(STDERR_FILENO) == 0)
        return;
    memset(bar, '#', (size_t)(done * 20 / (periods > 0 ? periods : 1)));
    fprintf(stderr, "\r[%s] %s: %lld events looked at, %lld deliveries queued\033[K%s", bar, period, replay->looked_at,
            replay->queued, done == periods ? "\n" : "");
}

static bool replay_period(struct replay *replay, const char *period, int done, int periods, struct error *error)
{
    bool full = true;
    strcpy(replay->position, "0");
    strcpy(replay->offset, "0");
    while (full) {
        if (!replay_batch(replay, period, &full, error))
            return error_prefix(error,
                                "%lld deliveries are queued already; the same command again goes on with the rest",
                                replay->queued);
        show_progress(replay, period, done, periods);
    }
    show_progress(replay, period, done + 1, periods);
    return true;
}

static void describe(struct replay *replay)
{
    replay->context->result = json_pack("{s:I, s:I, s:I, s:I}", "looked_at", (json_int_t)replay->looked_at, "queued",
                                        (json_int_t)replay->queued, "waiting_already", (json_int_t)replay->waiting,
                                        "payload_dropped", (json_int_t)replay->dropped);
    if (replay->dropped > 0)
        fprintf(stderr, "posthorn-admin: %lld deliveries cannot be made again: their payloads were dropped\n",
                replay->dropped);
}

/* Periods that have event rows and touch the time asked for. */
static bool replay_range(struct replay *replay, struct error *error)
{
    PGresult *periods = store_query(replay->context->db,
                                    "select p from (select to_date(right(c.relname, 8), 'YYYYMMDD') as p from "
                                    "pg_inherits i join pg_class c on c.oid = i.inhrelid "
                                    "where i.inhparent = 'posthorn.event'::regclass) x where ($1::timestamptz is null "
                                    "or p >= posthorn.period_of($1)) "
                                    "and p <= posthorn.period_of(coalesce($2, now())) order by p",
                                    VALUES(store_text(replay->from), store_text(replay->to)), error);
    bool ok = periods != NULL;
    for (int row = 0; ok && row < PQntuples(periods); row++)
        ok = replay_period(replay, PQgetvalue(periods, row, 0), row, PQntuples(periods), error);
    PQclear(periods);
    if (ok)
        describe(replay);
    return ok;
}

static bool find_webhook(struct context *context, const char *name, struct replay *replay, struct error *error)
{
    struct uuid uuid;
    if (!uuid_parse(name, &uuid))
        return error_set(error, "--webhook: '%.80s' is no webhook's id; webhook list shows all", name);
    PGresult *row = store_query(context->db, "select id, account_id, status from posthorn.webhook where uuid = $1",
                                VALUES(store_text(uuid.text)), error);
    bool ok = row != NULL && (PQntuples(row) == 1 ||
                              error_set(error, "--webhook: there is no webhook %.80s; webhook list shows all", name));
    if (ok && strcmp(store_cell(row, 0, "status"), "enabled") != 0)
        ok = error_set(error, "--webhook: %.80s is %s: what is queued for it would be cancelled; webhook enable first",
                       name, store_cell(row, 0, "status"));
    if (ok) {
        replay->webhook = (int)store_cell_number(row, 0, "id");
        replay->account = (int)store_cell_number(row, 0, "account_id");
    }
    PQclear(row);
    return ok;
}

/* The newest event of the webhook's account with this name; NULL and an error when there is none. */
static PGresult *find_event(struct replay *replay, const char *name, struct error *error)
{
    struct context *context = replay->context;
    PGresult *key = store_query(context->db, "select key from posthorn.account where id = $1",
                                VALUES(store_number(replay->account)), error);
    PGresult *found = key == NULL ? NULL : lookup_event(context, name, PQgetvalue(key, 0, 0), error);
    if (found != NULL && PQntuples(found) == 0) {
        error_set(error, "the account %.80s of the webhook has no event %.80s", PQgetvalue(key, 0, 0), name);
        PQclear(found);
        found = NULL;
    }
    PQclear(key);
    return found;
}

/* Park this one event, whatever became of it so far. */
static bool queue_one(struct replay *replay, const char *name, const char *cause, struct error *error)
{
    struct context *context = replay->context;
    char positions[32], offsets[32];
    PGresult *event = find_event(replay, name, error);
    if (event == NULL)
        return false;
    long long position = store_cell_number(event, 0, "position_id"), offset = store_cell_number(event, 0, "offset");
    PGresult *payload = store_query(
        context->db,
        "select from posthorn.event e join posthorn.account a on a.id = e.account_id join posthorn.payload l on "
        "l.position_id = "
        "e.position_id and l.\"offset\" = e.\"offset\" and l.recorded_at = e.received_at where e.position_id = $1 and "
        "e.\"offset\" = $2 "
        "and e.period = $3 and (not l.sealed or a.data_key is not null)",
        VALUES(store_number(position), store_number(offset), store_text(store_cell(event, 0, "period"))), error);
    snprintf(positions, sizeof positions, "{%lld}", position);
    snprintf(offsets, sizeof offsets, "{%lld}", offset);
    bool ok =
        payload != NULL &&
        (PQntuples(payload) > 0 ||
         error_set(error, "the payload of %.80s was dropped, or its key destroyed: it cannot be sent again", name));
    ok = ok && park(context, replay->webhook, positions, offsets, cause, store_cell(event, 0, "period"), error);
    if (ok)
        context->result = json_pack("{s:s, s:i}", "event_id", store_cell(event, 0, "event_id"), "queued", 1);
    PQclear(payload);
    PQclear(event);
    return ok;
}

static bool check_time(const char *name, const char *given, struct error *error)
{
    struct wall ignored;
    return given == NULL || wall_parse(text_of(given), &ignored) ||
           error_set(error, "%s: '%.40s' is no time such as 2026-01-31T12:00:00Z", name, given);
}

static bool replay(struct context *context, const void *settings, struct error *error)
{
    const struct replay_settings *given = settings;
    struct replay work = {.context = context, .from = given->from, .to = given->to, .state = given->state};
    if (!check_among("state", given->state, STATES, error) || !check_time("--from", given->from, error) ||
        !check_time("--to", given->to, error) || !find_webhook(context, given->webhook, &work, error))
        return false;
    return given->event_id != NULL ? queue_one(&work, given->event_id, "r", error) : replay_range(&work, error);
}

static bool redeliver(struct context *context, const void *settings, struct error *error)
{
    const struct replay_settings *given = settings;
    struct replay work = {.context = context};
    return find_webhook(context, given->webhook, &work, error) && queue_one(&work, context->words[0], "d", error);
}

#define WEBHOOK OPTION(replay_settings, webhook, "webhook", NULL, "ID", "to this webhook", SETTING_REQUIRED)

static const struct setting replay_table[] = {WEBHOOK,
                                              OPTION(replay_settings, from, "from", NULL, "TIME",
                                                     "only events received since then, such as 2026-01-31T12:00:00Z",
                                                     0),
                                              OPTION(replay_settings, to, "to", NULL, "TIME", "and before that", 0),
                                              OPTION(replay_settings, state, "state", "failed", STATES,
                                                     "which deliveries; missed: events of its types that never were to "
                                                     "be delivered to it, such as those while it was disabled",
                                                     0),
                                              OPTION(replay_settings, event_id, "event-id", NULL, "ID",
                                                     "this event alone, in any form of its id, whatever its state", 0),
                                              {0}};

static const struct setting redeliver_table[] = {WEBHOOK, {0}};

const struct command replay_commands[] = {
    {.noun = "replay",
     .about = "deliver events to a webhook once more",
     .details = "Queues them; the dispatchers send them, no faster than the webhook takes them. What is queued already "
                "is not queued twice, so the same "
                "command may be given again after it was interrupted. Replays are attempts of the cause \"replay\" and "
                "do not count in the audit's books.",
     .settings = replay_table,
     .settings_size = sizeof(struct replay_settings),
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = replay},
    {.noun = "redeliver",
     .words = "EVENT_ID",
     .least_words = 1,
     .most_words = 1,
     .about = "deliver one event to one webhook once more",
     .settings = redeliver_table,
     .settings_size = sizeof(struct replay_settings),
     .run = redeliver},
    {0}};
