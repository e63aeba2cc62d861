#include "addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX (2 * ADDRESSES_OF_FAMILY)

struct kept {
    char text[INET6_ADDRSTRLEN];
};

void addresses_print(const struct sockaddr *address, char *out, size_t size)
{
    *out = '\0';
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out, (socklen_t)size);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out, (socklen_t)size);
}

static size_t keep(const struct ares_addrinfo_node *nodes, struct kept kept[KEPT_MAX])
{
    size_t count = 0, fours = 0, sixes = 0;
    for (const struct ares_addrinfo_node *node = nodes; node != NULL; node = node->ai_next) {
        size_t *of_family = node->ai_family == AF_INET ? &fours : &sixes;
        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) || *of_family == ADDRESSES_OF_FAMILY)
            continue;
        (*of_family)++;
        addresses_print(node->ai_addr, kept[count++].text, sizeof kept[0].text);
    }
    return count;
}

static int compare(const void *one, const void *other)
{
    return strcmp(((const struct kept *)one)->text, ((const struct kept *)other)->text);
}

/* "192.0.2.1_2001-db8--1": the same name for the same addresses, in whatever order the name server returned them. */
static void spell(const struct kept *kept, size_t count, char *out)
{
    struct kept sorted[KEPT_MAX];
    memcpy(sorted, kept, count * sizeof *kept);
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *out++ = '_';
        for (const char *from = sorted[i].text; *from != '\0'; from++)
            *out++ = *from == ':' ? '-' : *from;
    }
    *out = '\0';
}

struct addresses *addresses_new(const struct ares_addrinfo_node *nodes, int port)
{
    struct kept kept[KEPT_MAX];
    char name[KEPT_MAX * INET6_ADDRSTRLEN];
    size_t count = keep(nodes, kept);
    struct addresses *addresses = count == 0 ? NULL : malloc(sizeof *addresses);
    if (addresses == NULL)
        return NULL;
    spell(kept, count, name);
    *addresses = (struct addresses){
        .references = 1, .connect_to.data = addresses->connect_to_line, .resolve.data = addresses->resolve_line};
    size_t room = sizeof addresses->resolve_line;
    snprintf(addresses->connect_to_line, sizeof addresses->connect_to_line, "::%.240s:%d", name, port);
    /* "+": the entry leaves libcurl's cache after CURLOPT_DNS_CACHE_TIMEOUT */
    size_t used = (size_t)snprintf(addresses->resolve_line, room, "+%.240s:%d:", name, port);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(addresses->resolve_line + used, room - used,
                                 strchr(kept[i].text, ':') ? "%s[%s]" : "%s%s", i > 0 ? "," : "", kept[i].text);
    return addresses;
}

void addresses_release(struct addresses **addresses)
{
    struct addresses *old = *addresses;
    *addresses = NULL;
    if (old != NULL && --old->references == 0)
        free(old);
}
