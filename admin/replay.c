/* replay, redeliver: create deliveries again, as pending rows of cause 'r' or 'd' that are due now; the dispatchers do
 * the rest. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "store/lookup.h"
#include "store/replay.h"
#include "webhook.h"

#define STATES "failed|cancelled|delivered|missed|all"

struct replay_settings {
    struct globals globals;
    char *webhook, *from, *to, *state, *event_id;
};

struct work {
    struct context *context;
    struct replay replay;
};

/* Runs one batch of a period in its own transaction. *full is true if there may be more events. */
static bool run_batch(struct work *work, const char *period, bool *full, struct error *error)
{
    PGconn *db = work->context->db;
    if (!store_run(db, "begin", NO_VALUES, error))
        return false;
    if (replay_batch(db, &work->replay, period, full, error) && store_run(db, "commit", NO_VALUES, error))
        return true;
    store_rollback(db);
    return false;
}

static void show_progress(const struct work *work, const char *period, int done, int periods)
{
    char bar[21] = "....................";
    if (isatty(STDERR_FILENO) == 0)
        return;
    memset(bar, '#', (size_t)(done * 20 / (periods > 0 ? periods : 1)));
    fprintf(stderr, "\r[%s] %s: %lld events read, %lld deliveries queued\033[K%s", bar, period, work->replay.looked_at,
            work->replay.queued, done == periods ? "\n" : "");
}

static bool replay_period(struct work *work, const char *period, int done, int periods, struct error *error)
{
    bool full = true;
    replay_rewind(&work->replay);
    while (full) {
        if (!run_batch(work, period, &full, error))
            return error_prefix(error, "%lld deliveries were queued; run the same command to continue",
                                work->replay.queued);
        show_progress(work, period, done, periods);
    }
    show_progress(work, period, done + 1, periods);
    return true;
}

static void describe(struct work *work)
{
    work->context->result =
        json_pack("{s:I, s:I, s:I, s:I}", "looked_at", (json_int_t)work->replay.looked_at, "queued",
                  (json_int_t)work->replay.queued, "waiting_already", (json_int_t)work->replay.waiting,
                  "payload_dropped", (json_int_t)work->replay.dropped);
    if (work->replay.dropped > 0)
        fprintf(stderr, "posthorn-admin: %lld deliveries cannot be sent again: their payloads were dropped\n",
                work->replay.dropped);
}

/* Replays all periods that have event rows and overlap the given time. */
static bool replay_range(struct work *work, struct error *error)
{
    PGresult *periods = replay_periods(work->context->db, &work->replay, error);
    bool ok = periods != NULL;
    for (int row = 0; ok && row < PQntuples(periods); row++)
        ok = replay_period(work, PQgetvalue(periods, row, 0), row, PQntuples(periods), error);
    PQclear(periods);
    if (ok)
        describe(work);
    return ok;
}

static bool find_webhook(struct context *context, const char *name, struct work *work, struct error *error)
{
    struct uuid uuid;
    if (!uuid_parse(name, &uuid))
        return error_set(error, "--webhook: '%.80s' is not a webhook id; webhook list shows all", name);
    PGresult *row = store_query(context->db, "select id, account_id, status from posthorn.webhook where uuid = $1",
                                VALUES(store_text(uuid.text)), error);
    bool ok = row != NULL && (PQntuples(row) == 1 ||
                              error_set(error, "--webhook: there is no webhook %.80s; webhook list shows all", name));
    if (ok && strcmp(store_cell(row, 0, "status"), "enabled") != 0)
        ok = error_set(error,
                       "--webhook: %.80s is %s: its queued deliveries would be cancelled; run webhook enable first",
                       name, store_cell(row, 0, "status"));
    if (ok) {
        work->replay.webhook = (int)store_cell_number(row, 0, "id");
        work->replay.account = (int)store_cell_number(row, 0, "account_id");
    }
    PQclear(row);
    return ok;
}

