#include "session.h"

#include "base/log.h"
#include "body.h"
#include "caller.h"
#include "cookie.h"
#include "user.h"

json_t *session_json(struct request *request)
{
    const struct caller *caller = &request->caller;
    struct error error;
    PGresult *row = store_query(
        request->db,
        "select u.email, a.key, a.name, a.dialect, u.totp_secret is not null as enrolled, (select count(*) from "
        "posthorn.recovery_code c where c.user_id = u.id and c.used_at is null) as codes from posthorn.api_user u join "
        "posthorn.account a on a.id = u.account_id where u.id = $1",
        VALUES(store_number(caller->user_id)), &error);
    if (row == NULL || PQntuples(row) == 0) {
        (void)(row == NULL ? fail_database(request, &error)
                           : fail(request, PROBLEM_UNAUTHENTICATED, "the user no longer exists"));
        PQclear(row);
        return NULL;
    }
    bool enrolled = store_cell_true(row, 0, "enrolled");
    json_t *json =
        json_pack("{s:b, s:s, s:{s:s, s:s, s:s}, s:s, s:b, s:o, s:s}", "signed_in", 1, "email",
                  store_cell(row, 0, "email"), "account", "key", store_cell(row, 0, "key"), "name",
                  store_cell(row, 0, "name"), "dialect", store_cell(row, 0, "dialect"), "second_factor",
                  enrolled ? "enrolled" : "none", "verified", (int)caller->verified, "recovery_codes_left",
                  enrolled ? json_integer(store_cell_number(row, 0, "codes")) : json_null(), "csrf", caller->csrf);
    PQclear(row);
    if (json == NULL)
        (void)fail(request, PROBLEM_INTERNAL, "no memory");
    return json;
}

static bool answer_session(struct request *request)
{
    json_t *json = session_json(request);
    return json != NULL && answer_json(request, 200, json);
}

bool session_get(struct request *request)
{
    bool found;
    if (!caller_enter_console(request, &found))
        return false;
    return found ? answer_session(request) : answer_json(request, 200, json_pack("{s:b}", "signed_in", 0));
}

/* Always sets a new cookie: one that the browser had before, possibly set by an attacker, is replaced. */
static bool begin(struct request *request, const struct user *user)
{
    struct cookie cookie, old;
    struct error error;
    bool had = cookie_read(request, &old);
    if (!request_take_database(request) || !request_begin(request) || !cookie_new(request, &cookie))
        return false;
    request->caller.user_id = user->id;
    if (!store_run(request->db, "select posthorn.api_login_succeeded($1, $2)",
                   VALUES(store_text(user->email), store_text(request->address)), &error) ||
        !store_run(request->db, "select posthorn.console_begin($1, $2, $3, $4, $5)",
                   VALUES(store_number(user->id), store_bytes((struct text){(char *)cookie.hash, sizeof cookie.hash}),
                          store_bytes(had ? (struct text){(char *)old.hash, sizeof old.hash} : (struct text){0}),
                          store_text(request->address),
                          store_number(span_ms(request->api->settings->console_session_time) / 1000)),
                   &error))
        return fail_database(request, &error);
    if (!answer_session(request) || !request_commit(request))
        return false;
    cookie_set(request, &cookie);
    return true;
}

bool session_begin(struct request *request)
{
    const char *email = NULL, *password = NULL;
    struct user user;
    static const char *const names[] = {"email", "password", NULL};
    if (!cookie_check_origin(request) || !body_only(request, names) ||
        !body_text(request, "email", true, EMAIL_MAX, &email) ||
        !body_text(request, "password", true, PASSWORD_MAX, &password))
        return false;
    user_init(&user);
    bool ok = user_log_in(request, email, password, &user) && begin(request, &user);
    log_info("login", "ok=%d status=%u address=%s console=1", ok, request->status, request->address);
    user_fini(&user);
    return ok;
}

bool session_end(struct request *request)
{
    struct error error;
    if (!store_run(request->db, "delete from posthorn.console_session where uuid = $1",
                   VALUES(store_text(request->caller.session.text)), &error))
        return fail_database(request, &error);
    cookie_clear(request);
    return answer_nothing(request);
}
