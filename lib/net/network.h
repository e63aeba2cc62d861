/* Network: networks as an operator writes them ("10.0.0.0/8,fd00::/8"), and comparison of addresses with them. All
 * addresses have 16 bytes: IPv4 as ::ffff:a.b.c.d. */
#pragma once
#include <stddef.h>
#include <sys/socket.h>

#include "base/error.h"

#define NETWORKS_MAX 64
#define ADDRESS_SIZE 16

struct network {
    unsigned char bytes[ADDRESS_SIZE];
    int bits;
};

struct networks {
    struct network items[NETWORKS_MAX];
    size_t count;
};

/* Parses one network, or one address. */
bool network_parse(const char *text, struct network *network) MUST_USE;
bool network_contains(const struct network *network, const unsigned char address[static ADDRESS_SIZE]);

/* Adds the networks of a list. `option` is the setting that contains the list; the error names it. */
bool networks_read(struct networks *networks, const char *option, const char *list, struct error *error) MUST_USE;
bool networks_contain(const struct networks *networks, const unsigned char address[static ADDRESS_SIZE]);

/* Returns false if the address is neither IPv4 nor IPv6. */
bool address_of(const struct sockaddr *from, unsigned char address[static ADDRESS_SIZE]) MUST_USE;
bool address_is_ipv4(const unsigned char address[static ADDRESS_SIZE]);
