/* The rows of one flush, and the statements that write them. */
#pragma once
#include "partition.h"

struct park_row {
    int32_t webhook_id, position_id, period;
    int64_t offset;
    struct wall due;
    int16_t attempts;
    char cause;
};

struct settle_row {
    int32_t webhook_id, position_id;
    int64_t offset;
    struct wall due; /* us < 0: the delivery is over */
    int16_t attempts;
    char cause;
};

struct cancel_row {
    int32_t webhook_id, position_id;
    int64_t offset;
    char cause;
    bool owned;         /* comes from a record whose position this flush, or a later one, moves */
    const char *reason; /* a string literal */
};

struct repeat_row {
    int32_t position_id, of_position;
    int64_t offset, of_offset;
};

struct dead_row {
    int32_t position_id;
    int64_t offset;
    const char *reason; /* refusal_name() */
    unsigned char digest[32];
    char detail[200];
    bool copied;
    int64_t timestamp_ms;        /* of the record; -1: none */
    char *key, *value, *headers; /* allocated; NULL: absent */
    size_t key_size, value_size, headers_size;
};

struct health_row {
    int32_t webhook_id, gone;
    bool failing;
};

enum {
    ATTEMPT_STARTED,
    ATTEMPT_OFFSET,
    ATTEMPT_POSITION,
    ATTEMPT_WEBHOOK,
    ATTEMPT_VERSION,
    ATTEMPT_DURATION,
    ATTEMPT_NUMBER,
    ATTEMPT_STATUS,
    ATTEMPT_CAUSE,
    ATTEMPT_OUTCOME,
    ATTEMPT_ERROR,
    ATTEMPT_BODY,
    ATTEMPT_SEALED,
    ATTEMPT_COLUMNS
};

struct flush_rows {
    struct column attempts[ATTEMPT_COLUMNS];
    struct buffer accounts; /* accounts of the attempts, each an int32_t; the attempts count in their shares */
    struct buffer sealed;   /* scratch space for sealing one text of an attempt */
    size_t deads_size;      /* bytes that the rows of `deads` point to */
    struct buffer parks, settles, cancels, repeats, deads, healths, moves; /* arrays of the row types above */
};

void flush_rows_init(struct flush_rows *rows);
void flush_rows_fini(struct flush_rows *rows);
void flush_rows_clear(struct flush_rows *rows);
/* Appends one of the rows above to its array. */
void flush_rows_append(struct buffer *rows, const void *row, size_t size);
/* Bytes that the rows take. */
size_t flush_rows_size(const struct flush_rows *rows);
bool flush_rows_empty(const struct flush_rows *rows);

/* Adds the row of a dead letter. Copies the record's key, `value` and `headers` (data NULL: absent). Returns false if
 * memory is short. */
bool flush_rows_bury(struct flush_rows *rows, const struct passage *passage, struct text value, struct text headers,
                     bool copied) MUST_USE;

/* Drops the rows that only the owner of this position may write. */
void flush_rows_drop(struct flush_rows *rows, int32_t position_id);

/* Adds all statements to the session's next batch; posthorn.move() moves the positions. With `carefully`, attempts are
 * inserted one by one, and one that PostgreSQL rejects is stored without its texts. */
bool flush_rows_add(struct flush_rows *rows, struct session *session, int32_t dispatcher_id, int64_t seq,
                    bool carefully) MUST_USE;

#define ROWS(buffer, type) ((type *)(void *)(buffer).data)
#define ROW_COUNT(buffer, type) ((buffer).size / sizeof(type))
