/* Due: a row of posthorn.due() becomes a passage again, with the event as it was published. */
#pragma once
#include <libpq-fe.h>

#include "account.h"
#include "passage.h"

/* The columns that retry.c asks for, in their order. */
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

/* The passage of the row, one reference, which is the caller's. NULL: not now, for want of memory, or because the
 * account's data key does not open. `why` is NULL, or says why the event's data cannot be had at all. */
struct passage *due_read(struct dispatcher *d, const struct account *account, const PGresult *rows, int row,
                         const char **why) MUST_USE;
