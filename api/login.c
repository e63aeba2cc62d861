#include "login.h"

#include <ctype.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/password.h"
#include "auth/totp.h"
#include "base/log.h"
#include "body.h"
#include "token.h"

#define EMAIL_MAX 254
#define WAIT_S 5 /* for one of the places where passwords are looked at */

struct logins {
    sem_t places;
};

struct logins *logins_new(int most, struct error *error)
{
    struct logins *logins = calloc(1, sizeof *logins);
    if (logins == NULL)
        error_set(error, "no memory");
    else
        sem_init(&logins->places, 0, (unsigned)most);
    return logins;
}

void logins_free(struct logins **logins)
{
    if (*logins == NULL)
        return;
    sem_destroy(&(*logins)->places);
    free(*logins);
    *logins = NULL;
}

struct user {
    int id;
    struct uuid uuid;
    bool found, needs_code;
    char hash[PASSWORD_HASH_SIZE];
    struct buffer totp; /* opened; empty: no second factor set up */
    long long totp_step;
};

static bool read_user(struct request *request, const PGresult *row, struct user *user, struct error *error)
{
    char place[64];
    user->found = PQntuples(row) == 1 && uuid_parse(store_cell(row, 0, "uuid"), &user->uuid);
    if (!user->found)
        return true;
    user->id = (int)store_cell_number(row, 0, "id");
    user->totp_step = store_cell_number(row, 0, "totp_step");
    user->needs_code = store_cell_true(row, 0, "needs_code");
    snprintf(user->hash, sizeof user->hash, "%s", store_cell(row, 0, "password_hash"));
    snprintf(request->caller.actor, sizeof request->caller.actor, "user:%s", store_cell(row, 0, "email"));
    struct text sealed = store_cell_bytes(row, 0, "totp_secret");
    if (sealed.data == NULL)
        return true;
    snprintf(place, sizeof place, "api_user.totp_secret:%s", user->uuid.text);
    bool ok = secret_open(request->slot->master, text_of(place), sealed, &user->totp, error);
    PQfreemem((void *)sealed.data);
    return ok;
}

/* Count the attempt, then look the user up. */
static bool find_user(struct request *request, const char *email, struct user *user)
{
    struct error error;
    if (!request_take_database(request))
        return false;
    PGresult *wait = store_query(request->db, "select posthorn.api_login_attempt($1, $2) as seconds",
                                 VALUES(store_text(email), store_text(request->address)), &error);
    PGresult *row = wait == NULL ? NULL
                                 : store_query(request->db,
                                               "select u.id, u.uuid, u.email, u.password_hash, u.totp_secret, "
                                               "u.totp_step, (a.dialect = 'merchant' or u.totp_secret is not null) as "
                                               "needs_code from posthorn.api_user u join posthorn.account a "
                                               "on a.id = u.account_id where u.email = $1 and u.status = 'active' and "
                                               "a.status = 'active'",
                                               VALUES(store_text(email)), &error);
    long long seconds = wait == NULL ? 0 : store_cell_number(wait, 0, "seconds");
    bool ok = row != NULL && read_user(request, row, user, &error);
    PQclear(wait);
    PQclear(row);
    if (!ok)
        return fail_database(request, &error);
    if (seconds == 0)
        return true;
    answer_header(request, "Retry-After", "%lld", seconds);
    return fail(request, PROBLEM_TOO_MANY, "too many attempts to log in; try again in %lld s", seconds);
}

static bool check_password(struct request *request, struct text password, const struct user *user)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    request_give_database(request); /* others may use it meanwhile */
    if (sem_timedwait(&request->api->logins->places, &until) != 0)
        return fail(request, PROBLEM_UNAVAILABLE, "too many people log in just now; try again");
    bool right = password_matches(password, user->found ? user->hash : NULL);
    sem_post(&request->api->logins->places);
    return right || fail(request, PROBLEM_UNAUTHENTICATED, "the e-mail address or the password is wrong");
}

