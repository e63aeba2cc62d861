#include "store/statement.h"

#include <poll.h>
#include <stdio.h>

#define PATIENCE SPAN_S(1) /* a shorter statement ends before it could be cancelled */
#define GRACE SPAN_S(5)    /* added to the limit, for PostgreSQL to end the statement */

static _Thread_local struct {
    struct span longest;
    int peer;
} limit = {.peer = -1};

void statement_limit(struct span longest, int peer)
{
    limit.longest = longest;
    limit.peer = peer;
}

static int send_statement(PGconn *db, const struct statement *s)
{
    return PQsendQueryParams(db, s->sql, s->count, s->types, s->values, s->sizes, s->formats, 0);
}

/* Outside a transaction, the limits are sent before the statement in one packet, which is one transaction. */
static bool send_with_limits(PGconn *db, const struct statement *statement)
{
    char longest[24];
    const char *values[] = {longest};
    const struct statement limits = {
        "select set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)",
        1,
        NULL,
        values,
        NULL,
        NULL};
    snprintf(longest, sizeof longest, "%lld", (long long)span_ms(limit.longest));
    return PQenterPipelineMode(db) == 1 && send_statement(db, &limits) == 1 && send_statement(db, statement) == 1 &&
           PQpipelineSync(db) == 1;
}

static void cancel(PGconn *db)
{
    char ignored[256];
    PGcancel *handle = PQgetCancel(db);
    if (handle != NULL)
        PQcancel(handle, ignored, sizeof ignored);
    PQfreeCancel(handle);
}

struct wait {
    struct mono began;
    bool cancelled;
};

/* Waits until PQgetResult() would not block. Returns false if the thread gives up. */
static bool wait_for_result(PGconn *db, struct wait *wait)
{
    const struct mono patient = mono_add(wait->began, PATIENCE),
                      last = mono_add(mono_add(wait->began, limit.longest), GRACE);
    while (PQisBusy(db)) {
        struct mono now = mono_now();
        bool watches = limit.peer >= 0 && !wait->cancelled, ready = watches && !mono_before(now, patient);
        struct pollfd polled[] = {{.fd = PQsocket(db), .events = POLLIN}, {.fd = limit.peer, .events = POLLRDHUP}};
        struct mono until = watches && !ready ? patient : last;
        if (!mono_before(now, last))
            return false;
        if (poll(polled, ready ? 2 : 1, (int)span_ms(mono_since(until, now)) + 1) <= 0)
            continue;
        if (ready && polled[1].revents != 0) {
            wait->cancelled = true;
            cancel(db);
        }
        if (polled[0].revents != 0 && PQconsumeInput(db) != 1)
            return false;
    }
    return true;
}

/* Returns the last result that is not just the end of the packet. */
static PGresult *collect(PGconn *db, bool pipelined)
{
    struct wait wait = {.began = mono_now()};
    PGresult *last = NULL;
    bool over = false;
    while (!over && PQstatus(db) == CONNECTION_OK) {
        if (!wait_for_result(db, &wait)) {
            PQclear(last);
            return NULL;
        }
        PGresult *next = PQgetResult(db);
        ExecStatusType status = PQresultStatus(next);
        over = next == NULL ? !pipelined : status == PGRES_PIPELINE_SYNC;
        if (next == NULL || status == PGRES_PIPELINE_SYNC || status == PGRES_PIPELINE_ABORTED) {
            PQclear(next);
            continue;
        }
        PQclear(last);
        last = next;
    }
    return last;
}

PGresult *statement_run(PGconn *db, const struct statement *s)
{
    if (limit.longest.ns == 0)
        return PQexecParams(db, s->sql, s->count, s->types, s->values, s->sizes, s->formats, 0);
    bool pipelined = PQtransactionStatus(db) == PQTRANS_IDLE;
    if (!(pipelined ? send_with_limits(db, s) : send_statement(db, s) == 1))
        return NULL;
    PGresult *result = collect(db, pipelined);
    if (pipelined)
        PQexitPipelineMode(db);
    return result;
}
