/* account: the accounts of tenants. */
#include <openssl/rand.h>
#include <string.h>

#include "check.h"
#include "keep.h"

#define SIGNATURE_KEY_SIZE 32 /* bytes of a generated signature key, shown as hexadecimal */
#define STORES "plain|sealed|none"
#define STORE_ABOUT                                                                                                    \
    "how the responses of receivers are stored: unencrypted, sealed under the account's data key, or not at all"
#define SHOWN                                                                                                          \
    "key, uuid, name, dialect, status, created_at, data_key is not null as payloads_readable, signature_key is not "   \
    "null as has_signature_key, store_response"

struct account_settings {
    struct globals globals;
    char *dialect, *name, *signature_key, *store_response;
    bool if_absent;
    int64_t limit;
};

/* Returns the given signature key, or a random one for a merchant; then `made` is true, and the key must be shown. */
static bool signature_key_of(const struct account_settings *given, struct buffer *key, bool *made, struct error *error)
{
    unsigned char bytes[SIGNATURE_KEY_SIZE];
    char hex[2 * SIGNATURE_KEY_SIZE + 1];
    *made = given->signature_key == NULL && strcmp(given->dialect, "merchant") == 0;
    if (!*made)
        return keep_read(given->signature_key, "signature-key", key, error);
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return error_set(error, "OpenSSL has no random bytes");
    text_to_hex(bytes, sizeof bytes, hex);
    buffer_append_text(key, text_of(hex));
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(hex, sizeof hex);
    return !key->failed || error_set(error, "no memory");
}

static bool insert(struct context *context, const struct account_settings *given, const struct uuid *uuid,
                   const struct buffer *signature_key, struct error *error)
{
    unsigned char data_key[SECRET_KEY_SIZE];
    struct buffer sealed_data, sealed_signature;
    buffer_init(&sealed_data, 256);
    buffer_init(&sealed_signature, SECRET_MAX + SECRET_OVERHEAD);
    bool ok = RAND_bytes(data_key, sizeof data_key) == 1 || error_set(error, "OpenSSL has no random bytes");
    ok = ok &&
         keep_seal(context, "account.data_key", uuid, (struct text){(char *)data_key, sizeof data_key}, &sealed_data,
                   error) &&
         keep_seal(context, "account.signature_key", uuid, buffer_text(signature_key), &sealed_signature, error) &&
         context_show_one(context,
                          "insert into posthorn.account (uuid, key, name, dialect, data_key, signature_key, "
                          "store_response) values ($1, $2, $3, $4, $5, $6, $7) "
                          "on conflict (key) do nothing returning " SHOWN,
                          VALUES(store_text(uuid->text), store_text(context->words[0]), store_text(given->name),
                                 store_text(given->dialect), keep_value(&sealed_data), keep_value(&sealed_signature),
                                 store_text(given->store_response)),
                          error);
    explicit_bzero(data_key, sizeof data_key);
    buffer_fini(&sealed_data);
    buffer_fini(&sealed_signature);
    return ok;
}

/* Called after a conflict: shows the existing account. True if --if-absent was given. */
static bool show_existing(struct context *context, const struct account_settings *given, struct error *error)
{
    const char *key = context->words[0];
    if (!context_show_one(context, "select " SHOWN " from posthorn.account where key = $1", VALUES(store_text(key)),
                          error))
        return false;
    if (context->result == NULL)
        return error_set(error, "the account %.80s was just deleted; try again", key);
    const char *dialect = json_string_value(json_object_get(context->result, "dialect"));
    if (strcmp(dialect, given->dialect) != 0)
        return error_set(error, "the account %.80s exists with the dialect %s, not %s; a dialect cannot be changed",
                         key, dialect, given->dialect);
    return given->if_absent ||
           error_set(
               error,
               "the account %.80s exists already; --if-absent accepts an existing account, and account show prints it",
               key);
}

static bool account_create(struct context *context, const void *settings, struct error *error)
{
    const struct account_settings *given = settings;
    struct uuid uuid;
    struct buffer key;
    bool made = false;
    if (!text_is_visible_ascii(text_of(context->words[0])))
        return error_set(error, "the account's key '%.60s' must have 1 to 255 visible ASCII characters",
                         context->words[0]);
    if (!check_among("dialect", given->dialect, DIALECTS, error) ||
        !check_among("store-response", given->store_response, STORES, error) || context_master(context, error) == NULL)
        return false;
    buffer_init(&key, 2 * SECRET_MAX);
    bool ok = uuid_new(&uuid, error) && signature_key_of(given, &key, &made, error);
    ok = ok && insert(context, given, &uuid, &key, error);
    if (ok && context->result == NULL) {
        ok = show_existing(context, given, error);
        made = false;
    }
    if (ok && made)
        json_object_set_new(context->result, "signature_key", json_stringn(key.data, key.size));
    secret_wipe(&key);
    buffer_fini(&key);
    return ok;
}

