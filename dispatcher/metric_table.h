/* All metrics of the dispatcher in one table: index, name, labels, kind, help. */
#pragma once
#include "base/metrics.h"

#define METRICS(X)                                                                                                     \
    X(RECORDS, "records_total", NULL, METRIC_COUNTER, "Kafka records consumed")                                        \
    X(EVENTS, "events_total", NULL, METRIC_COUNTER, "valid records that are not repeats")                              \
    X(REPEATED, "events_repeated_total", NULL, METRIC_COUNTER,                                                         \
      "records whose event id was already stored with other coordinates")                                              \
    X(DEAD_LETTERED, "dead_letters_total", NULL, METRIC_COUNTER, "invalid records")                                    \
    X(MATCHED, "matched_total", NULL, METRIC_COUNTER, "(event, webhook) pairs matched")                                \
    X(ATTEMPT_DELIVERED, "attempts_total", "outcome=\"delivered\"", METRIC_COUNTER, "requests made, by outcome")       \
    X(ATTEMPT_RETRY, "attempts_total", "outcome=\"retry\"", METRIC_COUNTER, "requests made, by outcome")               \
    X(ATTEMPT_GAVE_UP, "attempts_total", "outcome=\"gave_up\"", METRIC_COUNTER, "requests made, by outcome")           \
    X(PARKED, "parked_total", NULL, METRIC_COUNTER, "deliveries parked in PostgreSQL")                                 \
    X(CANCELLED, "cancelled_total", NULL, METRIC_COUNTER,                                                              \
      "deliveries cancelled because their webhook is disabled or deleted")                                             \
    X(FLUSHES, "flushes_total", NULL, METRIC_COUNTER, "flushes committed")                                             \
    X(FLUSHES_REFUSED, "flushes_refused_total", NULL, METRIC_COUNTER,                                                  \
      "flushes that PostgreSQL rejected and that were sent again")                                                     \
    X(POSITIONS_LOST, "positions_lost_total", NULL, METRIC_COUNTER,                                                    \
      "partitions that were found to have another owner at a flush")                                                   \
    X(WEBHOOKS_DISABLED, "webhooks_disabled_total", NULL, METRIC_COUNTER,                                              \
      "webhooks disabled because they failed for too long")                                                            \
    X(IN_FLIGHT, "in_flight", NULL, METRIC_GAUGE, "requests in flight")                                                \
    X(WAITING, "waiting", NULL, METRIC_GAUGE, "deliveries waiting in memory")                                          \
    X(MEMORY, "event_bytes", NULL, METRIC_GAUGE, "bytes of events in memory")                                          \
    X(UNFLUSHED, "unflushed_attempts", NULL, METRIC_GAUGE, "attempts not yet committed")                               \
    X(PARTITIONS, "partitions", "state=\"claimed\"", METRIC_GAUGE, "assigned partitions, by state")                    \
    X(PARTITIONS_STOPPED, "partitions", "state=\"stopped\"", METRIC_GAUGE, "assigned partitions, by state")            \
    X(ACCOUNTS_FAULTY, "accounts_faulty", NULL, METRIC_GAUGE,                                                          \
      "accounts whose webhooks or data key cannot be loaded; the log names them and the remedy")                       \
    X(LEASED, "leased_webhooks", NULL, METRIC_GAUGE, "webhooks whose backlog this dispatcher works on")                \
    X(BACKLOG_DUE, "backlog_due", NULL, METRIC_GAUGE,                                                                  \
      "webhooks with due deliveries in PostgreSQL, at most 10,000; use this and Kafka's lag to decide on scaling")     \
    X(REQUEST_SECONDS, "request_seconds", NULL, METRIC_SECONDS, "time from a request's start to its outcome")          \
    X(EVENT_SECONDS, "event_seconds", NULL, METRIC_SECONDS,                                                            \
      "time from reading an event to the start of its first requests")                                                 \
    X(FLUSH_SECONDS, "flush_seconds", NULL, METRIC_SECONDS, "time that PostgreSQL took to commit a flush")

#define METRIC_INDEX(index, name, labels, kind, help) METRIC_##index,
enum metric_index { METRICS(METRIC_INDEX) METRIC_COUNT };
#undef METRIC_INDEX

extern const struct metric metric_table[METRIC_COUNT];
