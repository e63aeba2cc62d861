/* user: users, who sign in with e-mail address and password, and optionally a second factor. */
#include <ctype.h>
#include <string.h>

#include "auth/password.h"
#include "auth/totp.h"
#include "keep.h"

#define EMAIL_MAX 254
#define SHOWN                                                                                                          \
    "u.email, u.uuid, a.key as account, u.status, u.totp_secret is not null as second_factor, u.created_at from "      \
    "posthorn.api_user u join posthorn.account a on a.id = u.account_id "

#define RESET_SECOND_FACTOR "select posthorn.second_factor_reset(id) from posthorn.api_user where email = $1"

struct user_settings {
    struct globals globals;
    char *account, *password;
    bool totp, if_absent;
    int64_t limit;
};

static bool read_email(const char *given, char email[static EMAIL_MAX + 1], struct error *error)
{
    size_t size = strlen(given);
    const char *at = strchr(given, '@');
    if (size > EMAIL_MAX || at == NULL || at == given || at[1] == '\0' || !text_is_visible_ascii(text_of(given)))
        return error_set(error, "'%.60s' is not an e-mail address of at most %d ASCII characters", given, EMAIL_MAX);
    for (size_t i = 0; i <= size; i++)
        email[i] = (char)tolower((unsigned char)given[i]);
    return true;
}

static bool hash(const struct user_settings *given, char out[static PASSWORD_HASH_SIZE], struct error *error)
{
    struct buffer plain;
    buffer_init(&plain, 2 * SECRET_MAX);
    bool ok = keep_read(given->password, "password", &plain, error) &&
              (password_hash(buffer_text(&plain), out, error) || error_prefix(error, "--password"));
    secret_wipe(&plain);
    buffer_fini(&plain);
    return ok;
}

/* Makes a second factor, sealed; `base32` is for the authenticator app. */
static bool make_totp(struct context *context, const struct uuid *uuid, char base32[static TOTP_BASE32_SIZE],
                      struct buffer *sealed, struct error *error)
{
    unsigned char secret[TOTP_SECRET_SIZE];
    bool ok = totp_new(secret, base32, error) && keep_seal(context, "api_user.totp_secret", uuid,
                                                           (struct text){(char *)secret, sizeof secret}, sealed, error);
    explicit_bzero(secret, sizeof secret);
    return ok;
}

static bool insert(struct context *context, const struct user_settings *given, const char *email,
                   const struct uuid *uuid, const struct buffer *totp, struct error *error)
{
    char hashed[PASSWORD_HASH_SIZE];
    if (!hash(given, hashed, error))
        return false;
    PGresult *row = store_query(context->db,
                                "insert into posthorn.api_user (uuid, account_id, email, password_hash, totp_secret, "
                                "second_factor_at) select $1, "
                                "id, $3, $4, $5, case when $5 is not null then now() end from posthorn.account where "
                                "key = $2 on conflict (email) do nothing returning 1",
                                VALUES(store_text(uuid->text), store_text(given->account), store_text(email),
                                       store_text(hashed), keep_value(totp)),
                                error);
    bool ok = row != NULL &&
              (PQntuples(row) == 1 || error_set(error,
                                                "there is no account %.80s, or the user %.80s already exists "
                                                "(--if-absent accepts that); account list and user list show which",
                                                given->account, email));
    PQclear(row);
    return ok;
}

static bool show(struct context *context, const char *email, struct error *error)
{
    return context_show_one(context, "select " SHOWN "where u.email = $1", VALUES(store_text(email)), error);
}

static bool user_create(struct context *context, const void *settings, struct error *error)
{
    const struct user_settings *given = settings;
    char email[EMAIL_MAX + 1], base32[TOTP_BASE32_SIZE] = "";
    struct uuid uuid;
    struct buffer totp;
    if (!read_email(context->words[0], email, error) || !show(context, email, error))
        return false;
    if (context->result != NULL && given->if_absent)
        return true;
    buffer_init(&totp, 256);
    bool ok = uuid_new(&uuid, error) && (!given->totp || make_totp(context, &uuid, base32, &totp, error)) &&
              insert(context, given, email, &uuid, &totp, error) && show(context, email, error);
    if (ok && given->totp)
        json_object_set_new(context->result, "totp_secret", json_string(base32));
    explicit_bzero(base32, sizeof base32);
    buffer_fini(&totp);
    return ok;
}

static bool user_list(struct context *context, const void *settings, struct error *error)
{
    const struct user_settings *given = settings;
    return context_show(context, "select " SHOWN "where $1::text is null or a.key = $1 order by u.email limit $2",
                        VALUES(store_text(given->account), store_number(given->limit)), error);
}

static bool user_close(struct context *context, const void *settings, struct error *error)
{
    char email[EMAIL_MAX + 1];
    (void)settings;
    return read_email(context->words[0], email, error) &&
           store_run(context->db, "update posthorn.api_user set status = 'closed' where email = $1",
                     VALUES(store_text(email)), error) &&
           store_run(context->db, RESET_SECOND_FACTOR, VALUES(store_text(email)), error) &&
           show(context, email, error) &&
           (context->result != NULL || error_set(error, "there is no user %.80s; user list shows all", email));
}

static bool user_reset_second_factor(struct context *context, const void *settings, struct error *error)
{
    char email[EMAIL_MAX + 1];
    (void)settings;
    return read_email(context->words[0], email, error) &&
           store_run(context->db, RESET_SECOND_FACTOR, VALUES(store_text(email)), error) &&
           show(context, email, error) &&
           (context->result != NULL || error_set(error, "there is no user %.80s; user list shows all", email));
}

static const struct setting create_table[] = {
    OPTION(user_settings, account, "account", NULL, "KEY", "the account", SETTING_REQUIRED),
    OPTION(user_settings, password, "password", NULL, "TEXT",
           "at least 12 bytes; - reads it from a line of standard input, which other users cannot see",
           SETTING_REQUIRED | SETTING_SECRET),
    OPTION_FLAG(user_settings, totp, "totp", "set up a second factor; its secret is shown once, for the authenticator"),
    OPTION_FLAG(user_settings, if_absent, "if-absent", "succeed if the user already exists, and leave it unchanged"),
    {0}};

static const struct setting list_table[] = {
    OPTION(user_settings, account, "account", NULL, "KEY", "only those of this account", 0),
    OPTION_COUNT(user_settings, limit, "limit", "1000", 1, 1000000, "maximum number of rows"),
    {0}};

#define EMAIL .words = "EMAIL", .least_words = 1, .most_words = 1

const struct command user_commands[] = {{.noun = "user",
                                         .verb = "create",
                                         EMAIL,
                                         .about = "create a user, who logs in with e-mail address and password",
                                         .settings = create_table,
                                         .settings_size = sizeof(struct user_settings),
                                         .run = user_create},
                                        {.noun = "user",
                                         .verb = "list",
                                         .about = "list users",
                                         .settings = list_table,
                                         .settings_size = sizeof(struct user_settings),
                                         .run = user_list},
                                        {.noun = "user",
                                         .verb = "reset-second-factor",
                                         EMAIL,
                                         .about = "remove the second factor of a user whose authenticator is lost, and "
                                                  "end the user's sessions; the next sign-in sets up another one",
                                         .run = user_reset_second_factor},
                                        {.noun = "user",
                                         .verb = "close",
                                         EMAIL,
                                         .about = "close a user, who can no longer log in, and end the user's sessions",
                                         .run = user_close},
                                        {0}};
