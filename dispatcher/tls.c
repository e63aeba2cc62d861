#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* Certificates -------------------------------------------------------------- */

static struct text copy(struct text text)
{
    char *bytes = memory_need(malloc(text.size + 1), "a certificate"); /* at most 16 KiB */
    if (text.size > 0)
        memcpy(bytes, text.data, text.size);
    bytes[text.size] = '\0';
    return (struct text){bytes, text.size};
}

struct webhook_tls *tls_new(struct text certificate, struct text key, struct text ca)
{
    if (certificate.size + key.size + ca.size == 0)
        return NULL;
    struct webhook_tls *tls = memory_need(calloc(1, sizeof *tls), "a webhook's certificates");
    *tls = (struct webhook_tls){.certificate = copy(certificate), .key = copy(key), .ca = copy(ca)};
    return tls;
}

void tls_free(struct webhook_tls **tls)
{
    struct webhook_tls *old = *tls;
    *tls = NULL;
    if (old == NULL)
        return;
    explicit_bzero((char *)(uintptr_t)old->key.data, old->key.size);
    free((char *)(uintptr_t)old->certificate.data);
    free((char *)(uintptr_t)old->key.data);
    free((char *)(uintptr_t)old->ca.data);
    free(old);
}

size_t tls_size(const struct webhook_tls *tls)
{
    return tls == NULL ? 0 : tls->certificate.size + tls->key.size + tls->ca.size;
}

/* libcurl does not copy the bytes: a copy of the key in each handle would not be wiped. */
static void set_blob(CURL *easy, CURLoption option, struct text pem)
{
    struct curl_blob blob = {.data = (char *)(uintptr_t)pem.data, .len = pem.size, .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, pem.size == 0 ? NULL : &blob);
}

/* Without the operator's file, only the system's bundle is trusted: libcurl then keeps it parsed for all connections
 * (CURLOPT_CA_CACHE_TIMEOUT), which it does not do with a directory. With the operator's file, the system's directory
 * is trusted as well, and OpenSSL reads from it only what a handshake needs. */
static void trust(CURL *easy, const char *ca_file)
{
    const char *directory = *ca_file == '\0' ? NULL : curl_version_info(CURLVERSION_NOW)->capath;
    if (*ca_file != '\0')
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, directory);
}

void tls_prepare(CURL *easy, const char *ca_file)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    trust(easy, ca_file);
}

void tls_apply(CURL *easy, const struct webhook_tls *tls, const char *ca_file)
{
    static const struct webhook_tls none;
    if (tls == NULL)
        tls = &none;
    set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key);
    set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca);
    trust(easy, ca_file);
    if (tls->ca.size > 0) /* the webhook's own authorities replace the others */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

bool tls_has_input(CURL *easy)
{
    struct curl_tlssessioninfo *session = NULL;
    return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session != NULL &&
           session->backend == CURLSSLBACKEND_OPENSSL && session->internals != NULL &&
           SSL_has_pending(session->internals) == 1;
}

/* Texts ---------------------------------------------------------------------- */

/* Returns OpenSSL's number in "TLS connect error: error:0A000410:SSL routines::…"; 0: there is none. */
static unsigned long openssl_error(const char *detail)
{
    static const char mark[] = "error:";
    const char *at = NULL, *next = detail;
    while ((next = strstr(next, mark)) != NULL)
        at = next += strlen(mark);
    return at == NULL ? 0 : strtoul(at, NULL, 16);
}

/* Describes why a server's certificate was rejected (X509_V_ERR_…). libcurl compares the host name itself, before it
 * reads OpenSSL's result. */
static void describe_certificate(const struct result *result, char *out, size_t size)
{
    switch (result->verify) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(out, size, "the server's certificate has expired");
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(out, size, "the server's certificate is not valid yet");
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(out, size, "the server's certificate is for another host name");
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(out, size, "the server's certificate is self-signed");
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        snprintf(out, size, "the server's certificate comes from an unknown authority");
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(out, size,
                 "the server's certificate comes from an unknown authority, or the server does not send its whole "
                 "chain");
        return;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        snprintf(out, size, "the server's certificate has a key or a signature that is too weak");
        return;
    case X509_V_ERR_INVALID_PURPOSE:
        snprintf(out, size, "the server's certificate is not valid for a server");
        return;
    default:
        if (strstr(result->detail, "certificate subject name") != NULL)
            snprintf(out, size, "the server's certificate is for another host name");
        else
            snprintf(out, size, "the server's certificate could not be verified: %s",
                     X509_verify_cert_error_string(result->verify));
    }
}

