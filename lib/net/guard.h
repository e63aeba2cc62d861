/* The guard: requests go to public addresses only, unless an operator opened a network.
 *
 * Source of the ranges: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its updates). IPv4
 * inside IPv6 (mapped, 6to4, NAT64, Teredo) is looked through or refused. */
#pragma once
#include <sys/socket.h>

#include "base/error.h"

struct guard;

/* `networks`: "10.0.0.0/8,fd00::/8" opens these; `ports`: "80,443" or "any". */
struct guard *guard_new(const char *networks, const char *ports, struct error *error) MUST_USE;
void guard_free(struct guard **guard);

bool guard_allows(const struct guard *guard, const struct sockaddr *address);
bool guard_allows_port(const struct guard *guard, int port);
