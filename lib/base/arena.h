/* Arena: memory that is freed all at once. All allocations for one event are in one arena. */
#pragma once
#include "base/error.h"
#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t total, max;          /* bytes in all blocks, and their maximum */
};

void arena_init(struct arena *arena, size_t max);
void arena_fini(struct arena *arena);

/* Returns zeroed memory, aligned for any type. Returns NULL at the maximum or if memory is short. Allocations are not
 * freed one by one. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;

/* Copies the text and appends a NUL. Returns false at the maximum or if memory is short. */
bool arena_copy(struct arena *arena, struct text text, struct text *copy) MUST_USE;
