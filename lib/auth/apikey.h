/* API keys: phk_<12 characters that are shown>_<43 that are not>, base62. They have 256 random bits and cannot be
 * guessed, so a plain SHA-256 is stored and looked up. */
#pragma once
#include "base/error.h"
#include "base/text.h"

#define APIKEY_SIZE 80        /* with the NUL */
#define APIKEY_PREFIX_SIZE 20 /* phk_ and the shown characters, with the NUL */
#define APIKEY_HASH_SIZE 32

struct apikey {
    char text[APIKEY_SIZE];
    char prefix[APIKEY_PREFIX_SIZE];
    unsigned char hash[APIKEY_HASH_SIZE];
};

bool apikey_new(struct apikey *key, struct error *error) MUST_USE;

/* Hashes any text: a key that a caller sends, or one that was made elsewhere. */
bool apikey_hash(struct text text, unsigned char hash[static APIKEY_HASH_SIZE]) MUST_USE;
