#include "store/lookup.h"

#include "base/buffer.h"
#include "event/ids.h"

/* Appends an event key to PostgreSQL's text form of a uuid array. */
static void add_key(struct buffer *keys, const unsigned char key[static EVENT_KEY_SIZE])
{
    char hex[2 * EVENT_KEY_SIZE + 1];
    text_to_hex(key, EVENT_KEY_SIZE, hex);
    buffer_printf(keys, "%s%s", keys->size > 1 ? "," : "", hex);
}

/* A not_… id differs by webhook: tries all webhooks that may have sent it. */
static bool add_payconex(PGconn *db, struct text name, const char *account, struct buffer *keys, struct error *error)
{
    unsigned char uuid[UUID_SIZE], key[EVENT_KEY_SIZE];
    PGresult *rows = store_query(
        db,
        "select replace(w.uuid::text, '-', '') from posthorn.webhook w join posthorn.account a on a.id = w.account_id "
        "where $1::text is null or a.key = $1",
        VALUES(store_text(account)), error);
    for (int row = 0; row < PQntuples(rows); row++)
        if (text_from_hex(text_of(PQgetvalue(rows, row, 0)), uuid, sizeof uuid) && ids_payconex_key(name, uuid, key))
            add_key(keys, key);
    PQclear(rows);
    return rows != NULL;
}

#define FOUND                                                                                                          \
    "select e.position_id, e.\"offset\", e.period, e.event_id, e.account_id, a.key as account from posthorn.event e "  \
    "join posthorn.account a on a.id = e.account_id where "
#define NEWEST " order by e.received_at desc limit 100"

/* The events of an account are found by their keys alone: those of others with the same id cost nothing. */
static PGresult *find(PGconn *db, const char *name, const char *account, const char *keys, struct error *error)
{
    if (account != NULL)
        return store_query(db, FOUND "e.event_key = any ($1::uuid[]) and a.key = $2" NEWEST,
                           VALUES(store_text(keys), store_text(account)), error);
    return store_query(db, FOUND "(e.event_id = $1 or e.event_key = any ($2::uuid[]))" NEWEST,
                       VALUES(store_text(name), store_text(keys)), error);
}

PGresult *lookup_event(PGconn *db, const char *name, const char *account, struct error *error)
{
    unsigned char key[32];
    struct buffer keys;
    struct text text = text_of(name);
    PGresult *rows = NULL;
    buffer_init(&keys, 64 * 1024 * 1024);
    buffer_append_char(&keys, '{');
    bool ok = true;
    if (account != NULL) {
        ids_hash(text_of(account), text, key);
        add_key(&keys, key);
    }
    if (text_from_hex(text, key, 32) || (text_starts(text, TEXT("evt_")) && ids_from_base62(text_of(name + 4), key)))
        add_key(&keys, key);
    else if (text_starts(text, TEXT("not_")))
        ok = add_payconex(db, text, account, &keys, error);
    buffer_append(&keys, "}", 2); /* with its NUL */
    if (ok && !keys.failed)
        rows = find(db, name, account, keys.data, error);
    else if (keys.failed)
        error_set(error, "too many webhooks may have sent %.60s; give --account", name);
    buffer_fini(&keys);
    return rows;
}
