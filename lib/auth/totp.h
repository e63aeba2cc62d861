/* Time-based one-time passwords (RFC 6238), the second factor. SHA-1, 30 s, 6 digits, as supported by all authenticator
 * apps. */
#pragma once
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define TOTP_SECRET_SIZE 20
#define TOTP_BASE32_SIZE 33 /* with the NUL */

/* Makes a new secret and its base32 form. */
bool totp_new(unsigned char secret[static TOTP_SECRET_SIZE], char base32[static TOTP_BASE32_SIZE],
              struct error *error) MUST_USE;

/* True if the six digits are valid for the current step, the one before or the one after. *step is the number of the
 * step. A code must be accepted only once, so the caller rejects codes whose step is not above the last accepted one.
 * `now` is in seconds since 1970. */
bool totp_matches(struct text secret, const char *code, int64_t now, int64_t *step) MUST_USE;
