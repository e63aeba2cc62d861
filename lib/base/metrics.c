#include "base/metrics.h"

static const double bounds[METRIC_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                              0.25,  0.5,    1,     2.5,  5,     10,   30};

void metric_observe(struct metric_value *metric, struct span span)
{
    double seconds = (double)span.ns / 1e9;
    size_t i = 0;
    while (i < METRIC_BUCKETS && seconds > bounds[i])
        i++;
    metric->count[i]++;
    metric->value += seconds;
}

static void print_histogram(const struct metric *metric, const struct metric_value *value, struct buffer *out)
{
    uint64_t total = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        total += value->count[i];
        buffer_printf(out, "posthorn_%s_bucket{le=\"%g\"} %llu\n", metric->name, bounds[i], (unsigned long long)total);
    }
    total += value->count[METRIC_BUCKETS];
    buffer_printf(out, "posthorn_%s_bucket{le=\"+Inf\"} %llu\nposthorn_%s_sum %.9g\nposthorn_%s_count %llu\n",
                  metric->name, (unsigned long long)total, metric->name, value->value, metric->name,
                  (unsigned long long)total);
}

void metrics_print(const struct metric *metrics, const struct metric_value *values, size_t count, struct buffer *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < count; i++) {
        const struct metric *m = &metrics[i];
        if (i == 0 || strcmp(m->name, metrics[i - 1].name) != 0)
            buffer_printf(out, "# HELP posthorn_%s %s\n# TYPE posthorn_%s %s\n", m->name, m->help, m->name,
                          kinds[m->kind]);
        if (m->kind == METRIC_SECONDS)
            print_histogram(m, &values[i], out);
        else if (m->labels != NULL)
            buffer_printf(out, "posthorn_%s{%s} %.17g\n", m->name, m->labels, values[i].value);
        else
            buffer_printf(out, "posthorn_%s %.17g\n", m->name, values[i].value);
    }
}
