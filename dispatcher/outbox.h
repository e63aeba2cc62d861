/* Outbox: our own events (webhook.disabled and the like), published to Kafka from posthorn.outbox. */
#pragma once
#include "tasks.h"

struct outbox *outbox_new(struct error *error) MUST_USE;
void outbox_free(struct outbox **outbox);

/* Called in every turn. */
void outbox_work(struct dispatcher *d);
/* There is something in it. */
void outbox_hurry(struct dispatcher *d);
