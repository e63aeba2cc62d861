/* Claim: a partition becomes ours, in PostgreSQL first and in librdkafka then; revocation.h gives it back.
 *
 * CHECKING reads the last record consumed once more and compares timestamp and hash, so that a topic that was deleted
 * and made again is noticed. */
#pragma once
#include "revocation.h"

struct claims *claims_new(struct dispatcher *d, struct error *error) MUST_USE;
void claims_free(struct claims **claims);

/* For kafka.h. */
void claims_assigned(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
void claims_failed(struct dispatcher *d, const rd_kafka_message_t *message);
/* For flush.h. */
void claims_lost(struct dispatcher *d, int32_t position_id);

/* The running partition of a message, or NULL when it is to be dropped: not ours, below the position, or the record
 * that CHECKING looked at. */
struct partition *claims_accept(struct dispatcher *d, const rd_kafka_message_t *message);

/* Called in every turn. */
void claims_work(struct dispatcher *d);

/* A rebalance waits for its answer. */
bool claims_changing(struct dispatcher *d);

/* A member of the group, and all assigned partitions are claimed. */
bool claims_ready(struct dispatcher *d);
void claims_count(struct dispatcher *d, int *running, int *stopped);
