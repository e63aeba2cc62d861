/* URLs of webhooks: an accepted URL is http or https, contains no credentials and no control character, and is still
 * accepted after libcurl has written it. */
#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include "fuzz.h"

/* No other program may read the host as an address that ours did not see, or as a name that hides something.
 */
static void check_taken(const char *url, const struct url_target *target)
{
    struct url_target other;
    struct error error = {""};
    struct in_addr four;
    CURLU *parts = curl_url();
    char *host = NULL, *again = NULL;
    ENSURE(parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK);
    ENSURE(curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && strcmp(host, target->host) == 0);
    ENSURE(curl_url_get(parts, CURLUPART_URL, &again, 0) == CURLUE_OK);
    for (const char *c = url; *c != '\0'; c++)
        ENSURE((unsigned char)*c > 0x20 && *c != 0x7f && *c != '\\');
    ENSURE(target->port > 0 && target->port < 65536);
    if (target->address.ss_family == AF_UNSPEC) {
        ENSURE(inet_aton(host, &four) == 0);
        ENSURE(strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(host));
    }
    ENSURE(strlen(again) > URL_MAX ||
           (url_read(again, &other, &error) && strcmp(other.host, target->host) == 0 && other.port == target->port));
    curl_free(host);
    curl_free(again);
    curl_url_cleanup(parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {""};
    struct url_target target;
    char *url = text_copy((struct text){(const char *)data, size});
    struct guard *guard = guard_new("", "", "80,443", &error);
    ENSURE(url != NULL && guard != NULL);
    if (url_read(url, &target, &error)) {
        check_taken(url, &target);
        if (!url_guard(&target, guard, &error))
            ENSURE(error.text[0] != '\0');
    } else {
        ENSURE(error.text[0] != '\0');
    }
    guard_free(&guard);
    free(url);
    return 0;
}
