/* Offsets: how far each partition was consumed, committed to Kafka about once a second. For lag tools: best effort,
 * never read. */
#pragma once
#include "kafka.h"

struct offsets *offsets_new(struct error *error) MUST_USE;
void offsets_free(struct offsets **offsets);

/* The partition was consumed up to here. */
void offsets_remember(struct dispatcher *d, const char *topic, int32_t partition, int64_t next_offset);

/* Before the group is left, which waits for the answer. */
void offsets_commit(struct dispatcher *d);

/* Called in every turn. */
void offsets_work(struct dispatcher *d);
