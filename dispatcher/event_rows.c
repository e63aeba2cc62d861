#include "event_rows.h"

#include <stdlib.h>

#define COLUMN_MAX (256u << 20)

/* The parameters of posthorn.intake(), in order. */
enum {
    KEYS,
    POSITIONS,
    OFFSETS,
    ACCOUNTS,
    TYPES,
    IDS,
    SOURCES,
    OCCURRED,
    DIGESTS,
    TRACEPARENTS,
    ORDER_KEYS,
    BODIES,
    EXTENSIONS,
    COLUMNS
};

struct event_rows {
    struct column columns[COLUMNS];
    struct passage **events; /* in the order of the rows */
    size_t count;
    struct buffer sealed;
};

struct event_rows *event_rows_new(size_t most)
{
    static const enum pg_type types[COLUMNS] = {PG_UUID,        PG_INT4,  PG_INT8, PG_INT4, PG_TEXT,  PG_TEXT, PG_TEXT,
                                                PG_TIMESTAMPTZ, PG_BYTEA, PG_TEXT, PG_INT8, PG_BYTEA, PG_BYTEA};
    struct event_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL || (rows->events = calloc(most, sizeof(struct passage *))) == NULL) {
        free(rows);
        return NULL;
    }
    for (int i = 0; i < COLUMNS; i++)
        column_init(&rows->columns[i], types[i], COLUMN_MAX);
    buffer_init(&rows->sealed, COLUMN_MAX);
    return rows;
}

void event_rows_free(struct event_rows **rows)
{
    struct event_rows *old = *rows;
    if (old == NULL)
        return;
    for (int i = 0; i < COLUMNS; i++)
        column_fini(&old->columns[i]);
    buffer_fini(&old->sealed);
    free(old->events);
    free(old);
    *rows = NULL;
}

size_t event_rows_count(const struct event_rows *rows)
{
    return rows->count;
}

/* Adds a value that is stored beside the event row: sealed with the account's key, or plain, or null if the key was
 * destroyed. `place` binds the sealed value to its column. Returns false if it cannot be sealed at present. */
static bool add_stored(struct dispatcher *d, struct event_rows *rows, const struct account *account,
                       const struct passage *passage, struct text place, struct text plain, struct column *column)
{
    struct error error;
    if (d->settings->store_payload == STORE_PLAIN || !account_keeps_payloads(account)) {
        column_bytes(column, d->settings->store_payload == STORE_PLAIN ? plain : (struct text){"", 0});
        return true;
    }
    buffer_clear(&rows->sealed);
    if (!account_seal_payload(d, account, place, plain, &rows->sealed, &error)) {
        log_error("seal", "account=%.*s error=\"%s\" note=\"will be retried\"", TEXT_ARGS(passage->event.account),
                  error.text);
        return false;
    }
    column_bytes(column, buffer_text(&rows->sealed));
    return true;
}

static bool add_payload(struct dispatcher *d, struct event_rows *rows, const struct account *account,
                        const struct passage *passage)
{
    struct column *c = rows->columns;
    const struct event *event = &passage->event;
    bool extended =
        event->extensions.size > 0 && (d->settings->store_payload == STORE_PLAIN || account_keeps_payloads(account));
    if (!extended)
        column_null(&c[EXTENSIONS]);
    return add_stored(d, rows, account, passage, TEXT("payload"), event->data, &c[BODIES]) &&
           (!extended ||
            add_stored(d, rows, account, passage, TEXT("payload.extensions"), event->extensions, &c[EXTENSIONS]));
}

/* Returns false if a value cannot be sealed at present: all columns are filled again later. */
static bool add_row(struct dispatcher *d, struct event_rows *rows, const struct account *account,
                    const struct passage *passage)
{
    struct column *c = rows->columns;
    column_bytes(&c[KEYS], (struct text){(const char *)passage->hash, EVENT_KEY_SIZE});
    column_int4(&c[POSITIONS], passage->position_id);
    column_int8(&c[OFFSETS], passage->offset);
    column_int4(&c[ACCOUNTS], passage->account_id);
    column_bytes(&c[TYPES], passage->event.type);
    column_bytes(&c[IDS], passage->event.id);
    column_bytes(&c[SOURCES], passage->event.source);
    column_time(&c[OCCURRED], passage->event.time);
    column_bytes(&c[DIGESTS], (struct text){(const char *)passage->digest, sizeof passage->digest});
    if (passage->event.traceparent.size > 0)
        column_bytes(&c[TRACEPARENTS], passage->event.traceparent);
    else
        column_null(&c[TRACEPARENTS]);
    column_null(&c[ORDER_KEYS]);
    return add_payload(d, rows, account, passage);
}

bool event_rows_fill(struct dispatcher *d, struct event_rows *rows, struct passage *const *passages, size_t count)
{
    rows->count = 0;
    for (int i = 0; i < COLUMNS; i++)
        column_clear(&rows->columns[i]);
    for (size_t i = 0; i < count; i++) {
        struct passage *passage = passages[i];
        if (!passage_is_readable(passage))
            continue;
        const struct account *account = accounts_find_key(d, passage->event.account);
        if (account == NULL || account->closed) {
            passage->refusal = REFUSAL_UNKNOWN_ACCOUNT;
            error_set(&passage->refused_why,
                      account == NULL ? "there is no account '%.*s'" : "the account '%.*s' is closed",
                      TEXT_ARGS(passage->event.account));
            continue;
        }
        passage_set_account(d, passage, account->id);
        if (!add_row(d, rows, account, passage))
            return false;
        invariant(passage->kind == PASSAGE_UNREAD);
        rows->events[rows->count++] = passage;
    }
    return true;
}

bool event_rows_add(struct dispatcher *d, struct event_rows *rows, struct session *session)
{
    struct param params[COLUMNS + 2];
    struct value clock, sealed;
    params[0] = param_int8(accounts_clock(d), &clock);
    for (int i = 0, to = 1; i < COLUMNS; i++) {
        if (i == BODIES)
            params[to++] = param_bool(d->settings->store_payload == STORE_SEALED, &sealed);
        params[to++] = column_param(&rows->columns[i]);
    }
    return session_add(session,
                       "select v, changed, forget, period, again, again_period, repeated, of_position, of_offset"
                       " from posthorn.intake($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                       params, COLUMNS + 2);
}

void event_rows_take(struct event_rows *rows, const PGresult *row)
{
    for (size_t i = 0; i < rows->count; i++) {
        passage_become(rows->events[i], PASSAGE_EVENT);
        rows->events[i]->period = result_int4(row, 0, 3);
    }
    for (int i = 0; i < result_array_count(row, 0, 4); i++)
        rows->events[text_int4(result_array_item(row, 0, 4, i)) - 1]->period =
            text_int4(result_array_item(row, 0, 5, i));
    for (int i = 0; i < result_array_count(row, 0, 6); i++) {
        struct passage *passage = rows->events[text_int4(result_array_item(row, 0, 6, i)) - 1];
        passage_become(passage, PASSAGE_REPEAT);
        passage->repeat_of_position = text_int4(result_array_item(row, 0, 7, i));
        passage->repeat_of_offset = text_int8(result_array_item(row, 0, 8, i));
    }
}
