/* Check: checks of option values. Each error names the option, what is wrong, and what is valid. */
#pragma once
#include "base/error.h"
#include "base/text.h"
#include "event/pattern.h"
#include "net/url.h"

#define DIALECTS "penny|merchant|payconex|devengo"
#define FORMATS DIALECTS "|cloudevents|standard"

/* True if the value is one of "a|b|c", or not given (NULL). */
bool check_among(const char *name, const char *given, const char *choices, struct error *error) MUST_USE;

/* Reads a whole number from `low` to `high`; `name` is its name in the error. */
bool check_number(const char *name, const char *given, long long low, long long high, long long *number,
                  struct error *error) MUST_USE;

/* Checks the URL with url_read() and percent-encodes it. For an address that is not public, prints a note on standard
 * error instead of failing: operators can open networks, and only the dispatchers know which. */
bool check_url(const char *url, char encoded[static URL_MAX + 1], struct error *error) MUST_USE;

/* Accepts an event type ("a.b"), "*" or "prefix.*". */
bool check_pattern(const char *pattern, struct error *error) MUST_USE;

/* A list "a,b, c" without spaces and duplicates. Items point into a copy held by the list. */
struct names {
    char *copy;
    const char **items;
    size_t count;
};
bool names_split(const char *list, struct names *names, struct error *error) MUST_USE;
void names_free(struct names *names);
