#include "recorded.h"

#include <stdlib.h>

#include "base/log.h"

void recorded_forget(struct recorded *recorded)
{
    free(recorded->pairs);
    *recorded = (struct recorded){0};
}

bool recorded_load(struct recorded *recorded, const PGresult *rows)
{
    size_t count = (size_t)PQntuples(rows);
    recorded_forget(recorded);
    if (count == 0)
        return true;
    recorded->pairs = calloc(count, sizeof *recorded->pairs);
    if (recorded->pairs == NULL) {
        log_error("no_memory", "what=\"%zu deliveries that are recorded\" note=\"will be retried\"", count);
        return false;
    }
    recorded->count = count;
    for (size_t row = 0; row < count; row++)
        recorded->pairs[row] = (struct recorded_pair){result_int8(rows, (int)row, 0), result_int4(rows, (int)row, 1)};
    return true;
}

/* Returns the index of the first pair that is not less than this one. */
static size_t lower_bound(const struct recorded *recorded, int64_t offset, int32_t webhook_id)
{
    size_t low = 0, high = recorded->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct recorded_pair *pair = &recorded->pairs[middle];
        if (pair->offset < offset || (pair->offset == offset && pair->webhook_id < webhook_id))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool recorded_has(const struct recorded *recorded, int64_t offset, int32_t webhook_id)
{
    size_t at = lower_bound(recorded, offset, webhook_id);
    return at < recorded->count && recorded->pairs[at].offset == offset && recorded->pairs[at].webhook_id == webhook_id;
}

int recorded_count_of(const struct recorded *recorded, int64_t offset)
{
    size_t first = lower_bound(recorded, offset, INT32_MIN), end = first;
    while (end < recorded->count && recorded->pairs[end].offset == offset)
        end++;
    return (int)(end - first);
}
