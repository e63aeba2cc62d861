/* webhook create, update, rotate-secret. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "event/signature.h"
#include "store/webhook.h"
#include "suggest.h"
#include "webhook.h"

#define SIGNATURES "standard|source_key|signature_key|none"

/* What is written of one webhook. NULL and empty buffers: unchanged. Secrets are sealed. */
struct draft {
    int account_id;
    char dialect[16];
    struct uuid uuid;
    const char *url; /* NULL: unchanged; else percent-encoded, in url_text */
    char url_text[URL_MAX + 1];
    const char *signature;
    long long source_key_id;           /* 0: none */
    const char *auth;                  /* NULL: authentication is unchanged */
    struct buffer auth_secret, secret; /* sealed */
    char shown_secret[SECRET_MAX + 1]; /* "" if there is none to show */
    struct tls_draft tls;
};

static void draft_init(struct draft *draft)
{
    *draft = (struct draft){0};
    buffer_init(&draft->auth_secret, SECRET_MAX + SECRET_OVERHEAD);
    buffer_init(&draft->secret, SECRET_MAX + SECRET_OVERHEAD);
    tls_draft_init(&draft->tls);
}

static void draft_fini(struct draft *draft)
{
    explicit_bzero(draft->shown_secret, sizeof draft->shown_secret);
    buffer_fini(&draft->auth_secret);
    buffer_fini(&draft->secret);
    tls_draft_fini(&draft->tls);
}

/* Event types --------------------------------------------------------------- */

static bool unknown_type(const char *name, const PGresult *catalogue, struct error *error)
{
    struct buffer near;
    buffer_init(&near, 200);
    for (int row = 0; row < PQntuples(catalogue); row++)
        if (suggest_near(name, PQgetvalue(catalogue, row, 0)))
            buffer_printf(&near, "%s%s", near.size > 0 ? ", " : "", PQgetvalue(catalogue, row, 0));
    if (near.size > 0)
        error_set(error,
                  "--events: the catalogue has no event type '%.80s'; did you mean %.*s? (--allow-unknown accepts it)",
                  name, TEXT_ARGS(buffer_text(&near)));
    else
        error_set(
            error,
            "--events: the catalogue has no event type '%.80s'; event-type list shows all (--allow-unknown accepts it)",
            name);
    buffer_fini(&near);
    return false;
}

static bool in_catalogue(const char *name, const PGresult *catalogue)
{
    for (int row = 0; row < PQntuples(catalogue); row++)
        if (strcmp(name, PQgetvalue(catalogue, row, 0)) == 0)
            return true;
    return false;
}

static bool check_events(struct context *context, const struct names *names, bool allow_unknown, struct error *error)
{
    PGresult *catalogue =
        store_query(context->db, "select name from posthorn.event_type order by name", NO_VALUES, error);
    bool ok = catalogue != NULL;
    for (size_t i = 0; ok && i < names->count; i++) {
        ok = check_pattern(names->items[i], error);
        if (ok && !allow_unknown && strchr(names->items[i], '*') == NULL && !in_catalogue(names->items[i], catalogue))
            ok = unknown_type(names->items[i], catalogue, error);
    }
    PQclear(catalogue);
    return ok;
}

/* Replaces the webhook's subscriptions. */
static bool write_events(struct context *context, int id, const struct webhook_settings *given, struct error *error)
{
    struct names names = {0};
    char *list = NULL;
    json_t *array = json_array();
    bool ok = names_split(given->events, &names, error) || error_prefix(error, "--events");
    ok = ok && check_events(context, &names, given->allow_unknown, error);
    for (size_t i = 0; ok && i < names.count; i++)
        ok = json_array_append_new(array, json_string(names.items[i])) == 0 || error_set(error, "no memory");
    ok = ok && ((list = json_dumps(array, 0)) != NULL || error_set(error, "no memory"));
    ok = ok && webhook_subscribe(context->db, id, list, error);
    json_decref(array);
    names_free(&names);
    free(list);
    return ok;
}

/* Authentication, signature, secret -------------------------------------------- */

