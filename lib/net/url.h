/* URL: checks whether Posthorn will call a URL. The API, posthorn-admin and the dispatcher use the same function, based
 * on libcurl's own parser, so that the URL that is checked is the one that is called.
 *
 * It is stricter than the parser: a URL that two programs might read differently is refused. The known cases are in RFC
 * 3986, section 7.4 (addresses in other notations) and the WHATWG URL standard ("ends in a number"). */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/guard.h"

#define URL_MAX 2048     /* bytes */
#define URL_HOST_MAX 256 /* a name has 253 at most, or an address in brackets; plus the NUL */

struct url_target {
    int port;
    char host[URL_HOST_MAX];         /* as libcurl writes it: a name, 127.0.0.1 (also for 0x7f.1), or [::1] */
    struct sockaddr_storage address; /* of a host that is an address; otherwise ss_family is AF_UNSPEC */
};

/* Accepts http or https with a host, at most URL_MAX bytes, no control character, no user name, no fragment. `target`
 * may be NULL. */
bool url_read(const char *url, struct url_target *target, struct error *error) MUST_USE;

/* Converts a URL into the form that is stored and sent: characters after the host that are not ASCII are
 * percent-encoded (RFC 3987, section 3.1); nothing else is changed. Checks only that the URL is UTF-8 and fits;
 * url_read() checks the rest. */
bool url_encode(const char *url, char out[static URL_MAX + 1], struct error *error) MUST_USE;

/* "localhost" and all names below it are loopback, whatever a name server answers (RFC 6761). */
bool url_is_localhost(const char *host);

/* Checks with the guard what is known before the name is resolved: the port, an address in the URL, and "localhost".
 * The dispatcher checks every address again. */
bool url_guard(const struct url_target *target, const struct guard *guard, struct error *error) MUST_USE;
