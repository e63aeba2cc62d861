/* The addresses of a host, in the form in which libcurl takes them: all of them, so that it tries the next one when one
 * fails, and both families at once (RFC 8305).
 *
 * libcurl connects to a made-up name that spells the addresses out (CURLOPT_CONNECT_TO) and finds them under it
 * (CURLOPT_RESOLVE). So a connection is used again only while the host has these addresses, an entry of libcurl's cache
 * never changes its meaning, and it does not matter how libcurl writes the host's own name. */
#pragma once
#include <ares.h>
#include <curl/curl.h>

#define ADDRESSES_OF_FAMILY 4 /* kept of IPv4, and of IPv6 */

/* Never changed once made; shared by the host and the requests under way. */
struct addresses {
    int references;
    struct curl_slist connect_to, resolve;
    char connect_to_line[256], resolve_line[512];
};

/* The first ADDRESSES_OF_FAMILY of each family, in the order given, which is that of RFC 6724. One reference, the
 * caller's. NULL: there is none, or no memory. */
struct addresses *addresses_new(const struct ares_addrinfo_node *nodes, int port);
void addresses_release(struct addresses **addresses);

/* As text; "" when it is of neither family. */
void addresses_print(const struct sockaddr *address, char *out, size_t size);
