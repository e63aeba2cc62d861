/* Verify: now and then, ask PostgreSQL whether the positions that we hold are still as we left them. A flush finds out
 * by itself; this is for a partition in which nothing happens while the database goes back in time (a standby promoted
 * without its newest transactions), or while another dispatcher claims it. What was lost is then read from Kafka again,
 * without waiting for the next event. */
#pragma once
#include "background.h"

/* Called in every turn. */
void verify_work(struct dispatcher *d);
