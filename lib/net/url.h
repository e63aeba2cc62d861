/* Is this a URL that Posthorn will call? Looked at by libcurl's own parser, so that what is checked is what is called.
 */
#pragma once
#include "base/error.h"
#include "net/guard.h"

#define URL_MAX 2048 /* bytes */

/* http or https with a host, at most URL_MAX bytes, no control character, no user name, no fragment. */
bool url_check(const char *url, struct error *error) MUST_USE;

/* What the guard can say of a URL (that url_check() took) before its name is resolved: the port, an address written as
 * such, and "localhost". The dispatcher looks at every address again. */
bool url_check_guard(const char *url, const struct guard *guard, struct error *error) MUST_USE;
