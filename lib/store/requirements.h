/* What the programs rely on in a session of PostgreSQL, whatever the server, the database, the login or the environment
 * says. A program sends the statements right after it has connected, and looks at what they return.
 *
 * They set what a session may set behind a pooler in transaction mode: pgBouncer hands on these four settings, and
 * refuses most of them as parameters of the connection. What only the server can set is checked. */
#pragma once
#include <libpq-fe.h>

#include "base/error.h"

/* Several statements, the last of which returns rows. */
extern const char requirements_sql[];

/* The rows of the last statement, in text format. False and what to do when a requirement is not met. */
bool requirements_met(const PGresult *result, struct error *error) MUST_USE;
