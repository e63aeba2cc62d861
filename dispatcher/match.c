#include "match.h"

#include <stdlib.h>

#include "account.h"

#define TYPES_MAX 256 /* remembered an account */

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
}

static bool subscribes(const struct subscriber *subscriber, struct text type)
{
    for (size_t i = 0; i < subscriber->pattern_count; i++)
        if (match_pattern(subscriber->patterns[i], type))
            return true;
    return false;
}

static void find_all(const struct account *account, struct text type, struct match *match)
{
    match->destinations = calloc(account->subscriber_count + 1, sizeof(struct destination *));
    if (match->destinations == NULL)
        abort();
    for (size_t i = 0; i < account->subscriber_count; i++)
        if (account->subscribers[i].destination->webhook->status != WEBHOOK_DELETED && /* there for its backlog only */
            subscribes(&account->subscribers[i], type))
            match->destinations[match->count++] = account->subscribers[i].destination;
}

const struct match *match_event(struct account *account, struct text type)
{
    struct match_entry *entry;
    HASH_FIND(hh, account->matches, type.data, type.size, entry);
    if (entry != NULL)
        return &entry->match;
    if (HASH_COUNT(account->matches) >= TYPES_MAX) /* types are the producer's to invent: start over rather than grow */
        match_forget(account);
    entry = calloc(1, sizeof *entry);
    if (entry == NULL || (entry->type = strndup(type.data, type.size)) == NULL)
        abort();
    find_all(account, type, &entry->match);
    HASH_ADD_KEYPTR(hh, account->matches, entry->type, type.size, entry);
    return &entry->match;
}
