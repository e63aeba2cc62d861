/* Which columns are sealed under the master key, and to what each value is bound (lib/base/secret.h).
 *
 * The table is what `posthorn-admin rekey` walks. A value sealed elsewhere would be lost with the old key, so
 * sealed_place() knows the columns of the table only. Dead letters are not in it: they are bound to a record and not to
 * a row's UUID. */
#pragma once
#include "base/text.h"
#include "event/uuid.h"

struct sealed_column {
    const char *table, *column;
    const char *place; /* what it is bound to when that is another column than itself, of … */
    const char *of;    /* … the row whose UUID this SQL gives; t is the table's row */
};

/* Ends with {0}. Each table has a column uuid, which its values are bound to unless `of` says otherwise. */
extern const struct sealed_column sealed_columns[];

#define SEALED_PLACE_SIZE 400 /* a topic's name may have 249 bytes */

/* "webhook.secret:<uuid>", written into `out`. `column` is "webhook.secret": one of the table, else the program ends.
 */
struct text sealed_place(const char *column, const char *uuid, char out[static SEALED_PLACE_SIZE]);

/* The place of a payload that is sealed under the master key, because the data key of its account does not open.
 * `column` is its place under that key: "payload" or "payload.extensions". */
struct text sealed_place_of_payload(struct text column, const unsigned char account[static UUID_SIZE],
                                    char out[static SEALED_PLACE_SIZE]);

/* The place of a dead letter's value and of its headers. */
struct text sealed_place_of_record(const char *topic, long long partition, long long offset,
                                   char out[static SEALED_PLACE_SIZE]);
