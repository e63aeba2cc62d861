/* Kafka for posthorn-admin: the bounds of a log, and publishing one record. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "command.h"

/* Gets the first offset that exists, and the next one to be written. */
bool kafka_bounds(struct context *context, const char *topic, int partition, long long *first, long long *next,
                  struct error *error) MUST_USE;

/* A record to publish. */
struct kafka_record {
    const char *topic;
    int partition;               /* used if the topic has this partition; otherwise the key determines it */
    long long timestamp_ms;      /* since 1970; -1: now */
    struct text key, value;      /* data NULL: null */
    rd_kafka_headers_t *headers; /* owned by the caller */
};

/* Publishes a record and waits for the acknowledgement of all replicas. Sets *partition and *offset to its place. */
bool kafka_publish(struct context *context, const struct kafka_record *record, int *partition, long long *offset,
                   struct error *error) MUST_USE;
