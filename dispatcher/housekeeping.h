/* Housekeeping: the chores of schema/code/chores.sql: makes partitions of the large tables ahead, closes the books,
 * counts the activity of webhooks, and deletes what has expired. It has a connection of its own, so that nothing waits
 * for it. One dispatcher at a time does a chore; the others find it done, or locked. */
#pragma once
#include "dispatcher.h"

struct housekeeper *housekeeper_new(struct dispatcher *d, struct error *error) MUST_USE;
void housekeeper_free(struct housekeeper **housekeeper);

/* Called in every turn. */
void housekeeping_work(struct dispatcher *d);
