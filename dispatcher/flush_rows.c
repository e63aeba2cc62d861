#include "flush_rows.h"

#include <stdlib.h>

#include "base/memory.h"

#define ROWS_MAX (256u << 20)
#define SEALED_MAX (1u << 20) /* bytes of a text of an attempt; more than response-keep allows */
#define COLUMNS_MAX 16

static const enum pg_type attempt_types[ATTEMPT_COLUMNS] = {PG_TIMESTAMPTZ, PG_INT8,  PG_INT4, PG_INT4, PG_INT4,
                                                            PG_INT4,        PG_INT2,  PG_INT2, PG_CHAR, PG_CHAR,
                                                            PG_BYTEA,       PG_BYTEA, PG_BOOL};

void flush_rows_init(struct flush_rows *rows)
{
    for (int i = 0; i < ATTEMPT_COLUMNS; i++)
        column_init(&rows->attempts[i], attempt_types[i], ROWS_MAX);
    struct buffer *buffers[] = {&rows->parks, &rows->settles, &rows->cancels, &rows->repeats,
                                &rows->deads, &rows->healths, &rows->moves,   &rows->accounts};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        buffer_init(buffers[i], ROWS_MAX);
    buffer_init(&rows->sealed, SEALED_MAX);
}

void flush_rows_append(struct buffer *rows, const void *row, size_t size)
{
    buffer_append(rows, row, size); /* flush_has_room() keeps the size far below the buffer's bound */
    memory_need(rows->failed ? NULL : rows, "the rows of a flush");
}

static void free_dead(struct flush_rows *rows, struct dead_row *dead)
{
    free(dead->key);
    free(dead->value);
    free(dead->headers);
    rows->deads_size -= dead->key_size + dead->value_size + dead->headers_size;
}

static void free_deads(struct flush_rows *rows)
{
    for (size_t i = 0; i < ROW_COUNT(rows->deads, struct dead_row); i++)
        free_dead(rows, &ROWS(rows->deads, struct dead_row)[i]);
    buffer_clear(&rows->deads);
}

void flush_rows_clear(struct flush_rows *rows)
{
    free_deads(rows);
    for (int i = 0; i < ATTEMPT_COLUMNS; i++)
        column_clear(&rows->attempts[i]);
    buffer_clear(&rows->accounts);
    buffer_clear(&rows->parks);
    buffer_clear(&rows->settles);
    buffer_clear(&rows->cancels);
    buffer_clear(&rows->repeats);
    buffer_clear(&rows->healths);
    buffer_clear(&rows->moves);
}

void flush_rows_fini(struct flush_rows *rows)
{
    free_deads(rows);
    for (int i = 0; i < ATTEMPT_COLUMNS; i++)
        column_fini(&rows->attempts[i]);
    buffer_fini(&rows->accounts);
    buffer_fini(&rows->sealed);
    buffer_fini(&rows->parks);
    buffer_fini(&rows->settles);
    buffer_fini(&rows->cancels);
    buffer_fini(&rows->repeats);
    buffer_fini(&rows->deads);
    buffer_fini(&rows->healths);
    buffer_fini(&rows->moves);
}

size_t flush_rows_size(const struct flush_rows *rows)
{
    size_t size = rows->parks.size + rows->settles.size + rows->cancels.size + rows->repeats.size + rows->deads.size +
                  rows->deads_size + rows->healths.size + rows->moves.size + rows->accounts.size;
    for (int i = 0; i < ATTEMPT_COLUMNS; i++)
        size += rows->attempts[i].data.size;
    return size;
}

bool flush_rows_empty(const struct flush_rows *rows)
{
    return rows->attempts[0].count == 0 && rows->parks.size + rows->settles.size + rows->cancels.size +
                                                   rows->repeats.size + rows->deads.size + rows->healths.size +
                                                   rows->moves.size ==
                                               0;
}

/* Returns false if memory is short: the text may be large. */
static bool copy_of(struct text text, char **copy)
{
    *copy = text.data == NULL ? NULL : malloc(text.size + 1);
    if (*copy != NULL && text.size > 0)
        memcpy(*copy, text.data, text.size);
    return *copy != NULL || text.data == NULL;
}

