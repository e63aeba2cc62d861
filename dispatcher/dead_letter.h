/* Dead letters: invalid records. Each is copied to the dead-letter topic, then written to PostgreSQL in the flush that
 * moves the position. The row is authoritative; it also says whether the broker acknowledged the copy. */
#pragma once
#include "passage.h"

struct dead_letters *dead_letters_new(struct dispatcher *d, struct error *error) MUST_USE;
void dead_letters_free(struct dead_letters **dead_letters);

/* Takes a reference to the passage until the row is written. */
void dead_letter_start(struct dispatcher *d, struct passage *passage);

/* Called in every turn: continues copies that were delayed: too many bytes were under way, or memory was short. */
void dead_letter_work(struct dispatcher *d);
