/* Events by any of the names that they have. */
#pragma once
#include "store/store.h"

/* The events that `name` may mean: a producer's id, 64 hexadecimal digits, evt_…, not_…. `account` (a key, or NULL)
 * narrows it. The rows have position_id, "offset", period, event_id, account_id, account; at most 100. NULL on an
 * error; no row is no error. */
PGresult *lookup_event(PGconn *db, const char *name, const char *account, struct error *error) MUST_USE;
