/* Time-based one-time passwords (RFC 6238): the second factor. SHA-1, 30 s, 6 digits, as all authenticator apps have
 * it. */
#pragma once
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define TOTP_SECRET_SIZE 20
#define TOTP_BASE32_SIZE 33 /* with the NUL */

/* A new secret and its base32. */
bool totp_new(unsigned char secret[static TOTP_SECRET_SIZE], char base32[static TOTP_BASE32_SIZE],
              struct error *error) MUST_USE;

/* Whether six digits are right now, or one step before or after. *step is the number of the step they belong to: a code
 * must be taken once only, so the caller accepts none whose step is not above the last one's. `now` is in seconds since
 * 1970. */
bool totp_matches(struct text secret, const char *code, int64_t now, int64_t *step) MUST_USE;
