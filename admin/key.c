/* key: API keys. The key is shown only when it is made; PostgreSQL keeps its hash. */
#include "auth/apikey.h"

#include "auth/scope.h"
#include "command.h"

#define SHOWN                                                                                                          \
    "k.prefix, k.uuid, a.key as account, k.name, k.scopes, k.created_at, k.expires_at, k.revoked_at from "             \
    "posthorn.api_key k join posthorn.account a on a.id = k.account_id "

struct key_settings {
    struct globals globals;
    char *account, *name, *scopes;
    struct span expires;
    int64_t limit;
};

static bool key_create(struct context *context, const void *settings, struct error *error)
{
    const struct key_settings *given = settings;
    struct apikey key;
    unsigned ignored;
    if (!scope_parse(given->scopes, &ignored, error))
        return error_prefix(error, "--scopes");
    if (!apikey_new(&key, error))
        return false;
    PGresult *row = store_query(
        context->db,
        "insert into posthorn.api_key (account_id, name, prefix, hash, scopes, expires_at) select id, $2, $3, $4, $5, "
        "case when $6::bigint > 0 then now() + make_interval(secs => $6::bigint) end from posthorn.account "
        "where key = $1 returning uuid",
        VALUES(store_text(given->account), store_text(given->name), store_text(key.prefix),
               store_bytes((struct text){(char *)key.hash, sizeof key.hash}), store_text(given->scopes),
               store_number(span_ms(given->expires) / 1000)),
        error);
    bool ok =
        row != NULL && (PQntuples(row) == 1 ||
                        error_set(error, "there is no account %.80s; account create creates one", given->account));
    ok = ok && context_show_one(context, "select " SHOWN "where k.uuid = $1",
                                VALUES(store_text(store_cell(row, 0, "uuid"))), error);
    if (ok)
        json_object_set_new(context->result, "key", json_string(key.text));
    PQclear(row);
    explicit_bzero(&key, sizeof key);
    return ok;
}

static bool key_list(struct context *context, const void *settings, struct error *error)
{
    const struct key_settings *given = settings;
    return context_show(context, "select " SHOWN "where $1::text is null or a.key = $1 order by a.key, k.id limit $2",
                        VALUES(store_text(given->account), store_number(given->limit)), error);
}

static bool key_revoke(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    const char *word = context->words[0];
    PGresult *row =
        store_query(context->db,
                    "update posthorn.api_key set revoked_at = coalesce(revoked_at, now()) where prefix = $1 "
                    "or uuid::text = $1 returning uuid",
                    VALUES(store_text(word)), error);
    bool ok = row != NULL &&
              (PQntuples(row) == 1 || error_set(error, "there is no API key %.80s; key list shows all prefixes", word));
    ok = ok && context_show_one(context, "select " SHOWN "where k.uuid = $1",
                                VALUES(store_text(store_cell(row, 0, "uuid"))), error);
    PQclear(row);
    return ok;
}

static const struct setting create_table[] = {
    OPTION(key_settings, account, "account", NULL, "KEY", "the account", SETTING_REQUIRED),
    OPTION(key_settings, name, "name", "", "TEXT", "a name or note to display", 0),
    OPTION(key_settings, scopes, "scopes", "*", "LIST",
           "what it may do: webhooks:read, :create, :update, :delete, :trigger, :*, events:publish, or *; each may "
           "have the prefix pcx:",
           0),
    OPTION_SPAN(key_settings, expires, "expires", "0s", 0, 3650LL * 86400 * 1000000000,
                "how long the key is valid; 0s: until it is revoked"),
    {0}};

static const struct setting list_table[] = {
    OPTION(key_settings, account, "account", NULL, "KEY", "only those of this account", 0),
    OPTION_COUNT(key_settings, limit, "limit", "1000", 1, 1000000, "maximum number of rows"),
    {0}};

const struct command key_commands[] = {{.noun = "key",
                                        .verb = "create",
                                        .about = "create an API key, which is shown once",
                                        .settings = create_table,
                                        .settings_size = sizeof(struct key_settings),
                                        .run = key_create},
                                       {.noun = "key",
                                        .verb = "list",
                                        .about = "list API keys, without their secret parts",
                                        .settings = list_table,
                                        .settings_size = sizeof(struct key_settings),
                                        .run = key_list},
                                       {.noun = "key",
                                        .verb = "revoke",
                                        .words = "PREFIX",
                                        .least_words = 1,
                                        .most_words = 1,
                                        .about = "revoke an API key",
                                        .run = key_revoke},
                                       {0}};
