/* Result: what libcurl and the dispatcher know about a request that has ended. */
#pragma once
#include <curl/curl.h>

#include "base/clock.h"

/* The bound that an answer exceeded. */
enum excess { EXCESS_NONE, EXCESS_BODY, EXCESS_HEAD };

struct result {
    CURLcode code;
    long status;           /* of the last response; 0: there was no response */
    long proxy_status;     /* of the proxy's answer to CONNECT; 0: no CONNECT was sent */
    long os_errno;         /* of a failed connect */
    bool refused_by_guard; /* the address is not allowed */
    enum excess excess;
    bool own_certificate;    /* the request had a client certificate */
    bool plain;              /* the URL's scheme is http */
    long verify;             /* OpenSSL's result for the server's certificate */
    struct span retry_after; /* 0: the header is absent */
    const char *detail;      /* libcurl's error text; may be "" */
    bool quiet;              /* do not quote `detail`: the account keeps nothing that may come from a receiver */
};
