#include "net/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define LABEL_MAX 63 /* RFC 1035 */

/* Checks the bytes as given, before a parser decodes them. */
static bool check_bytes(const char *url, struct error *error)
{
    for (const char *at = url; *at != '\0'; at++)
        if ((unsigned char)*at <= 0x20 || (unsigned char)*at == 0x7f)
            return error_set(error, "it contains a space or a control character; write it as %%XX");
        else if (*at == '\\')
            return error_set(error, "it contains a backslash, which some programs read as a slash; write %%5C");
    return true;
}

/* Checks the part between "://" and the path. libcurl also accepts one slash or three. */
static bool check_authority(const char *url, struct error *error)
{
    const char *from = url + strcspn(url, ":");
    if (strncmp(from, "://", 3) != 0 || from[3] == '/')
        return error_set(error, "write it as https://host/path");
    size_t size = strcspn(from += 3, "/?#");
    if (memchr(from, '@', size) != NULL)
        return error_set(error, "it contains a user name, which would not be sealed; use basic authentication");
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)from[i] >= 0x80)
            return error_set(error, "its host must be ASCII; write an international name in its xn-- form");
        else if (from[i] == '%')
            return error_set(error, "its host contains a %%; nothing in a host needs to be encoded");
    return true;
}

static bool is_number(const char *label, size_t size)
{
    bool hex = size > 1 && label[0] == '0' && (label[1] | 0x20) == 'x';
    for (size_t i = hex ? 2 : 0; i < size; i++)
        if (hex ? !isxdigit((unsigned char)label[i]) : !isdigit((unsigned char)label[i]))
            return false;
    return true;
}

/* Checks a DNS name. Some programs take a name that ends in a number as an address: 127.0.0.1. or 08.0.0.1. */
static bool check_name(const char *host, struct error *error)
{
    for (const char *label = host;;) {
        size_t size = strcspn(label, ".");
        if (size == 0 || size > LABEL_MAX)
            return error_set(error, "'%.80s' is not a host name: a part of it is empty or longer than %d characters",
                             host, LABEL_MAX);
        for (size_t i = 0; i < size; i++)
            if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
                return error_set(error, "'%.80s' is not a host name: it contains '%c'", host, label[i]);
        const char *next = label + size + (label[size] == '.');
        if (*next == '\0')
            return !is_number(label, size) ||
                   error_set(error, "'%.80s' is neither an address nor a host name: it ends in a number", host);
        label = next;
    }
}

/* Reads a host that is an address; otherwise the family stays AF_UNSPEC. */
static void read_address(const char *host, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    char inside[URL_HOST_MAX];
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1)
        four->sin_family = AF_INET;
    else if (sscanf(host, "[%255[^]]", inside) == 1 && inet_pton(AF_INET6, inside, &six->sin6_addr) == 1)
        six->sin6_family = AF_INET6;
}

static bool read_host(const char *host, struct url_target *target, struct error *error)
{
    if (snprintf(target->host, sizeof target->host, "%s", host) >= (int)sizeof target->host)
        return error_set(error, "its host is longer than %zu characters", sizeof target->host - 1);
    read_address(host, &target->address);
    return target->address.ss_family != AF_UNSPEC || check_name(host, error);
}

static bool read_parts(CURLU *parts, struct url_target *target, struct error *error)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *fragment = NULL;
    bool ok = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    if (!ok)
        error_set(error, "the scheme must be http or https, not '%.20s'", scheme != NULL ? scheme : "");
    else if (curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || *host == '\0')
        ok = error_set(error, "it has no host");
    else if (curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
        ok = error_set(error, "a fragment (#%.40s) is never sent; leave it out", fragment);
    else if (curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
             (target->port = (int)strtol(port, NULL, 10)) == 0)
        ok = error_set(error, "its port is not between 1 and 65535");
    else
        ok = read_host(host, target, error);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(fragment);
    return ok;
}

bool url_read(const char *url, struct url_target *target, struct error *error)
{
    struct url_target unused;
    if (strlen(url) > URL_MAX)
        return error_set(error, "%zu bytes; at most %d are allowed", strlen(url), URL_MAX);
    if (!check_bytes(url, error))
        return false;
    CURLU *parts = curl_url();
    CURLUcode code =
        parts == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    bool ok = code == CURLUE_OK
                  ? check_authority(url, error) && read_parts(parts, target != NULL ? target : &unused, error)
                  : error_set(error, "'%.200s': %s", url, curl_url_strerror(code));
    curl_url_cleanup(parts);
    return ok;
}

bool url_encode(const char *url, char out[static URL_MAX + 1], struct error *error)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *host = strstr(url, "://");
    const char *rest = host == NULL ? NULL : host + 3 + strcspn(host + 3, "/?#");
    size_t size = 0;
    if (!text_is_utf8(text_of(url)))
        return error_set(error, "it is not valid UTF-8");
    for (const char *at = url; *at != '\0'; at++) {
        bool encoded = rest != NULL && at >= rest && (unsigned char)*at >= 0x80;
        if (size + (encoded ? 3 : 1) > URL_MAX)
            return error_set(error, "at most %d bytes are allowed, including the percent-encoding", URL_MAX);
        if (encoded) {
            out[size++] = '%';
            out[size++] = digits[(unsigned char)*at >> 4];
            out[size++] = digits[*at & 0x0f];
        } else {
            out[size++] = *at;
        }
    }
    out[size] = '\0';
    return true;
}

bool url_is_localhost(const char *host)
{
    size_t size = strlen(host), word = strlen("localhost");
    size -= size > 0 && host[size - 1] == '.';
    return size >= word && strncasecmp(host + size - word, "localhost", word) == 0 &&
           (size == word || host[size - word - 1] == '.');
}

static bool allows_localhost(const struct guard *guard)
{
    const struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return guard_allows(guard, (const struct sockaddr *)(const void *)&four) ||
           guard_allows(guard, (const struct sockaddr *)(const void *)&six);
}

bool url_guard(const struct url_target *target, const struct guard *guard, struct error *error)
{
    bool allowed = target->address.ss_family != AF_UNSPEC
                       ? guard_allows(guard, (const struct sockaddr *)(const void *)&target->address)
                       : !url_is_localhost(target->host) || allows_localhost(guard);
    if (!guard_allows_port(guard, target->port))
        return error_set(error, "the port %d is not open for webhooks", target->port);
    return allowed ||
           error_set(error, "the address %.80s is not public, and webhooks at it are not allowed", target->host);
}
