/* The consumer-group member and the producer: librdkafka, woken by the loop.
 *
 * librdkafka keeps threads of its own for the network; everything it tells us comes through two queues that are served
 * here, on the loop's thread. Where to start in a partition is never asked of Kafka: partitions are assigned with the
 * offsets that PostgreSQL has, after it has told them. Offsets are committed to Kafka for lag tools only. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "dispatcher.h"

struct kafka_events {
    /* Partitions are ours, or not any more; librdkafka waits for kafka_assign() or kafka_unassign(). `lost`: somebody
     * else has them already. */
    void (*assigned)(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
    void (*revoked)(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost);
    /* A partition could not be read: message->err says why. */
    void (*failed)(struct dispatcher *d, const rd_kafka_message_t *message);
};

struct kafka *kafka_new(struct dispatcher *d, const struct kafka_events *events, struct error *error) MUST_USE;
void kafka_free(struct kafka **kafka);

/* Join the group. */
bool kafka_subscribe(struct dispatcher *d, struct error *error) MUST_USE;
/* Leave it; partitions are revoked on the way. Blocks until done. */
void kafka_leave(struct dispatcher *d);

/* The next record that is there, the caller's; NULL: none. Never waits. Also serves rebalances and errors of
 * partitions. */
rd_kafka_message_t *kafka_take(struct dispatcher *d);
/* Records in librdkafka's queue. */
size_t kafka_queued(const struct kafka *kafka);
bool kafka_readable(const struct kafka *kafka);
/* Look at the queue in the next turn whatever the wake-up says: a group member must be heard of now and then. */
void kafka_nudge(struct kafka *kafka);

/* Answers to a rebalance. Offsets stand in the list; an empty list is an answer too. */
void kafka_assign(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
void kafka_unassign(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);

/* For lag tools: best effort, never read. */
void kafka_commit(struct dispatcher *d, const rd_kafka_topic_partition_list_t *offsets);

/* The offset after the last record. Blocks up to 5 s: only for a new topic that starts at its end. */
bool kafka_end(struct dispatcher *d, const char *topic, int32_t partition, int64_t *end, struct error *error) MUST_USE;

/* How many partitions a topic has; 0 when the brokers do not say. Blocks up to 5 s: only when new topics start at their
 * end. */
int kafka_partition_count(struct dispatcher *d, const char *topic);

/* Publish; `done` is called from the loop with the broker's acknowledgement (or why there is none). Key and value are
 * copied, the headers taken over when it returns true. False: the queue is full or the record too large; errno-like
 * code in *why. */
typedef void kafka_published(void *owner, rd_kafka_resp_err_t error);
bool kafka_publish(struct dispatcher *d, const char *topic, struct text key, struct text value,
                   rd_kafka_headers_t *headers, kafka_published *done, void *owner, rd_kafka_resp_err_t *why) MUST_USE;
