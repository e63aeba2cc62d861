/* What /metrics shows of the API. Any thread. */
#pragma once
#include "base/buffer.h"
#include "base/clock.h"

struct stats;

struct stats *stats_new(struct error *error) MUST_USE;
void stats_free(struct stats **stats);

void stats_begin(struct stats *stats);
void stats_end(struct stats *stats, unsigned status, struct span took);
/* Requests that have begun and not ended. */
int stats_in_flight(struct stats *stats);

/* Append Prometheus' text form. */
void stats_print(struct stats *stats, struct buffer *out);
