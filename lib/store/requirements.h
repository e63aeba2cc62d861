/* Requirements: what the programs require of a PostgreSQL session, whatever the server, the database, the login or the
 * environment sets. A program sends the statements right after it has connected, and checks their result.
 *
 * They set what a session may set behind a pooler in transaction mode: pgBouncer passes these four settings on, and
 * refuses most of them as connection parameters. Settings that only the server can change are checked. */
#pragma once
#include <libpq-fe.h>

#include "base/error.h"

/* Several statements; the last one returns rows. */
extern const char requirements_sql[];

/* Checks the rows of the last statement, in text format. Returns false, with what to do in the error, if a requirement
 * is not met. */
bool requirements_met(const PGresult *result, struct error *error) MUST_USE;
