/* Register: inserts the row of this process in posthorn.dispatcher before anything else, then joins the Kafka group. */
#pragma once
#include "background.h"

/* Called in every turn: registers the process when d->id is 0, at the start and after the database was set back in
 * time. */
void register_work(struct dispatcher *d);