/* Finds the newest event of the webhook's account with this name. Returns NULL on an error or if there is none. */
static PGresult *find_event(struct work *work, const char *name, struct error *error)
{
    struct context *context = work->context;
    PGresult *key = store_query(context->db, "select key from posthorn.account where id = $1",
                                VALUES(store_number(work->replay.account)), error);
    PGresult *found = key == NULL ? NULL : lookup_event(context->db, name, PQgetvalue(key, 0, 0), error);
    if (found != NULL && PQntuples(found) == 0) {
        error_set(error, "the account %.80s of the webhook has no event %.80s", PQgetvalue(key, 0, 0), name);
        PQclear(found);
        found = NULL;
    }
    PQclear(key);
    return found;
}

/* Queues this one event, whatever its deliveries' states are. */
static bool queue_one(struct work *work, const char *name, const char *cause, struct error *error)
{
    PGresult *event = find_event(work, name, error);
    if (event == NULL)
        return false;
    bool found = false;
    bool ok =
        replay_one(work->context->db, work->replay.webhook, event, cause, &found, error) &&
        (found ||
         error_set(error, "the payload of %.80s was dropped, or its key was destroyed: it cannot be sent again", name));
    if (ok)
        work->context->result = json_pack("{s:s, s:i}", "event_id", store_cell(event, 0, "event_id"), "queued", 1);
    PQclear(event);
    return ok;
}

/* Converts *time (may be NULL) to UTC: RFC 3339 allows offsets that PostgreSQL does not. */
static bool read_time(const char *name, const char **time, char out[static 40], struct error *error)
{
    struct wall wall;
    if (*time == NULL)
        return true;
    if (!wall_parse(text_of(*time), &wall))
        return error_set(error, "%s: '%.40s' is not a time such as 2026-01-31T12:00:00Z", name, *time);
    wall_format(wall, true, out);
    *time = out;
    return true;
}

static bool replay(struct context *context, const void *settings, struct error *error)
{
    const struct replay_settings *given = settings;
    struct work work = {.context = context, .replay = {.from = given->from, .to = given->to, .state = given->state}};
    char from[40], to[40];
    if (!check_among("state", given->state, STATES, error) || !read_time("--from", &work.replay.from, from, error) ||
        !read_time("--to", &work.replay.to, to, error) || !find_webhook(context, given->webhook, &work, error))
        return false;
    return given->event_id != NULL ? queue_one(&work, given->event_id, "r", error) : replay_range(&work, error);
}

static bool redeliver(struct context *context, const void *settings, struct error *error)
{
    const struct replay_settings *given = settings;
    struct work work = {.context = context};
    return find_webhook(context, given->webhook, &work, error) && queue_one(&work, context->words[0], "d", error);
}

#define WEBHOOK OPTION(replay_settings, webhook, "webhook", NULL, "ID", "the webhook", SETTING_REQUIRED)

static const struct setting replay_table[] = {
    WEBHOOK,
    OPTION(replay_settings, from, "from", NULL, "TIME",
           "only events received at or after this time, such as 2026-01-31T12:00:00Z", 0),
    OPTION(replay_settings, to, "to", NULL, "TIME", "only events received before this time", 0),
    OPTION(replay_settings, state, "state", "failed", STATES,
           "which deliveries; missed: events of its types that were never matched to it, such as those from before it "
           "was created",
           0),
    OPTION(replay_settings, event_id, "event-id", NULL, "ID", "only this event, by any form of its id, in any state",
           0),
    {0}};

static const struct setting redeliver_table[] = {WEBHOOK, {0}};

const struct command replay_commands[] = {
    {.noun = "replay",
     .about = "deliver events to a webhook again",
     .details = "Queues deliveries, which the dispatchers send no faster than the receiver accepts them. A delivery "
                "that is already queued is not queued twice, so an interrupted command can be run again. Replays are "
                "attempts with the cause \"replay\", and the ledger does not count them.",
     .settings = replay_table,
     .settings_size = sizeof(struct replay_settings),
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = replay},
    {.noun = "redeliver",
     .words = "EVENT_ID",
     .least_words = 1,
     .most_words = 1,
     .about = "deliver one event to one webhook again",
     .settings = redeliver_table,
     .settings_size = sizeof(struct replay_settings),
     .run = redeliver},
    {0}};
