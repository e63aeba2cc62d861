/* Is what was typed what it should be? Each error names the option, what is wrong, and what would be right. */
#pragma once
#include "base/error.h"
#include "base/text.h"
#include "event/pattern.h"
#include "net/url.h"

#define DIALECTS "penny|merchant|payconex|devengo"
#define FORMATS DIALECTS "|cloudevents|standard"

/* One of "a|b|c", or not given (NULL). */
bool check_among(const char *name, const char *given, const char *choices, struct error *error) MUST_USE;

/* A whole number from `low` to `high`; `name` is what the message calls it. */
bool check_number(const char *name, const char *given, long long low, long long high, long long *number,
                  struct error *error) MUST_USE;

/* What url_read() takes, percent-encoded. An address that is not public gets a note on standard error, not a refusal:
 * operators open networks, and the dispatchers know which. */
bool check_url(const char *url, char encoded[static URL_MAX + 1], struct error *error) MUST_USE;

/* An event type ("a.b"), "*" or "prefix.*". */
bool check_pattern(const char *pattern, struct error *error) MUST_USE;

/* A list "a,b, c": each item trimmed, doubles taken out. Items point into a copy held by the list. */
struct names {
    char *copy;
    const char **items;
    size_t count;
};
bool names_split(const char *list, struct names *names, struct error *error) MUST_USE;
void names_free(struct names *names);
