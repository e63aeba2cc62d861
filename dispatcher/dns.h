/* DNS: c-ares on the loop (libcurl's own resolver blocks). It does not know webhooks; resolve.h does. */
#pragma once
#include <ares.h>

#include "base/loop.h"

struct dns;

/* `servers` is, for example, "192.0.2.1,[2001:db8::1]:53"; "" uses those of /etc/resolv.conf. */
struct dns *dns_new(struct loop *loop, const char *servers, struct error *error) MUST_USE;
/* Ends queries under way: their callbacks get ARES_EDESTRUCTION. */
void dns_free(struct dns **dns);

/* Looks up the addresses of a name in one family, or in both with AF_UNSPEC. `answered` may be called before this
 * returns; it owns the result. A server that does not answer is asked twice, for 2 and 4 s. */
void dns_ask(struct dns *dns, const char *name, int family, ares_addrinfo_callback answered, void *owner);
