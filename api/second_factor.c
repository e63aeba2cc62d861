#include "second_factor.h"

#include <curl/curl.h>
#include <openssl/rand.h>
#include <string.h>

#include "auth/totp.h"
#include "body.h"
#include "cookie.h"
#include "session.h"
#include "store/sealed.h"
#include "user.h"

#define RECOVERY_CODES 10
#define RECOVERY_BYTES 10
#define RECOVERY_SIZE 20 /* xxxx-xxxx-xxxx-xxxx and the NUL */
#define GIVEN_MAX 60

/* In the caller's transaction: marks the session as verified and gives it another cookie. `how` is for the audit. */
static bool become_verified(struct request *request, const struct user *user, const char *how, struct cookie *cookie)
{
    struct caller *caller = &request->caller;
    struct error error;
    if (!cookie_new(request, cookie))
        return false;
    caller->verified = true;
    bool ok =
        store_run(request->db, "select posthorn.console_verified($1, $2, $3)",
                  VALUES(store_text(caller->session.text), store_text(user->uuid.text),
                         store_bytes((struct text){(char *)cookie->hash, sizeof cookie->hash})),
                  &error) &&
        store_run(request->db,
                  "select posthorn.remember_act('console_session', $1, 'verify', jsonb_build_object('by', $2::text))",
                  VALUES(store_text(caller->session.text), store_text(how)), &error);
    return ok || fail_database(request, &error);
}

/* Recovery codes -------------------------------------------------------------------------------------------------- */

/* Hashes the code without what users may type differently: case, spaces, hyphens. */
static bool hash_recovery(const char *given, unsigned char hash[static APIKEY_HASH_SIZE])
{
    char plain[GIVEN_MAX + 1];
    size_t size = 0;
    for (; *given != '\0' && size < GIVEN_MAX; given++)
        if (*given != '-' && *given != ' ')
            plain[size++] = (char)(*given >= 'A' && *given <= 'Z' ? *given - 'A' + 'a' : *given);
    bool ok = apikey_hash((struct text){plain, size}, hash);
    explicit_bzero(plain, sizeof plain);
    return ok;
}

/* In Crockford's alphabet, which has no letters that look like digits. */
static bool new_recovery(char code[static RECOVERY_SIZE])
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char random[RECOVERY_BYTES];
    size_t at = 0;
    if (RAND_bytes(random, sizeof random) != 1)
        return false;
    for (size_t bit = 0; bit < 8 * RECOVERY_BYTES; bit += 5) {
        unsigned two = (unsigned)random[bit / 8] << 8 | (bit / 8 + 1 < RECOVERY_BYTES ? random[bit / 8 + 1] : 0u);
        if (bit > 0 && bit % 20 == 0)
            code[at++] = '-';
        code[at++] = alphabet[two >> (11 - bit % 8) & 31];
    }
    code[at] = '\0';
    explicit_bzero(random, sizeof random);
    return true;
}

static bool make_recoveries(struct request *request, json_t *list)
{
    struct error error;
    unsigned char hash[APIKEY_HASH_SIZE];
    char code[RECOVERY_SIZE];
    for (int i = 0; i < RECOVERY_CODES; i++) {
        if (!new_recovery(code) || !hash_recovery(code, hash))
            return fail(request, PROBLEM_INTERNAL, "OpenSSL has no random bytes");
        json_array_append_new(list, json_string(code));
        if (!store_run(
                request->db, "insert into posthorn.recovery_code (user_id, hash) values ($1, $2)",
                VALUES(store_number(request->caller.user_id), store_bytes((struct text){(char *)hash, sizeof hash})),
                &error))
            return fail_database(request, &error);
    }
    explicit_bzero(code, sizeof code);
    return true;
}

