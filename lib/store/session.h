/* Session: one asynchronous connection to PostgreSQL, driven by the loop. A batch of statements is sent at once
 * (libpq's pipeline mode) and runs as one implicit transaction; one batch is under way at a time. No session state and
 * no named statement remains, so that a pooler in transaction mode can be used.
 *
 * A connection that is lost is made again, after growing pauses of up to 5 s, without end; the owner is told and
 * decides what to send again. */
#pragma once
#include <libpq-fe.h>

#include "base/loop.h"
#include "store/column.h"

struct session;

/* How a batch ended. */
struct reply {
    enum {
        REPLY_OK,
        REPLY_REFUSED /* rolled back by an error */,
        REPLY_LOST /* connection lost: whether it was committed is unknown */
    } status;
    PGresult **results; /* OK: one per statement, in binary format; valid until the callback returns */
    size_t count;
    char sqlstate[6];             /* REFUSED */
    const char *message, *detail; /* REFUSED or LOST; "" if there is none */
};

typedef void session_done(void *owner, const struct reply *reply);

/* `connected` is called whenever the connection has been made and no batch is under way. `name` is used in the log and
 * as application_name. */
struct session *session_new(struct loop *loop, const char *url, const char *name, void (*connected)(void *owner),
                            void *owner, struct error *error) MUST_USE;
void session_free(struct session **session);

/* True if connected and no batch is under way. */
bool session_idle(const struct session *session);
bool session_connected(const struct session *session);

/* session_add() adds a statement to the next batch and copies the parameters; session_send() sends the batch. Return
 * false if the batch cannot be built (too large, memory is short, connection broken): it is dropped, and the connection
 * made again. */
bool session_add(struct session *session, const char *sql, const struct param *params, size_t count) MUST_USE;
bool session_send(struct session *session, session_done *done, void *owner) MUST_USE;

/* Read results in binary format. Rows and columns count from 0. */
bool result_null(const PGresult *result, int row, int column);
int32_t result_int4(const PGresult *result, int row, int column); /* also for date */
int64_t result_int8(const PGresult *result, int row, int column);
int16_t result_int2(const PGresult *result, int row, int column);
bool result_bool(const PGresult *result, int row, int column);
struct text result_text(const PGresult *result, int row, int column);
struct wall result_time(const PGresult *result, int row, int column);

/* One-dimensional arrays without nulls: the number of elements (0 for null), and element `index` as bytes. */
int result_array_count(const PGresult *result, int row, int column);
struct text result_array_item(const PGresult *result, int row, int column, int index);
/* Returns one element after the other, each in constant time. *at is 0 at first. */
struct text result_array_next(const PGresult *result, int row, int column, size_t *at);
int32_t text_int4(struct text bytes);
int64_t text_int8(struct text bytes);