bool flush_rows_bury(struct flush_rows *rows, const struct passage *passage, struct text value, struct text headers,
                     bool copied)
{
    struct text key = passage->key;
    struct dead_row row = {.position_id = passage->position_id,
                           .offset = passage->offset,
                           .reason = refusal_name(passage->refusal),
                           .copied = copied,
                           .key_size = key.size,
                           .value_size = value.size,
                           .headers_size = headers.size,
                           .timestamp_ms = passage->timestamp_ms};
    if (!copy_of(key, &row.key) || !copy_of(value, &row.value) || !copy_of(headers, &row.headers)) {
        free(row.key);
        free(row.value);
        return false;
    }
    memcpy(row.digest, passage->digest, sizeof row.digest);
    snprintf(row.detail, sizeof row.detail, "%s", passage->refused_why.text);
    for (char *c = row.detail; *c != '\0'; c++) /* it may quote the record */
        *c = *c < 0x20 || *c > 0x7e ? '?' : *c;
    buffer_append(&rows->deads, &row, sizeof row);
    memory_need(rows->deads.failed ? NULL : rows, "the rows of a flush");
    rows->deads_size += row.key_size + row.value_size + row.headers_size;
    return true;
}

#define DROP(buffer, type, condition)                                                                                  \
    do {                                                                                                               \
        size_t kept = 0;                                                                                               \
        for (size_t i = 0; i < ROW_COUNT(buffer, type); i++) {                                                         \
            const type *row = &ROWS(buffer, type)[i];                                                                  \
            if (!(condition))                                                                                          \
                ROWS(buffer, type)[kept++] = *row;                                                                     \
        }                                                                                                              \
        (buffer).size = kept * sizeof(type);                                                                           \
    } while (0)

void flush_rows_drop(struct flush_rows *rows, int32_t position_id)
{
    DROP(rows->parks, struct park_row, row->position_id == position_id);
    DROP(rows->cancels, struct cancel_row, row->owned && row->position_id == position_id);
    DROP(rows->repeats, struct repeat_row, row->position_id == position_id);
    DROP(rows->moves, struct move, row->position_id == position_id);
    for (size_t i = 0; i < ROW_COUNT(rows->deads, struct dead_row); i++) {
        struct dead_row *dead = &ROWS(rows->deads, struct dead_row)[i];
        if (dead->position_id == position_id)
            free_dead(rows, dead);
    }
    DROP(rows->deads, struct dead_row, row->position_id == position_id);
}

/* Statements ---------------------------------------------------------------- */

/* Columns for the less frequent rows, filled when the statement is made. */
struct columns {
    struct column of[COLUMNS_MAX];
    size_t count;
};

static void columns_init(struct columns *columns, const enum pg_type *types, size_t n)
{
    columns->count = n;
    for (size_t i = 0; i < n; i++)
        column_init(&columns->of[i], types[i], ROWS_MAX);
}

/* Adds the statement, with the columns and then `more` as parameters. */
static bool columns_add(struct columns *columns, struct session *session, const char *sql, const struct param *more,
                        size_t more_count)
{
    struct param params[COLUMNS_MAX + 2];
    for (size_t i = 0; i < columns->count; i++)
        params[i] = column_param(&columns->of[i]);
    for (size_t i = 0; i < more_count; i++)
        params[columns->count + i] = more[i];
    bool ok = session_add(session, sql, params, columns->count + more_count);
    for (size_t i = 0; i < columns->count; i++)
        column_fini(&columns->of[i]);
    return ok;
}

static bool add_attempts(struct flush_rows *rows, struct session *session, int32_t dispatcher_id, bool carefully)
{
    struct param params[ATTEMPT_COLUMNS + 1];
    struct value id;
    for (int i = 0; i < ATTEMPT_COLUMNS; i++)
        params[i] = column_param(&rows->attempts[i]);
    params[ATTEMPT_COLUMNS] = param_int4(dispatcher_id, &id);
    return session_add(
        session,
        carefully ? "select posthorn.record_carefully($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $13)"
                  : "select posthorn.record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $13)",
        params, ATTEMPT_COLUMNS + 1);
}

