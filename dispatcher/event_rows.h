/* Event rows: the events of a batch as parameters of posthorn.intake(), and the result for each event. */
#pragma once
#include "accounts.h"
#include "partition.h"

struct event_rows;

/* Makes room for up to `most` events. Returns NULL if memory is short. */
struct event_rows *event_rows_new(size_t most);
void event_rows_free(struct event_rows **rows);

/* Fills the rows from the passages that hold an event; events of an account that is unknown or closed are refused.
 * Returns false if a payload cannot be sealed at present: call it again later. */
bool event_rows_fill(struct dispatcher *d, struct event_rows *rows, struct passage *const *passages,
                     size_t count) MUST_USE;
size_t event_rows_count(const struct event_rows *rows);

/* Adds the statement. Its result has the columns v, changed, forget, and those that event_rows_take() reads. */
bool event_rows_add(struct dispatcher *d, struct event_rows *rows, struct session *session) MUST_USE;

/* Sets the kind of each passage: event or repeat. */
void event_rows_take(struct event_rows *rows, const PGresult *answer);
