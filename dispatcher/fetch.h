/* Fetch: which of the claimed partitions librdkafka reads, and how a partition that it cannot read is handled.
 *
 * librdkafka bounds its queue by the values of the records in it and does not count keys and headers. If keys and
 * headers in the queue take too much memory, all partitions are unassigned, which drops the queue, and assigned again
 * with the offset that intake reads next.
 *
 * A batch of records that librdkafka cannot read, such as one that expands to more than receive.message.max.bytes,
 * stops its partition: an error in the log, a stopped partition in the metrics, and the reason in
 * posthorn.position.stopped. The partition is claimed and read again every few seconds until the record there was read
 * or the position was reset. */
#pragma once
#include "partition.h"

struct fetcher *fetcher_new(struct error *error) MUST_USE;
void fetcher_free(struct fetcher **fetcher);

/* Makes librdkafka read the partition from `offset` on; -1: from the beginning. */
void fetch_start(struct dispatcher *d, struct partition *partition, int64_t offset);
void fetch_stop(struct dispatcher *d, struct partition *partition);

/* Called in every turn, except while librdkafka waits for the answer to a rebalance. */
void fetch_work(struct dispatcher *d);

/* Writes to posthorn.position why the partition is stopped; "": it is not stopped. */
void fetch_tell_stopped(struct dispatcher *d, const struct partition *partition, const char *why);

/* Learns from a record how many of its bytes librdkafka's queue does not count. */
void fetch_learn(struct dispatcher *d, size_t uncounted);

/* fetch_is_unreadable(): true if the error means that the record at the offset cannot be read. fetch_unreadable(): the
 * record at `offset` cannot be read; the partition is not fetched until it is claimed again. */
bool fetch_is_unreadable(rd_kafka_resp_err_t error);
void fetch_unreadable(struct dispatcher *d, struct partition *partition, int64_t offset, const char *why);
/* Takes the value of posthorn.position.stopped that the claim returned. True if it is stopped for another reason. */
bool fetch_is_stopped(struct partition *partition, struct text stopped);
/* A record of the partition was read. */
void fetch_read(struct dispatcher *d, struct partition *partition, int64_t offset);
