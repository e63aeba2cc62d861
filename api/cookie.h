/* The cookie of the console's sessions, and what keeps other pages from using it. The cookie is 256 random bits;
 * PostgreSQL has its hash. The CSRF token is derived from it, so that the two change together. */
#pragma once
#include "auth/apikey.h"
#include "request.h"

#define COOKIE_NAME "__Host-posthorn_session"

struct cookie {
    char token[65];
    unsigned char hash[APIKEY_HASH_SIZE];
    char csrf[65];
};

/* A new one, whose CSRF token becomes the caller's. */
bool cookie_new(struct request *request, struct cookie *cookie) MUST_USE;

/* The answer sets it; wiped. After the commit: a cookie without a session would take the browser's good one away. */
void cookie_set(struct request *request, struct cookie *cookie);
void cookie_clear(struct request *request);

/* The one that came with the request; false when there is none of the right form. */
bool cookie_read(const struct request *request, struct cookie *cookie) MUST_USE;

/* Not from a page of another origin. Browsers say so in Sec-Fetch-Site, or in Origin. Else 403. */
bool cookie_check_origin(struct request *request) MUST_USE;

/* What is not GET must carry the cookie's CSRF token in X-CSRF-Token. Else 403. */
bool cookie_check_csrf(struct request *request, const struct cookie *cookie) MUST_USE;