static bool account_list(struct context *context, const void *settings, struct error *error)
{
    const struct account_settings *given = settings;
    return context_show(
        context,
        "select a.key, a.name, a.dialect, a.status, a.created_at, count(w.id) as webhooks from posthorn.account a "
        "left join posthorn.webhook w on w.account_id = a.id and w.status <> 'deleted' "
        "where $1::text is null or a.dialect = $1 group by a.id order by a.key limit $2",
        VALUES(store_text(given->dialect), store_number(given->limit)), error);
}

/* Shows the row of a query that has the account's key as parameter. */
static bool show_row_of(struct context *context, const char *sql, const struct store_value *values, size_t count,
                        struct error *error)
{
    return context_show_one(context, sql, values, count, error) &&
           (context->result != NULL ||
            error_set(error, "there is no account %.80s; account list shows all", context->words[0]));
}

static bool show_row(struct context *context, const char *sql, struct error *error)
{
    return show_row_of(context, sql, VALUES(store_text(context->words[0])), error);
}

static bool account_show(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return show_row(
        context,
        "select " SHOWN
        ", (select count(*) from posthorn.webhook w where w.account_id = a.id and w.status <> 'deleted') as webhooks, "
        "coalesce((select jsonb_agg(k.name order by k.name) from posthorn.source_key k where k.account_id = a.id), "
        "'[]') as source_keys "
        "from posthorn.account a where key = $1",
        error);
}

/* The change applies to what is recorded from now on. */
static bool account_update(struct context *context, const void *settings, struct error *error)
{
    const struct account_settings *given = settings;
    return check_among("store-response", given->store_response, STORES, error) &&
           show_row_of(
               context,
               "update posthorn.account set name = coalesce($2, name), store_response = coalesce($3, "
               "store_response) where key = $1 returning " SHOWN,
               VALUES(store_text(context->words[0]), store_text(given->name), store_text(given->store_response)),
               error);
}

static bool account_close(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return show_row(context, "update posthorn.account set status = 'closed' where key = $1 returning " SHOWN, error);
}

static bool account_erase(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return show_row(context, "update posthorn.account set data_key = null where key = $1 returning " SHOWN, error);
}

static const struct setting create_table[] = {
    OPTION(account_settings, dialect, "dialect", NULL, DIALECTS, "the form of its API and of its notifications",
           SETTING_REQUIRED),
    OPTION(account_settings, name, "name", "", "TEXT", "a name or note to display", 0),
    OPTION(account_settings, signature_key, "signature-key", NULL, "KEY",
           "the merchant's own key for X-Signature; - reads it from standard input; a merchant without this option "
           "gets a random one, which is shown once",
           SETTING_SECRET),
    OPTION(account_settings, store_response, "store-response", "plain", STORES, STORE_ABOUT, 0),
    OPTION_FLAG(account_settings, if_absent, "if-absent",
                "succeed if the account already exists, and leave it unchanged"),
    {0}};

static const struct setting update_table[] = {
    OPTION(account_settings, name, "name", NULL, "TEXT", "a name or note to display", 0),
    OPTION(account_settings, store_response, "store-response", NULL, STORES, STORE_ABOUT, 0),
    {0}};

static const struct setting list_table[] = {
    OPTION(account_settings, dialect, "dialect", NULL, DIALECTS, "only accounts of this dialect", 0),
    OPTION_COUNT(account_settings, limit, "limit", "1000", 1, 1000000, "maximum number of rows"),
    {0}};

const struct command account_commands[] = {
    {.noun = "account",
     .verb = "create",
     .words = "KEY",
     .least_words = 1,
     .most_words = 1,
     .about = "create an account; events name it by KEY",
     .settings = create_table,
     .settings_size = sizeof(struct account_settings),
     .run = account_create},
    {.noun = "account",
     .verb = "list",
     .about = "list accounts",
     .settings = list_table,
     .settings_size = sizeof(struct account_settings),
     .run = account_list},
    {.noun = "account",
     .verb = "show",
     .words = "KEY",
     .least_words = 1,
     .most_words = 1,
     .about = "show an account",
     .run = account_show},
    {.noun = "account",
     .verb = "update",
     .words = "KEY",
     .least_words = 1,
     .most_words = 1,
     .about = "change an account's name, or how the responses of its receivers are stored from now on",
     .settings = update_table,
     .settings_size = sizeof(struct account_settings),
     .run = account_update},
    {.noun = "account",
     .verb = "close",
     .words = "KEY",
     .least_words = 1,
     .most_words = 1,
     .about = "stop all deliveries of an account; records that name it become dead letters",
     .run = account_close},
    {.noun = "account",
     .verb = "erase-payloads",
     .words = "KEY",
     .least_words = 1,
     .most_words = 1,
     .about = "destroy an account's data key, and with it permanently all its stored payloads and sealed responses",
     .run = account_erase},
    {0}};
