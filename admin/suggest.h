/* "Did you mean …?" for names that were mistyped. */
#pragma once
#include "base/buffer.h"

#define SUGGEST_MAX 64 /* names longer than this are cut before they are compared */

/* Insertions, deletions, substitutions and swaps of neighbours that make one name of the other; letters' case is free.
 */
size_t suggest_distance(const char *a, const char *b);

/* Whether `name` is near enough to what was given to be meant. */
bool suggest_near(const char *given, const char *name);
