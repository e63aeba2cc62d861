/* Suggest: finds names similar to a mistyped one. */
#pragma once
#include "base/buffer.h"

#define SUGGEST_MAX 64 /* longer names are truncated before they are compared */

/* Returns the number of insertions, deletions, substitutions and swaps of neighbours that turn one name into the other,
 * ignoring case. */
size_t suggest_distance(const char *a, const char *b);

/* True if `name` is similar enough to `given` to be suggested. */
bool suggest_near(const char *given, const char *name);
