#include "user.h"

#include <ctype.h>

#include "auth/totp.h"
#include "shares.h"
#include "store/sealed.h"

#define WAIT SPAN_S(5) /* until a password may be checked */

void user_init(struct user *user)
{
    *user = (struct user){0};
    buffer_init(&user->totp, 256);
}

void user_fini(struct user *user)
{
    secret_wipe(&user->totp);
    buffer_fini(&user->totp);
}

static bool read_user(struct request *request, const PGresult *row, struct user *user, struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    user->found = PQntuples(row) == 1 && uuid_parse(store_cell(row, 0, "uuid"), &user->uuid);
    if (!user->found)
        return true;
    user->id = (int)store_cell_number(row, 0, "id");
    user->needs_code = store_cell_true(row, 0, "needs_code");
    snprintf(user->hash, sizeof user->hash, "%s", store_cell(row, 0, "password_hash"));
    snprintf(user->email, sizeof user->email, "%s", store_cell(row, 0, "email"));
    snprintf(request->caller.actor, sizeof request->caller.actor, "user:%s", user->email);
    struct text sealed = store_cell_bytes(row, 0, "totp_secret");
    if (sealed.data == NULL)
        return true;
    bool ok = secret_open(request->slot->master, sealed_place("api_user.totp_secret", user->uuid.text, place), sealed,
                          &user->totp, error);
    PQfreemem((void *)sealed.data);
    return ok;
}

/* Finds the user by e-mail address, or by id. */
static bool find_user(struct request *request, const char *email, int id, struct user *user)
{
    struct error error;
    PGresult *row = store_query(
        request->db,
        "select u.id, u.uuid, u.email, u.password_hash, u.totp_secret, (a.dialect = 'merchant' or u.totp_secret is not "
        "null) as needs_code from posthorn.api_user u join posthorn.account a on a.id = u.account_id "
        "where (u.email = $1 or u.id = $2) and u.status = 'active' and a.status = 'active'",
        VALUES(store_text(email), store_number(id)), &error);
    bool ok = row != NULL && read_user(request, row, user, &error);
    PQclear(row);
    return ok || fail_database(request, &error);
}

bool user_may_try(struct request *request, PGresult *wait, const char *what)
{
    long long seconds = store_cell_number(wait, 0, "seconds");
    PQclear(wait);
    if (seconds == 0)
        return true;
    answer_header(request, "Retry-After", "%lld", seconds);
    return fail(request, PROBLEM_TOO_MANY, "too many %s; try again in %lld s", what, seconds);
}

static bool count_attempt(struct request *request, const char *email)
{
    struct error error;
    PGresult *wait = store_query(request->db, "select posthorn.api_login_attempt($1, $2) as seconds",
                                 VALUES(store_text(email), store_text(request->address)), &error);
    return wait == NULL ? fail_database(request, &error) : user_may_try(request, wait, "attempts to log in");
}

static bool check_password(struct request *request, struct text password, const struct user *user)
{
    struct shares *logins = request->api->logins;
    uint64_t holder = address_holder(&request->from);
    request_give_database(request); /* other requests may use it meanwhile */
    if (!shares_wait(logins, holder, 1, mono_add(mono_now(), WAIT)))
        return fail(request, PROBLEM_UNAVAILABLE, "too many logins at once; try again");
    bool right = password_matches(password, user->found ? user->hash : NULL);
    shares_give(logins, holder, 1);
    return right || fail(request, PROBLEM_UNAUTHENTICATED, "the e-mail address or the password is wrong");
}

bool user_log_in(struct request *request, const char *email, const char *password, struct user *user)
{
    char lower[EMAIL_MAX + 1] = "";
    for (size_t i = 0; i < EMAIL_MAX && email[i] != '\0'; i++)
        lower[i] = (char)tolower((unsigned char)email[i]);
    return request_take_database(request) && count_attempt(request, lower) && find_user(request, lower, 0, user) &&
           check_password(request, text_of(password), user);
}

bool user_load(struct request *request, struct user *user)
{
    return find_user(request, NULL, request->caller.user_id, user) &&
           (user->found || fail(request, PROBLEM_UNAUTHENTICATED, "the user no longer exists"));
}

bool user_count_guess(struct request *request, const struct user *user)
{
    struct error error;
    if (!request_take_database(request))
        return false;
    PGresult *wait = store_query(request->db, "select posthorn.console_guess($1) as seconds",
                                 VALUES(store_text(user->uuid.text)), &error);
    return wait == NULL ? fail_database(request, &error) : user_may_try(request, wait, "wrong codes");
}

bool user_take_code(struct request *request, const struct user *user, const char *code)
{
    struct error error;
    int64_t step = 0;
    if (!user_count_guess(request, user))
        return false;
    if (!totp_matches(buffer_text(&user->totp), code, wall_now().us / 1000000, &step))
        return fail(request, PROBLEM_WRONG_CODE, "otp is wrong");
    PGresult *row = store_query(
        request->db,
        "with taken as (update posthorn.api_user set totp_step = $2 where id = $1 and totp_step < $2 returning uuid), "
        "forgotten as (delete from posthorn.api_login using taken where subject = 'code:' || taken.uuid) "
        "select from taken",
        VALUES(store_number(user->id), store_number(step)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool fresh = PQntuples(row) == 1;
    PQclear(row);
    return fresh || fail(request, PROBLEM_WRONG_CODE, "otp was already used; wait for the next one");
}
