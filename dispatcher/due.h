/* Due: makes a passage from a row of posthorn.due(), with the event as it was published. */
#pragma once
#include <libpq-fe.h>

#include "account.h"
#include "passage.h"

/* The columns of retry.c's query, in order. */
enum {
    DUE_WEBHOOK,
    DUE_POSITION,
    DUE_OFFSET,
    DUE_CAUSE,
    DUE_PERIOD,
    DUE_ATTEMPTS,
    DUE_ACCOUNT,
    DUE_TYPE,
    DUE_ID,
    DUE_SOURCE,
    DUE_TIME,
    DUE_TRACEPARENT,
    DUE_SEALED,
    DUE_PAYLOAD,
    DUE_EXTENSIONS
};

/* Makes the passage of a row; the caller owns the one reference. Returns NULL if that is not possible at present,
 * because memory is short or the account's data key does not open. `why` is set to NULL, or to the reason why the
 * event's data can never be read. */
struct passage *due_read(struct dispatcher *d, const struct account *account, const PGresult *rows, int row,
                         const char **why) MUST_USE;
