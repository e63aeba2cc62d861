/* Verify: asks PostgreSQL now and then whether our positions are still as we left them. A flush detects a change by
 * itself; this detects one in a partition without traffic, when the database was set back in time (a standby was
 * promoted without its newest transactions) or another dispatcher has claimed it. Lost records are then read from Kafka
 * again, without waiting for the next event. */
#pragma once
#include "background.h"

/* Called in every turn. */
void verify_work(struct dispatcher *d);
