/* Register: this process has a row in posthorn.dispatcher before it does anything; then it joins the group. */
#pragma once
#include "background.h"

/* Called in every turn: registers the process when d->id is 0, at the start and after the database went back in time.
 */
void register_work(struct dispatcher *d);
