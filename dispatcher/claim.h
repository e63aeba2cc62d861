/* Claim: takes ownership of an assigned partition, first in PostgreSQL, then in librdkafka. revocation.h gives it back.
 *
 * CHECKING reads the last consumed record again and compares its timestamp and hash, to notice a topic that was deleted
 * and made again. */
#pragma once
#include "revocation.h"

struct claims *claims_new(struct dispatcher *d, struct error *error) MUST_USE;
void claims_free(struct claims **claims);

/* For kafka.h. */
void claims_assigned(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
void claims_failed(struct dispatcher *d, const rd_kafka_message_t *message);
/* For flush.h. */
void claims_lost(struct dispatcher *d, int32_t position_id);

/* Returns the running partition of a message. NULL if the message is to be dropped: the partition is not ours, the
 * offset is below the position, or it is the record read for CHECKING. */
struct partition *claims_accept(struct dispatcher *d, const rd_kafka_message_t *message);

/* Called in every turn. */
void claims_work(struct dispatcher *d);

/* True if a rebalance waits for its answer. */
bool claims_changing(const struct dispatcher *d);

/* True if the dispatcher is a member of the group and all assigned partitions are claimed. */
bool claims_ready(const struct dispatcher *d);
void claims_count(const struct dispatcher *d, int *running, int *stopped);
