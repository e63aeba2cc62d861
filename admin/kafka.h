/* The two things that posthorn-admin wants of Kafka: where a log begins and ends, and to publish one record. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "command.h"

/* The first offset that there is, and the one that will be written next. */
bool kafka_bounds(struct context *context, const char *topic, int partition, long long *first, long long *next,
                  struct error *error) MUST_USE;

/* Publish a record and wait for the acknowledgement of all replicas. `key` and `value` may have no data: null. The
 * headers stay the caller's. Where it went is written to *partition and *offset. */
bool kafka_publish(struct context *context, const char *topic, struct text key, struct text value,
                   const rd_kafka_headers_t *headers, int *partition, long long *offset, struct error *error) MUST_USE;
