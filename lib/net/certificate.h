/* Certificates and keys as people hand them in: PEM (RFC 7468), checked before anything is kept.
 *
 * Only what was understood goes on: the certificates are written anew, so that nothing else (a private key pasted along
 * with them, a text between them) is ever stored beside a certificate. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

#define CERTIFICATE_MAX 16384 /* bytes of a chain, or of a list of authorities */
#define CERTIFICATE_KEY_MAX 8192
#define CERTIFICATES_MAX 10 /* in a chain or list */

/* What may be shown of a certificate. */
struct certificate {
    char subject[256];    /* RFC 2253, cut to fit; always UTF-8 */
    char not_after[32];   /* RFC 3339, UTC */
    char fingerprint[65]; /* SHA-256 of the DER form, hexadecimal */
};

/* The certificates of `pem`: at least one, at most CERTIFICATES_MAX, none expired, and nothing else but certificates.
 * Appends them to `clean` (PEM again), describes them in `about` and counts them in *count. */
bool certificate_read(struct text pem, struct buffer *clean, struct certificate about[static CERTIFICATES_MAX],
                      size_t *count, struct error *error) MUST_USE;

/* `key` is a private key in PEM, not encrypted, and the first certificate of `chain` is its own. */
bool certificate_check_key(struct text chain, struct text key, struct error *error) MUST_USE;
