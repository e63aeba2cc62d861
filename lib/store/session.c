#include "store/session.h"

#include <endian.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/requirements.h"

#define STATEMENTS_MAX 32
#define PARAMS_MAX 32
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 5000
#define CONNECT_LONGEST SPAN_S(10)
#define BATCH_LONGEST SPAN_S(120) /* a server that is silent for this long counts as lost */

struct session {
    struct loop *loop;
    char *url, *name;
    void (*connected)(void *owner);
    void *owner;

    PGconn *connection;
    enum {
        SESSION_WAITING /* for the end of the pause */,
        SESSION_CONNECTING,
        SESSION_SETTING /* sending the requirements */,
        SESSION_IDLE,
        SESSION_BUSY
    } state;
    struct watch watch;
    struct timer pause;
    struct timer deadline; /* of connecting, or of the batch under way */
    int64_t pause_ms;

    size_t added, answered; /* statements of this batch */
    session_done *done;
    void *done_owner;
    PGresult *results[STATEMENTS_MAX];
    PGresult *failure; /* the first error of this batch */
};

static void session_connect(void *owner);

static void clear_results(struct session *session)
{
    for (size_t i = 0; i < session->answered; i++)
        PQclear(session->results[i]);
    PQclear(session->failure);
    session->failure = NULL;
    session->added = session->answered = 0;
}

/* Reports the loss to the owner, then connects again after a pause. */
static void session_drop(struct session *session, const char *why)
{
    char message[512];
    snprintf(message, sizeof message, "%s", why);
    message[strcspn(message, "\n")] = '\0';
    log_warning("database_lost", "session=\"%s\" error=\"%s\" again_in_ms=%lld", session->name, message,
                (long long)session->pause_ms);
    loop_unwatch(session->loop, &session->watch);
    timer_cancel(session->loop, &session->deadline);
    PQfinish(session->connection);
    session->connection = NULL;
    session->state = SESSION_WAITING;
    timer_set(session->loop, &session->pause, mono_add(mono_now(), SPAN_MS(session->pause_ms)));
    session->pause_ms = session->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : session->pause_ms * 2;
    clear_results(session);
    session_done *done = session->done;
    session->done = NULL;
    if (done != NULL)
        done(session->done_owner, &(struct reply){.status = REPLY_LOST, .message = message, .detail = ""});
}

static void session_lost(struct session *session)
{
    session_drop(session, session->connection == NULL ? "no memory" : PQerrorMessage(session->connection));
}

static const char *failure_field(const struct session *session, int field)
{
    const char *text = session->failure == NULL ? NULL : PQresultErrorField(session->failure, field);
    return text == NULL ? "" : text;
}

/* All statements of the batch have been answered. */
static void session_finish(struct session *session)
{
    struct reply reply = {.status = session->failure == NULL ? REPLY_OK : REPLY_REFUSED,
                          .results = session->results,
                          .count = session->answered,
                          .message = failure_field(session, PG_DIAG_MESSAGE_PRIMARY),
                          .detail = failure_field(session, PG_DIAG_MESSAGE_DETAIL)};
    snprintf(reply.sqlstate, sizeof reply.sqlstate, "%s", failure_field(session, PG_DIAG_SQLSTATE));
    session_done *done = session->done;
    session->done = NULL;
    /* Keeps the results while the callback runs, which may send the next batch. */
    PGresult *results[STATEMENTS_MAX], *failure = session->failure;
    memcpy(results, session->results, sizeof results);
    size_t answered = session->answered;
    reply.results = results;
    session->failure = NULL;
    session->added = session->answered = 0;
    session->state = SESSION_IDLE;
    timer_cancel(session->loop, &session->deadline);
    if (done != NULL)
        done(session->done_owner, &reply);
    for (size_t i = 0; i < answered; i++)
        PQclear(results[i]);
    PQclear(failure);
}

/* Reads what has arrived. Returns false if the connection is broken. */
static bool session_read(struct session *session)
{
    if (PQconsumeInput(session->connection) != 1)
        return false;
    while (session->state == SESSION_BUSY && PQisBusy(session->connection) == 0) {
        PGresult *result = PQgetResult(session->connection);
        if (result == NULL)
            continue; /* between two statements */
        switch (PQresultStatus(result)) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result);
            session_finish(session);
            break;
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
            session->results[session->answered++] = result;
            break;
        case PGRES_PIPELINE_ABORTED:
            PQclear(result);
            break;
        default:
            if (session->failure == NULL)
                session->failure = result;
            else
                PQclear(result);
            if (PQstatus(session->connection) == CONNECTION_BAD)
                return false;
        }
    }
    return PQstatus(session->connection) == CONNECTION_OK;
}

