#include "match.h"

#include <stdlib.h>

#include "base/memory.h"

#define TYPES_MAX 256          /* cached per account */
#define MATCHES_MAX (1u << 20) /* bytes of their results */

struct match_entry {
    UT_hash_handle hh;
    char *type;
    struct match match;
};

bool match_pattern(struct text pattern, struct text type)
{
    if (text_equal(pattern, TEXT("*")))
        return true;
    if (pattern.size >= 2 && pattern.data[pattern.size - 1] == '*')
        return type.size >= pattern.size && text_starts(type, (struct text){pattern.data, pattern.size - 1});
    return text_equal(pattern, type);
}

void matches_forget(struct matches *matches)
{
    struct match_entry *entry, *next;
    HASH_ITER(hh, matches->by_type, entry, next)
    {
        HASH_DEL(matches->by_type, entry);
        free(entry->match.destinations);
        free(entry->type);
        free(entry);
    }
    matches->size = 0;
}

static bool subscribes(const struct subscriber *subscriber, struct text type)
{
    for (size_t i = 0; i < subscriber->pattern_count; i++)
        if (match_pattern(subscriber->patterns[i], type))
            return true;
    return false;
}

static bool reaches(const struct subscriber *subscriber, struct text type)
{
    return subscriber->destination->webhook->status != WEBHOOK_DELETED && subscribes(subscriber, type);
}

static void find_all(const struct subscriber *subscribers, size_t count, struct text type, struct match *match)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += reaches(&subscribers[i], type);
    match->destinations = memory_need(calloc(most + 1, sizeof(struct destination *)), "what a type matches");
    for (size_t i = 0; i < count && match->count < most; i++)
        if (reaches(&subscribers[i], type))
            match->destinations[match->count++] = subscribers[i].destination;
}

const struct match *matches_find(struct matches *matches, const struct subscriber *subscribers, size_t count,
                                 struct text type)
{
    struct match_entry *entry;
    HASH_FIND(hh, matches->by_type, type.data, type.size, entry);
    if (entry != NULL)
        return &entry->match;
    if (HASH_COUNT(matches->by_type) >= TYPES_MAX || matches->size >= MATCHES_MAX)
        matches_forget(matches); /* producers can invent any number of types: start over instead of growing */
    entry = memory_need(calloc(1, sizeof *entry), "an event type");
    entry->type = memory_need(text_copy(type), "an event type");
    find_all(subscribers, count, type, &entry->match);
    matches->size += sizeof *entry + type.size + entry->match.count * sizeof(struct destination *);
    HASH_ADD_KEYPTR(hh, matches->by_type, entry->type, type.size, entry);
    return &entry->match;
}
