#include "stats.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/metrics.h"

enum { OK, REDIRECTED, REFUSED, BROKEN, SECONDS, IN_FLIGHT, CONNECTIONS, MALFORMED, SLOW, FULL, COUNT };

static const struct metric table[COUNT] = {
    [OK] = {"api_requests_total", "status=\"2xx\"", METRIC_COUNTER, "responses, by class of status"},
    [REDIRECTED] = {"api_requests_total", "status=\"3xx\"", METRIC_COUNTER, ""},
    [REFUSED] = {"api_requests_total", "status=\"4xx\"", METRIC_COUNTER, ""},
    [BROKEN] = {"api_requests_total", "status=\"5xx\"", METRIC_COUNTER, ""},
    [SECONDS] = {"api_request_seconds", NULL, METRIC_SECONDS, "time from the last byte of a request to the response"},
    [IN_FLIGHT] = {"api_requests_in_flight", NULL, METRIC_GAUGE, "requests in progress"},
    [CONNECTIONS] = {"api_connections", NULL, METRIC_GAUGE, "open connections of callers"},
    [MALFORMED] = {"api_refused_total", "reason=\"malformed\"", METRIC_COUNTER,
                   "connections that were refused or closed early, by reason"},
    [SLOW] = {"api_refused_total", "reason=\"slow\"", METRIC_COUNTER, ""},
    [FULL] = {"api_refused_total", "reason=\"full\"", METRIC_COUNTER, ""},
};

struct stats {
    pthread_mutex_t lock;
    struct metric_value values[COUNT];
};

struct stats *stats_new(struct error *error)
{
    struct stats *stats = calloc(1, sizeof *stats);
    if (stats == NULL)
        error_set(error, "no memory");
    else
        pthread_mutex_init(&stats->lock, NULL);
    return stats;
}

void stats_free(struct stats **stats)
{
    if (*stats == NULL)
        return;
    pthread_mutex_destroy(&(*stats)->lock);
    free(*stats);
    *stats = NULL;
}

void stats_begin(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    stats->values[IN_FLIGHT].value++;
    pthread_mutex_unlock(&stats->lock);
}

void stats_pause(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    stats->values[IN_FLIGHT].value--;
    pthread_mutex_unlock(&stats->lock);
}

void stats_end(struct stats *stats, unsigned status, struct span took)
{
    pthread_mutex_lock(&stats->lock);
    stats->values[IN_FLIGHT].value--;
    stats->values[status < 300 ? OK : status < 400 ? REDIRECTED : status < 500 ? REFUSED : BROKEN].value++;
    metric_observe(&stats->values[SECONDS], took);
    pthread_mutex_unlock(&stats->lock);
}

void stats_connections(struct stats *stats, int change)
{
    pthread_mutex_lock(&stats->lock);
    stats->values[CONNECTIONS].value += change;
    pthread_mutex_unlock(&stats->lock);
}

void stats_refused(struct stats *stats, enum refusal refusal)
{
    static const int rows[] = {[REFUSED_MALFORMED] = MALFORMED, [REFUSED_SLOW] = SLOW, [REFUSED_FULL] = FULL};
    pthread_mutex_lock(&stats->lock);
    stats->values[rows[refusal]].value++;
    pthread_mutex_unlock(&stats->lock);
}

int stats_in_flight(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    int count = (int)stats->values[IN_FLIGHT].value;
    pthread_mutex_unlock(&stats->lock);
    return count;
}

void stats_print(struct stats *stats, struct buffer *out)
{
    pthread_mutex_lock(&stats->lock);
    metrics_print(table, stats->values, COUNT, out);
    pthread_mutex_unlock(&stats->lock);
}