static bool check_auth(const struct webhook_settings *given, const char *auth, struct error *error)
{
    bool basic = strcmp(auth, "basic") == 0, bearer = strcmp(auth, "bearer") == 0;
    if (basic && (given->username == NULL || given->password == NULL))
        return error_set(error, "--auth basic needs --username and --password");
    if (bearer && given->token == NULL)
        return error_set(error, "--auth bearer needs --token");
    if (!basic && (given->username != NULL || given->password != NULL))
        return error_set(error, "--username and --password are for --auth basic, not %s", auth);
    if (!bearer && given->token != NULL)
        return error_set(error, "--token is for --auth bearer, not %s", auth);
    if (basic && (strchr(given->username, ':') != NULL || strpbrk(given->username, "\r\n") != NULL))
        return error_set(error, "--username: a colon or a line break cannot be sent (RFC 7617)");
    return true;
}

/* Reads the authentication; draft->auth stays NULL if none was given. */
static bool draft_auth(struct context *context, const struct webhook_settings *given, struct draft *draft,
                       struct error *error)
{
    const char *auth = given->auth != NULL                                  ? given->auth
                       : given->token != NULL                               ? "bearer"
                       : given->username != NULL || given->password != NULL ? "basic"
                                                                            : NULL;
    if (auth == NULL)
        return true;
    struct buffer plain;
    bool bearer = strcmp(auth, "bearer") == 0;
    buffer_init(&plain, 2 * SECRET_MAX);
    bool ok = check_among("auth", auth, "none|basic|bearer", error) && check_auth(given, auth, error) &&
              keep_read(bearer ? given->token : given->password, bearer ? "token" : "password", &plain, error);
    for (size_t i = 0; ok && bearer && i < plain.size; i++)
        if (plain.data[i] <= 0x20 || plain.data[i] > 0x7e)
            ok = error_set(error, "--token must be visible ASCII characters, because it becomes an HTTP header");
    ok = ok && webhook_check_credentials(given->username, buffer_text(&plain), error) &&
         keep_seal(context, "webhook.auth_secret", &draft->uuid, buffer_text(&plain), &draft->auth_secret, error);
    secret_wipe(&plain);
    buffer_fini(&plain);
    draft->auth = auth;
    return ok;
}

/* Reads a number from the database: 0 if there is no row, -1 on an error. */
static long long look_up(struct context *context, const char *sql, int account, const char *name, struct error *error)
{
    PGresult *rows = name != NULL
                         ? store_query(context->db, sql, VALUES(store_number(account), store_text(name)), error)
                         : store_query(context->db, sql, VALUES(store_number(account)), error);
    long long number = rows == NULL ? -1 : PQntuples(rows) == 0 ? 0 : strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return number;
}

static bool draft_signature(struct context *context, const char *signature, const struct webhook_settings *given,
                            struct draft *draft, struct error *error)
{
    bool source = strcmp(signature, "source_key") == 0;
    if (!check_among("signature", signature, SIGNATURES, error))
        return false;
    draft->signature = signature;
    if (source != (given->source_key != NULL))
        return error_set(error, source ? "--signature source_key needs --source-key"
                                       : "--source-key is for --signature source_key");
    if (source)
        draft->source_key_id =
            look_up(context, "select id from posthorn.source_key where account_id = $1 and name = $2",
                    draft->account_id, given->source_key, error);
    if (source && draft->source_key_id == 0)
        return error_set(error, "the account has no source key '%.80s'; source-key create creates one",
                         given->source_key);
    if (strcmp(signature, "signature_key") == 0) {
        long long has = look_up(context, "select 1 from posthorn.account where id = $1 and signature_key is not null",
                                draft->account_id, NULL, error);
        return has == 1 || (has == 0 && error_set(error, "--signature signature_key: the account has no signature key; "
                                                         "account create --signature-key sets one"));
    }
    return draft->source_key_id >= 0;
}

static bool draft_url(const char *url, struct draft *draft, struct error *error)
{
    draft->url = url == NULL ? NULL : draft->url_text;
    return url == NULL || check_url(url, draft->url_text, error);
}