static const char *client_certificate_words(const struct result *result)
{
    return result->own_certificate ? "the server refused the client certificate"
                                   : "the server requires a client certificate";
}

/* An alert sent by a server has OpenSSL's reason 1000 + the alert's number (RFC 8446, section 6). */
static bool describe_alert(const struct result *result, int alert, char *out, size_t size)
{
    switch (alert) {
    case TLS1_AD_PROTOCOL_VERSION:
    case TLS1_AD_INSUFFICIENT_SECURITY:
    case TLS1_AD_INAPPROPRIATE_FALLBACK:
        snprintf(out, size, "the server's TLS is too old or too weak: at least version 1.2 is required");
        return true;
    case SSL3_AD_HANDSHAKE_FAILURE: /* in TLS 1.2 also sent if no client certificate was presented */
        snprintf(out, size, "the server refused the handshake: no cipher in common, or %s",
                 result->own_certificate ? "it does not accept the client certificate"
                                         : "it requires a client certificate");
        return true;
    case TLS13_AD_CERTIFICATE_REQUIRED:
    case SSL3_AD_NO_CERTIFICATE:
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_CERTIFICATE_EXPIRED:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_UNKNOWN_CA:
    case TLS1_AD_ACCESS_DENIED:
        snprintf(out, size, "%s", client_certificate_words(result));
        return true;
    case TLS1_AD_UNRECOGNIZED_NAME:
        snprintf(out, size, "the server does not know the host name");
        return true;
    default:
        return false;
    }
}

static void describe_handshake(const struct result *result, unsigned long code, char *out, size_t size)
{
    int reason = ERR_GET_REASON(code);
    const char *words = strstr(result->detail, "::"); /* "error:0A000438:SSL routines::tlsv1 alert internal error" */
    if (describe_alert(result, reason - SSL_AD_REASON_OFFSET, out, size))
        return;
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_DH_KEY_TOO_SMALL:
        snprintf(out, size, "the server's TLS is too old or too weak: at least version 1.2 is required");
        return;
    case SSL_R_WRONG_VERSION_NUMBER: /* the first bytes are not a TLS record */
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        snprintf(out, size, "the server does not speak TLS on this port");
        return;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        snprintf(out, size, "the connection was closed in the TLS handshake");
        return;
    default:
        snprintf(out, size, "the TLS handshake failed: %s", words != NULL ? words + 2 : "unknown reason");
    }
}

bool tls_describe(const struct result *result, char *out, size_t size)
{
    unsigned long code = openssl_error(result->detail);
    switch (result->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        describe_certificate(result, out, size);
        return true;
    case CURLE_SSL_CERTPROBLEM:
        snprintf(out, size, "the webhook's client certificate or its key cannot be used");
        return true;
    case CURLE_SSL_CACERT_BADFILE:
        snprintf(out, size, "the certificates of the trusted authorities cannot be read");
        return true;
    case CURLE_SSL_CLIENTCERT:
        snprintf(out, size, "%s", client_certificate_words(result));
        return true;
    case CURLE_SSL_CONNECT_ERROR:
        if (code != 0)
            describe_handshake(result, code, out, size);
        else
            snprintf(out, size, "the connection was %s in the TLS handshake",
                     strstr(result->detail, "reset") != NULL ? "reset" : "closed");
        return true;
    case CURLE_RECV_ERROR: /* in TLS 1.3, a server rejects a client's certificate after the handshake */
    case CURLE_SEND_ERROR:
        if (ERR_GET_LIB(code) != ERR_LIB_SSL || ERR_GET_REASON(code) < SSL_AD_REASON_OFFSET)
            return false;
        describe_handshake(result, code, out, size);
        return true;
    default:
        return false;
    }
}
