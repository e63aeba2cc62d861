/* Listen: the address to listen on, as an operator writes it: "127.0.0.1:9100", "[::1]:9100", or ":9100" for all of
 * IPv4. Numbers only: a name could have another address after the next start. */
#pragma once
#include <sys/socket.h>

#include "base/error.h"

/* `option` is the setting that contains `text`; the error names it. */
bool listen_parse(const char *option, const char *text, struct sockaddr_storage *address, struct error *error) MUST_USE;
