#include "net/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define SECURITY_BITS_LEAST 112 /* OpenSSL's security level 2, which sending requires */

static void describe(X509 *certificate, struct certificate *about)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    struct tm until = {0};
    BIO *out = BIO_new(BIO_s_mem());
    *about = (struct certificate){0};
    if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1 && size == 32)
        text_to_hex(digest, size, about->fingerprint);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1)
        strftime(about->not_after, sizeof about->not_after, "%Y-%m-%dT%H:%M:%SZ", &until);
    /* XN_FLAG_RFC2253 writes non-ASCII characters as \XX, so the text can be truncated anywhere */
    if (out != NULL && X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        int got = BIO_read(out, about->subject, sizeof about->subject - 1);
        about->subject[got > 0 ? got : 0] = '\0';
    }
    BIO_free(out);
}

static bool is_expired(X509 *certificate)
{
    return X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

/* Reads one block of the text. */
static bool read_block(const char *name, const unsigned char *data, long size, struct buffer *clean,
                       struct certificate *about, struct error *error)
{
    X509 *certificate = NULL;
    BIO *out = NULL;
    char *pem = NULL;
    bool ok = false;
    if (strstr(name, "PRIVATE KEY") != NULL) {
        error_set(error, "the certificates include a private key; give it as the key, which is stored sealed");
        goto out;
    }
    if (strcmp(name, PEM_STRING_X509) != 0) {
        error_set(error, "'%.60s' is not a certificate; only BEGIN CERTIFICATE is accepted", name);
        goto out;
    }
    if ((certificate = d2i_X509(NULL, &data, size)) == NULL) {
        error_set(error, "a certificate cannot be read");
        goto out;
    }
    describe(certificate, about);
    if (is_expired(certificate)) {
        error_set(error, "the certificate of %.200s expired at %s", about->subject, about->not_after);
        goto out;
    }
    if (X509_get0_pubkey(certificate) == NULL ||
        EVP_PKEY_get_security_bits(X509_get0_pubkey(certificate)) < SECURITY_BITS_LEAST) {
        error_set(error, "the key of %.200s is too weak: at least RSA with 2048 bits or P-256 is required",
                  about->subject);
        goto out;
    }
    out = BIO_new(BIO_s_mem());
    if (out == NULL || PEM_write_bio_X509(out, certificate) != 1) {
        error_set(error, "no memory");
        goto out;
    }
    long length = BIO_get_mem_data(out, &pem);
    buffer_append(clean, pem, (size_t)length);
    ok = !clean->failed || error_set(error, "more than %d bytes", CERTIFICATE_MAX);
out:
    X509_free(certificate);
    BIO_free(out);
    return ok;
}

/* Reads the next block; returns false at the end. */
static bool next_block(BIO *in, char **name, unsigned char **data, long *size)
{
    char *header = NULL;
    bool got = PEM_read_bio(in, name, &header, data, size) == 1;
    OPENSSL_free(header);
    return got;
}

bool certificate_read(struct text pem, struct buffer *clean, struct certificate about[static CERTIFICATES_MAX],
                      size_t *count, struct error *error)
{
    char *name = NULL;
    unsigned char *data = NULL;
    long size = 0;
    bool ok = true;
    *count = 0;
    if (pem.size > CERTIFICATE_MAX)
        return error_set(error, "%zu bytes; at most %d are allowed", pem.size, CERTIFICATE_MAX);
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (in == NULL)
        return error_set(error, "no memory");
    while (ok && next_block(in, &name, &data, &size)) {
        ok = *count < CERTIFICATES_MAX ? read_block(name, data, size, clean, &about[*count], error)
                                       : error_set(error, "more than %d certificates", CERTIFICATES_MAX);
        OPENSSL_free(name);
        OPENSSL_clear_free(data, (size_t)size);
        (*count)++;
    }
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        ok = error_set(error, "the PEM is invalid after %zu certificates", *count);
    if (ok && *count == 0)
        ok = error_set(error, "it contains no certificate; PEM begins with -----BEGIN CERTIFICATE-----");
    BIO_free(in);
    ERR_clear_error();
    return ok;
}

/* Without this callback, OpenSSL would ask for a password at the terminal. */
static int no_password(char *out, int size, int writing, void *owner)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)owner;
    return -1;
}

bool certificate_check_key(struct text chain, struct text key, struct error *error)
{
    X509 *certificate = NULL;
    EVP_PKEY *private = NULL;
    bool ok = false;
    if (key.size > CERTIFICATE_KEY_MAX)
        return error_set(error, "%zu bytes; at most %d are allowed", key.size, CERTIFICATE_KEY_MAX);
    BIO *chain_in = BIO_new_mem_buf(chain.data, (int)chain.size), *key_in = BIO_new_mem_buf(key.data, (int)key.size);
    if (chain_in == NULL || key_in == NULL)
        error_set(error, "no memory");
    else if (memmem(key.data, key.size, "ENCRYPTED", strlen("ENCRYPTED")) != NULL)
        error_set(error, "it is encrypted; `openssl pkey -in FILE` decrypts it, and Posthorn stores it sealed");
    else if ((certificate = PEM_read_bio_X509(chain_in, NULL, no_password, NULL)) == NULL)
        error_set(error, "its certificate is missing");
    else if ((private = PEM_read_bio_PrivateKey(key_in, NULL, no_password, NULL)) == NULL)
        error_set(error, "it contains no private key; PEM begins with -----BEGIN PRIVATE KEY-----");
    else if (X509_check_private_key(certificate, private) != 1)
        error_set(error, "it is not the key of the first certificate");
    else
        ok = true;
    EVP_PKEY_free(private);
    X509_free(certificate);
    BIO_free(key_in);
    BIO_free(chain_in);
    ERR_clear_error();
    return ok;
}
