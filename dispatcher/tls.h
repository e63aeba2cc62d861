/* TLS of a webhook: the certificates for its requests, and the texts for failed handshakes.
 *
 * libcurl keeps a connection's certificates with the connection and never uses it for a request with other certificates
 * (tested by tests/system/test_tls.py). */
#pragma once
#include <curl/curl.h>

#include "base/text.h"
#include "result.h"

/* A webhook's own TLS settings, in PEM; an empty text is absent. Immutable. */
struct webhook_tls {
    struct text certificate, key, ca;
};

/* Makes a copy of the three texts. Returns NULL if all three are empty. */
struct webhook_tls *tls_new(struct text certificate, struct text key, struct text ca);
/* Wipes the private key. */
void tls_free(struct webhook_tls **tls);
size_t tls_size(const struct webhook_tls *tls); /* bytes; 0 for NULL */

/* Sets what all requests without own TLS settings share: the trusted certificates. `ca_file` may be "". */
void tls_prepare(CURL *easy, const char *ca_file);

/* Sets the TLS settings of a webhook on the handle. `tls` must stay valid until tls_prepare(), or until tls_apply()
 * sets other settings. */
void tls_apply(CURL *easy, const struct webhook_tls *tls, const char *ca_file);

/* For CURLOPT_PREREQFUNCTION: true if OpenSSL holds bytes from the peer that have not been read. Always false without
 * TLS. */
bool tls_has_input(CURL *easy);

/* Writes the text about a TLS failure for the audit. Returns false if the failure was not one of TLS. */
bool tls_describe(const struct result *result, char *out, size_t size);
