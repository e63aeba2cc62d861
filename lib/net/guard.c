#include "net/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NETWORKS_MAX 64
#define PORTS_MAX 64

/* All addresses as 16 bytes: IPv4 as ::ffff:a.b.c.d. */
struct network {
    unsigned char bytes[16];
    int bits;
};

struct guard {
    struct network open[NETWORKS_MAX];
    size_t open_count;
    int ports[PORTS_MAX];
    size_t port_count;
    bool any_port;
};

static const char *const forbidden[] = {
    /* IPv4 */
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    /* IPv6 inside 2000::/3; all outside it is refused anyway */
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"};

static bool contains(const struct network *network, const unsigned char address[16])
{
    int whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->bytes, address, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((network->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool is_ipv4(const unsigned char address[16])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0;
}

static bool parse_network(const char *text, struct network *network)
{
    char copy[64], *slash, *end;
    long bits = -1;
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    if ((slash = strchr(copy, '/')) != NULL) {
        *slash = '\0';
        bits = strtol(slash + 1, &end, 10);
        if (end == slash + 1 || *end != '\0' || bits < 0 || bits > 128)
            return false;
    }
    memset(network->bytes, 0, sizeof network->bytes);
    if (inet_pton(AF_INET, copy, network->bytes + 12) == 1) {
        network->bytes[10] = network->bytes[11] = 0xff;
        network->bits = 96 + (int)(bits < 0 ? 32 : bits);
    } else if (inet_pton(AF_INET6, copy, network->bytes) == 1) {
        network->bits = (int)(bits < 0 ? 128 : bits);
    } else {
        return false;
    }
    return network->bits <= 128;
}

static bool read_networks(struct guard *guard, char *list, struct error *error)
{
    char *rest = list, *one;
    while ((one = strsep(&rest, ",")) != NULL) {
        if (*one == '\0')
            continue;
        if (guard->open_count == NETWORKS_MAX || !parse_network(one, &guard->open[guard->open_count]))
            return error_set(error, "--allow-networks: '%s' is no network (write 10.0.0.0/8 or fd00::/8; at most %d)",
                             one, NETWORKS_MAX);
        guard->open_count++;
    }
    return true;
}

static bool read_ports(struct guard *guard, char *list, struct error *error)
{
    char *rest = list, *one, *end;
    if (strcmp(list, "any") == 0) {
        guard->any_port = true;
        return true;
    }
    while ((one = strsep(&rest, ",")) != NULL) {
        long port = strtol(one, &end, 10);
        if (guard->port_count == PORTS_MAX || end == one || *end != '\0' || port < 1 || port > 65535)
            return error_set(error, "--allow-ports: '%s' is no port (write 80,443 or any; at most %d)", one, PORTS_MAX);
        guard->ports[guard->port_count++] = (int)port;
    }
    return true;
}

struct guard *guard_new(const char *networks, const char *ports, struct error *error)
{
    struct guard *guard = calloc(1, sizeof *guard);
    char *network_list = strdup(networks), *port_list = strdup(ports);
    bool ok = guard != NULL && network_list != NULL && port_list != NULL;
    if (!ok)
        error_set(error, "no memory");
    ok = ok && read_networks(guard, network_list, error) && read_ports(guard, port_list, error);
    free(network_list);
    free(port_list);
    if (!ok)
        guard_free(&guard);
    return guard;
}

void guard_free(struct guard **guard)
{
    free(*guard);
    *guard = NULL;
}

static bool is_public(const unsigned char address[16])
{
    struct network network;
    if (!is_ipv4(address) && (address[0] & 0xe0) != 0x20)
        return false; /* not global unicast: loopback, link-local, unique-local, multicast, NAT64, … */
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (!parse_network(forbidden[i], &network) || contains(&network, address))
            return false;
    return true;
}

bool guard_allows(const struct guard *guard, const struct sockaddr *address)
{
    unsigned char bytes[16] = {[10] = 0xff, [11] = 0xff};
    if (address->sa_family == AF_INET)
        memcpy(bytes + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        return false;
    for (size_t i = 0; i < guard->open_count; i++)
        if (contains(&guard->open[i], bytes))
            return true;
    return is_public(bytes);
}

bool guard_allows_port(const struct guard *guard, int port)
{
    for (size_t i = 0; i < guard->port_count; i++)
        if (guard->ports[i] == port)
            return true;
    return guard->any_port;
}
