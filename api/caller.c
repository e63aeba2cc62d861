#include "caller.h"

#include <string.h>
#include <strings.h>

#include "auth/apikey.h"
#include "token.h"

static bool read_credential(struct request *request, const char **credential)
{
    const char *header = request_header(request, "Authorization");
    if (header == NULL)
        return fail(request, PROBLEM_UNAUTHENTICATED, "send Authorization: Bearer and an API key or a session token");
    if (strncasecmp(header, "Bearer ", 7) != 0 || header[7 + strspn(header + 7, " ")] == '\0')
        return fail(request, PROBLEM_UNAUTHENTICATED, "Authorization must be Bearer and an API key or a session token");
    *credential = header + 7 + strspn(header + 7, " ");
    return true;
}

/* The row of posthorn.api_enter(). The connection may have died while nobody used it: then once more. */
static PGresult *ask(struct request *request, const struct store_value *hash, const char *session, struct error *error)
{
    static const char sql[] = "select * from posthorn.api_enter($1, $2, $3)";
    long long limit = request->api->settings->rate_limit;
    PGresult *row = store_query(request->db, sql, VALUES(*hash, store_text(session), store_number(limit)), error);
    if (row != NULL || PQstatus(request->db) == CONNECTION_OK)
        return row;
    if (!pool_renew(request->api->pool, request->slot, error)) {
        request->db = NULL;
        return NULL;
    }
    request->db = request->slot->db;
    return store_query(request->db, sql, VALUES(*hash, store_text(session), store_number(limit)), error);
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
    caller->dialect = dialect_of(store_cell(row, 0, "dialect"));
    copy(caller->account, sizeof caller->account, row, "account");
    copy(caller->actor, sizeof caller->actor, row, "actor");
    if (caller->dialect == DIALECT_COUNT || !uuid_parse(store_cell(row, 0, "account_uuid"), &caller->account_uuid) ||
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
    return fail(request, PROBLEM_TOO_MANY, "this credential may make %lld requests a minute; go on in %lld s", limit,
                reset);
}

bool caller_enter(struct request *request)
{
    unsigned char hash[APIKEY_HASH_SIZE];
    const char *credential = NULL;
    struct token token = {0};
    struct error error;
    if (!read_credential(request, &credential) || !request_take_database(request))
        return false;
    bool session = token_is_one(credential);
    if (session) {
        if (!token_read(request, credential, TOKEN_ACCESS, &token))
            return request->status != 0
                       ? false
                       : fail(request, PROBLEM_UNAUTHENTICATED, "the session token is not good, or not any more");
        request->caller.session = token.session;
    } else if (!apikey_hash(text_of(credential), hash)) {
        return fail(request, PROBLEM_INTERNAL, "OpenSSL cannot hash");
    }
    struct store_value value = store_bytes(session ? (struct text){0} : (struct text){(char *)hash, sizeof hash});
    PGresult *row = ask(request, &value, session ? token.session.text : NULL, &error);
    bool ok = row != NULL
                  ? PQntuples(row) == 1 || fail(request, PROBLEM_UNAUTHENTICATED, "the %s is not good, or not any more",
                                                session ? "session" : "API key")
                  : fail_database(request, &error);
    ok = ok && take_row(request, row);
    PQclear(row);
    return ok;
}
