#include "check.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "event/pattern.h"
#include "net/url.h"

bool check_among(const char *name, const char *given, const char *choices, struct error *error)
{
    if (given == NULL)
        return true;
    size_t size = strlen(given);
    for (const char *at = choices; size > 0;) {
        size_t choice = strcspn(at, "|");
        if (choice == size && memcmp(at, given, size) == 0)
            return true;
        if (at[choice] == '\0')
            break;
        at += choice + 1;
    }
    return error_set(error, "--%s: '%.40s' is not one of %s", name, given, choices);
}

bool check_number(const char *name, const char *given, long long low, long long high, long long *number,
                  struct error *error)
{
    char *end;
    errno = 0;
    *number = strtoll(given, &end, 10);
    if (end == given || *end != '\0' || errno != 0 || *number < low || *number > high)
        return error_set(error, "%s: '%.40s' is not a whole number from %lld to %lld", name, given, low, high);
    return true;
}

bool check_url(const char *url, char encoded[static URL_MAX + 1], struct error *error)
{
    struct url_target target;
    struct error closed;
    if (!url_encode(url, encoded, error) || !url_read(encoded, &target, error))
        return error_prefix(error, "--url");
    struct guard *guard = guard_new("", "", "any", error);
    if (guard == NULL)
        return false;
    if (!url_guard(&target, guard, &closed))
        fprintf(stderr,
                "posthorn-admin: note: %s is not public: dispatchers send requests to it only with --allow-networks\n",
                target.host);
    guard_free(&guard);
    return true;
}

bool check_pattern(const char *pattern, struct error *error)
{
    return pattern_check(pattern, error) || error_prefix(error, "--events");
}

static bool is_double(const struct names *names, const char *item)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], item) == 0)
            return true;
    return false;
}

static char *trimmed(char *item)
{
    while (isspace((unsigned char)*item))
        item++;
    size_t size = strlen(item);
    while (size > 0 && isspace((unsigned char)item[size - 1]))
        item[--size] = '\0';
    return item;
}

bool names_split(const char *list, struct names *names, struct error *error)
{
    char *rest, *item;
    *names = (struct names){.copy = strdup(list), .items = calloc(PATTERNS_MAX, sizeof *names->items)};
    if (names->copy == NULL || names->items == NULL)
        return error_set(error, "no memory");
    rest = names->copy;
    while ((item = strsep(&rest, ",")) != NULL) {
        item = trimmed(item);
        if (*item == '\0' || is_double(names, item))
            continue;
        if (names->count == PATTERNS_MAX)
            return error_set(error, "more than %d names; use prefix.* or *", PATTERNS_MAX);
        names->items[names->count++] = item;
    }
    return names->count > 0 || error_set(error, "'%.60s' contains no name", list);
}

void names_free(struct names *names)
{
    free(names->copy);
    free(names->items);
    *names = (struct names){0};
}
