/* Partition: a Kafka partition that this dispatcher owns or is claiming, and its events in memory.
 *
 *   (assigned) ──> CLAIMING ──> CHECKING ──> RUNNING ──> REVOKING ──> (gone)
 *                     │  ^         │  ^         │ │
 *                     │  │         └──│─────────│─┴──> STOPPED (another log than we know, or it cannot be read)
 *                     └──│────────────┴─────────┘         │
 *                        └─── not ours any more           └──> CHECKING or RUNNING, once it is claimed again
 */
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
    TAILQ_ENTRY(partition) link; /* in the order of assignment */
    char *topic;
    int32_t number;
    enum partition_state state;
    bool assigned;   /* librdkafka fetches it */
    bool unreadable; /* the record at unreadable_offset cannot be read; posthorn.position.stopped has the reason */
    int64_t unreadable_offset;
    unsigned char owner[UUID_SIZE];
    int32_t position_id;
    int32_t siblings;        /* number of partitions of its topic, including this one; 0: unknown */
    int64_t next_offset;     /* as in PostgreSQL; -1: from the beginning */
    int64_t composed_offset; /* as it will be when the flushes under way have committed */
    int64_t read_offset;     /* the next one that intake takes; -1: any */
    bool needs_fence; /* the gathering flush writes rows that only the owner may write, even if the position does not
                         move */
    int64_t last_offset, last_timestamp, last_check;
    struct passage_list passages; /* consumed, and not passed by the position yet; in the order of offsets */
    int asked;                    /* its place in the batch of claims under way; 0: not in it */
    struct recorded recorded;     /* at or above the position, as of the claim */
    int64_t revoke_seq;           /* REVOKING: the partition is removed when this flush has ended */
    struct mono revoke_deadline, retry_at;
};
TAILQ_HEAD(partition_list, partition);

/* How a position moves, and the ledger row for it. With no records, the position does not move, but the flush is
 * written only if the position is ours. */
struct move {
    int32_t position_id;
    unsigned char owner[UUID_SIZE];
    int64_t old_next, new_next; /* -1: null */
    int64_t first_offset, last_offset, last_timestamp, last_check;
    int32_t records, events, repeated, dead_lettered, matched;
};

struct partitions *partitions_new(struct error *error) MUST_USE;
/* No partition may be left. */
void partitions_free(struct partitions **partitions);
struct partition_list *partitions_all(const struct dispatcher *d);

/* Makes a partition in state CLAIMING. */
struct partition *partition_new(struct dispatcher *d, const char *topic, int32_t number);
/* The partition must not have passages. */
void partition_free(struct dispatcher *d, struct partition *partition);
/* Returns NULL if the partition is not ours, or is REVOKING. */
struct partition *partition_find(struct dispatcher *d, const char *topic, int32_t number);

/* The only function that changes the state of a partition. */
void partition_become(struct partition *partition, enum partition_state state);

/* Sets the position that PostgreSQL returned. */
void partition_start_at(struct partition *partition, int64_t next_offset);

/* Adds a passage of a record that was read. The partition holds a reference until the position passes it. */
void partition_add(struct partition *partition, struct passage *passage);
/* Removes the first passage and passes its reference to the caller. Returns NULL if there is none. */
struct passage *partition_take(struct partition *partition);

/* Only the owner of the passage's partition may write the gathering flush. */
void partition_fence(const struct passage *passage);

/* Passes all passages at the head that are over, and fills in the move. If there are none, but rows of the flush
 * require that the position is ours (partition_fence()), the move is one without records. Returns false if there is no
 * move. */
bool partition_pass(struct dispatcher *d, struct partition *partition, struct move *move);
/* The flush with this move is durable. */
void partition_passed(struct partition *partition, const struct move *move);

/* Sets the pairs recorded at or above the position, from rows of (offset, webhook_id), or removes them (`rows` NULL).
 * They count as memory, in no account's share. Returns false if memory is short. */
bool partition_set_recorded(struct dispatcher *d, struct partition *partition, const PGresult *rows) MUST_USE;

/* The check value of a record: the first 8 bytes of its digest. */
int64_t partition_check_of(const unsigned char digest[static 32]);
