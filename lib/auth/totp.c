#include "auth/totp.h"

#include <liboath/oath.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define STEP 30
#define DIGITS 6

bool totp_new(unsigned char secret[static TOTP_SECRET_SIZE], char base32[static TOTP_BASE32_SIZE], struct error *error)
{
    char *text = NULL;
    if (RAND_bytes(secret, TOTP_SECRET_SIZE) != 1)
        return error_set(error, "OpenSSL has no random bytes");
    if (oath_base32_encode((const char *)secret, TOTP_SECRET_SIZE, &text, NULL) != OATH_OK)
        return error_set(error, "no memory");
    memccpy(base32, text, '\0', TOTP_BASE32_SIZE);
    explicit_bzero(text, strlen(text));
    free(text);
    return true;
}

bool totp_matches(struct text secret, const char *code, int64_t now, int64_t *step)
{
    char right[DIGITS + 1];
    if (strlen(code) != DIGITS)
        return false;
    for (int shift = -1; shift <= 1; shift++) {
        int64_t at = now / STEP + shift;
        if (oath_hotp_generate(secret.data, secret.size, (uint64_t)at, DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION,
                               right) == OATH_OK &&
            strcmp(right, code) == 0) {
            *step = at;
            return true;
        }
    }
    return false;
}
