/* Result: what libcurl and we know of a request that has ended. */
#pragma once
#include <curl/curl.h>

#include "base/clock.h"

/* Which bound an answer went beyond. */
enum excess { EXCESS_NONE, EXCESS_BODY, EXCESS_HEAD };

/* What libcurl and we know of a finished request. */
struct result {
    CURLcode code;
    long status;           /* of the last response; 0: none came */
    long proxy_status;     /* of the proxy's answer to CONNECT; 0: none was asked */
    long os_errno;         /* of a connect that failed */
    bool refused_by_guard; /* the address is not allowed */
    enum excess excess;
    bool own_certificate;    /* the request had a client certificate */
    bool plain;              /* the URL says http */
    long verify;             /* OpenSSL's result for the server's certificate */
    struct span retry_after; /* 0: the header was absent */
    const char *detail;      /* libcurl's own words; may be "" */
    bool quiet;              /* they may not be quoted: the account keeps nothing that might come from a receiver */
};
