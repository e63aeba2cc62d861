#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define KEY_SEPARATORS " \t\r\n,;"
#define LAYOUT 1
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEAD_SIZE (1 + 4 + NONCE_SIZE)

/* Contexts are keyed once; each use only sets the nonce. */
struct secret_key {
    EVP_CIPHER_CTX *seal; /* of the first key */
    struct {
        EVP_CIPHER_CTX *open;
        unsigned char id[SECRET_KEY_ID_SIZE];
    } keys[SECRET_KEYS_MAX];
    size_t count;
};

static bool add_key(struct secret_key *key, const unsigned char bytes[static SECRET_KEY_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_CIPHER_CTX *open = EVP_CIPHER_CTX_new();
    if (open == NULL || EVP_DecryptInit_ex(open, EVP_aes_256_gcm(), NULL, bytes, NULL) != 1 ||
        EVP_Digest(bytes, SECRET_KEY_SIZE, digest, NULL, EVP_sha256(), NULL) != 1) {
        EVP_CIPHER_CTX_free(open);
        return false;
    }
    memcpy(key->keys[key->count].id, digest, SECRET_KEY_ID_SIZE);
    key->keys[key->count++].open = open;
    return true;
}

struct secret_key *secret_key_new(const unsigned char bytes[static SECRET_KEY_SIZE])
{
    struct secret_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return NULL;
    key->seal = EVP_CIPHER_CTX_new();
    if (key->seal == NULL || EVP_EncryptInit_ex(key->seal, EVP_aes_256_gcm(), NULL, bytes, NULL) != 1 ||
        !add_key(key, bytes))
        secret_key_free(&key);
    return key;
}

void secret_key_free(struct secret_key **key)
{
    if (*key == NULL)
        return;
    EVP_CIPHER_CTX_free((*key)->seal);
    for (size_t i = 0; i < (*key)->count; i++)
        EVP_CIPHER_CTX_free((*key)->keys[i].open);
    free(*key);
    *key = NULL;
}

/* Reads the next key at *at, or the only one. */
static bool take_hex(const char **at, unsigned char bytes[static SECRET_KEY_SIZE], size_t nth, struct error *error)
{
    size_t size = strcspn(*at, KEY_SEPARATORS);
    if (text_from_hex((struct text){*at, size}, bytes, SECRET_KEY_SIZE)) {
        *at += size;
        *at += strspn(*at, KEY_SEPARATORS);
        return true;
    }
    if (nth == 0)
        return error_set(error, "the master key must be 64 hexadecimal digits; `openssl rand -hex 32` generates one");
    return error_set(error, "the master key's old key number %zu is not 64 hexadecimal digits", nth);
}

struct secret_key *secret_key_parse(const char *hex, struct error *error)
{
    unsigned char bytes[SECRET_KEY_SIZE];
    struct secret_key *key = NULL;
    const char *at = hex != NULL ? hex + strspn(hex, KEY_SEPARATORS) : "";
    if (take_hex(&at, bytes, 0, error) && (key = secret_key_new(bytes)) == NULL)
        error_set(error, "no memory");
    bool ok = key != NULL;
    while (ok && *at != '\0')
        ok = (key->count < SECRET_KEYS_MAX ||
              error_set(error, "the master key has more than %d keys", SECRET_KEYS_MAX)) &&
             take_hex(&at, bytes, key->count, error) && (add_key(key, bytes) || error_set(error, "no memory"));
    explicit_bzero(bytes, sizeof bytes);
    if (!ok)
        secret_key_free(&key);
    return key;
}

struct text secret_key_id(const struct secret_key *key)
{
    return secret_key_nth_id(key, 0);
}

size_t secret_key_count(const struct secret_key *key)
{
    return key->count;
}

struct text secret_key_nth_id(const struct secret_key *key, size_t nth)
{
    return (struct text){(const char *)key->keys[nth].id, SECRET_KEY_ID_SIZE};
}

bool secret_seal(struct secret_key *key, struct text place, struct text plain, struct buffer *out, struct error *error)
{
    unsigned char *to = (unsigned char *)buffer_reserve(out, plain.size + SECRET_OVERHEAD);
    int size = 0, last = 0;
    if (to == NULL)
        return error_set(error, "a secret of %zu bytes is too long", plain.size);
    unsigned char *nonce = to + 5, *text = to + HEAD_SIZE;
    to[0] = LAYOUT;
    memcpy(to + 1, key->keys[0].id, SECRET_KEY_ID_SIZE);
    if (RAND_bytes(nonce, NONCE_SIZE) != 1 || EVP_EncryptInit_ex(key->seal, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(key->seal, NULL, &size, (const unsigned char *)place.data, (int)place.size) != 1 ||
        (plain.size > 0 &&
         EVP_EncryptUpdate(key->seal, text, &size, (const unsigned char *)plain.data, (int)plain.size) != 1) ||
        EVP_EncryptFinal_ex(key->seal, text + plain.size, &last) != 1 ||
        EVP_CIPHER_CTX_ctrl(key->seal, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + plain.size) != 1)
        return error_set(error, "OpenSSL could not encrypt");
    out->size += plain.size + SECRET_OVERHEAD;
    return true;
}

static EVP_CIPHER_CTX *opener(const struct secret_key *key, const unsigned char *id)
{
    for (size_t i = 0; i < key->count; i++)
        if (memcmp(id, key->keys[i].id, SECRET_KEY_ID_SIZE) == 0)
            return key->keys[i].open;
    return NULL;
}

bool secret_is_foreign(const struct secret_key *key, struct text sealed)
{
    const unsigned char *from = (const unsigned char *)sealed.data;
    return sealed.size >= SECRET_OVERHEAD && from[0] == LAYOUT && opener(key, from + 1) == NULL;
}

bool secret_open(struct secret_key *key, struct text place, struct text sealed, struct buffer *out, struct error *error)
{
    const unsigned char *from = (const unsigned char *)sealed.data;
    int size = 0, last = 0;
    if (sealed.size < SECRET_OVERHEAD || from[0] != LAYOUT)
        return error_set(error, "not a sealed value");
    EVP_CIPHER_CTX *open = opener(key, from + 1);
    if (open == NULL)
        return error_set(error, "sealed under another key");
    size_t plain = sealed.size - SECRET_OVERHEAD;
    unsigned char tag[TAG_SIZE], *to = (unsigned char *)buffer_reserve(out, plain > 0 ? plain : 1);
    if (to == NULL)
        return error_set(error, "a sealed value of %zu bytes is too long", sealed.size);
    memcpy(tag, from + HEAD_SIZE + plain, sizeof tag);
    if (EVP_DecryptInit_ex(open, NULL, NULL, NULL, from + 5) != 1 ||
        EVP_DecryptUpdate(open, NULL, &size, (const unsigned char *)place.data, (int)place.size) != 1 ||
        (plain > 0 && EVP_DecryptUpdate(open, to, &size, from + HEAD_SIZE, (int)plain) != 1) ||
        EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1 ||
        EVP_DecryptFinal_ex(open, to + plain, &last) != 1)
        return error_set(error, "a sealed value was changed, or belongs to another row");
    out->size += plain;
    return true;
}

void secret_wipe(struct buffer *buffer)
{
    if (buffer->data != NULL)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_clear(buffer);
}
