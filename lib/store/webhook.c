#include "store/webhook.h"

#include <stdio.h>
#include <string.h>

bool webhook_check_credentials(const char *username, struct text secret, struct error *error)
{
    if (username == NULL)
        return secret.size <= CREDENTIALS_MAX || error_set(error, "a token may have at most %d bytes", CREDENTIALS_MAX);
    return strlen(username) + 1 + secret.size <= CREDENTIALS_MAX ||
           error_set(error, "user name and password together may have at most %d bytes: they become an HTTP header",
                     CREDENTIALS_MAX - 1);
}

void webhook_name(struct webhook_draft *draft, const char *dialect)
{
    char name[BASE62_SIZE + 1], hex[2 * UUID_SIZE + 1];
    if (strcmp(dialect, "devengo") == 0) {
        ids_to_base62(draft->uuid.bytes, name);
        snprintf(draft->public_id, sizeof draft->public_id, "whk_%s", name);
    } else if (strcmp(dialect, "payconex") == 0) {
        text_to_hex(draft->uuid.bytes, UUID_SIZE, hex);
        snprintf(draft->public_id, sizeof draft->public_id, "wbh_%s", hex);
    } else {
        snprintf(draft->public_id, sizeof draft->public_id, "%s", draft->uuid.text);
    }
}

int webhook_insert(PGconn *db, const struct webhook_draft *draft, struct error *error)
{
    PGresult *rows = store_query(
        db,
        "insert into posthorn.webhook (uuid, public_id, account_id, label, url, format, auth_type, auth_username, "
        "auth_secret, signature, source_key_id, secret) values ($1, $2, $3, coalesce($4, ''), $5, $6, "
        "coalesce($7, 'none'), $8, $9, $10, nullif($11::int, 0), $12) returning id",
        VALUES(store_text(draft->uuid.text), store_text(draft->public_id), store_number(draft->account_id),
               store_text(draft->label), store_text(draft->url), store_text(draft->format), store_text(draft->auth),
               store_text(draft->auth_username), store_bytes(draft->auth_secret), store_text(draft->signature),
               store_number(draft->source_key_id), store_bytes(draft->secret)),
        error);
    int id = rows == NULL ? 0 : (int)store_cell_number(rows, 0, "id");
    PQclear(rows);
    return id;
}

bool webhook_change(PGconn *db, const struct webhook_draft *draft, int id, struct error *error)
{
    return store_run(
        db,
        "update posthorn.webhook set label = coalesce($2, label), url = coalesce($3, url), "
        "format = coalesce($4, format), auth_type = coalesce($5, auth_type), "
        "auth_username = case when $5::text is null then auth_username else $6 end, "
        "auth_secret = case when $5::text is null then auth_secret else $7 end, signature = coalesce($8, signature), "
        "source_key_id = case when $8::text is null then source_key_id else nullif($9::int, 0) end, "
        "secret = coalesce($10, secret) where id = $1",
        VALUES(store_number(id), store_text(draft->label), store_text(draft->url), store_text(draft->format),
               store_text(draft->auth), store_text(draft->auth_username), store_bytes(draft->auth_secret),
               store_text(draft->signature), store_number(draft->source_key_id), store_bytes(draft->secret)),
        error);
}

bool webhook_subscribe(PGconn *db, int id, const char *patterns, struct error *error)
{
    return store_run(db,
                     "delete from posthorn.subscription where webhook_id = $1 and pattern not in (select "
                     "jsonb_array_elements_text($2))",
                     VALUES(store_number(id), store_text(patterns)), error) &&
           store_run(db,
                     "insert into posthorn.subscription (webhook_id, pattern) select $1, jsonb_array_elements_text($2) "
                     "on conflict do nothing",
                     VALUES(store_number(id), store_text(patterns)), error);
}
