/* Signature: signatures of notifications: HMAC-SHA256 (RFC 2104). The key is prepared once and used for every delivery
 * of a webhook. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define SIGNATURE_STANDARD_SIZE 48 /* "v1,", 44 base64 characters, and a NUL */
#define SIGNATURE_HEX_SIZE 65      /* 64 hex digits and a NUL */

struct signer;

/* Makes a keyed context, for one thread at a time. The key is copied into OpenSSL's context and wiped with it. Returns
 * NULL if memory is short. */
struct signer *signer_new(struct text key);
void signer_free(struct signer **signer);

/* Standard Webhooks, symmetric: "v1," base64(HMAC(key, id "." timestamp "." body)); the timestamp is in seconds since
 * 1970, as decimal digits. */
bool signature_standard(const struct signer *signer, struct text id, struct text timestamp, struct text body,
                        char out[static SIGNATURE_STANDARD_SIZE]) MUST_USE;

/* X-Signature: hex(HMAC(key, body)). */
bool signature_hex(const struct signer *signer, struct text body, char out[static SIGNATURE_HEX_SIZE]) MUST_USE;

/* Appends to `key` the HMAC key of a secret as shown to users: for "whsec_<base64>" the decoded bytes (24 to 64, by the
 * Standard Webhooks specification); for any other text, such as devengo's 40 hex digits, its ASCII characters. */
bool signature_key(struct text secret, struct buffer *key, struct error *error) MUST_USE;

/* Checks that receivers can verify signatures with a secret that a user chose. Their libraries decode "whsec_<base64>"
 * (24 to 64 bytes) and also base64 without the prefix, so a text of another form would give them another key than us.
 * Receivers of devengo use 40 hex digits as they are. */
bool signature_check(struct text secret, bool devengo, struct error *error) MUST_USE;

/* Makes a new secret: "whsec_" and base64 of 32 random bytes (51 characters with NUL), or for devengo 40 hex digits. */
bool signature_new_secret(bool devengo, char out[static 64], struct error *error) MUST_USE;
