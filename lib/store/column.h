/* Column: arrays and single values in PostgreSQL's binary formats, for statements such as `INSERT … SELECT * FROM
 * unnest($1, $2, …)`.
 *
 * A column is one array parameter that is filled value by value and reused after column_clear(). Measured against COPY
 * (14 columns, 1,000 rows), statements with arrays cost 1 to 2 µs more per row, but are one message and need no open
 * transaction. */
#pragma once
#include "base/buffer.h"
#include "base/clock.h"

/* OIDs of PostgreSQL's types (pg_type.dat); the same in all versions. */
enum pg_type {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_CHAR = 18,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_DATE = 1082,
    PG_TIMESTAMPTZ = 1184,
    PG_UUID = 2950
};

struct column {
    enum pg_type type;
    struct buffer data; /* the array's header, then the values */
    uint32_t count;
    bool has_null;
};

/* One parameter of a statement, in binary. `data` NULL: SQL null. */
struct param {
    unsigned oid;
    const char *data;
    int size;
};

/* At most `max` bytes. An append beyond it is dropped and sets data.failed; session_add() then refuses to send. */
void column_init(struct column *column, enum pg_type type, size_t max);
void column_fini(struct column *column);
void column_clear(struct column *column);

void column_null(struct column *column);
void column_bool(struct column *column, bool value);
void column_char(struct column *column, char value);
void column_int2(struct column *column, int16_t value);
void column_int4(struct column *column, int32_t value); /* also for date: days since 2000-01-01 */
void column_int8(struct column *column, int64_t value);
void column_time(struct column *column, struct wall value);
void column_bytes(struct column *column, struct text value); /* also for text and uuid */

/* Returns the column as a parameter; valid until the column is changed. */
struct param column_param(struct column *column);

/* Single values; `storage` must stay valid until the statement was added. */
struct value {
    unsigned char bytes[8];
};
struct param param_int4(int32_t value, struct value *storage);
struct param param_int8(int64_t value, struct value *storage);
struct param param_bool(bool value, struct value *storage);
struct param param_text(struct text value);
struct param param_uuid(const unsigned char uuid[static 16]);

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_US 946684800000000LL
