/* Match: which of an account's webhooks subscribe to an event type. Results are cached by type. */
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

/* The results since the subscribers last changed. Initialized with zeros. */
struct matches {
    struct match_entry *by_type;
    size_t size; /* bytes */
};

/* Patterns: "*", "prefix.*" (any type that begins with "prefix."), or the type itself. */
bool match_pattern(struct text pattern, struct text type);

/* Returns all subscribers that match, each once, except deleted webhooks. Valid until matches_forget(). */
const struct match *matches_find(struct matches *matches, const struct subscriber *subscribers, size_t count,
                                 struct text type);
/* Must be called before the subscribers change or are freed. */
void matches_forget(struct matches *matches);
