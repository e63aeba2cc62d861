/* Guard: requests go to public addresses only, unless an operator opened a network.
 *
 * It checks an address wherever one becomes known: when a webhook is created (an address in its URL), when its name is
 * resolved, and at the socket, for the address that is about to be connected to.
 *
 * Source of the ranges: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890, updated by RFC 8190) and
 * the address blocks of RFC 4291. For IPv4 mapped into IPv6, the IPv4 address is checked; all other embedded forms are
 * refused. */
#pragma once
#include <sys/socket.h>

#include "base/error.h"

struct guard;

/* `open`, for example "10.0.0.0/8,fd00::/8": allowed although not public. `closed`: never allowed; takes precedence
 * over `open`. `ports`: "80,443" or "any". */
struct guard *guard_new(const char *open, const char *closed, const char *ports, struct error *error) MUST_USE;
void guard_free(struct guard **guard);

bool guard_allows(const struct guard *guard, const struct sockaddr *address);
bool guard_allows_port(const struct guard *guard, int port);
