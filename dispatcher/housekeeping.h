/* Housekeeping: makes partitions of the large tables ahead, seals chunks of the ledger, drops what has expired, and
 * counts the activity of webhooks. One dispatcher at a time does it; the others find it done, or locked. */
#pragma once
#include "background.h"

struct housekeeper *housekeeper_new(struct error *error) MUST_USE;
void housekeeper_free(struct housekeeper **housekeeper);

/* Called in every turn. */
void housekeeping_work(struct dispatcher *d);
