/* webhook: the table of its commands, and the commands that show webhooks or change the status. */
#include "webhook.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

#define STATES "enabled|disabled|deleted"
static bool webhook_list(struct context *context, const void *settings, struct error *error)
{
    const struct webhook_settings *given = settings;
    return check_among("status", given->status, STATES, error) &&
           context_show(context,
                        "select w.public_id as id, a.key as account, w.status, w.label, w.url, w.format, w.signature, "
                        "w.auth_type as auth, "
                        "(select coalesce(jsonb_agg(s.pattern order by s.pattern), '[]') from posthorn.subscription s "
                        "where s.webhook_id = w.id) as events, "
                        "q.failing_since from posthorn.webhook w join posthorn.account a on a.id = w.account_id "
                        "left join posthorn.queue q on q.webhook_id = w.id where ($1::text is null or a.key = $1) "
                        "and case when $2::text is null then w.status <> 'deleted' else w.status = $2 end order by "
                        "a.key, w.id limit $3",
                        VALUES(store_text(given->account), store_text(given->status), store_number(given->limit)),
                        error);
}

static bool webhook_show(struct context *context, const void *settings, struct error *error)
{
    struct uuid uuid;
    (void)settings;
    if (!uuid_parse(context->words[0], &uuid))
        return error_set(
            error,
            "'%.80s' is not a webhook id: a UUID, wbh_ and 32 hexadecimal digits, or whk_ and 22 letters and digits",
            context->words[0]);
    return context_show_one(context,
                            "select (select count(*) from posthorn.pending p where p.webhook_id::bigint = w.id) as "
                            "pending, " WEBHOOK_SHOWN "where w.uuid = $1",
                            VALUES(store_text(uuid.text)), error) &&
           (context->result != NULL ||
            error_set(error, "there is no webhook %.80s; webhook list shows all", context->words[0]));
}

static bool set_status(struct context *context, const char *status, const char *reason, struct error *error)
{
    struct webhook_row row;
    return webhook_find(context, &row, error) &&
           store_run(context->db, "update posthorn.webhook set status = $2, disabled_reason = $3 where id = $1",
                     VALUES(store_number(row.id), store_text(status), store_text(reason)), error) &&
           webhook_show_row(context, row.id, error);
}

static bool webhook_enable(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return set_status(context, "enabled", NULL, error);
}

static bool webhook_disable(struct context *context, const void *settings, struct error *error)
{
    return set_status(context, "disabled", ((const struct webhook_settings *)settings)->reason, error);
}

static bool webhook_delete(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return set_status(context, "deleted", NULL, error);
}

#define HOOK(field, name, value, about, flags) OPTION(webhook_settings, field, name, NULL, value, about, flags)
#define SHARED_OPTIONS                                                                                                 \
    HOOK(format, "format", FORMATS, "the format of the request body [the account's dialect]", 0),                      \
        HOOK(label, "label", "TEXT", "a name or note to display", 0),                                                  \
        HOOK(auth, "auth", "none|basic|bearer", "the Authorization header [as --username or --token imply]", 0),       \
        HOOK(username, "username", "NAME", "for basic", 0),                                                            \
        HOOK(password, "password", "TEXT", "for basic; - reads it from standard input", SETTING_SECRET),               \
        HOOK(token, "token", "TEXT", "for bearer; - reads it from standard input", SETTING_SECRET),                    \
        HOOK(signature, "signature", "standard|source_key|signature_key|none",                                         \
             "the signature headers: Standard Webhooks; also X-Signature with a source key or the account's key; "     \
             "none",                                                                                                   \
             0),                                                                                                       \
        HOOK(source_key, "source-key", "NAME", "which source key signs, for --signature source_key", 0),               \
        HOOK(client_certificate, "client-certificate", "FILE",                                                         \
             "PEM, the certificate chain of the client (mTLS); none removes it", 0),                                   \
        HOOK(client_key, "client-key", "FILE", "its private key, PEM; stored sealed", 0),                              \
        HOOK(ca, "ca", "FILE",                                                                                         \
             "PEM certificates of the only authorities that are trusted for this webhook; none removes them", 0),      \
        OPTION_FLAG(webhook_settings, allow_unknown, "allow-unknown",                                                  \
                    "accept event types that are not in the catalogue")

static const struct setting create_table[] = {
    HOOK(account, "account", "KEY", "the account of the webhook", SETTING_REQUIRED),
    HOOK(url, "url", "URL", "http or https", SETTING_REQUIRED),
    HOOK(events, "events", "LIST", "event types, prefix.*, or *, separated by commas", SETTING_REQUIRED),
    HOOK(secret, "secret", "TEXT",
         "for Standard Webhooks, whsec_ and base64 of 24 to 64 bytes; - reads it from standard input [a random one, "
         "shown once]",
         SETTING_SECRET),
    SHARED_OPTIONS,
    {0}};

static const struct setting update_table[] = {
    HOOK(url, "url", "URL", "http or https", 0),
    HOOK(events, "events", "LIST", "event types, prefix.*, or *, separated by commas; they replace the present ones",
         0),
    SHARED_OPTIONS,
    {0}};

static const struct setting list_table[] = {
    HOOK(account, "account", "KEY", "only those of this account", 0),
    HOOK(status, "status", STATES, "only webhooks with this status [all but deleted]", 0),
    OPTION_COUNT(webhook_settings, limit, "limit", "1000", 1, 1000000, "maximum number of rows"),
    {0}};

static const struct setting disable_table[] = {
    OPTION(webhook_settings, reason, "reason", "disabled by an operator", "TEXT", "the reason shown to the owner", 0),
    {0}};

static const struct setting rotate_table[] = {
    OPTION_SPAN(webhook_settings, overlap, "overlap", "24h", 0, 30 * 86400 * INT64_C(1000000000),
                "how long the old secret also signs"),
    HOOK(secret, "secret", "TEXT", "the new secret; - reads it from standard input [a random one, shown once]",
         SETTING_SECRET),
    {0}};

#define ONE_ID .words = "ID", .least_words = 1, .most_words = 1, .settings_size = sizeof(struct webhook_settings)

const struct command webhook_commands[] = {
    {.noun = "webhook",
     .verb = "create",
     .about = "create a webhook; it receives matching events that are published from now on",
     .settings = create_table,
     .settings_size = sizeof(struct webhook_settings),
     .run = webhook_create},
    {.noun = "webhook",
     .verb = "list",
     .about = "list webhooks",
     .settings = list_table,
     .settings_size = sizeof(struct webhook_settings),
     .run = webhook_list},
    {.noun = "webhook",
     .verb = "show",
     .about = "show a webhook, its subscriptions and its state",
     ONE_ID,
     .run = webhook_show},
    {.noun = "webhook",
     .verb = "update",
     .about = "change the given settings of a webhook",
     .settings = update_table,
     ONE_ID,
     .run = webhook_update},
    {.noun = "webhook", .verb = "enable", .about = "enable a webhook", ONE_ID, .run = webhook_enable},
    {.noun = "webhook",
     .verb = "disable",
     .about = "disable a webhook; its pending deliveries are cancelled",
     .settings = disable_table,
     ONE_ID,
     .run = webhook_disable},
    {.noun = "webhook",
     .verb = "delete",
     .about = "delete a webhook; the audit keeps its row",
     ONE_ID,
     .run = webhook_delete},
    {.noun = "webhook",
     .verb = "rotate-secret",
     .about = "create a new secret, which is shown once; for a time, the old one also signs",
     .settings = rotate_table,
     ONE_ID,
     .run = webhook_rotate},
    {0}};
