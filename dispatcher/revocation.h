/* Revocation: the end of a partition that is revoked, or that is not ours any more.
 *
 * A revoked partition is REVOKING until a flush has parked the deliveries that are not over, so that the next owner
 * sends nothing twice. */
#pragma once
#include "partition.h"

struct revocations *revocations_new(struct error *error) MUST_USE;
void revocations_free(struct revocations **revocations);

/* For kafka.h: starts the revocation. With `lost`, the partitions may already have another owner. */
void revocation_begin(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost);

/* Called in every turn, after flush_work(): removes a REVOKING partition when the flush that parks its deliveries has
 * ended, or after 10 s.
 */
void revocation_work(struct dispatcher *d);

/* True if librdkafka waits for the answer to a revocation. */
bool revocation_is_pending(const struct dispatcher *d);

/* Drops the passages that the position has not passed; the next owner reads them again. Requests in flight continue,
 * and their attempts are recorded. */
void revocation_drop(struct dispatcher *d, struct partition *partition);
/* As revocation_drop(), and removes the partition. */
void revocation_forget(struct dispatcher *d, struct partition *partition);
