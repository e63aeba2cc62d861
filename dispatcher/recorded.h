/* What was recorded already, in a life before a crash, of records that are read again: (offset, webhook) pairs as of a
 * claim. They are not sent again. */
#pragma once
#include "store/session.h"

struct recorded_pair {
    int64_t offset;
    int32_t webhook_id;
};

struct recorded {
    struct recorded_pair *pairs; /* in order */
    size_t count;
};

/* From rows of (offset, webhook_id), in order. False without memory. */
bool recorded_load(struct recorded *recorded, const PGresult *rows) MUST_USE;
void recorded_forget(struct recorded *recorded);

bool recorded_has(const struct recorded *recorded, int64_t offset, int32_t webhook_id);

/* How many webhooks have this record already; some may not match any more, when their subscription ended in between. */
int recorded_count_of(const struct recorded *recorded, int64_t offset);