/* Reads the secret of the Standard Webhooks signature, or makes a new one. */
static bool draft_secret(struct context *context, const char *given, struct draft *draft, struct error *error)
{
    struct buffer plain;
    buffer_init(&plain, 2 * SECRET_MAX);
    char made[64] = "";
    bool ok = given != NULL ? keep_read(given, "secret", &plain, error)
                            : signature_new_secret(strcmp(draft->dialect, "devengo") == 0, made, error);
    buffer_append_text(&plain, text_of(made));
    ok = ok &&
         (signature_check(buffer_text(&plain), strcmp(draft->dialect, "devengo") == 0, error) ||
          error_prefix(error, "--secret")) &&
         keep_seal(context, "webhook.secret", &draft->uuid, buffer_text(&plain), &draft->secret, error);
    if (ok)
        snprintf(draft->shown_secret, sizeof draft->shown_secret, "%.*s", TEXT_ARGS(buffer_text(&plain)));
    explicit_bzero(made, sizeof made);
    secret_wipe(&plain);
    buffer_fini(&plain);
    return ok;
}

static void show_secret(struct context *context, const struct draft *draft)
{
    json_object_set_new(context->result, "secret",
                        *draft->shown_secret != '\0' ? json_string(draft->shown_secret) : json_null());
}

/* create -------------------------------------------------------------------- */

static bool find_account(struct context *context, const char *key, struct draft *draft, struct error *error)
{
    PGresult *rows =
        store_query(context->db, "select id, dialect, status from posthorn.account where key = $1 for key share",
                    VALUES(store_text(key)), error);
    if (rows == NULL)
        return false;
    bool ok =
        PQntuples(rows) == 1 ||
        error_set(error, "--account: there is no account '%.80s'; account create creates one, account list shows all",
                  key);
    if (ok) {
        draft->account_id = (int)store_cell_number(rows, 0, "id");
        snprintf(draft->dialect, sizeof draft->dialect, "%s", store_cell(rows, 0, "dialect"));
        ok =
            strcmp(store_cell(rows, 0, "status"), "active") == 0 || error_set(error, "--account: %.80s is closed", key);
    }
    PQclear(rows);
    return ok;
}

/* Makes the draft for lib/store. */
static struct webhook_draft to_write(const struct webhook_settings *given, const struct draft *draft)
{
    return (struct webhook_draft){.uuid = draft->uuid,
                                  .account_id = draft->account_id,
                                  .label = given->label,
                                  .url = draft->url,
                                  .format = given->format,
                                  .auth = draft->auth,
                                  .auth_username = given->username,
                                  .auth_secret =
                                      draft->auth_secret.size > 0 ? buffer_text(&draft->auth_secret) : (struct text){0},
                                  .signature = draft->signature,
                                  .source_key_id = draft->source_key_id,
                                  .secret = draft->secret.size > 0 ? buffer_text(&draft->secret) : (struct text){0}};
}

/* Returns the id, or 0 on an error. */
static int insert_webhook(struct context *context, const struct webhook_settings *given, const struct draft *draft,
                          struct error *error)
{
    struct webhook_draft row = to_write(given, draft);
    if (row.format == NULL)
        row.format = draft->dialect;
    webhook_name(&row, draft->dialect);
    return webhook_insert(context->db, &row, error);
}

static bool draft_new(struct context *context, const struct webhook_settings *given, struct draft *draft,
                      struct error *error)
{
    if (!draft_url(given->url, draft, error) || !check_among("format", given->format, FORMATS, error) ||
        !find_account(context, given->account, draft, error) || !uuid_new(&draft->uuid, error) ||
        !draft_auth(context, given, draft, error) ||
        !webhook_read_tls(context, given, &draft->uuid, &draft->tls, error))
        return false;
    const char *signature = given->signature != NULL                  ? given->signature
                            : given->source_key != NULL               ? "source_key"
                            : strcmp(draft->dialect, "merchant") == 0 ? "none"
                                                                      : "standard";
    if (!draft_signature(context, signature, given, draft, error))
        return false;
    if (strcmp(signature, "none") != 0)
        return draft_secret(context, given->secret, draft, error);
    return given->secret == NULL ||
           error_set(error, "--secret cannot be used with --signature none; give --signature standard");
}

bool webhook_create(struct context *context, const void *settings, struct error *error)
{
    const struct webhook_settings *given = settings;
    struct draft draft;
    int id = 0;
    draft_init(&draft);
    bool ok = draft_new(context, given, &draft, error) && (id = insert_webhook(context, given, &draft, error)) != 0 &&
              webhook_write_tls(context, id, &draft.tls, error) && write_events(context, id, given, error) &&
              webhook_show_row(context, id, error);
    if (ok)
        show_secret(context, &draft);
    draft_fini(&draft);
    return ok;
}

