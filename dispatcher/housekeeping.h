/* Housekeeping: partitions of the large tables made ahead, chunks of the ledger sealed, what has expired dropped, and
 * the activity of webhooks counted. One dispatcher at a time does it; the others find it done, or locked. */
#pragma once
#include "background.h"

struct housekeeper *housekeeper_new(struct error *error) MUST_USE;
void housekeeper_free(struct housekeeper **housekeeper);

/* Called in every turn. */
void housekeeping_work(struct dispatcher *d);
