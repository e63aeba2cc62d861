/* Cookie: the cookie of the console's sessions, and its protection against use by other pages. The cookie has 256
 * random bits; PostgreSQL has its hash. The CSRF token is derived from the cookie, so that they change together. */
#pragma once
#include "auth/apikey.h"
#include "request.h"

#define COOKIE_NAME "__Host-posthorn_session"

struct cookie {
    char token[65];
    unsigned char hash[APIKEY_HASH_SIZE];
    char csrf[65];
};

/* Makes a new cookie; its CSRF token becomes the caller's. */
bool cookie_new(struct request *request, struct cookie *cookie) MUST_USE;

/* Sets the cookie in the response and wipes it. Call it after the commit: a cookie without a session would replace the
 * browser's valid one. */
void cookie_set(struct request *request, struct cookie *cookie);
void cookie_clear(struct request *request);

/* Reads the request's cookie. Returns false if there is none of the right form. */
bool cookie_read(const struct request *request, struct cookie *cookie) MUST_USE;

/* Fails with 403 if the request comes from a page of another origin. Browsers report that in Sec-Fetch-Site or Origin.
 */
bool cookie_check_origin(struct request *request) MUST_USE;

/* Fails with 403 unless the request is a GET or has the cookie's CSRF token in X-CSRF-Token. */
bool cookie_check_csrf(struct request *request, const struct cookie *cookie) MUST_USE;
