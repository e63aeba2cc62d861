/* What /metrics shows of the API. Any thread. */
#pragma once
#include "base/buffer.h"
#include "base/clock.h"

struct stats;

struct stats *stats_new(struct error *error) MUST_USE;
void stats_free(struct stats **stats);

void stats_begin(struct stats *stats);
void stats_end(struct stats *stats, unsigned status, struct span took);
/* What has begun goes on later, when the body is there. */
void stats_pause(struct stats *stats);
/* Requests that have begun and not ended. */
int stats_in_flight(struct stats *stats);

/* Connections of callers: opened (1), closed (-1); and those that were turned away or cut off. */
enum refusal { REFUSED_MALFORMED, REFUSED_SLOW, REFUSED_FULL };
void stats_connections(struct stats *stats, int change);
void stats_refused(struct stats *stats, enum refusal refusal);

/* Append Prometheus' text form. */
void stats_print(struct stats *stats, struct buffer *out);
