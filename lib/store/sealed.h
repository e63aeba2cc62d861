/* Sealed: which columns are sealed with the master key, and what each value is bound to (lib/base/secret.h).
 *
 * `posthorn-admin rekey` seals the columns of this table again. A value in a column that is not listed would be lost
 * with the old key, so sealed_place() accepts only columns of the table. Dead letters are not in it: they are bound to
 * a record and not to a row's UUID. */
#pragma once
#include "base/text.h"
#include "event/uuid.h"

struct sealed_column {
    const char *table, *column;
    const char *place; /* the column that it is bound to, if not its own … */
    const char *of;    /* … in the row with the UUID that this SQL returns; t is the table's row */
};

/* Ends with {0}. Each table has a column uuid; its values are bound to that UUID unless `of` is set. */
extern const struct sealed_column sealed_columns[];

#define SEALED_PLACE_SIZE 400 /* a topic's name may have 249 bytes */

/* Writes "webhook.secret:<uuid>" into `out` and returns it. `column` is, for example, "webhook.secret"; the program
 * ends if it is not in the table. */
struct text sealed_place(const char *column, const char *uuid, char out[static SEALED_PLACE_SIZE]);

/* Returns the place of a payload that is sealed with the master key because its account's data key does not open.
 * `column` is its place with that key: "payload" or "payload.extensions". */
struct text sealed_place_of_payload(struct text column, const unsigned char account[static UUID_SIZE],
                                    char out[static SEALED_PLACE_SIZE]);

/* Returns the place of a dead letter's value and headers. */
struct text sealed_place_of_record(const char *topic, long long partition, long long offset,
                                   char out[static SEALED_PLACE_SIZE]);
