/* Runs one statement and waits for its result, within the limits of the thread that runs it.
 *
 * A thread without limits waits for as long as PostgreSQL takes. With a limit, PostgreSQL itself ends a statement that
 * takes longer, also behind a pooler in transaction mode: the limit travels in the statement's packet and ends with its
 * transaction. When PostgreSQL does not even answer that, the thread gives up; the connection is of no use afterwards
 * (PQtransactionStatus() is PQTRANS_ACTIVE) and must be closed. */
#pragma once
#include <libpq-fe.h>

#include "base/clock.h"

/* Limits of this thread's statements. `longest` is 0 for none. `peer` is the socket of the client who waits for the
 * result, or -1: when the client has closed it, a statement that has run for a second is cancelled. */
void statement_limit(struct span longest, int peer);

struct statement {
    const char *sql;
    int count; /* of the parameters */
    const Oid *types;
    const char *const *values;
    const int *sizes, *formats;
};

/* Its result as PQexecParams() gives it. NULL: none came; PQerrorMessage() may say why. */
PGresult *statement_run(PGconn *db, const struct statement *statement);
