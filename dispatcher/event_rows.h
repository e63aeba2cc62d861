/* Event rows: the events of a batch as parameters of posthorn.intake(), and what its answer says of each. */
#pragma once
#include "accounts.h"
#include "partition.h"

struct event_rows;

/* For up to `most` events. NULL without memory. */
struct event_rows *event_rows_new(size_t most);
void event_rows_free(struct event_rows **rows);

/* From the passages that hold an event; one of an account that is unknown or closed is refused. False when that must be
 * tried again: a payload cannot be sealed just now. */
bool event_rows_fill(struct dispatcher *d, struct event_rows *rows, struct passage *const *passages,
                     size_t count) MUST_USE;
size_t event_rows_count(const struct event_rows *rows);

/* Add the statement; its answer has the columns v, changed, forget, and what event_rows_take() reads. */
bool event_rows_add(struct dispatcher *d, struct event_rows *rows, struct session *session) MUST_USE;

/* Each passage becomes an event or a repeat. */
void event_rows_take(struct event_rows *rows, const PGresult *answer);
