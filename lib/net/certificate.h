/* Certificate: certificates and keys as users supply them: PEM (RFC 7468), checked before they are stored.
 *
 * The certificates are written anew from their parsed form, so that nothing else in the text (a private key pasted with
 * them, text between them) is ever stored with a certificate. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

#define CERTIFICATE_MAX 16384 /* bytes of a chain, or of a list of authorities */
#define CERTIFICATE_KEY_MAX 8192
#define CERTIFICATES_MAX 10 /* in a chain or list */

/* The parts of a certificate that may be shown. */
struct certificate {
    char subject[256];    /* RFC 2253, truncated to fit; always UTF-8 */
    char not_after[32];   /* RFC 3339, UTC */
    char fingerprint[65]; /* SHA-256 of the DER form, hexadecimal */
};

/* Reads the certificates of `pem`: at least one, at most CERTIFICATES_MAX, none expired, and nothing but certificates.
 * Appends them to `clean` (as PEM), describes them in `about` and counts them in *count. */
bool certificate_read(struct text pem, struct buffer *clean, struct certificate about[static CERTIFICATES_MAX],
                      size_t *count, struct error *error) MUST_USE;

/* Checks that `key` is an unencrypted private key in PEM and belongs to the first certificate of `chain`. */
bool certificate_check_key(struct text chain, struct text key, struct error *error) MUST_USE;
