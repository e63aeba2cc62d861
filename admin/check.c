#include "check.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#define URL_MAX 2048

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
    return error_set(error, "--%s: '%.40s' is none of %s", name, given, choices);
}

bool check_number(const char *name, const char *given, long long low, long long high, long long *number,
                  struct error *error)
{
    char *end;
    errno = 0;
    *number = strtoll(given, &end, 10);
    if (end == given || *end != '\0' || errno != 0 || *number < low || *number > high)
        return error_set(error, "%s: '%.40s' is no whole number from %lld to %lld", name, given, low, high);
    return true;
}

static bool url_is_clean(const char *url)
{
    for (; *url != '\0'; url++)
        if ((unsigned char)*url <= 0x20 || (unsigned char)*url == 0x7f)
            return false;
    return true;
}

static bool check_parts(CURLU *parts, struct error *error)
{
    char *scheme = NULL, *host = NULL, *fragment = NULL, *user = NULL;
    bool ok = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    if (!ok)
        error_set(error, "--url: the scheme must be http or https, not '%.20s'", scheme != NULL ? scheme : "");
    else if (curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || *host == '\0')
        ok = error_set(error, "--url: there is no host in it");
    else if (curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
        ok = error_set(error, "--url: a fragment (#%.40s) is never sent; leave it out", fragment);
    else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK)
        ok = error_set(error, "--url: a user name does not belong there, where it is not sealed; use --auth basic");
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    curl_free(fragment);
    return ok;
}

bool check_url(const char *url, struct error *error)
{
    if (strlen(url) > URL_MAX)
        return error_set(error, "--url: %zu bytes; %d are allowed", strlen(url), URL_MAX);
    if (!url_is_clean(url))
        return error_set(error, "--url: there is a space or a control character in it; write it as %%XX");
    CURLU *parts = curl_url();
    CURLUcode code =
        parts == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    bool ok = code == CURLUE_OK ? check_parts(parts, error)
                                : error_set(error, "--url: '%.200s': %s", url, curl_url_strerror(code));
    curl_url_cleanup(parts);
    return ok;
}

bool check_pattern(const char *pattern, struct error *error)
{
    size_t size = strlen(pattern);
    const char *star = strchr(pattern, '*');
    if (!text_is_visible_ascii(text_of(pattern)))
        return error_set(error, "--events: '%.60s' must have 1 to 255 visible ASCII characters", pattern);
    if (star == NULL || (star == pattern && size == 1) || (size >= 3 && star == pattern + size - 1 && star[-1] == '.'))
        return true;
    return error_set(error,
                     "--events: '%.60s': a pattern is an event type, * for all, or prefix.* with the star at its end",
                     pattern);
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
            return error_set(error, "more than %d names; prefix.* or * stands for many", PATTERNS_MAX);
        names->items[names->count++] = item;
    }
    return names->count > 0 || error_set(error, "there is no name in '%.60s'", list);
}

void names_free(struct names *names)
{
    free(names->copy);
    free(names->items);
    *names = (struct names){0};
}
