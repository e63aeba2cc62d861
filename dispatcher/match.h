/* Match: which of an account's webhooks subscribed to an event type; remembered by type. */
#pragma once
#include "destination.h"

struct subscriber {
    struct destination *destination;
    struct text *patterns; /* in the account's arena */
    size_t pattern_count;
};

struct match {
    struct destination **destinations;
    size_t count;
};

struct match_entry;

/* What matched the types asked for since the subscribers changed. All zero: nothing yet. */
struct matches {
    struct match_entry *by_type;
    size_t size; /* bytes */
};

/* "*", "prefix.*" (any type that begins with "prefix."), or the type itself. */
bool match_pattern(struct text pattern, struct text type);

/* All subscribers that match, each once; without webhooks that are deleted. Valid until matches_forget(). */
const struct match *matches_find(struct matches *matches, const struct subscriber *subscribers, size_t count,
                                 struct text type);
/* The subscribers change, or end. */
void matches_forget(struct matches *matches);
