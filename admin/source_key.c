/* source-key: an account's keys for X-Signature. */
#include "check.h"
#include "keep.h"
#include "store/webhook.h"
#include <openssl/rand.h>

#define RANDOM_SIZE 32 /* bytes of a generated key, shown as hexadecimal */

struct source_key_settings {
    struct globals globals;
    char *account, *name, *secret;
    int64_t limit;
};

/* Puts the given key, or a random one, into the buffer. */
static bool read_or_make(const struct source_key_settings *given, struct buffer *plain, struct error *error)
{
    unsigned char bytes[RANDOM_SIZE];
    char hex[2 * RANDOM_SIZE + 1];
    if (given->secret != NULL)
        return keep_read(given->secret, "secret", plain, error);
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return error_set(error, "OpenSSL has no random bytes");
    text_to_hex(bytes, sizeof bytes, hex);
    buffer_append_text(plain, text_of(hex));
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(hex, sizeof hex);
    return !plain->failed || error_set(error, "no memory");
}

static bool insert(struct context *context, const struct source_key_settings *given, const struct uuid *uuid,
                   const struct buffer *sealed, struct error *error)
{
    if (!context_show_one(
            context,
            "insert into posthorn.source_key (uuid, account_id, name, secret) select $1, id, $3, $4 "
            "from posthorn.account where key = $2 on conflict do nothing returning uuid, name, created_at",
            VALUES(store_text(uuid->text), store_text(given->account), store_text(given->name), keep_value(sealed)),
            error))
        return false;
    return context->result != NULL || error_set(error,
                                                "there is no account %.80s, or it has a source key %.80s already; "
                                                "account show %.80s prints both",
                                                given->account, given->name, given->account);
}

static bool source_key_create(struct context *context, const void *settings, struct error *error)
{
    const struct source_key_settings *given = settings;
    struct uuid uuid;
    struct buffer plain, sealed;
    if (*given->name == '\0' || strlen(given->name) > SOURCE_KEY_NAME_MAX)
        return error_set(error, "--name: a source key's name has 1 to %d bytes", SOURCE_KEY_NAME_MAX);
    buffer_init(&plain, 2 * SECRET_MAX);
    buffer_init(&sealed, SECRET_MAX + SECRET_OVERHEAD);
    bool ok = uuid_new(&uuid, error) && read_or_make(given, &plain, error) &&
              keep_seal(context, "source_key.secret", &uuid, buffer_text(&plain), &sealed, error) &&
              insert(context, given, &uuid, &sealed, error);
    if (ok && given->secret == NULL)
        json_object_set_new(context->result, "secret", json_stringn(plain.data, plain.size));
    secret_wipe(&plain);
    buffer_fini(&plain);
    buffer_fini(&sealed);
    return ok;
}

static bool source_key_list(struct context *context, const void *settings, struct error *error)
{
    const struct source_key_settings *given = settings;
    return context_show(
        context,
        "select a.key as account, k.name, k.uuid, k.created_at, (select count(*) from posthorn.webhook w "
        "where w.source_key_id = k.id and w.status <> 'deleted') as webhooks from posthorn.source_key k "
        "join posthorn.account a on a.id = k.account_id where $1::text is null or a.key = $1 "
        "order by a.key, k.name limit $2",
        VALUES(store_text(given->account), store_number(given->limit)), error);
}

static const struct setting create_table[] = {
    OPTION(source_key_settings, account, "account", NULL, "KEY", "the account of the key", SETTING_REQUIRED),
    OPTION(source_key_settings, name, "name", NULL, "NAME", "the name by which webhooks refer to it", SETTING_REQUIRED),
    OPTION(source_key_settings, secret, "secret", NULL, "TEXT",
           "the key; - reads it from standard input [a random one, shown once]", SETTING_SECRET),
    {0}};

static const struct setting list_table[] = {
    OPTION(source_key_settings, account, "account", NULL, "KEY", "only those of this account", 0),
    OPTION_COUNT(source_key_settings, limit, "limit", "1000", 1, 1000000, "maximum number of rows"),
    {0}};

const struct command source_key_commands[] = {{.noun = "source-key",
                                               .verb = "create",
                                               .about = "create a key for X-Signature",
                                               .settings = create_table,
                                               .settings_size = sizeof(struct source_key_settings),
                                               .run = source_key_create},
                                              {.noun = "source-key",
                                               .verb = "list",
                                               .about = "list source keys, without the keys themselves",
                                               .settings = list_table,
                                               .settings_size = sizeof(struct source_key_settings),
                                               .run = source_key_list},
                                              {0}};