/* update -------------------------------------------------------------------- */

static bool draft_change(struct context *context, const struct webhook_settings *given, const struct webhook_row *row,
                         struct draft *draft, struct error *error)
{
    draft->account_id = row->account_id;
    draft->uuid = row->uuid;
    snprintf(draft->dialect, sizeof draft->dialect, "%s", row->dialect);
    if (!draft_url(given->url, draft, error) || !check_among("format", given->format, FORMATS, error) ||
        !draft_auth(context, given, draft, error) ||
        !webhook_read_tls(context, given, &draft->uuid, &draft->tls, error))
        return false;
    const char *signature = given->signature != NULL    ? given->signature
                            : given->source_key != NULL ? "source_key"
                                                        : NULL;
    if (signature == NULL)
        return true;
    return draft_signature(context, signature, given, draft, error) &&
           (strcmp(signature, "none") == 0 || row->has_secret || draft_secret(context, NULL, draft, error));
}

static bool update_row(struct context *context, const struct webhook_settings *given, const struct draft *draft, int id,
                       struct error *error)
{
    struct webhook_draft row = to_write(given, draft);
    return webhook_change(context->db, &row, id, error);
}

bool webhook_update(struct context *context, const void *settings, struct error *error)
{
    const struct webhook_settings *given = settings;
    struct webhook_row row;
    struct draft draft;
    draft_init(&draft);
    bool ok = webhook_find(context, &row, error) && draft_change(context, given, &row, &draft, error) &&
              update_row(context, given, &draft, row.id, error) &&
              webhook_write_tls(context, row.id, &draft.tls, error) &&
              (given->events == NULL || write_events(context, row.id, given, error)) &&
              webhook_show_row(context, row.id, error);
    if (ok && *draft.shown_secret != '\0')
        show_secret(context, &draft);
    draft_fini(&draft);
    return ok;
}

/* rotate-secret ------------------------------------------------------------- */

/* Seals the current secret again for the column previous_secret: a seal is bound to its column. */
static bool move_secret(struct context *context, const struct webhook_row *row, struct buffer *previous,
                        struct error *error)
{
    struct buffer plain;
    PGresult *rows =
        store_query(context->db, "select secret from posthorn.webhook where id = $1 and secret is not null",
                    VALUES(store_number(row->id)), error);
    if (rows == NULL || PQntuples(rows) == 0) {
        PQclear(rows);
        return rows != NULL;
    }
    buffer_init(&plain, SECRET_MAX + SECRET_OVERHEAD);
    struct text sealed = store_cell_bytes(rows, 0, "secret");
    bool ok = keep_open(context, "webhook.secret", &row->uuid, sealed, &plain, error) &&
              keep_seal(context, "webhook.previous_secret", &row->uuid, buffer_text(&plain), previous, error);
    secret_wipe(&plain);
    buffer_fini(&plain);
    PQfreemem((void *)sealed.data);
    PQclear(rows);
    return ok;
}

bool webhook_rotate(struct context *context, const void *settings, struct error *error)
{
    const struct webhook_settings *given = settings;
    struct webhook_row row;
    struct draft draft;
    struct buffer previous;
    draft_init(&draft);
    buffer_init(&previous, SECRET_MAX + SECRET_OVERHEAD);
    bool ok = webhook_find(context, &row, error);
    draft.uuid = row.uuid;
    snprintf(draft.dialect, sizeof draft.dialect, "%s", ok ? row.dialect : "");
    ok = ok && (given->overlap.ns == 0 || move_secret(context, &row, &previous, error)) &&
         draft_secret(context, given->secret, &draft, error) &&
         store_run(context->db,
                   "update posthorn.webhook set secret = $2, previous_secret = $3, "
                   "previous_secret_until = case when $3::bytea is not null then now() + make_interval(secs => $4) end "
                   "where id = $1",
                   VALUES(store_number(row.id), keep_value(&draft.secret), keep_value(&previous),
                          store_number(span_ms(given->overlap) / 1000)),
                   error) &&
         webhook_show_row(context, row.id, error);
    if (ok)
        show_secret(context, &draft);
    buffer_fini(&previous);
    draft_fini(&draft);
    return ok;
}
