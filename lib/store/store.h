/* Store: PostgreSQL for programs that may block, such as posthorn-admin. (The dispatcher, which may not, uses
 * session.h.)
 *
 * Values are passed as parameters, never in the statement's text. Nothing outlives a transaction on the server, so that
 * a pooler in transaction mode can be used. The caller owns results (PQclear). */
#pragma once
#include <libpq-fe.h>

#include "base/error.h"
#include "base/text.h"

/* One parameter, made by the functions below; what it points to must stay valid until the query returns. */
struct store_value {
    enum { STORE_NULL, STORE_TEXT, STORE_BYTES, STORE_NUMBER } kind;
    struct text text;
    long long number;
};

struct store_value store_text(const char *text);   /* NULL: SQL null */
struct store_value store_bytes(struct text bytes); /* a bytea; data NULL: SQL null */
struct store_value store_number(long long number);

#define STORE_VALUES_MAX 32
#define VALUES(...)                                                                                                    \
    (const struct store_value[]){__VA_ARGS__},                                                                         \
        sizeof((const struct store_value[]){__VA_ARGS__}) / sizeof(struct store_value)
#define NO_VALUES NULL, 0

/* Connects and checks the requirements (store/requirements.h). `program` becomes application_name (shown in the audit).
 * Gives up after connect_timeout of the URL, else after 10 s. Returns NULL on failure; the error does not contain the
 * password. */
PGconn *store_connect(const char *url, const char *program, struct error *error) MUST_USE;

/* True if PostgreSQL, or the TLS layer, refuses the connection parameters, so that waiting does not help. A server that
 * is not up yet or is busy is not a refusal. For the start of programs that otherwise keep trying. */
bool store_refuses(const char *url, const char *program, struct error *error) MUST_USE;

/* Runs one statement. Returns NULL on an error, whose text is the server's message with its detail and hint. */
PGresult *store_query(PGconn *db, const char *sql, const struct store_value *values, size_t count,
                      struct error *error) MUST_USE;

/* As store_query(), for a statement without wanted rows. Returns false on an error. */
bool store_run(PGconn *db, const char *sql, const struct store_value *values, size_t count,
               struct error *error) MUST_USE;

/* Runs several statements without parameters; an error names the line of `sql`. */
bool store_script(PGconn *db, const char *sql, const char *name, struct error *error) MUST_USE;

/* Rolls a transaction back. If the connection is gone, the server has done so already. */
void store_rollback(PGconn *db);

/* Prefix of the errors of statements. */
#define STORE_ORIGIN "PostgreSQL"

/* Returns the SQLSTATE of this thread's last error, or "". */
const char *store_state(void);

/* Return a cell: its text, or NULL for null. */
const char *store_cell(const PGresult *result, int row, const char *column);
long long store_cell_number(const PGresult *result, int row, const char *column); /* 0 for null */
bool store_cell_true(const PGresult *result, int row, const char *column);

/* Returns the bytes of a bytea cell; the caller frees them with PQfreemem(). data NULL: null, or memory is short. */
struct text store_cell_bytes(const PGresult *result, int row, const char *column);
