/* Offsets: commits to Kafka, about once a second, how far each partition was consumed. Lag tools use it: best effort;
 * Posthorn never reads it. */
#pragma once
#include "kafka.h"

struct offsets *offsets_new(struct error *error) MUST_USE;
void offsets_free(struct offsets **offsets);

/* The partition was consumed up to, but not including, next_offset. */
void offsets_remember(struct dispatcher *d, const char *topic, int32_t partition, int64_t next_offset);

/* Commits at once. Called before the dispatcher leaves the group; leaving waits for the answer. */
void offsets_commit(struct dispatcher *d);

/* Called in every turn. */
void offsets_work(struct dispatcher *d);
