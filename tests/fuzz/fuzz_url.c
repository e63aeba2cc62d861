/* URLs of webhooks: what is taken is http or https, carries no credentials and no control character, and stays taken
 * when libcurl writes it again. */
#include "net/url.h"

#include <curl/curl.h>

#include "fuzz.h"

static char *part(CURLU *parts, CURLUPart which)
{
    char *value = NULL;
    return curl_url_get(parts, which, &value, 0) == CURLUE_OK ? value : NULL;
}

static void check_taken(const char *url)
{
    struct error error = {""};
    CURLU *parts = curl_url();
    ENSURE(parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK);
    char *scheme = part(parts, CURLUPART_SCHEME), *host = part(parts, CURLUPART_HOST),
         *again = part(parts, CURLUPART_URL);
    ENSURE(scheme != NULL && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0));
    ENSURE(host != NULL && *host != '\0');
    ENSURE(part(parts, CURLUPART_USER) == NULL && part(parts, CURLUPART_FRAGMENT) == NULL);
    for (const char *c = url; *c != '\0'; c++)
        ENSURE((unsigned char)*c > 0x20 && *c != 0x7f);
    ENSURE(again != NULL && (strlen(again) > URL_MAX || url_read(again, NULL, &error)));
    curl_free(scheme);
    curl_free(host);
    curl_free(again);
    curl_url_cleanup(parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {""};
    char *url = strndup((const char *)data, size);
    struct guard *guard = guard_new("", "80,443", &error);
    ENSURE(url != NULL && guard != NULL);
    if (url_check(url, &error)) {
        check_taken(url);
        if (!url_check_guard(url, guard, &error))
            ENSURE(error.text[0] != '\0');
    } else {
        ENSURE(error.text[0] != '\0');
    }
    guard_free(&guard);
    free(url);
    return 0;
}
