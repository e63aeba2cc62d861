/* Statement: runs one statement and waits for its result, within the limits of the calling thread.
 *
 * A thread without limits waits for as long as PostgreSQL takes. With a limit, PostgreSQL itself ends a statement that
 * takes longer, also behind a pooler in transaction mode: the limit is in the statement's packet and ends with its
 * transaction. If PostgreSQL does not respond even then, the thread gives up; the connection cannot be used afterwards
 * (PQtransactionStatus() is PQTRANS_ACTIVE) and must be closed. */
#pragma once
#include <libpq-fe.h>

#include "base/clock.h"

/* Sets the limits of this thread's statements. `longest` is 0 for none. `peer` is the socket of the client that waits
 * for the result, or -1: if the client has closed it, a statement that has run for a second is cancelled. */
void statement_limit(struct span longest, int peer);

struct statement {
    const char *sql;
    int count; /* number of parameters */
    const Oid *types;
    const char *const *values;
    const int *sizes, *formats;
};

/* Returns the result as PQexecParams() does. NULL if there is none; PQerrorMessage() may have the reason. */
PGresult *statement_run(PGconn *db, const struct statement *statement);
