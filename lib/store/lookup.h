/* Lookup: finds events by any of their names. */
#pragma once
#include "store/store.h"

/* Finds the events that `name` may stand for: a producer's id, 64 hexadecimal digits, evt_…, not_…. `account` (a key,
 * or NULL) restricts it. The rows have position_id, "offset", period, event_id, account_id, account; at most 100.
 * Returns NULL on an error; no rows is not an error. */
PGresult *lookup_event(PGconn *db, const char *name, const char *account, struct error *error) MUST_USE;
