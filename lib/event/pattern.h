/* Pattern: what a webhook can subscribe to: an event type ("ach.settled"), "*" for all, or "prefix.*". */
#pragma once
#include "base/error.h"

#define PATTERNS_MAX 1000 /* per webhook */

bool pattern_check(const char *pattern, struct error *error) MUST_USE;
