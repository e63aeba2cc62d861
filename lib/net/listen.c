#include "net/listen.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getaddrinfo() rejects "0x50" and "80abc", as we do, but would accept 0 and 65536. */
static bool is_port(const char *text)
{
    long number = strtol(text, NULL, 10);
    return strspn(text, "0123456789") == strlen(text) && strlen(text) <= 5 && number >= 1 && number <= 65535;
}

bool listen_parse(const char *option, const char *text, struct sockaddr_storage *address, struct error *error)
{
    static const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    char host[80];
    struct addrinfo *found = NULL;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !is_port(colon + 1) || (size_t)(colon - text) >= sizeof host)
        return error_set(error, "--%s: '%s' is not of the form 127.0.0.1:9100 or [::1]:9100", option, text);
    bool brackets = text[0] == '[' && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(colon - text) - 2 * brackets, text + brackets);
    /* an IPv6 address needs brackets, or its end would be unclear */
    if (brackets != (strchr(host, ':') != NULL) ||
        getaddrinfo(*host == '\0' ? "0.0.0.0" : host, colon + 1, &hints, &found) != 0)
        return error_set(error, "--%s: '%.*s' is not an address; write 127.0.0.1 or [::1]", option, (int)(colon - text),
                         text);
    memset(address, 0, sizeof *address);
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}
