/*
 * What the sink stores of the requests that it received.
 *
 * Second step of the sink: bytes -> request -> record -> response. Owned by the sink's one thread.
 * Bounded: `keep` distinct requests (path and webhook-id together) and as many events (webhook-id) are remembered;
 * those after them are counted in "not_remembered" and no longer checked for duplicates. The last 128 requests can be
 * listed. Times are wall-clock nanoseconds since 1970.
 */
#pragma once

#include "sink_request.h"

#include <stdint.h>
#include <stdio.h>

struct sink_record;

/* `journal` may be NULL; else each request appends the line "<time> <webhook-id or -> <path>" to that file.
 * Returns NULL with errno if there is no memory, or the file cannot be opened. */
struct sink_record *sink_record_new(size_t keep, const char *journal);
void sink_record_free(struct sink_record **record);

void sink_record_add(struct sink_record *record, int64_t now, const struct sink_request *request);

/* Forgets all requests; the journal continues. */
void sink_record_reset(struct sink_record *record);

/* Whether journal lines wait for sink_record_flush. */
bool sink_record_dirty(const struct sink_record *record);

/* Writes waiting journal lines; false with errno if that fails. */
bool sink_record_flush(struct sink_record *record);

/* Each writes one JSON text. The spread is that of the event with this id, or, if it is empty, of the event seen last.
 */
void sink_record_print_stats(const struct sink_record *record, FILE *out);
void sink_record_print_spread(const struct sink_record *record, struct sink_text id, FILE *out);
void sink_record_print_requests(const struct sink_record *record, FILE *out);
