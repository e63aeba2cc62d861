/* Outbox: publishes our own events (such as webhook.disabled) from posthorn.outbox to Kafka. */
#pragma once
#include "tasks.h"

struct outbox *outbox_new(struct error *error) MUST_USE;
void outbox_free(struct outbox **outbox);

/* Called in every turn. */
void outbox_work(struct dispatcher *d);
/* The outbox has a new row. */
void outbox_hurry(struct dispatcher *d);