static bool take_recovery(struct request *request, const char *given)
{
    struct error error;
    unsigned char hash[APIKEY_HASH_SIZE];
    if (!hash_recovery(given, hash))
        return fail(request, PROBLEM_INTERNAL, "OpenSSL cannot hash");
    PGresult *row = store_query(
        request->db,
        "update posthorn.recovery_code set used_at = now() where user_id = $1 and hash = $2 and used_at is null "
        "returning 1",
        VALUES(store_number(request->caller.user_id), store_bytes((struct text){(char *)hash, sizeof hash})), &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool good = PQntuples(row) == 1;
    PQclear(row);
    return good || fail(request, PROBLEM_WRONG_CODE, "recovery_code is wrong, or was used already");
}

/* POST /v1/console/session/verify --------------------------------------------------------------------------------- */

static bool verify(struct request *request, const struct user *user, const char *otp, const char *recovery)
{
    struct cookie cookie;
    json_t *json;
    if (user->totp.size == 0)
        return fail(request, PROBLEM_CONFLICT, "no second factor is set up yet: POST /v1/console/second-factor");
    if (!(otp != NULL ? user_take_code(request, user, otp) : user_count_guess(request, user)) ||
        !request_begin(request) || (recovery != NULL && !take_recovery(request, recovery)) ||
        !become_verified(request, user, otp != NULL ? "otp" : "recovery code", &cookie) ||
        (json = session_json(request)) == NULL || !answer_json(request, 200, json) || !request_commit(request))
        return false;
    cookie_set(request, &cookie);
    return true;
}

bool second_factor_verify(struct request *request)
{
    static const char *const names[] = {"otp", "recovery_code", NULL};
    const char *otp = NULL, *recovery = NULL;
    struct user user;
    if (!body_only(request, names) || !body_text(request, "otp", false, CODE_MAX, &otp) ||
        !body_text(request, "recovery_code", false, GIVEN_MAX, &recovery))
        return false;
    if ((otp == NULL) == (recovery == NULL))
        return fail_at(request, "", "send either otp or recovery_code");
    user_init(&user);
    bool ok = user_load(request, &user) && verify(request, &user, otp, recovery);
    user_fini(&user);
    return ok;
}

/* POST /v1/console/second-factor, …/confirm ----------------------------------------------------------------------- */

static bool check_none(struct request *request, const struct user *user)
{
    return user->totp.size == 0 ||
           fail(request, PROBLEM_CONFLICT,
                "a second factor is set up already; posthorn-admin user reset-second-factor removes it");
}

/* Seals the secret for the user's own column, so that confirming it only copies it. */
static bool keep_pending(struct request *request, const struct user *user, struct text secret)
{
    char place[SEALED_PLACE_SIZE];
    struct error error;
    struct buffer sealed;
    buffer_init(&sealed, TOTP_SECRET_SIZE + SECRET_OVERHEAD);
    bool ok =
        secret_seal(request->slot->master, sealed_place("api_user.totp_secret", user->uuid.text, place), secret,
                    &sealed, &error)
            ? store_run(request->db, "update posthorn.console_session set totp_pending = $2 where uuid = $1",
                        VALUES(store_text(request->caller.session.text), store_bytes(buffer_text(&sealed))), &error) ||
                  fail_database(request, &error)
            : fail(request, PROBLEM_INTERNAL, "%s", error.text);
    buffer_fini(&sealed);
    return ok;
}

/* otpauth://totp/Posthorn:me%40example.com?…: the form that authenticator apps read from a QR code. */
static bool answer_secret(struct request *request, const char *email, const char *base32)
{
    char uri[1200];
    char *name = curl_easy_escape(NULL, email, 0);
    snprintf(uri, sizeof uri, "otpauth://totp/Posthorn:%s?secret=%s&issuer=Posthorn&algorithm=SHA1&digits=6&period=30",
             name != NULL ? name : "", base32);
    curl_free(name);
    bool ok = answer_json(request, 200, json_pack("{s:s, s:s}", "secret", base32, "uri", uri));
    explicit_bzero(uri, sizeof uri);
    return ok;
}

bool second_factor_enrol(struct request *request)
{
    struct user user;
    struct error error;
    unsigned char secret[TOTP_SECRET_SIZE];
    char base32[TOTP_BASE32_SIZE];
    user_init(&user);
    bool ok = user_load(request, &user) && check_none(request, &user);
    if (ok && !totp_new(secret, base32, &error))
        ok = fail(request, PROBLEM_INTERNAL, "%s", error.text);
    ok = ok && keep_pending(request, &user, (struct text){(char *)secret, sizeof secret}) &&
         answer_secret(request, user.email, base32);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(base32, sizeof base32);
    user_fini(&user);
    return ok;
}

/* Opens the secret that this session is setting up into user->totp. */
static bool open_pending(struct request *request, struct user *user)
{
    char place[SEALED_PLACE_SIZE];
    struct error error;
    PGresult *row = store_query(request->db, "select totp_pending from posthorn.console_session where uuid = $1",
                                VALUES(store_text(request->caller.session.text)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    struct text sealed = PQntuples(row) == 1 ? store_cell_bytes(row, 0, "totp_pending") : (struct text){0};
    PQclear(row);
    if (sealed.data == NULL)
        return fail(request, PROBLEM_CONFLICT, "there is nothing to confirm: POST /v1/console/second-factor first");
    bool ok = secret_open(request->slot->master, sealed_place("api_user.totp_secret", user->uuid.text, place), sealed,
                          &user->totp, &error) ||
              fail(request, PROBLEM_INTERNAL, "%s", error.text);
    PQfreemem((void *)sealed.data);
    return ok;
}

/* In the caller's transaction. Of two simultaneous requests, only the first succeeds. */
static bool enrol(struct request *request, long long step)
{
    struct error error;
    PGresult *row = store_query(
        request->db,
        "update posthorn.api_user u set totp_secret = s.totp_pending, totp_step = $2, second_factor_at = now() from "
        "posthorn.console_session s where s.uuid = $1 and u.id = s.user_id and u.totp_secret is null and "
        "s.totp_pending "
        "is not null returning 1",
        VALUES(store_text(request->caller.session.text), store_number(step)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    bool first = PQntuples(row) == 1;
    PQclear(row);
    return first || fail(request, PROBLEM_CONFLICT, "a second factor is set up already");
}

static bool confirm(struct request *request, struct user *user, const char *otp)
{
    int64_t step;
    struct cookie cookie;
    json_t *codes, *session;
    if (!check_none(request, user) || !open_pending(request, user) || !user_count_guess(request, user))
        return false;
    if (!totp_matches(buffer_text(&user->totp), otp, wall_now().us / 1000000, &step))
        return fail(request, PROBLEM_WRONG_CODE, "otp is wrong; check the clock of the authenticator");
    if (!request_begin(request) || !enrol(request, step))
        return false;
    codes = json_array();
    bool ok = make_recoveries(request, codes) && become_verified(request, user, "enrolment", &cookie) &&
              (session = session_json(request)) != NULL &&
              answer_json(request, 200, json_pack("{s:O, s:o}", "recovery_codes", codes, "session", session)) &&
              request_commit(request);
    json_decref(codes);
    if (ok)
        cookie_set(request, &cookie);
    return ok;
}

bool second_factor_confirm(struct request *request)
{
    static const char *const names[] = {"otp", NULL};
    const char *otp = NULL;
    struct user user;
    if (!body_only(request, names) || !body_text(request, "otp", true, CODE_MAX, &otp))
        return false;
    user_init(&user);
    bool ok = user_load(request, &user) && confirm(request, &user, otp);
    user_fini(&user);
    return ok;
}
