/* The keeper: everything that is not on an event's way. Registers the process, runs claims, keeps partitions of the big
 * tables made, publishes our own events, disables hopeless webhooks, commits offsets to Kafka for lag tools. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "dispatcher.h"

struct keeper *keeper_new(struct dispatcher *d, struct error *error) MUST_USE;
void keeper_free(struct keeper **keeper);

struct session *keeper_session(struct dispatcher *d);
bool keeper_connected(const struct dispatcher *d);

/* Called in every turn. */
void keeper_work(struct dispatcher *d);
/* There is something to do before the next tick. */
void keeper_hurry(struct dispatcher *d);

/* PostgreSQL refused a batch: log it; when a partition of a table was missing, make it. */
void keeper_mend(struct dispatcher *d, const char *who, const struct reply *reply);

/* Done in their order, again and again until PostgreSQL has answered. */
void keeper_start_at(struct dispatcher *d, int32_t position_id, const unsigned char owner[static 16], int64_t offset);
void keeper_stop_position(struct dispatcher *d, int32_t position_id, const unsigned char owner[static 16],
                          const char *why);
/* If it has failed for so long in PostgreSQL's eyes too: another dispatcher may have seen it well. */
void keeper_disable(struct dispatcher *d, int32_t webhook_id, struct span failed_for, const char *reason);

/* Remember these offsets; they are committed about once a second. */
void keeper_commit_later(struct dispatcher *d, const rd_kafka_topic_partition_list_t *offsets);
