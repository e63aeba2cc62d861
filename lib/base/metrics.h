/* Metrics: counters, gauges and histograms in one table per program, printed in Prometheus' text format (0.0.4). */
#pragma once
#include "base/buffer.h"
#include "base/clock.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_SECONDS /* a histogram of durations */ };

struct metric {
    const char *name;   /* without the prefix posthorn_ */
    const char *labels; /* for example outcome="delivered", or NULL; equal names are adjacent in the table */
    enum metric_kind kind;
    const char *help;
};

#define METRIC_BUCKETS 14

struct metric_value {
    double value;                       /* of a counter or gauge; of a histogram, the sum in seconds */
    uint64_t count[METRIC_BUCKETS + 1]; /* of a histogram, by upper bound; the last is +Inf */
};

/* Adds to a histogram's buckets: 1, 2.5, 5, 10, 25, 50, 100, 250, 500 ms, 1, 2.5, 5, 10, 30 s. */
void metric_observe(struct metric_value *metric, struct span span);

/* Appends the whole table. `values` has one element for each of `metrics`. */
void metrics_print(const struct metric *metrics, const struct metric_value *values, size_t count, struct buffer *out);
