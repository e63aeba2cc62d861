#include "housekeeping.h"

#include <stdlib.h>

#define AGAIN SPAN_S(5)

#define RUN_CHORE "select posthorn.run_chore($1, $2)"

/* The chores of schema/code/chores.sql, and how often this dispatcher looks whether one is due. The first is also run
 * when a partition is missing. Statements return true if they are to be run again at once, or
 * if something was found. */
static const struct chore {
    const char *name;
    int64_t look_ms;
    const char *statement;
    size_t param_count;
    const char *found; /* the name of a warning if the statement returned true; NULL: none */
} chores[] = {{"make_partitions", 60000, RUN_CHORE, 2, NULL},
              {"summarize", 2000, RUN_CHORE, 2, NULL},
              {"close_new", 2000, RUN_CHORE, 2, NULL},
              {"count_activity", 2000, RUN_CHORE, 2, NULL},
              {"close_old", 10000, RUN_CHORE, 2, NULL},
              {"expire", 60000, RUN_CHORE, 2, NULL},
              /* with this dispatcher's own rights, not with those of the schema's owner */
              {"end_stalled", 5000, "select posthorn.end_stalled()", 0, "stalled_ended"}};
#define CHORE_COUNT (sizeof chores / sizeof *chores)

struct housekeeper {
    struct dispatcher *d;
    struct session *session;
    struct mono look_at[CHORE_COUNT];
    size_t running, next;
};

static void connected(void *owner)
{
    (void)owner; /* housekeeping_work() runs in every turn */
}

struct housekeeper *housekeeper_new(struct dispatcher *d, struct error *error)
{
    struct housekeeper *housekeeper = calloc(1, sizeof *housekeeper);
    if (housekeeper == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    housekeeper->d = d;
    housekeeper->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher housekeeping", connected, d, error);
    if (housekeeper->session == NULL)
        housekeeper_free(&housekeeper);
    return housekeeper;
}

void housekeeper_free(struct housekeeper **housekeeper)
{
    struct housekeeper *old = *housekeeper;
    if (old == NULL)
        return;
    session_free(&old->session);
    free(old);
    *housekeeper = NULL;
}

static void done(void *owner, const struct reply *reply)
{
    struct housekeeper *housekeeper = owner;
    struct mono now = loop_now(housekeeper->d->loop);
    const struct chore *chore = &chores[housekeeper->running];
    struct mono *look_at = &housekeeper->look_at[housekeeper->running];
    if (reply->status == REPLY_REFUSED)
        log_warning("housekeeping", "chore=%s sqlstate=%s error=\"%s\"", chore->name, reply->sqlstate, reply->message);
    if (reply->status == REPLY_OK && chore->found != NULL && result_bool(reply->results[1], 0, 0))
        log_warning(chore->found, "chore=%s", chore->name);
    if (reply->status != REPLY_OK)
        *look_at = mono_add(now, AGAIN);
    else if (chore->found != NULL || !result_bool(reply->results[1], 0, 0))
        *look_at = mono_add(now, SPAN_MS(chore->look_ms));
}

/* Returns the next chore to look at, each in turn; CHORE_COUNT: none yet. */
static size_t next_chore(const struct housekeeper *housekeeper)
{
    for (size_t i = 0; i < CHORE_COUNT; i++) {
        size_t chore = (housekeeper->next + i) % CHORE_COUNT;
        if (!mono_before(loop_now(housekeeper->d->loop), housekeeper->look_at[chore]))
            return chore;
    }
    return CHORE_COUNT;
}

void housekeeping_work(struct dispatcher *d)
{
    struct housekeeper *housekeeper = d->housekeeper;
    struct session *session = housekeeper->session;
    bool at_once = d->partition_missing;
    if (d->id == 0 || !session_idle(session))
        return;
    size_t chore = at_once ? 0 : next_chore(housekeeper);
    if (chore == CHORE_COUNT)
        return;
    d->partition_missing = false;
    housekeeper->running = chore;
    housekeeper->next = (chore + 1) % CHORE_COUNT;
    struct value storage;
    const struct param params[] = {param_text(text_of(chores[chore].name)), param_bool(at_once, &storage)};
    if (session_add(session, "select set_config('lock_timeout', '500ms', true)", NULL, 0) &&
        session_add(session, chores[chore].statement, params, chores[chore].param_count) &&
        !session_send(session, done, housekeeper))
        return; /* it is sent again over a new connection */
}
