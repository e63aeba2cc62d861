/* Kafka: the consumer (a member of the group) and the producer, both librdkafka, woken by the loop.
 *
 * librdkafka has threads of its own for the network; its events come through two queues that are served here, on the
 * loop's thread. The offset at which to start is never read from Kafka: partitions are assigned with the offsets from
 * PostgreSQL. Offsets are committed to Kafka for lag tools only. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "dispatcher.h"

struct kafka_events {
    /* A rebalance; librdkafka waits for kafka_assign() or kafka_unassign(). With `lost`, the partitions may already
     * have another owner. */
    void (*assigned)(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
    void (*revoked)(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost);
    /* A partition could not be read: message->err says why. */
    void (*failed)(struct dispatcher *d, const rd_kafka_message_t *message);
};

struct kafka *kafka_new(struct dispatcher *d, const struct kafka_events *events, struct error *error) MUST_USE;
/* Waits up to 5 s for the acknowledgements of published records, and gives up those without one. */
void kafka_flush(struct kafka *kafka);
/* All records were freed before: librdkafka waits for them. */
void kafka_free(struct kafka **kafka);

/* Joins the group. */
bool kafka_subscribe(struct dispatcher *d, struct error *error) MUST_USE;
/* Leaves the group; its partitions are revoked on the way. Blocks until done. */
void kafka_leave(struct dispatcher *d);

/* Returns the next record, which the caller owns; NULL: there is none. Never waits. Also calls the callbacks for
 * rebalances and for errors of partitions. */
rd_kafka_message_t *kafka_take(struct dispatcher *d);
/* Number of records in librdkafka's queue. */
size_t kafka_queued(const struct kafka *kafka);
bool kafka_readable(const struct kafka *kafka);
/* Serves the queue in the next turn even without a wake-up: a group member must poll regularly. */
void kafka_nudge(struct kafka *kafka);

/* Answers a rebalance. The list has the offsets; an empty list is also an answer. */
void kafka_assign(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);
void kafka_unassign(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions);

/* Commits offsets for lag tools. Best effort; Posthorn never reads them. */
void kafka_commit(struct dispatcher *d, const rd_kafka_topic_partition_list_t *offsets);

/* Gets the offset after the last record. Blocks for up to 5 s; called only for a new topic that starts at its end. */
bool kafka_end(struct dispatcher *d, const char *topic, int32_t partition, int64_t *end, struct error *error) MUST_USE;

/* Returns the number of partitions of a topic, or 0 if the brokers do not report it. Blocks for up to 5 s; called only
 * if new topics start at their end. */
int kafka_partition_count(struct dispatcher *d, const char *topic);

/* Publishes a record. `done` is called from the loop with the broker's acknowledgement, or with the error. Key and
 * value are copied; the headers are taken over if the function returns true. It returns false, with librdkafka's error
 * in *why, if the queue is full or the record is too large. */
typedef void kafka_published(void *owner, rd_kafka_resp_err_t error);
bool kafka_publish(struct dispatcher *d, const char *topic, struct text key, struct text value,
                   rd_kafka_headers_t *headers, kafka_published *done, void *owner, rd_kafka_resp_err_t *why) MUST_USE;
