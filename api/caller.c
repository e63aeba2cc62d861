#include "caller.h"

#include <string.h>
#include <strings.h>

#include "auth/apikey.h"
#include "cookie.h"
#include "token.h"

/* Returns NULL after a refusal. */
static const char *read_credential(struct request *request)
{
    const char *header = request_header(request, "Authorization");
    if (header == NULL)
        fail(request, PROBLEM_UNAUTHENTICATED, "send Authorization: Bearer and an API key or a session token");
    else if (strncasecmp(header, "Bearer ", 7) != 0 || header[7 + strspn(header + 7, " ")] == '\0')
        fail(request, PROBLEM_UNAUTHENTICATED, "Authorization must be Bearer and an API key or a session token");
    else
        return header + 7 + strspn(header + 7, " ");
    return NULL;
}

/* Returns the caller's row. If the connection broke while it was unused, runs the query again. */
static PGresult *ask(struct request *request, const char *sql, const struct store_value *values, size_t count,
                     struct error *error)
{
    PGresult *row = store_query(request->db, sql, values, count, error);
    if (row != NULL || PQstatus(request->db) == CONNECTION_OK)
        return row;
    if (!pool_renew(request->api->pool, request->slot, error)) {
        request->db = NULL;
        return NULL;
    }
    request->db = request->slot->db;
    return store_query(request->db, sql, values, count, error);
}

static void copy(char *to, size_t size, const PGresult *row, const char *column)
{
    const char *text = store_cell(row, 0, column);
    snprintf(to, size, "%s", text != NULL ? text : "");
}

static bool take_row(struct request *request, const PGresult *row)
{
    struct caller *caller = &request->caller;
    struct error error;
    caller->account_id = (int)store_cell_number(row, 0, "account_id");
    caller->user_id = (int)store_cell_number(row, 0, "user_id");
    caller->account_dialect = dialect_of(store_cell(row, 0, "dialect"));
    caller->dialect = caller->console ? DIALECT_MERCHANT : caller->account_dialect;
    copy(caller->account, sizeof caller->account, row, "account");
    copy(caller->actor, sizeof caller->actor, row, "actor");
    if (caller->account_dialect == DIALECT_COUNT ||
        !uuid_parse(store_cell(row, 0, "account_uuid"), &caller->account_uuid) ||
        !uuid_parse(store_cell(row, 0, "credential"), &caller->credential) ||
        !scope_parse(store_cell(row, 0, "scopes"), &caller->scopes, &error))
        return fail(request, PROBLEM_INTERNAL, "the credential's row is not what this program knows");
    long long limit = request->api->settings->rate_limit, left = store_cell_number(row, 0, "remaining"),
              reset = store_cell_number(row, 0, "reset");
    answer_header(request, "RateLimit-Limit", "%lld", limit);
    answer_header(request, "RateLimit-Remaining", "%lld", left > 0 ? left : 0);
    answer_header(request, "RateLimit-Reset", "%lld", reset);
    if (left >= 0)
        return true;
    answer_header(request, "Retry-After", "%lld", reset > 0 ? reset : 1);
    return fail(request, PROBLEM_TOO_MANY, "this credential may make %lld requests per minute; try again in %lld s",
                limit, reset);
}

static bool enter_by_header(struct request *request)
{
    static const char sql[] = "select * from posthorn.api_enter($1, $2, $3, $4)";
    unsigned char hash[APIKEY_HASH_SIZE];
    const char *credential = read_credential(request);
    struct token token = {0};
    struct error error;
    if (credential == NULL || !request_take_database(request))
        return false;
    bool session = token_is_one(credential);
    if (session) {
        if (!token_read(request, credential, TOKEN_ACCESS, &token))
            return request->status != 0
                       ? false
                       : fail(request, PROBLEM_UNAUTHENTICATED, "the session token is not valid, or has expired");
        request->caller.session = token.session;
    } else if (!apikey_hash(text_of(credential), hash)) {
        return fail(request, PROBLEM_INTERNAL, "OpenSSL cannot hash");
    }
    struct text key = session ? (struct text){0} : (struct text){(char *)hash, sizeof hash};
    PGresult *row = ask(request, sql,
                        VALUES(store_bytes(key), store_text(session ? token.session.text : NULL),
                               store_number(request->api->settings->rate_limit), store_number(request->cost)),
                        &error);
    bool ok = row != NULL ? PQntuples(row) == 1 ||
                                fail(request, PROBLEM_UNAUTHENTICATED, "the %s is not valid, or no longer valid",
                                     session ? "session" : "API key")
                          : fail_database(request, &error);
    ok = ok && take_row(request, row);
    PQclear(row);
    return ok;
}

static bool take_session(struct request *request, const PGresult *row, const struct cookie *cookie)
{
    struct caller *caller = &request->caller;
    caller->console = true;
    caller->verified = store_cell_true(row, 0, "verified");
    snprintf(caller->csrf, sizeof caller->csrf, "%s", cookie->csrf);
    return (uuid_parse(store_cell(row, 0, "session"), &caller->session) ||
            fail(request, PROBLEM_INTERNAL, "the session's row is not what this program knows")) &&
           take_row(request, row);
}

bool caller_enter_console(struct request *request, bool *found)
{
    static const char sql[] = "select * from posthorn.console_enter($1, $2, $3, $4)";
    const struct settings *settings = request->api->settings;
    struct cookie cookie;
    struct error error;
    *found = false;
    if (!cookie_read(request, &cookie))
        return true;
    if (!cookie_check_origin(request) || !request_take_database(request))
        return false;
    PGresult *row = ask(request, sql,
                        VALUES(store_bytes((struct text){(char *)cookie.hash, sizeof cookie.hash}),
                               store_number(span_ms(settings->console_idle_time) / 1000),
                               store_number(settings->rate_limit), store_number(request->cost)),
                        &error);
    if (row == NULL)
        return fail_database(request, &error);
    *found = PQntuples(row) == 1;
    bool ok = !*found || (cookie_check_csrf(request, &cookie) && take_session(request, row, &cookie));
    PQclear(row);
    explicit_bzero(&cookie, sizeof cookie);
    return ok;
}

static bool enter(struct request *request)
{
    bool found;
    if (request_header(request, "Authorization") != NULL ||
        MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, COOKIE_NAME) == NULL)
        return enter_by_header(request);
    return caller_enter_console(request, &found) &&
           (found || fail(request, PROBLEM_UNAUTHENTICATED, "the session has ended; sign in again"));
}

bool caller_enter(struct request *request)
{
    return enter(request) && request_move_database(request);
}
