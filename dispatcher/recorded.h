/* The (offset, webhook) pairs of records at or above the position that were already recorded when the partition was
 * claimed, for example before a crash. They are not sent again. */
#pragma once
#include "store/session.h"

struct recorded_pair {
    int64_t offset;
    int32_t webhook_id;
};

struct recorded {
    struct recorded_pair *pairs; /* sorted */
    size_t count;
};

/* Loads sorted rows of (offset, webhook_id). Returns false if memory is short. */
bool recorded_load(struct recorded *recorded, const PGresult *rows) MUST_USE;
void recorded_forget(struct recorded *recorded);

bool recorded_has(const struct recorded *recorded, int64_t offset, int32_t webhook_id);

/* Returns how many webhooks are recorded for this record. Some may not match any more, because their subscription has
 * ended since. */
int recorded_count_of(const struct recorded *recorded, int64_t offset);
