/* PostgreSQL for programs that may wait: posthorn-admin and the like. (The dispatcher, which may not, has its own
 * session.)
 *
 * Values go as parameters, never into the statement's text. Nothing outlives a transaction on the server, so that all
 * works behind a pooler in transaction mode. Results belong to the caller (PQclear). */
#pragma once
#include <libpq-fe.h>

#include "base/error.h"
#include "base/text.h"

/* One parameter. Made by the functions below; what it points to must live until the query returns. */
struct store_value {
    enum { STORE_NULL, STORE_TEXT, STORE_BYTES, STORE_NUMBER } kind;
    struct text text;
    long long number;
};

struct store_value store_text(const char *text);   /* NULL gives null */
struct store_value store_bytes(struct text bytes); /* a bytea; data NULL gives null */
struct store_value store_number(long long number);

#define STORE_VALUES_MAX 32
#define VALUES(...)                                                                                                    \
    (const struct store_value[]){__VA_ARGS__},                                                                         \
        sizeof((const struct store_value[]){__VA_ARGS__}) / sizeof(struct store_value)
#define NO_VALUES NULL, 0

/* Connect, and make sure of what the programs rely on (store/requirements.h); `program` becomes application_name (the
 * audit shows it). Gives up after connect_timeout of the URL, else after 10 s. NULL and an error without its
 * password. */
PGconn *store_connect(const char *url, const char *program, struct error *error) MUST_USE;

/* Does PostgreSQL, or the TLS before it, refuse what the URL says? Waiting would not mend that, as it does a server
 * that is not there yet or is busy, which is no refusal. For the start of programs that go on trying afterwards. */
bool store_refuses(const char *url, const char *program, struct error *error) MUST_USE;

/* One statement with its parameters. NULL on an error, whose text is the server's message with its detail and hint. */
PGresult *store_query(PGconn *db, const char *sql, const struct store_value *values, size_t count,
                      struct error *error) MUST_USE;

/* The same for a statement whose rows nobody wants; false on an error. */
bool store_run(PGconn *db, const char *sql, const struct store_value *values, size_t count,
               struct error *error) MUST_USE;

/* Several statements at once, without parameters; an error names the line of `sql`. */
bool store_script(PGconn *db, const char *sql, const char *name, struct error *error) MUST_USE;

/* Give a transaction up. When the connection is gone, the server has done so already. */
void store_rollback(PGconn *db);

/* What the errors of statements begin with. */
#define STORE_ORIGIN "PostgreSQL"

/* The SQLSTATE of this thread's last error, or "". */
const char *store_state(void);

/* A cell: its text, or NULL for null. */
const char *store_cell(const PGresult *result, int row, const char *column);
long long store_cell_number(const PGresult *result, int row, const char *column); /* null gives 0 */
bool store_cell_true(const PGresult *result, int row, const char *column);

/* The bytes of a bytea's cell: freed with PQfreemem. data NULL for null, or without memory. */
struct text store_cell_bytes(const PGresult *result, int row, const char *column);
