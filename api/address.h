/* Where a request comes from: the address of its connection, or what trusted proxies say in X-Forwarded-For. */
#pragma once
#include <arpa/inet.h>
#include <stdint.h>

#include "net/network.h"

struct address {
    unsigned char bytes[ADDRESS_SIZE];
    char text[INET6_ADDRSTRLEN];
};

/* False when it is neither IPv4 nor IPv6: then the text is empty. */
bool address_set(struct address *address, const struct sockaddr *from) MUST_USE;

/* `lines` are the values of X-Forwarded-For as they came. While the address is that of a trusted proxy, it becomes the
 * one that this proxy has appended: the last of the last line first. What is no address ends the walk. */
void address_forwarded(struct address *address, const struct networks *proxies, const char *const *lines, size_t count);

/* Whose share of connections, requests and memory it takes from: IPv4 by address, IPv6 by /64. Never an account's. */
uint64_t address_holder(const struct address *address);