static bool add_parks(struct flush_rows *rows, struct session *session)
{
    static const enum pg_type types[] = {PG_INT4, PG_INT4, PG_INT8, PG_CHAR, PG_DATE, PG_INT2, PG_TIMESTAMPTZ, PG_INT8};
    struct columns c;
    columns_init(&c, types, 8);
    for (size_t i = 0; i < ROW_COUNT(rows->parks, struct park_row); i++) {
        const struct park_row *row = &ROWS(rows->parks, struct park_row)[i];
        column_int4(&c.of[0], row->webhook_id);
        column_int4(&c.of[1], row->position_id);
        column_int8(&c.of[2], row->offset);
        column_char(&c.of[3], row->cause);
        column_int4(&c.of[4], row->period);
        column_int2(&c.of[5], row->attempts);
        column_time(&c.of[6], row->due);
        column_null(&c.of[7]);
    }
    return columns_add(&c, session, "select posthorn.park($1, $2, $3, $4, $5, $6, $7, $8)", NULL, 0);
}

static bool add_settles(struct flush_rows *rows, struct session *session)
{
    static const enum pg_type types[] = {PG_INT4, PG_INT4, PG_INT8, PG_CHAR, PG_INT2, PG_TIMESTAMPTZ};
    struct columns c;
    columns_init(&c, types, 6);
    for (size_t i = 0; i < ROW_COUNT(rows->settles, struct settle_row); i++) {
        const struct settle_row *row = &ROWS(rows->settles, struct settle_row)[i];
        column_int4(&c.of[0], row->webhook_id);
        column_int4(&c.of[1], row->position_id);
        column_int8(&c.of[2], row->offset);
        column_char(&c.of[3], row->cause);
        column_int2(&c.of[4], row->attempts);
        if (row->due.us < 0)
            column_null(&c.of[5]);
        else
            column_time(&c.of[5], row->due);
    }
    return columns_add(&c, session, "select posthorn.settle($1, $2, $3, $4, $5, $6)", NULL, 0);
}

static bool add_cancels(struct flush_rows *rows, struct session *session)
{
    static const enum pg_type types[] = {PG_INT4, PG_INT8, PG_INT4, PG_CHAR, PG_TEXT};
    struct columns c;
    columns_init(&c, types, 5);
    for (size_t i = 0; i < ROW_COUNT(rows->cancels, struct cancel_row); i++) {
        const struct cancel_row *row = &ROWS(rows->cancels, struct cancel_row)[i];
        column_int4(&c.of[0], row->position_id);
        column_int8(&c.of[1], row->offset);
        column_int4(&c.of[2], row->webhook_id);
        column_char(&c.of[3], row->cause);
        column_bytes(&c.of[4], text_of(row->reason));
    }
    return columns_add(&c, session, "select posthorn.cancel($1, $2, $3, $4, $5)", NULL, 0);
}

static bool add_repeats(struct flush_rows *rows, struct session *session)
{
    static const enum pg_type types[] = {PG_INT4, PG_INT8, PG_INT4, PG_INT8};
    struct columns c;
    columns_init(&c, types, 4);
    for (size_t i = 0; i < ROW_COUNT(rows->repeats, struct repeat_row); i++) {
        const struct repeat_row *row = &ROWS(rows->repeats, struct repeat_row)[i];
        column_int4(&c.of[0], row->position_id);
        column_int8(&c.of[1], row->offset);
        column_int4(&c.of[2], row->of_position);
        column_int8(&c.of[3], row->of_offset);
    }
    return columns_add(&c, session, "select posthorn.repeated($1, $2, $3, $4)", NULL, 0);
}

static void column_maybe(struct column *column, const char *data, size_t size)
{
    if (data == NULL)
        column_null(column);
    else
        column_bytes(column, (struct text){data, size});
}