/* A session token is never had without the second factor where one is due. */
static bool check_code(struct request *request, const char *code, const struct user *user)
{
    struct error error;
    int64_t step = 0;
    if (!user->needs_code)
        return true;
    if (user->totp.size == 0)
        return fail(request, PROBLEM_SECOND_FACTOR, "a second factor must be set up for this user first");
    if (code == NULL)
        return fail(request, PROBLEM_SECOND_FACTOR, "send otp: the six digits that the authenticator shows");
    if (!totp_matches(buffer_text(&user->totp), code, wall_now().us / 1000000, &step))
        return fail(request, PROBLEM_UNAUTHENTICATED, "otp is wrong");
    if (!request_take_database(request))
        return false;
    PGresult *row = store_query(
        request->db, "update posthorn.api_user set totp_step = $2 where id = $1 and totp_step < $2 returning 1",
        VALUES(store_number(user->id), store_number(step)), &error);
    bool fresh = row != NULL && PQntuples(row) == 1;
    bool ok =
        fresh || (row == NULL ? fail_database(request, &error)
                              : fail(request, PROBLEM_UNAUTHENTICATED, "otp was used already; wait for the next"));
    PQclear(row);
    return ok;
}

/* The pair of tokens, for a session; the refresh token is new, and written down within the caller's transaction. */
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

static bool begin_session(struct request *request, const char *email, const struct user *user)
{
    struct uuid session;
    struct error error;
    if (!request_take_database(request) || !request_begin(request))
        return false;
    if (!uuid_new(&session, &error) ||
        !store_run(request->db, "select posthorn.api_login_succeeded($1, $2)",
                   VALUES(store_text(email), store_text(request->address)), &error) ||
        !store_run(request->db,
                   "insert into posthorn.api_session (uuid, user_id, address, expires_at) values ($1, $2, $3, now() + "
                   "make_interval(secs => $4))",
                   VALUES(store_text(session.text), store_number(user->id), store_text(request->address),
                          store_number(span_ms(request->api->settings->session_time) / 1000)),
                   &error))
        return fail_database(request, &error);
    return answer_tokens(request, &session) && request_commit(request);
}

bool login_create(struct request *request)
{
    const char *given = NULL, *password = NULL, *code = NULL;
    char email[EMAIL_MAX + 1];
    struct user user = {0};
    static const char *const names[] = {"email", "password", "otp", NULL};
    if (!body_only(request, names) || !body_text(request, "email", true, EMAIL_MAX, &given) ||
        !body_text(request, "password", true, PASSWORD_MAX, &password) || !body_text(request, "otp", false, 16, &code))
        return false;
    for (size_t i = 0; i <= strlen(given); i++)
        email[i] = (char)tolower((unsigned char)given[i]);
    buffer_init(&user.totp, 256);
    bool ok = find_user(request, email, &user) && check_password(request, text_of(password), &user) &&
              check_code(request, code, &user) && begin_session(request, email, &user);
    log_info("login", "ok=%d status=%u address=%s", ok, request->status, request->address);
    secret_wipe(&user.totp);
    buffer_fini(&user.totp);
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
        return request->status == 0 &&
               fail(request, PROBLEM_UNAUTHENTICATED, "the refresh token is not good, or not any more; log in again");
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
        if (!request_commit(request)) /* the session is over, whatever the answer */
            return false;
    }
    if (!good)
        return fail(request, PROBLEM_UNAUTHENTICATED, "%s; log in again",
                    stolen ? "the refresh token was used before, so that the session is ended" : "the session is over");
    return answer_tokens(request, &token.session) && request_commit(request);
}

bool login_end(struct request *request)
{
    struct error error;
    if (request->caller.user_id == 0)
        return fail(request, PROBLEM_CONFLICT, "this is an API key, not a session; posthorn-admin key revoke ends it");
    if (!store_run(request->db,
                   "update posthorn.api_session set ended_at = now(), end_reason = 'logged out' where uuid = $1",
                   VALUES(store_text(request->caller.session.text)), &error))
        return fail_database(request, &error);
    return answer_nothing(request);
}
