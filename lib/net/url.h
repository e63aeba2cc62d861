/* Is this a URL that Posthorn will call? One reader for the API, posthorn-admin and the dispatcher, by libcurl's own
 * parser, so that what is checked is what is called.
 *
 * It is stricter than the parser: where two programs might read a URL differently, it is refused. The ways that are
 * known are in RFC 3986, section 7.4 (addresses in other notations) and the WHATWG URL standard ("ends in a number").
 */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/guard.h"

#define URL_MAX 2048     /* bytes */
#define URL_HOST_MAX 256 /* a name's 253, or an address in brackets; and the NUL */

struct url_target {
    int port;
    char host[URL_HOST_MAX];         /* as libcurl writes it: a name, 127.0.0.1 (also of 0x7f.1), or [::1] */
    struct sockaddr_storage address; /* of a host that is one; else ss_family is AF_UNSPEC */
};

/* http or https with a host, at most URL_MAX bytes, no control character, no user name, no fragment. The target may be
 * NULL. */
bool url_read(const char *url, struct url_target *target, struct error *error) MUST_USE;

/* As it is stored and sent: the characters behind the host that are not ASCII are percent-encoded (RFC 3987,
 * section 3.1); nothing else is changed, and nothing is checked but that it is UTF-8 and fits. For url_read() to
 * follow. */
bool url_encode(const char *url, char out[static URL_MAX + 1], struct error *error) MUST_USE;

/* "localhost" and all below it are loopback, whatever a name server says (RFC 6761). */
bool url_is_localhost(const char *host);

/* What the guard can say of a URL before its name is resolved: the port, an address written as such, and "localhost".
 * The dispatcher looks at every address again. */
bool url_guard(const struct url_target *target, const struct guard *guard, struct error *error) MUST_USE;
