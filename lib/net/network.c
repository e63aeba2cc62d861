#include "net/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool network_contains(const struct network *network, const unsigned char address[static ADDRESS_SIZE])
{
    int whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->bytes, address, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((network->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool networks_contain(const struct networks *networks, const unsigned char address[static ADDRESS_SIZE])
{
    for (size_t i = 0; i < networks->count; i++)
        if (network_contains(&networks->items[i], address))
            return true;
    return false;
}

bool network_parse(const char *text, struct network *network)
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

bool networks_read(struct networks *networks, const char *option, const char *list, struct error *error)
{
    char *copy = strdup(list), *rest = copy, *one;
    bool ok = copy != NULL || error_set(error, "no memory");
    while (ok && (one = strsep(&rest, ",")) != NULL) {
        if (*one == '\0')
            continue;
        if (networks->count == NETWORKS_MAX || !network_parse(one, &networks->items[networks->count]))
            ok = error_set(error, "%s: '%s' is not a network (write 10.0.0.0/8 or fd00::/8; at most %d)", option, one,
                           NETWORKS_MAX);
        else
            networks->count++;
    }
    free(copy);
    return ok;
}

bool address_of(const struct sockaddr *from, unsigned char address[static ADDRESS_SIZE])
{
    memset(address, 0, ADDRESS_SIZE);
    address[10] = address[11] = 0xff;
    if (from->sa_family == AF_INET)
        memcpy(address + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (from->sa_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, ADDRESS_SIZE);
    return from->sa_family == AF_INET || from->sa_family == AF_INET6;
}

bool address_is_ipv4(const unsigned char address[static ADDRESS_SIZE])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0;
}
