/* Fetch: which of the claimed partitions librdkafka reads, and what becomes of one that it cannot read.
 *
 * librdkafka bounds its queue by the values of the records in it; keys and headers it does not count. When the queue
 * holds much more than that, all partitions are taken from librdkafka, which drops the queue, and given back with the
 * offset that intake reads next. (They are not paused: librdkafka 2.0.2 may skip records when a partition is resumed.)
 *
 * A batch of records that librdkafka cannot read, such as one that expands to more than receive.message.max.bytes,
 * holds its partition up. That is an error in the log, a stopped partition in the metrics, and the reason in
 * posthorn.position.stopped, until the record there was read or the position was reset; the partition is claimed, and
 * read, again every few seconds. */
#pragma once
#include "partition.h"

struct fetcher *fetcher_new(struct error *error) MUST_USE;
void fetcher_free(struct fetcher **fetcher);

/* librdkafka reads the partition from `offset` on; -1: from the beginning. */
void fetch_start(struct dispatcher *d, struct partition *partition, int64_t offset);
void fetch_stop(struct dispatcher *d, struct partition *partition);

/* Called in every turn, but not while librdkafka waits for the answer to a rebalance. */
void fetch_work(struct dispatcher *d);

/* Why the partition is stopped, for whoever looks at posthorn.position; "": it is not. */
void fetch_tell_stopped(struct dispatcher *d, const struct partition *partition, const char *why);

/* How much of a record that was taken librdkafka did not count. */
void fetch_learn(struct dispatcher *d, size_t uncounted);

/* The error says that what stands at `offset` cannot be read: the partition is fetched no more until it is claimed
 * again. */
bool fetch_is_unreadable(rd_kafka_resp_err_t error);
void fetch_unreadable(struct dispatcher *d, struct partition *partition, int64_t offset, const char *why);
/* What the claim says of it: true when it is stopped for another reason. */
bool fetch_is_stopped(struct partition *partition, struct text stopped);
/* A record was read. */
void fetch_read(struct dispatcher *d, struct partition *partition, int64_t offset);
