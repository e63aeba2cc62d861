/* Stats: the API's metrics for /metrics. May be called from any thread. */
#pragma once
#include "base/buffer.h"
#include "base/clock.h"

struct stats;

struct stats *stats_new(struct error *error) MUST_USE;
void stats_free(struct stats **stats);

void stats_begin(struct stats *stats);
void stats_end(struct stats *stats, unsigned status, struct span took);
/* The request continues later, when its body has arrived. */
void stats_pause(struct stats *stats);
/* Returns the number of requests that have begun and not ended. */
int stats_in_flight(struct stats *stats);

/* Callers' connections: opened (1), closed (-1); and those that were refused or closed early. */
enum refusal { REFUSED_MALFORMED, REFUSED_SLOW, REFUSED_FULL };
void stats_connections(struct stats *stats, int change);
void stats_refused(struct stats *stats, enum refusal refusal);

/* Appends the metrics in Prometheus' text format. */
void stats_print(struct stats *stats, struct buffer *out);
