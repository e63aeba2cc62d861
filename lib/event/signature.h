/* Signatures of notifications: HMAC-SHA256 (RFC 2104) with a key that is prepared once and used for every delivery of a
 * webhook. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define SIGNATURE_STANDARD_SIZE 48 /* "v1," and 44 base64 characters, then a NUL */
#define SIGNATURE_HEX_SIZE 65      /* 64 hex digits and a NUL */

struct signer;

/* A keyed context, for one thread at a time. The key's bytes are copied into OpenSSL's context and wiped
 * with it. NULL without memory. */
struct signer *signer_new(struct text key);
void signer_free(struct signer **signer);

/* Standard Webhooks, symmetric: "v1," base64(HMAC(key, id "." timestamp "." body)); timestamp in seconds since 1970 as
 * decimal digits. */
bool signature_standard(const struct signer *signer, struct text id, struct text timestamp, struct text body,
                        char out[static SIGNATURE_STANDARD_SIZE]) MUST_USE;

/* X-Signature: hex(HMAC(key, body)). */
bool signature_hex(const struct signer *signer, struct text body, char out[static SIGNATURE_HEX_SIZE]) MUST_USE;

/* The HMAC key that a shown secret stands for: "whsec_<base64>" gives the decoded bytes (24 to 64 of them, by the
 * Standard Webhooks specification); anything else, such as devengo's 40 hex digits, its own ASCII characters. Appends
 * to `key`. */
bool signature_key(struct text secret, struct buffer *key, struct error *error) MUST_USE;

/* Whether receivers can verify with a secret that somebody chose: their libraries decode "whsec_<base64>" (of 24 to 64
 * bytes) and, without the prefix, any base64, so that a text of another form gives them another key than us. devengo's
 * readers use 40 hex digits as they are. */
bool signature_check(struct text secret, bool devengo, struct error *error) MUST_USE;

/* A new secret: "whsec_" and base64 of 32 random bytes (51 characters with NUL), or for devengo 40 hex digits. */
bool signature_new_secret(bool devengo, char out[static 64], struct error *error) MUST_USE;
