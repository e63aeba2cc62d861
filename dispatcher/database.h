/* Database: what all modules do when PostgreSQL rejects a batch of statements. */
#pragma once
#include "dispatcher.h"

/* Logs the error of `reply`; `who` names the module in the log. If a table had no partition for a row, housekeeping
 * makes the partition next. The caller sends the batch again. */
void database_refused(struct dispatcher *d, const char *who, const struct reply *reply);
