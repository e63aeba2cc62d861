/* Address: the origin of a request: the peer of its connection, or what trusted proxies report in X-Forwarded-For. */
#pragma once
#include <arpa/inet.h>
#include <stdint.h>

#include "net/network.h"

struct address {
    unsigned char bytes[ADDRESS_SIZE];
    char text[INET6_ADDRSTRLEN];
};

/* Returns false if the address is neither IPv4 nor IPv6; the text is then empty. */
bool address_set(struct address *address, const struct sockaddr *from) MUST_USE;

/* Applies X-Forwarded-For; `lines` are its values as received. While the address is that of a trusted proxy, it is
 * replaced by the address that this proxy has appended, starting at the end of the last line. Stops at anything that is
 * not an address. */
void address_forwarded(struct address *address, const struct networks *proxies, const char *const *lines, size_t count);

/* Returns the holder whose share of connections, requests and memory is used: an IPv4 address, or the /64 of an IPv6
 * address. Never equal to an account's id. */
uint64_t address_holder(const struct address *address);