static bool session_flush(struct session *session)
{
    int left = PQflush(session->connection);
    loop_change(session->loop, &session->watch, left == 1 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return left >= 0;
}

static void session_established(struct session *session)
{
    if (PQenterPipelineMode(session->connection) != 1) {
        session_lost(session);
        return;
    }
    session->state = SESSION_IDLE;
    timer_cancel(session->loop, &session->deadline);
    session->pause_ms = PAUSE_FIRST_MS;
    log_info("database_connected", "session=\"%s\"", session->name);
    session->connected(session->owner);
}

static void session_require(struct session *session)
{
    session->state = SESSION_SETTING;
    if (PQsetnonblocking(session->connection, 1) != 0 || PQsendQuery(session->connection, requirements_sql) != 1 ||
        !session_flush(session))
        session_lost(session);
}

/* Reads the results of session_require()'s statements. */
static void session_read_requirements(struct session *session)
{
    struct error error = {0};
    PGresult *result;
    if (PQconsumeInput(session->connection) != 1) {
        session_lost(session);
        return;
    }
    while (PQisBusy(session->connection) == 0) {
        if ((result = PQgetResult(session->connection)) == NULL) {
            session_established(session);
            return;
        }
        ExecStatusType status = PQresultStatus(result);
        bool failed = status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
        if (failed)
            error_set(&error, "%s", PQresultErrorMessage(result));
        bool ok = !failed && (status != PGRES_TUPLES_OK || requirements_met(result, &error));
        PQclear(result);
        if (!ok) {
            session_drop(session, error.text);
            return;
        }
    }
}

static void session_poll_connect(struct session *session)
{
    PostgresPollingStatusType status = PQconnectPoll(session->connection);
    if (status == PGRES_POLLING_FAILED) {
        session_lost(session);
        return;
    }
    /* libpq may have opened another socket, for the next address */
    loop_unwatch(session->loop, &session->watch);
    uint32_t events = status == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN;
    if (!loop_watch(session->loop, &session->watch, PQsocket(session->connection), events))
        session_lost(session);
    else if (status == PGRES_POLLING_OK)
        session_require(session);
}

static void session_ready(void *owner, uint32_t events)
{
    struct session *session = owner;
    if (session->state == SESSION_CONNECTING) {
        session_poll_connect(session);
        return;
    }
    if (session->state == SESSION_SETTING) {
        if ((events & EPOLLOUT) != 0 && !session_flush(session))
            session_lost(session);
        else
            session_read_requirements(session);
        return;
    }
    bool ok = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0 || session_read(session);
    if (ok && session->connection != NULL && (events & EPOLLOUT) != 0)
        ok = session_flush(session);
    if (!ok)
        session_lost(session);
}

static void session_overdue(void *owner)
{
    struct session *session = owner;
    log_warning("database_silent", "session=\"%s\"", session->name);
    session_lost(session);
}

static void session_connect(void *owner)
{
    struct session *session = owner;
    const char *const keys[] = {"dbname",           "application_name", /* end_stalled() finds sessions by it */
                                "connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                "keepalives_count", "tcp_user_timeout", NULL};
    const char *const values[] = {session->url, session->name, "10", "10", "5", "3", "30000", NULL};
    session->connection = PQconnectStartParams(keys, values, 1);
    session->state = SESSION_CONNECTING;
    timer_set(session->loop, &session->deadline, mono_add(mono_now(), CONNECT_LONGEST));
    if (session->connection == NULL || PQstatus(session->connection) == CONNECTION_BAD ||
        !loop_watch(session->loop, &session->watch, PQsocket(session->connection), EPOLLOUT))
        session_lost(session);
}

struct session *session_new(struct loop *loop, const char *url, const char *name, void (*connected)(void *owner),
                            void *owner, struct error *error)
{
    struct session *session = calloc(1, sizeof *session);
    if (session != NULL) {
        *session = (struct session){.loop = loop,
                                    .url = strdup(url),
                                    .name = strdup(name),
                                    .connected = connected,
                                    .owner = owner,
                                    .pause_ms = PAUSE_FIRST_MS,
                                    .watch = {.ready = session_ready, .owner = session, .fd = -1},
                                    .pause = {.fire = session_connect, .owner = session},
                                    .deadline = {.fire = session_overdue, .owner = session}};
    }
    if (session == NULL || session->url == NULL || session->name == NULL) {
        error_set(error, "no memory");
        session_free(&session);
        return NULL;
    }
    timer_set(loop, &session->pause, loop_now(loop));
    return session;
}

void session_free(struct session **session)
{
    struct session *old = *session;
    if (old == NULL)
        return;
    timer_cancel(old->loop, &old->pause);
    timer_cancel(old->loop, &old->deadline);
    loop_unwatch(old->loop, &old->watch);
    clear_results(old);
    PQfinish(old->connection);
    if (old->url != NULL)
        explicit_bzero(old->url, strlen(old->url));
    free(old->url);
    free(old->name);
    free(old);
    *session = NULL;
}

bool session_idle(const struct session *session)
{
    return session->state == SESSION_IDLE;
}

bool session_connected(const struct session *session)
{
    return session->state == SESSION_IDLE || session->state == SESSION_BUSY;
}

bool session_add(struct session *session, const char *sql, const struct param *params, size_t count)
{
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int sizes[PARAMS_MAX], formats[PARAMS_MAX];
    if (session->state != SESSION_IDLE || session->added == STATEMENTS_MAX || count > PARAMS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (params[i].size < 0) { /* a column that exceeded its maximum */
            log_error("statement_too_large", "session=\"%s\" parameter=%zu", session->name, i + 1);
            session_lost(session);
            return false;
        }
        types[i] = params[i].oid;
        values[i] = params[i].data;
        sizes[i] = params[i].size;
        formats[i] = 1;
    }
    if (PQsendQueryParams(session->connection, sql, (int)count, types, values, sizes, formats, 1) != 1) {
        session_lost(session);
        return false;
    }
    session->added++;
    return true;
}

bool session_send(struct session *session, session_done *done, void *owner)
{
    if (session->state != SESSION_IDLE)
        return false;
    if (PQpipelineSync(session->connection) != 1 || !session_flush(session)) {
        session_lost(session);
        return false;
    }
    session->state = SESSION_BUSY;
    timer_set(session->loop, &session->deadline, mono_add(mono_now(), BATCH_LONGEST));
    session->done = done;
    session->done_owner = owner;
    return true;
}

bool result_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) == 1;
}

