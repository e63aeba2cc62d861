#include "jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define PART_MAX 8192 /* bytes of a part, encoded */
#define MAC_SIZE 32

/* Base64url without padding (RFC 7515, section 2). */
static void append_encoded(struct buffer *out, struct text bytes)
{
    unsigned char *to = malloc(bytes.size / 3 * 4 + 5);
    if (to == NULL) {
        out->failed = true;
        return;
    }
    int size = EVP_EncodeBlock(to, (const unsigned char *)bytes.data, (int)bytes.size);
    while (size > 0 && to[size - 1] == '=')
        size--;
    for (int i = 0; i < size; i++)
        to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
    buffer_append(out, to, (size_t)size);
    free(to);
}

/* Append what it encodes. False when there is any other way to write the same bytes, or none. */
static bool append_decoded(struct buffer *out, struct text encoded)
{
    unsigned char from[PART_MAX + 4], to[PART_MAX];
    struct buffer again;
    size_t padded = (encoded.size + 3) / 4 * 4;
    if (encoded.size == 0 || encoded.size > PART_MAX || encoded.size % 4 == 1)
        return false;
    for (size_t i = 0; i < padded; i++) {
        char c = i < encoded.size ? encoded.data[i] : '=';
        if (i < encoded.size && memchr("+/=", c, 3) != NULL)
            return false;
        from[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    int size = EVP_DecodeBlock(to, from, (int)padded);
    if (size < 0)
        return false;
    struct text bytes = {(const char *)to, (size_t)size - (padded - encoded.size)};
    buffer_init(&again, PART_MAX + 4);
    append_encoded(&again, bytes);
    bool same = !again.failed && text_equal(buffer_text(&again), encoded);
    buffer_fini(&again);
    if (same)
        buffer_append(out, bytes.data, bytes.size);
    return same && !out->failed;
}

static bool sign(struct text key, struct text text, unsigned char mac[static MAC_SIZE])
{
    return HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)text.data, text.size, mac, NULL) != NULL;
}

char *jwt_write(const json_t *claims, struct text key)
{
    unsigned char mac[MAC_SIZE];
    struct buffer token;
    char *json = json_dumps(claims, JSON_COMPACT), *text = NULL;
    buffer_init(&token, 3 * PART_MAX);
    append_encoded(&token, TEXT(HEADER));
    buffer_append(&token, ".", 1);
    if (json != NULL)
        append_encoded(&token, text_of(json));
    if (json != NULL && !token.failed && sign(key, buffer_text(&token), mac)) {
        buffer_append(&token, ".", 1);
        append_encoded(&token, (struct text){(const char *)mac, sizeof mac});
        buffer_append_char(&token, '\0');
        text = token.failed ? NULL : strdup(token.data);
    }
    buffer_fini(&token);
    free(json);
    return text;
}

/* NULL when it is not JSON of an object. */
static json_t *read_part(struct text encoded)
{
    struct buffer decoded;
    buffer_init(&decoded, PART_MAX);
    json_t *json =
        append_decoded(&decoded, encoded) ? json_loadb(decoded.data, decoded.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    buffer_fini(&decoded);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

static bool is_hs256(struct text encoded)
{
    json_t *header = read_part(encoded);
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    bool is = algorithm != NULL && strcmp(algorithm, "HS256") == 0;
    json_decref(header);
    return is;
}

static bool is_signed(struct text text, struct text encoded, struct text key)
{
    unsigned char mac[MAC_SIZE];
    struct buffer expected;
    if (!sign(key, text, mac))
        return false;
    buffer_init(&expected, PART_MAX);
    append_encoded(&expected, (struct text){(const char *)mac, sizeof mac});
    bool is = !expected.failed && expected.size == encoded.size &&
              CRYPTO_memcmp(expected.data, encoded.data, encoded.size) == 0;
    buffer_fini(&expected);
    return is;
}

json_t *jwt_read(struct text token, struct text key)
{
    const char *end = token.data + token.size;
    const char *first = memchr(token.data, '.', token.size);
    const char *second = first == NULL ? NULL : memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL)
        return NULL;
    struct text header = {token.data, (size_t)(first - token.data)};
    struct text claims = {first + 1, (size_t)(second - first - 1)};
    struct text signed_text = {token.data, (size_t)(second - token.data)};
    struct text signature = {second + 1, (size_t)(end - second - 1)};
    return is_signed(signed_text, signature, key) && is_hs256(header) ? read_part(claims) : NULL;
}
