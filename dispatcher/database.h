/* Database: what all modules do when PostgreSQL refuses a batch of statements. */
#pragma once
#include "dispatcher.h"

/* Logs it. When a row found no partition of its table, housekeeping makes the partition next; the caller tries again.
 */
void database_refused(struct dispatcher *d, const char *who, const struct reply *reply);
