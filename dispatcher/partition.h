/* Partition: one of Kafka's partitions that is ours, or is becoming so, and the events of it that are in memory.
 *
 *   (assigned) ──> CLAIMING ──> CHECKING ──> RUNNING ──> REVOKING ──> (gone)
 *                     │  ^         │  ^         │ │
 *                     │  │         └──│─────────│─┴──> STOPPED (the log is not the one we know, or cannot be read)
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
    int asked;                    /* its place in the batch of claims under way; 0: it is not in it */
    struct recorded recorded;     /* of records at or above the position, as of the claim */
    int64_t revoke_seq;           /* REVOKING: gone once this flush has ended */
    struct mono revoke_deadline, retry_at;
};
TAILQ_HEAD(partition_list, partition);

/* How a position moves, and what the ledger says about it. No records: it stays, and has to be ours for the flush to be
 * written. */
struct move {
    int32_t position_id;
    unsigned char owner[UUID_SIZE];
    int64_t old_next, new_next; /* -1: null */
    int64_t first_offset, last_offset, last_timestamp, last_check;
    int32_t records, events, repeated, dead_lettered, matched;
};

struct partitions *partitions_new(struct error *error) MUST_USE;
/* There are none left. */
void partitions_free(struct partitions **partitions);
struct partition_list *partitions_all(struct dispatcher *d);

/* In state CLAIMING. */
struct partition *partition_new(struct dispatcher *d, const char *topic, int32_t number);
/* No passage is left of it. */
void partition_free(struct dispatcher *d, struct partition *partition);
/* NULL: it is not ours, or being given back. */
struct partition *partition_find(struct dispatcher *d, const char *topic, int32_t number);

/* The one function that moves a partition from state to state. */
void partition_become(struct partition *partition, enum partition_state state);

/* Where it stands, as PostgreSQL says. */
void partition_start_at(struct partition *partition, int64_t next_offset);

/* A record that was read; the partition refers to it until the position passes it. */
void partition_add(struct partition *partition, struct passage *passage);
/* The first of its passages, taken out; the caller has the reference. NULL: there is none. */
struct passage *partition_take(struct partition *partition);

/* Only the owner of the passage's partition may write what the flush that gathers says of it. */
void partition_fence(const struct passage *passage);

/* Pass all that is over at its head. If that is nothing, the position has to be ours all the same when rows of the
 * flush demand it. False: neither, and there is no move. */
bool partition_pass(struct dispatcher *d, struct partition *partition, struct move *move);
/* The flush with this move is durable. */
void partition_passed(struct partition *partition, const struct move *move);

/* What was recorded at or above the position, from rows of (offset, webhook_id); or nothing any more (NULL). Counts as
 * memory, in nobody's share. False without memory for it. */
bool partition_set_recorded(struct dispatcher *d, struct partition *partition, const PGresult *rows) MUST_USE;

/* The check value of a record: the first 8 bytes of its digest. */
int64_t partition_check_of(const unsigned char digest[static 32]);
