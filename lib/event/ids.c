#include "event/ids.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* Fetched once: a hash of 60 bytes takes 165 ns, and 345 ns if EVP_sha256() is looked up by each call (OpenSSL 3.0,
 * with SHA extensions). */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* Hashes a, a NUL if `parted`, and b. Hashing fails only if memory is short or SHA-256 is missing. The process then
 * ends, because events could not be told apart. */
static void hash_parts(struct text a, bool parted, struct text b, unsigned char hash[static 32])
{
    pthread_once(&sha256_once, sha256_fetch);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = sha256 != NULL && context != NULL && EVP_DigestInit_ex(context, sha256, NULL) == 1 &&
              EVP_DigestUpdate(context, a.data, a.size) == 1 && (!parted || EVP_DigestUpdate(context, "", 1) == 1) &&
              EVP_DigestUpdate(context, b.data, b.size) == 1 && EVP_DigestFinal_ex(context, hash, NULL) == 1;
    memory_need(ok ? context : NULL, "SHA-256, without which events have no identity");
    EVP_MD_CTX_free(context);
}

void ids_hash(struct text account, struct text id, unsigned char hash[static 32])
{
    hash_parts(account, true, id, hash);
}

#define COORDINATES_MAX 255
#define TOPIC_KEPT 180 /* with its hash and the longest numbers this makes 245 characters */

struct text ids_of_coordinates(struct text topic, int32_t partition, int64_t offset, struct arena *arena)
{
    char numbers[40], cut[1 + 32 + 1] = "";
    unsigned char hash[32];
    int size = snprintf(numbers, sizeof numbers, "-%d-%lld", (int)partition, (long long)offset);
    if (topic.size + (size_t)size > COORDINATES_MAX) {
        hash_parts(topic, false, TEXT(""), hash);
        cut[0] = '~'; /* no topic name contains it, so no other record has such an id */
        text_to_hex(hash, 16, cut + 1);
        topic.size = TOPIC_KEPT;
    }
    char *out = arena_alloc(arena, topic.size + strlen(cut) + (size_t)size + 1);
    if (out == NULL)
        return (struct text){0};
    return (struct text){out, (size_t)sprintf(out, "%.*s%s%s", TEXT_ARGS(topic), cut, numbers)};
}

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void ids_to_base62(const unsigned char bytes[static 16], char out[static BASE62_SIZE + 1])
{
    uint32_t limbs[4]; /* most significant first */
    for (int i = 0; i < 4; i++)
        limbs[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 | (uint32_t)bytes[4 * i + 2] << 8 |
                   bytes[4 * i + 3];
    for (int digit = BASE62_SIZE - 1; digit >= 0; digit--) {
        uint64_t rest = 0;
        for (int i = 0; i < 4; i++) {
            uint64_t part = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(part / 62);
            rest = part % 62;
        }
        out[digit] = base62[rest];
    }
    out[BASE62_SIZE] = '\0';
}

static int base62_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 36;
    return -1;
}

bool ids_from_base62(struct text text, unsigned char bytes[static 16])
{
    if (text.size != BASE62_SIZE)
        return false;
    memset(bytes, 0, 16);
    for (size_t digit = 0; digit < BASE62_SIZE; digit++) {
        int carry = base62_value(text.data[digit]);
        if (carry < 0)
            return false;
        for (int i = 15; i >= 0; i--) {
            int part = bytes[i] * 62 + carry;
            bytes[i] = (unsigned char)part;
            carry = part >> 8;
        }
        if (carry != 0) /* 62 to the 22nd is more than 2 to the 128th */
            return false;
    }
    return true;
}

static bool all_of(struct text text, bool (*fits)(char))
{
    for (size_t i = 0; i < text.size; i++)
        if (!fits(text.data[i]))
            return false;
    return true;
}

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_base62(char c)
{
    return base62_value(c) >= 0;
}

/* `prefix` and then `size` characters that fit. */
static bool has_form(struct text id, struct text prefix, size_t size, bool (*fits)(char))
{
    return id.size == prefix.size + size && text_starts(id, prefix) &&
           all_of((struct text){id.data + prefix.size, size}, fits);
}

struct text ids_merchant(struct text id, const unsigned char hash[static 32], char out[static 65])
{
    if (has_form(id, TEXT(""), 64, is_lower_hex))
        return id;
    text_to_hex(hash, 32, out);
    return (struct text){out, 64};
}

struct text ids_devengo(struct text id, const unsigned char hash[static 32], char out[static 27])
{
    if (has_form(id, TEXT("evt_"), BASE62_SIZE, is_base62))
        return id;
    memcpy(out, "evt_", 4);
    ids_to_base62(hash, out + 4);
    return (struct text){out, 4 + BASE62_SIZE};
}

/* key XOR SHA-256(webhook): its own inverse. */
static void payconex_mix(const unsigned char key[static EVENT_KEY_SIZE], const unsigned char webhook[static UUID_SIZE],
                         unsigned char mixed[static EVENT_KEY_SIZE])
{
    unsigned char hash[32];
    hash_parts((struct text){(const char *)webhook, UUID_SIZE}, false, TEXT(""), hash);
    for (size_t i = 0; i < EVENT_KEY_SIZE; i++)
        mixed[i] = key[i] ^ hash[i];
}

struct text ids_payconex(struct text id, const unsigned char hash[static 32],
                         const unsigned char webhook[static UUID_SIZE], char out[static 37])
{
    unsigned char mixed[EVENT_KEY_SIZE];
    if (has_form(id, TEXT("not_"), 32, is_lower_hex))
        return id;
    payconex_mix(hash, webhook, mixed);
    memcpy(out, "not_", 4);
    text_to_hex(mixed, sizeof mixed, out + 4);
    return (struct text){out, 36};
}

bool ids_payconex_key(struct text notification, const unsigned char webhook[static UUID_SIZE],
                      unsigned char key[static EVENT_KEY_SIZE])
{
    unsigned char mixed[EVENT_KEY_SIZE];
    if (!has_form(notification, TEXT("not_"), 32, is_lower_hex) ||
        !text_from_hex((struct text){notification.data + 4, 32}, mixed, sizeof mixed))
        return false;
    payconex_mix(mixed, webhook, key);
    return true;
}