struct text result_text(const PGresult *result, int row, int column)
{
    return (struct text){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

int32_t text_int4(struct text bytes)
{
    uint32_t value = 0;
    if (bytes.size == sizeof value)
        memcpy(&value, bytes.data, sizeof value);
    return (int32_t)be32toh(value);
}

int64_t text_int8(struct text bytes)
{
    uint64_t value = 0;
    if (bytes.size == sizeof value)
        memcpy(&value, bytes.data, sizeof value);
    return (int64_t)be64toh(value);
}

int32_t result_int4(const PGresult *result, int row, int column)
{
    return text_int4(result_text(result, row, column));
}

int64_t result_int8(const PGresult *result, int row, int column)
{
    return text_int8(result_text(result, row, column));
}

int16_t result_int2(const PGresult *result, int row, int column)
{
    struct text bytes = result_text(result, row, column);
    uint16_t value = 0;
    if (bytes.size == sizeof value)
        memcpy(&value, bytes.data, sizeof value);
    return (int16_t)be16toh(value);
}

bool result_bool(const PGresult *result, int row, int column)
{
    struct text bytes = result_text(result, row, column);
    return bytes.size == 1 && bytes.data[0] != 0;
}

struct wall result_time(const PGresult *result, int row, int column)
{
    return (struct wall){result_int8(result, row, column) + PG_EPOCH_US};
}

#define ARRAY_HEADER 20 /* dimensions, has-null flag, element type, length, lower bound */

int result_array_count(const PGresult *result, int row, int column)
{
    struct text bytes = result_text(result, row, column);
    return bytes.size < ARRAY_HEADER ? 0 : text_int4((struct text){bytes.data + 12, 4});
}

struct text result_array_item(const PGresult *result, int row, int column, int index)
{
    struct text item = {0};
    size_t at = 0;
    for (int i = 0; i <= index; i++)
        item = result_array_next(result, row, column, &at);
    return item;
}

struct text result_array_next(const PGresult *result, int row, int column, size_t *at)
{
    struct text bytes = result_text(result, row, column);
    if (*at == 0)
        *at = ARRAY_HEADER;
    if (*at + 4 > bytes.size)
        return (struct text){0};
    int32_t size = text_int4((struct text){bytes.data + *at, 4});
    size_t length = size < 0 ? 0 : (size_t)size;
    if (*at + 4 + length > bytes.size)
        return (struct text){0};
    *at += 4 + length;
    return (struct text){bytes.data + *at - length, length};
}
