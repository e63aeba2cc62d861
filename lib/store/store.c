#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/requirements.h"
#include "store/statement.h"

#define CONNECT_TIMEOUT "10"
#define BYTEA 17 /* its type's OID, fixed in PostgreSQL's catalogue */

static _Thread_local char last_state[6];

struct store_value store_text(const char *text)
{
    return text == NULL ? (struct store_value){0} : (struct store_value){.kind = STORE_TEXT, .text = text_of(text)};
}

struct store_value store_bytes(struct text bytes)
{
    return (struct store_value){.kind = STORE_BYTES, .text = bytes}; /* a null also has this type */
}

struct store_value store_number(long long number)
{
    return (struct store_value){.kind = STORE_NUMBER, .number = number};
}

/* libpq ends its messages with a newline and may begin lines with the severity. */
static void remember(struct error *error, const PGresult *result, const char *message)
{
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    snprintf(last_state, sizeof last_state, "%s", state != NULL ? state : "");
    if (primary != NULL)
        error_set(error, "%s%s%s%s%s%s", primary, detail != NULL ? " (" : "", detail != NULL ? detail : "",
                  detail != NULL ? ")" : "", hint != NULL ? "; " : "", hint != NULL ? hint : "");
    else
        error_set(error, "%.*s", (int)strcspn(message, "\n"), *message != '\0' ? message : "no response in time");
    error_prefix(error, STORE_ORIGIN);
}

static PGresult *check(PGconn *db, PGresult *result, struct error *error)
{
    ExecStatusType status = PQresultStatus(result); /* of NULL: a fatal error */
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return result;
    remember(error, result, PQerrorMessage(db));
    PQclear(result);
    return NULL;
}

/* Later keywords override earlier ones. expand_dbname expands the URL given as dbname, so the connect_timeout before it
 * is only a default. */
static const char *const keywords[] = {"connect_timeout", "dbname", "fallback_application_name", NULL};

static bool set_requirements(PGconn *db, struct error *error)
{
    PGresult *result = check(db, PQexec(db, requirements_sql), error);
    bool ok = result != NULL && (requirements_met(result, error) || error_prefix(error, "PostgreSQL"));
    PQclear(result);
    return ok;
}

PGconn *store_connect(const char *url, const char *program, struct error *error)
{
    const char *const values[] = {CONNECT_TIMEOUT, url, program, NULL};
    PGconn *db = PQconnectdbParams(keywords, values, 1);
    if (db == NULL)
        error_set(error, "no memory");
    else if (PQstatus(db) != CONNECTION_OK)
        remember(error, NULL, PQerrorMessage(db));
    else if (set_requirements(db, error))
        return db;
    PQfinish(db);
    return NULL;
}

/* True if a connection was made, or might have been possible. */
static bool may_connect(const char *url, const char *program, struct error *error)
{
    PGconn *db = store_connect(url, program, error);
    PQfinish(db);
    return db != NULL || strstr(error->text, "timeout expired") != NULL || strstr(error->text, "too many") != NULL ||
           strstr(error->text, "slots") != NULL;
}

/* libpq's result distinguishes only failures before the server's first answer. PQping() tells whether a server accepts
 * connections, whatever it thinks of this login. The server may have started since the first attempt, so a second one
 * is made. */
bool store_refuses(const char *url, const char *program, struct error *error)
{
    const char *const values[] = {CONNECT_TIMEOUT, url, program, NULL};
    if (may_connect(url, program, error))
        return false;
    return strstr(error->text, "certificate") != NULL || strstr(error->text, "does not support SSL") != NULL ||
           (PQpingParams(keywords, values, 1) == PQPING_OK && !may_connect(url, program, error));
}

PGresult *store_query(PGconn *db, const char *sql, const struct store_value *values, size_t count, struct error *error)
{
    Oid types[STORE_VALUES_MAX] = {0};
    const char *data[STORE_VALUES_MAX];
    int sizes[STORE_VALUES_MAX], formats[STORE_VALUES_MAX];
    char numbers[STORE_VALUES_MAX][24];
    if (count > STORE_VALUES_MAX) {
        error_set(error, "a statement with %zu parameters", count);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%lld", values[i].number);
        types[i] = values[i].kind == STORE_BYTES ? BYTEA : 0;
        data[i] = values[i].kind == STORE_NULL     ? NULL
                  : values[i].kind == STORE_NUMBER ? numbers[i]
                                                   : values[i].text.data;
        sizes[i] = (int)values[i].text.size;
        formats[i] = values[i].kind == STORE_BYTES;
    }
    const struct statement statement = {sql, (int)count, types, data, sizes, formats};
    return check(db, statement_run(db, &statement), error);
}

bool store_run(PGconn *db, const char *sql, const struct store_value *values, size_t count, struct error *error)
{
    PGresult *result = store_query(db, sql, values, count, error);
    PQclear(result);
    return result != NULL;
}

static int line_of(const char *sql, const char *position)
{
    int line = 1;
    for (long at = strtol(position, NULL, 10); at > 1 && *sql != '\0'; sql++) {
        line += *sql == '\n';
        at -= ((unsigned char)*sql & 0xc0) != 0x80; /* positions count characters, not bytes */
    }
    return line;
}

bool store_script(PGconn *db, const char *sql, const char *name, struct error *error)
{
    PGresult *result = PQexec(db, sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!ok) {
        const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
        remember(error, result, PQerrorMessage(db));
        if (position != NULL)
            error_prefix(error, "%s:%d", name, line_of(sql, position));
        else
            error_prefix(error, "%s", name);
    }
    PQclear(result);
    return ok;
}

void store_rollback(PGconn *db)
{
    const struct statement rollback = {.sql = "rollback"};
    if (PQtransactionStatus(db) != PQTRANS_ACTIVE) /* otherwise the thread has given up the connection */
        PQclear(statement_run(db, &rollback));
}

const char *store_state(void)
{
    return last_state;
}

const char *store_cell(const PGresult *result, int row, const char *column)
{
    int at = PQfnumber(result, column);
    return at < 0 || PQgetisnull(result, row, at) ? NULL : PQgetvalue(result, row, at);
}

long long store_cell_number(const PGresult *result, int row, const char *column)
{
    const char *text = store_cell(result, row, column);
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

bool store_cell_true(const PGresult *result, int row, const char *column)
{
    const char *text = store_cell(result, row, column);
    return text != NULL && *text == 't';
}

struct text store_cell_bytes(const PGresult *result, int row, const char *column)
{
    size_t size = 0;
    const char *text = store_cell(result, row, column);
    unsigned char *bytes = text == NULL ? NULL : PQunescapeBytea((const unsigned char *)text, &size);
    return (struct text){(char *)bytes, size};
}
