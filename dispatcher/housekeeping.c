#include "housekeeping.h"

#include <stdlib.h>

#include "database.h"

#define ROUND SPAN_S(600)
#define COUNT_ROUND SPAN_S(2)
#define AGAIN SPAN_S(5)

struct housekeeper {
    struct mono at, count_at;
};

struct housekeeper *housekeeper_new(struct error *error)
{
    struct housekeeper *housekeeper = calloc(1, sizeof *housekeeper);
    if (housekeeper == NULL)
        error_set(error, "no memory");
    return housekeeper;
}

void housekeeper_free(struct housekeeper **housekeeper)
{
    free(*housekeeper);
    *housekeeper = NULL;
}

static void kept(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status == REPLY_REFUSED)
        log_warning("housekeeping", "sqlstate=%s error=\"%s\"", reply->sqlstate, reply->message);
    if (reply->status != REPLY_OK)
        d->housekeeper->at = mono_add(loop_now(d->loop), AGAIN);
}

/* A table that is in use is kept for a later run. */
static void keep(struct dispatcher *d)
{
    struct session *session = background_session(d);
    d->partition_missing = false;
    d->housekeeper->at = mono_add(loop_now(d->loop), ROUND);
    if (session_add(session, "select set_config('lock_timeout', '2s', true)", NULL, 0) &&
        session_add(session, "select posthorn.make_partitions()", NULL, 0) &&
        session_add(session, "select posthorn.seal_chunks()", NULL, 0) &&
        session_add(session, "select posthorn.drop_partitions()", NULL, 0) && !session_send(session, kept, d))
        d->housekeeper->at = loop_now(d->loop);
}

static void counted(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status == REPLY_REFUSED)
        database_refused(d, "count", reply);
    d->housekeeper->count_at = mono_add(loop_now(d->loop), COUNT_ROUND); /* a slow one leaves time for the others */
}

static void count_activity(struct dispatcher *d)
{
    struct session *session = background_session(d);
    if (session_add(session, "select posthorn.count_activity()", NULL, 0) && !session_send(session, counted, d))
        return; /* it is sent again over a new connection */
}

void housekeeping_work(struct dispatcher *d)
{
    struct mono now = loop_now(d->loop);
    if (!background_is_free(d))
        return;
    if (d->partition_missing || !mono_before(now, d->housekeeper->at))
        keep(d);
    else if (!mono_before(now, d->housekeeper->count_at))
        count_activity(d);
}
