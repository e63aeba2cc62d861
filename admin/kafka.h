/* The two things that posthorn-admin wants of Kafka: where a log begins and ends, and to publish one record. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "command.h"

/* The first offset that there is, and the one that will be written next. */
bool kafka_bounds(struct context *context, const char *topic, int partition, long long *first, long long *next,
                  struct error *error) MUST_USE;

/* A record to publish. */
struct kafka_record {
    const char *topic;
    int partition;               /* where the topic has it; else the key decides */
    long long timestamp_ms;      /* since 1970; -1: now */
    struct text key, value;      /* no data: null */
    rd_kafka_headers_t *headers; /* the caller's */
};

/* Publish a record and wait for the acknowledgement of all replicas. Where it went is written to *partition and
 * *offset. */
bool kafka_publish(struct context *context, const struct kafka_record *record, int *partition, long long *offset,
                   struct error *error) MUST_USE;
