/* DNS: c-ares inside the loop (libcurl's own resolver blocks). Knows no webhooks; resolve.h does. */
#pragma once
#include <ares.h>

#include "base/loop.h"

struct dns;

/* `servers`: "192.0.2.1,[2001:db8::1]:53"; "": those of /etc/resolv.conf. */
struct dns *dns_new(struct loop *loop, const char *servers, struct error *error) MUST_USE;
/* Ends what is under way: it is answered with ARES_EDESTRUCTION. */
void dns_free(struct dns **dns);

/* Look a name's addresses of a family (or AF_UNSPEC) up. `answered` may be called at once; it owns the answer. A server
 * that says nothing is asked twice, for 2 and 4 s. */
void dns_ask(struct dns *dns, const char *name, int family, ares_addrinfo_callback answered, void *owner);
