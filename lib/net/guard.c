#include "net/guard.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net/network.h"

#define PORTS_MAX 64

struct guard {
    struct networks open, closed;
    int ports[PORTS_MAX];
    size_t port_count;
    bool any_port;
};

/* All ranges of the two registries that are not plain global unicast, including those that are "globally reachable" but
 * have no webhooks (anycast sinks, relays). Also ranges that clouds use for their own services although they look
 * public: inside such a cloud they reach its services, elsewhere nothing. */
static const char *const forbidden[] = {
    "0.0.0.0/8",        /* this network, RFC 791 */
    "10.0.0.0/8",       /* private, RFC 1918 */
    "35.199.192.0/19",  /* Google: Cloud DNS inside a VPC (Cloud DNS docs, "Forwarding zones") */
    "100.64.0.0/10",    /* carriers' shared space, RFC 6598; 100.100.100.200 is a cloud's metadata */
    "127.0.0.0/8",      /* loopback, RFC 1122 */
    "161.26.0.0/16",    /* IBM: DNS, time, mirrors, storage inside its cloud (VPC docs, "IaaS endpoints") */
    "166.8.0.0/14",     /* IBM: services inside its cloud (VPC docs, "Cloud service endpoints") */
    "168.63.129.16/32", /* Azure's host: DHCP, DNS, health and agent, reachable from every machine there */
    "169.254.0.0/16",   /* link-local, RFC 3927; the clouds' metadata */
    "172.16.0.0/12",    /* private, RFC 1918 */
    "192.0.0.0/24",     /* protocol assignments, RFC 6890; 192.0.0.192 is a cloud's metadata */
    "192.0.2.0/24",     /* documentation, RFC 5737 */
    "192.31.196.0/24",  /* AS112 sink, RFC 7535 */
    "192.52.193.0/24",  /* multicast tunnels (AMT), RFC 7450 */
    "192.88.99.0/24",   /* 6to4 relays, RFC 7526 */
    "192.168.0.0/16",   /* private, RFC 1918 */
    "192.175.48.0/24",  /* AS112 sink, RFC 7534 */
    "198.18.0.0/15",    /* benchmarks, RFC 2544 */
    "198.51.100.0/24",  /* documentation, RFC 5737 */
    "199.36.153.0/24",  /* Google: private and restricted.googleapis.com (VPC docs, "Private Google Access") */
    "203.0.113.0/24",   /* documentation, RFC 5737 */
    "224.0.0.0/4",      /* multicast, RFC 5771 */
    "240.0.0.0/4",      /* reserved, RFC 1112, and broadcast, RFC 919 */
    /* IPv6 inside 2000::/3 (RFC 4291: global unicast). Everything outside it is refused: loopback, mapped, translated,
     * NAT64, discard, SRv6, unique-local, link-local, site-local, multicast */
    "2001::/23",             /* protocol assignments, RFC 2928: Teredo, ORCHID, AMT, drones, benchmarks */
    "2001:db8::/32",         /* documentation, RFC 3849 */
    "2002::/16",             /* 6to4, RFC 3056: contains an IPv4 address that is not checked */
    "2600:2d00:2:1000::/56", /* Google: restricted.googleapis.com (VPC docs, "Private Google Access") */
    "2600:2d00:2:2000::/56", /* Google: private.googleapis.com, the same */
    "2620:4f:8000::/48",     /* AS112 sink, RFC 7534 */
    "3ffe::/16",             /* the former 6bone, RFC 3701 */
    "3fff::/20",             /* documentation, RFC 9637 */
};

/* True if the interface half is 0000:5efe:a.b.c.d or 0200:5efe:a.b.c.d: ISATAP (RFC 5214) tunnels it to that IPv4
 * address. */
static bool is_isatap(const unsigned char address[16])
{
    return (address[8] & 0xfd) == 0 && address[9] == 0 && address[10] == 0x5e && address[11] == 0xfe;
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
            return error_set(error, "--allow-ports: '%s' is not a port (write 80,443 or any; at most %d)", one,
                             PORTS_MAX);
        guard->ports[guard->port_count++] = (int)port;
    }
    return true;
}

struct guard *guard_new(const char *open, const char *closed, const char *ports, struct error *error)
{
    struct guard *guard = calloc(1, sizeof *guard);
    char *port_list = strdup(ports);
    bool ok = guard != NULL && port_list != NULL;
    if (!ok)
        error_set(error, "no memory");
    ok = ok && networks_read(&guard->open, "--allow-networks", open, error) &&
         networks_read(&guard->closed, "--deny-networks", closed, error) && read_ports(guard, port_list, error);
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
    if (!address_is_ipv4(address) && ((address[0] & 0xe0) != 0x20 || is_isatap(address)))
        return false;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (!network_parse(forbidden[i], &network) || network_contains(&network, address))
            return false;
    return true;
}

bool guard_allows(const struct guard *guard, const struct sockaddr *address)
{
    unsigned char bytes[ADDRESS_SIZE];
    if (!address_of(address, bytes))
        return false;
    return !networks_contain(&guard->closed, bytes) && (networks_contain(&guard->open, bytes) || is_public(bytes));
}

bool guard_allows_port(const struct guard *guard, int port)
{
    for (size_t i = 0; i < guard->port_count; i++)
        if (guard->ports[i] == port)
            return true;
    return guard->any_port;
}
