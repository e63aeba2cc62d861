#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_clean(const char *url)
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
        error_set(error, "the scheme must be http or https, not '%.20s'", scheme != NULL ? scheme : "");
    else if (curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || *host == '\0')
        ok = error_set(error, "there is no host in it");
    else if (!is_clean(host)) /* libcurl has decoded it: "a%7f" has one */
        ok = error_set(error, "there is a space or a control character in its host");
    else if (curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
        ok = error_set(error, "a fragment (#%.40s) is never sent; leave it out", fragment);
    else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK)
        ok = error_set(error, "a user name does not belong there, where it is not sealed; use basic authentication");
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    curl_free(fragment);
    return ok;
}

bool url_check(const char *url, struct error *error)
{
    if (strlen(url) > URL_MAX)
        return error_set(error, "%zu bytes; %d are allowed", strlen(url), URL_MAX);
    if (!is_clean(url))
        return error_set(error, "there is a space or a control character in it; write it as %%XX");
    CURLU *parts = curl_url();
    CURLUcode code =
        parts == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    bool ok =
        code == CURLUE_OK ? check_parts(parts, error) : error_set(error, "'%.200s': %s", url, curl_url_strerror(code));
    curl_url_cleanup(parts);
    return ok;
}

/* "localhost" and all below it are loopback (RFC 6761). */
static bool is_localhost(const char *host)
{
    size_t size = strlen(host), word = strlen("localhost");
    size -= size > 0 && host[size - 1] == '.';
    return size >= word && strncasecmp(host + size - word, "localhost", word) == 0 &&
           (size == word || host[size - word - 1] == '.');
}

/* An address as curl writes it: 127.0.0.1 (also when the URL says 0x7f.1) or [::1]. False: it is a name. */
static bool read_address(char *host, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    size_t size = strlen(host);
    memset(address, 0, sizeof *address);
    if (is_localhost(host) || inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        if (is_localhost(host))
            four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return true;
    }
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        six->sin6_family = AF_INET6;
        return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1;
    }
    return false;
}

bool url_check_guard(const char *url, const struct guard *guard, struct error *error)
{
    char *host = NULL, *port = NULL;
    struct sockaddr_storage address;
    CURLU *parts = curl_url();
    bool ok = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (!ok)
        error_set(error, "libcurl cannot take it apart");
    else if (!guard_allows_port(guard, (int)strtol(port, NULL, 10)))
        ok = error_set(error, "the port %s is not open for webhooks", port);
    else if (read_address(host, &address) && !guard_allows(guard, (struct sockaddr *)(void *)&address))
        ok = error_set(error, "the address %.80s is not public, and webhooks may not be called there", host);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return ok;
}
