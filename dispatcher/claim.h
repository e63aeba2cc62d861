/* Claim: a partition becomes ours, in PostgreSQL first and in librdkafka then.
 *
 *   (assigned) ──> CLAIMING ──> CHECKING ──> RUNNING ──> REVOKING ──> (gone)
 *                     │            │            │
 *                     └────────────┴────────────┴──> STOPPED (the log is not the one we know; waits for `posthorn-admin
 * position reset`) RUNNING ──> CLAIMING again, when a flush found that the position is not ours any more
 *
 * CHECKING reads the last record consumed once more and compares timestamp and hash, so that a topic that was deleted
 * and made again is noticed. */
#pragma once
#include "passage.h"
#include "recorded.h"

enum partition_state {
    PARTITION_CLAIMING,
    PARTITION_CHECKING,
    PARTITION_RUNNING,
    PARTITION_REVOKING,
    PARTITION_STOPPED
};

struct partition {
    TAILQ_ENTRY(partition) link;
    char *topic;
    int32_t number;
    enum partition_state state;
    bool assigned;   /* librdkafka fetches it */
    bool unreadable; /* what stands at unreadable_offset cannot be read: stopped says why */
    int64_t unreadable_offset;
    unsigned char owner[UUID_SIZE];
    int32_t position_id;
    int32_t siblings;        /* partitions of its topic, itself too; 0: not asked for */
    int64_t next_offset;     /* as in PostgreSQL: -1 from the beginning */
    int64_t composed_offset; /* as it will be once the flushes under way have committed */
    int64_t read_offset;     /* the next that intake takes; -1 any */
    bool needs_fence;        /* the flush that gathers writes what only the owner may, be it that nothing moves */
    int64_t last_offset, last_timestamp, last_check;
    struct passage_list passages; /* consumed, not yet passed by a flush; in the order of offsets */
    struct recorded recorded;     /* of records at or above the position, as of the claim */
    int64_t revoke_seq;           /* REVOKING: gone once this flush has ended */
    struct mono revoke_deadline, retry_at;
};
TAILQ_HEAD(partition_list, partition);

struct claims *claims_new(struct dispatcher *d, struct error *error) MUST_USE;
void claims_free(struct claims **claims);
struct partition_list *claims_partitions(struct dispatcher *d);

/* From kafka.c. */
void claims_assigned(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
void claims_revoked(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost);
void claims_partition_failed(struct dispatcher *d, const char *topic, int32_t number, int64_t offset,
                             rd_kafka_resp_err_t error, const char *text);

/* The running partition of a message, or NULL when it is to be dropped: not ours, below the position, or the record
 * that CHECKING looked at. */
struct partition *claims_accept(struct dispatcher *d, const rd_kafka_message_t *message);

/* From flush.c: the position is not ours any more. */
void claims_lost(struct dispatcher *d, int32_t position_id);
/* From flush.c: a flush has ended; revocations that waited for it are answered. */
void claims_flushed(struct dispatcher *d, int64_t seq);

/* Claims in PostgreSQL go over the keeper's session. */
void claims_work(struct dispatcher *d);

/* A rebalance waits for its answer. */
bool claims_changing(const struct dispatcher *d);

/* A member of the group, and all assigned partitions are claimed. */
bool claims_ready(const struct dispatcher *d);
void claims_count(const struct dispatcher *d, int *running, int *stopped);

/* The check value of a record: the first 8 bytes of its digest. */
int64_t claims_check_of(const unsigned char digest[static 32]);