static bool add_deads(struct flush_rows *rows, struct session *session)
{
    static const enum pg_type types[] = {PG_INT4,  PG_INT8,  PG_TEXT,  PG_TEXT, PG_BYTEA,
                                         PG_BYTEA, PG_BYTEA, PG_BYTEA, PG_BOOL, PG_INT8};
    struct columns c;
    columns_init(&c, types, 10);
    for (size_t i = 0; i < ROW_COUNT(rows->deads, struct dead_row); i++) {
        const struct dead_row *row = &ROWS(rows->deads, struct dead_row)[i];
        column_int4(&c.of[0], row->position_id);
        column_int8(&c.of[1], row->offset);
        column_bytes(&c.of[2], text_of(row->reason));
        column_bytes(&c.of[3], text_of(row->detail));
        column_bytes(&c.of[4], (struct text){(const char *)row->digest, sizeof row->digest});
        column_maybe(&c.of[5], row->key, row->key_size);
        column_maybe(&c.of[6], row->value, row->value_size);
        column_maybe(&c.of[7], row->headers, row->headers_size);
        column_bool(&c.of[8], row->copied);
        if (row->timestamp_ms >= 0)
            column_int8(&c.of[9], row->timestamp_ms);
        else
            column_null(&c.of[9]);
    }
    return columns_add(&c, session, "select posthorn.bury($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", NULL, 0);
}

static bool add_healths(struct flush_rows *rows, struct session *session)
{
    static const enum pg_type types[] = {PG_INT4, PG_BOOL, PG_INT4};
    struct columns c;
    columns_init(&c, types, 3);
    for (size_t i = 0; i < ROW_COUNT(rows->healths, struct health_row); i++) {
        const struct health_row *row = &ROWS(rows->healths, struct health_row)[i];
        column_int4(&c.of[0], row->webhook_id);
        column_bool(&c.of[1], row->failing);
        column_int4(&c.of[2], row->gone);
    }
    return columns_add(&c, session, "select posthorn.health($1, $2, $3)", NULL, 0);
}

static void column_offset(struct column *column, int64_t offset)
{
    if (offset < 0)
        column_null(column);
    else
        column_int8(column, offset);
}

static bool add_moves(struct flush_rows *rows, struct session *session, int32_t dispatcher_id, int64_t seq)
{
    static const enum pg_type types[] = {PG_INT4, PG_UUID, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8,
                                         PG_INT8, PG_INT4, PG_INT4, PG_INT4, PG_INT4, PG_INT4};
    struct columns c;
    struct value id, number;
    columns_init(&c, types, 13);
    for (size_t i = 0; i < ROW_COUNT(rows->moves, struct move); i++) {
        const struct move *row = &ROWS(rows->moves, struct move)[i];
        const int64_t longs[] = {row->last_offset, row->last_timestamp, row->last_check, row->first_offset};
        const int32_t counts[] = {row->records, row->events, row->repeated, row->dead_lettered, row->matched};
        column_int4(&c.of[0], row->position_id);
        column_bytes(&c.of[1], (struct text){(const char *)row->owner, sizeof row->owner});
        column_offset(&c.of[2], row->old_next);
        column_offset(&c.of[3], row->new_next);
        for (int k = 0; k < 4; k++)
            if (row->records == 0)
                column_null(&c.of[4 + k]);
            else
                column_int8(&c.of[4 + k], longs[k]);
        for (int k = 0; k < 5; k++)
            column_int4(&c.of[8 + k], counts[k]);
    }
    const struct param more[] = {param_int4(dispatcher_id, &id), param_int8(seq, &number)};
    return columns_add(
        &c, session, "select posthorn.move($14, $15, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)", more, 2);
}

bool flush_rows_add(struct flush_rows *rows, struct session *session, int32_t dispatcher_id, int64_t seq,
                    bool carefully)
{
    return (rows->attempts[0].count == 0 || add_attempts(rows, session, dispatcher_id, carefully)) &&
           (rows->repeats.size == 0 || add_repeats(rows, session)) &&
           (rows->deads.size == 0 || add_deads(rows, session)) &&
           (rows->cancels.size == 0 || add_cancels(rows, session)) &&
           /* rows are locked from here on, in the same order by all dispatchers: positions, then pending and queue */
           add_moves(rows, session, dispatcher_id, seq) && (rows->parks.size == 0 || add_parks(rows, session)) &&
           (rows->settles.size == 0 || add_settles(rows, session)) &&
           (rows->healths.size == 0 || add_healths(rows, session));
}
