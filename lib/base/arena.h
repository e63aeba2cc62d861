/* Memory that is given back all at once: everything of one event lives in one arena. */
#pragma once
#include "base/error.h"
#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t total, max;          /* bytes in all blocks, and the most there may be */
};

void arena_init(struct arena *arena, size_t max);
void arena_fini(struct arena *arena);

/* Zeroed and aligned for any type; NULL at the maximum or without memory. Never freed singly. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;

/* A copy of the text (and a NUL behind it). False at the maximum or without memory. */
bool arena_copy(struct arena *arena, struct text text, struct text *copy) MUST_USE;
