/* One asynchronous connection to PostgreSQL, driven by the loop: a batch of statements goes out in one burst (libpq's
 * pipeline mode) and runs as one implicit transaction; one batch is under way at a time. No session state and no named
 * statement is left behind, so a pooler in transaction mode may stand between.
 *
 * A connection that is lost is made again, with growing pauses up to 5 s, for ever; the owner is told and decides what
 * to send again. */
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
        REPLY_LOST /* connection lost: whether it was committed is not known */
    } status;
    PGresult *
        *results; /* OK: one for each statement, in binary format; owned by the session, gone after the callback */
    size_t count;
    char sqlstate[6];             /* REFUSED */
    const char *message, *detail; /* REFUSED or LOST; "" when there is none */
};

typedef void session_done(void *owner, const struct reply *reply);

/* `connected` is called whenever the connection stands and nothing is under way on it. `name` is for the log and
 * application_name. */
struct session *session_new(struct loop *loop, const char *url, const char *name, void (*connected)(void *owner),
                            void *owner, struct error *error) MUST_USE;
void session_free(struct session **session);

/* Connected, and no batch under way. */
bool session_idle(const struct session *session);
bool session_connected(const struct session *session);

/* Add a statement to the next batch, then send the batch. The parameters are copied by session_add. False when it
 * cannot be built (too large, no memory, connection broken): then the batch is dropped and the connection made anew. */
bool session_add(struct session *session, const char *sql, const struct param *params, size_t count) MUST_USE;
bool session_send(struct session *session, session_done *done, void *owner) MUST_USE;

/* Reading results in binary format. Rows and columns count from 0. */
bool result_null(const PGresult *result, int row, int column);
int32_t result_int4(const PGresult *result, int row, int column); /* int4, date */
int64_t result_int8(const PGresult *result, int row, int column);
int16_t result_int2(const PGresult *result, int row, int column);
bool result_bool(const PGresult *result, int row, int column);
struct text result_text(const PGresult *result, int row, int column);
struct wall result_time(const PGresult *result, int row, int column);

/* A one-dimensional array without nulls: element `index` as bytes; the number of elements (0 for null). */
int result_array_count(const PGresult *result, int row, int column);
struct text result_array_item(const PGresult *result, int row, int column, int index);
/* One element after the other, in constant time each: begin with *at 0. */
struct text result_array_next(const PGresult *result, int row, int column, size_t *at);
int32_t text_int4(struct text bytes);
int64_t text_int8(struct text bytes);
