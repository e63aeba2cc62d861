#include "cookie.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <strings.h>

#include "event/signature.h"

/* RFC 6265bis: only this host, over TLS, can set a cookie with the prefix __Host-. */
#define ATTRIBUTES "Path=/; Secure; HttpOnly; SameSite=Strict"

static bool derive(struct cookie *cookie)
{
    struct signer *signer = signer_new(text_of(cookie->token));
    bool ok = signer != NULL && signature_hex(signer, TEXT("csrf"), cookie->csrf) &&
              apikey_hash(text_of(cookie->token), cookie->hash);
    signer_free(&signer);
    return ok;
}

bool cookie_new(struct request *request, struct cookie *cookie)
{
    unsigned char random[32];
    if (RAND_bytes(random, sizeof random) != 1)
        return fail(request, PROBLEM_INTERNAL, "OpenSSL has no random bytes");
    text_to_hex(random, sizeof random, cookie->token);
    explicit_bzero(random, sizeof random);
    if (!derive(cookie))
        return fail(request, PROBLEM_INTERNAL, "OpenSSL cannot hash");
    snprintf(request->caller.csrf, sizeof request->caller.csrf, "%s", cookie->csrf);
    return true;
}

void cookie_set(struct request *request, struct cookie *cookie)
{
    answer_header(request, "Set-Cookie", COOKIE_NAME "=%s; " ATTRIBUTES, cookie->token);
    explicit_bzero(cookie, sizeof *cookie);
}

void cookie_clear(struct request *request)
{
    answer_header(request, "Set-Cookie", COOKIE_NAME "=; Max-Age=0; " ATTRIBUTES);
}

bool cookie_read(const struct request *request, struct cookie *cookie)
{
    const char *token = MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, COOKIE_NAME);
    unsigned char ignored[32];
    if (token == NULL || !text_from_hex(text_of(token), ignored, sizeof ignored))
        return false;
    snprintf(cookie->token, sizeof cookie->token, "%s", token);
    return derive(cookie);
}

bool cookie_check_origin(struct request *request)
{
    const char *site = request_header(request, "Sec-Fetch-Site"), *origin = request_header(request, "Origin"),
               *host = request_header(request, "Host");
    const char *name = origin != NULL ? strstr(origin, "://") : NULL;
    bool own_site = site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    bool own_origin = origin == NULL || (name != NULL && host != NULL && strcasecmp(name + 3, host) == 0);
    return (own_site && own_origin) ||
           fail(request, PROBLEM_FOREIGN,
                "a page of another origin made the request: Origin %.100s, Host %.100s, Sec-Fetch-Site %.40s",
                origin != NULL ? origin : "-", host != NULL ? host : "-", site != NULL ? site : "-");
}

bool cookie_check_csrf(struct request *request, const struct cookie *cookie)
{
    const char *given = request_header(request, "X-CSRF-Token");
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return true;
    bool same = given != NULL && strlen(given) == strlen(cookie->csrf) &&
                CRYPTO_memcmp(given, cookie->csrf, strlen(cookie->csrf)) == 0;
    return same || fail(request, PROBLEM_FOREIGN, "send X-CSRF-Token with the csrf member of GET /v1/console/session");
}
