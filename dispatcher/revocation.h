/* Revocation: a partition is given back, or turned out not to be ours.
 *
 * Given back, it is REVOKING until a flush has parked what is not over, so that the next owner sends nothing twice. */
#pragma once
#include "partition.h"

struct revocations *revocations_new(struct error *error) MUST_USE;
void revocations_free(struct revocations **revocations);

/* For kafka.h: give them back in good order; `lost`: somebody else has them already. */
void revocation_begin(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost);

/* Called in every turn: a partition that is given back is gone once the flush that parks its work has ended, or its
 * time is over. */
void revocation_work(struct dispatcher *d);
/* For flush.h. */
void revocation_flushed(struct dispatcher *d, int64_t seq);

/* librdkafka waits for the answer. */
bool revocation_is_pending(const struct dispatcher *d);

/* Whatever was consumed and not passed is dropped: the next owner reads it again. Requests under way go on, and their
 * attempts are recorded. */
void revocation_drop(struct dispatcher *d, struct partition *partition);
/* The same, and the partition is gone. */
void revocation_forget(struct dispatcher *d, struct partition *partition);
