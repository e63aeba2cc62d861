/* TLS of a webhook: the certificates that its requests are made with, and what went wrong in a handshake, in words.
 *
 * libcurl keeps a connection's certificates with it and hands it to no request with others (tests/system/test_tls.py
 * holds that). */
#pragma once
#include <curl/curl.h>

#include "base/text.h"
#include "result.h"

/* A webhook's own TLS settings, in PEM. Empty: none. Never changed once made. */
struct webhook_tls {
    struct text certificate, key, ca;
};

/* A copy; NULL when all three are empty. */
struct webhook_tls *tls_new(struct text certificate, struct text key, struct text ca);
/* Wipes the key. */
void tls_free(struct webhook_tls **tls);
size_t tls_size(const struct webhook_tls *tls); /* bytes; 0 for NULL */

/* What holds for every request that has nothing of its own: whose certificates are trusted. `ca_file` may be "". */
void tls_prepare(CURL *easy, const char *ca_file);

/* Requests of this handle are made with these from now on; they must live until tls_prepare(), or tls_apply() with
 * others. */
void tls_apply(CURL *easy, const struct webhook_tls *tls, const char *ca_file);

/* For CURLOPT_PREREQFUNCTION: OpenSSL has bytes of the peer that nobody has read. False without TLS. */
bool tls_has_input(CURL *easy);

/* What an auditor should read of a failure of TLS; false when it was none. */
bool tls_describe(const struct result *result, char *out, size_t size);
