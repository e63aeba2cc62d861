#include "auth/apikey.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

#define SHOWN 12
#define HIDDEN 43 /* 62^43 > 2^256 */

static bool random_letters(char *out, size_t count)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char byte;
    for (size_t i = 0; i < count;) {
        if (RAND_bytes(&byte, 1) != 1)
            return false;
        if (byte < 4 * 62) /* larger bytes would make some characters more likely */
            out[i++] = letters[byte % 62];
    }
    out[count] = '\0';
    return true;
}

bool apikey_new(struct apikey *key, struct error *error)
{
    char shown[SHOWN + 1], hidden[HIDDEN + 1];
    if (!random_letters(shown, SHOWN) || !random_letters(hidden, HIDDEN))
        return error_set(error, "OpenSSL has no random bytes");
    snprintf(key->prefix, sizeof key->prefix, "phk_%s", shown);
    snprintf(key->text, sizeof key->text, "%s_%s", key->prefix, hidden);
    return apikey_hash(text_of(key->text), key->hash) || error_set(error, "OpenSSL cannot hash");
}

bool apikey_hash(struct text text, unsigned char hash[static APIKEY_HASH_SIZE])
{
    return EVP_Digest(text.data, text.size, hash, NULL, EVP_sha256(), NULL) == 1;
}
