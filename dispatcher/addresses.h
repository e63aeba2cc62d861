/* The addresses of a host in the form that libcurl takes. libcurl gets all of them, so that it tries the next one when
 * one fails, and both families at once (RFC 8305).
 *
 * libcurl connects to a made-up name that spells the addresses out (CURLOPT_CONNECT_TO) and finds them under that name
 * (CURLOPT_RESOLVE). Thus a connection is reused only while the host has these addresses, an entry of libcurl's cache
 * never changes its meaning, and it does not matter how libcurl writes the host's own name. */
#pragma once
#include <ares.h>
#include <curl/curl.h>

#define ADDRESSES_OF_FAMILY 4 /* kept of IPv4 and of IPv6 each */

/* Immutable; shared by the host and its requests in flight. */
struct addresses {
    int references;
    struct curl_slist connect_to, resolve;
    char connect_to_line[256], resolve_line[512];
};

/* Takes the first ADDRESSES_OF_FAMILY of each family, in the order given, which is that of RFC 6724. The caller owns
 * the one reference. Returns NULL if there is no address or memory is short. */
struct addresses *addresses_new(const struct ares_addrinfo_node *nodes, int port);
void addresses_release(struct addresses **addresses);

/* Writes the address as text; "" if it is neither IPv4 nor IPv6. */
void addresses_print(const struct sockaddr *address, char *out, size_t size);
