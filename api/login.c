#include "login.h"

#include <stdlib.h>

#include "base/log.h"
#include "body.h"
#include "token.h"
#include "user.h"

/* A session token is not issued without the second factor if one is required. */
static bool check_code(struct request *request, const char *code, const struct user *user)
{
    if (!user->needs_code)
        return true;
    if (user->totp.size == 0)
        return fail(request, PROBLEM_SECOND_FACTOR,
                    "a second factor must be set up for this user first: sign in to the console");
    if (code == NULL)
        return fail(request, PROBLEM_SECOND_FACTOR, "send otp: the six digits that the authenticator shows");
    return user_take_code(request, user, code);
}

/* Responds with the tokens of a session. The refresh token is new and is recorded in the caller's transaction. */
static bool answer_tokens(struct request *request, const struct uuid *session)
{
    const struct settings *settings = request->api->settings;
    struct token token = {.session = *session};
    struct error error;
    if (!uuid_new(&token.refresh, &error) ||
        !store_run(request->db, "insert into posthorn.api_refresh (uuid, session) values ($1, $2)",
                   VALUES(store_text(token.refresh.text), store_text(session->text)), &error))
        return fail_database(request, &error);
    char *access = token_write(request, TOKEN_ACCESS, &token, span_ms(settings->token_time) / 1000);
    char *refresh =
        access == NULL ? NULL : token_write(request, TOKEN_REFRESH, &token, span_ms(settings->session_time) / 1000);
    bool ok = refresh != NULL &&
              answer_json(request, 201, json_pack("{s:s, s:s}", "token", access, "refresh_token", refresh));
    free(access);
    free(refresh);
    return ok;
}

static bool begin_session(struct request *request, const struct user *user)
{
    struct uuid session;
    struct error error;
    if (!request_take_database(request) || !request_begin(request))
        return false;
    if (!uuid_new(&session, &error) ||
        !store_run(request->db, "select posthorn.api_login_succeeded($1, $2)",
                   VALUES(store_text(user->email), store_text(request->address)), &error) ||
        !store_run(request->db, "select posthorn.api_session_begin($1, $2, $3, $4)",
                   VALUES(store_number(user->id), store_text(session.text), store_text(request->address),
                          store_number(span_ms(request->api->settings->session_time) / 1000)),
                   &error))
        return fail_database(request, &error);
    return answer_tokens(request, &session) && request_commit(request);
}

bool login_create(struct request *request)
{
    const char *email = NULL, *password = NULL, *code = NULL;
    struct user user;
    static const char *const names[] = {"email", "password", "otp", NULL};
    if (!body_only(request, names) || !body_text(request, "email", true, EMAIL_MAX, &email) ||
        !body_text(request, "password", true, PASSWORD_MAX, &password) ||
        !body_text(request, "otp", false, CODE_MAX, &code))
        return false;
    user_init(&user);
    bool ok = user_log_in(request, email, password, &user) && check_code(request, code, &user) &&
              begin_session(request, &user);
    log_info("login", "ok=%d status=%u address=%s", ok, request->status, request->address);
    user_fini(&user);
    return ok;
}

bool login_refresh(struct request *request)
{
    const char *text = NULL;
    struct token token;
    struct error error;
    static const char *const names[] = {"refresh_token", NULL};
    if (!body_only(request, names) || !body_text(request, "refresh_token", true, 4096, &text) ||
        !request_take_database(request))
        return false;
    if (!token_read(request, text, TOKEN_REFRESH, &token))
        return request->status == 0 && fail(request, PROBLEM_UNAUTHENTICATED,
                                            "the refresh token is not valid, or no longer valid; log in again");
    if (!request_begin(request))
        return false;
    PGresult *row = store_query(request->db, "select session, stolen from posthorn.api_refresh_use($1, $2)",
                                VALUES(store_text(token.refresh.text), store_text(token.session.text)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool stolen = store_cell_true(row, 0, "stolen"), good = store_cell(row, 0, "session") != NULL;
    PQclear(row);
    if (stolen) {
        log_warning("refresh_token_reused", "session=%s address=%s", token.session.text, request->address);
        if (!request_commit(request)) /* the session ends, whatever the response is */
            return false;
    }
    if (!good)
        return fail(request, PROBLEM_UNAUTHENTICATED, "%s; log in again",
                    stolen ? "the refresh token was already used, so the session was ended" : "the session has ended");
    return answer_tokens(request, &token.session) && request_commit(request);
}

bool login_end(struct request *request)
{
    struct error error;
    if (request->caller.console)
        return fail(request, PROBLEM_CONFLICT, "DELETE /v1/console/session ends a session of the console");
    if (request->caller.user_id == 0)
        return fail(request, PROBLEM_CONFLICT, "this is an API key, not a session; posthorn-admin key revoke ends it");
    if (!store_run(request->db,
                   "update posthorn.api_session set ended_at = now(), end_reason = 'logged out' where uuid = $1",
                   VALUES(store_text(request->caller.session.text)), &error))
        return fail_database(request, &error);
    return answer_nothing(request);
}
