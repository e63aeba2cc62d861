#include "match.h"

#include <stdlib.h>

#include "account.h"
#include "base/memory.h"

#define TYPES_MAX 256          /* remembered an account */
#define MATCHES_MAX (1u << 20) /* bytes of what matched them */

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

void match_forget(struct account *account)
{
    struct match_entry *entry, *next;
    HASH_ITER(hh, account->matches, entry, next)
    {
        HASH_DEL(account->matches, entry);
        free(entry->match.destinations);
        free(entry->type);
        free(entry);
    }
    account->match_size = 0;
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

static void find_all(const struct account *account, struct text type, struct match *match)
{
    size_t count = 0;
    for (size_t i = 0; i < account->subscriber_count; i++)
        count += reaches(&account->subscribers[i], type);
    match->destinations = memory_need(calloc(count + 1, sizeof(struct destination *)), "what a type matches");
    for (size_t i = 0; i < account->subscriber_count && match->count < count; i++)
        if (reaches(&account->subscribers[i], type))
            match->destinations[match->count++] = account->subscribers[i].destination;
}

const struct match *match_event(struct account *account, struct text type)
{
    struct match_entry *entry;
    HASH_FIND(hh, account->matches, type.data, type.size, entry);
    if (entry != NULL)
        return &entry->match;
    if (HASH_COUNT(account->matches) >= TYPES_MAX || account->match_size >= MATCHES_MAX)
        match_forget(account); /* types are the producer's to invent: start over rather than grow */
    entry = memory_need(calloc(1, sizeof *entry), "an event type");
    entry->type = memory_need(strndup(type.data, type.size), "an event type");
    find_all(account, type, &entry->match);
    account->match_size += sizeof *entry + type.size + entry->match.count * sizeof(struct destination *);
    HASH_ADD_KEYPTR(hh, account->matches, entry->type, type.size, entry);
    return &entry->match;
}
