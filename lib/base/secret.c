#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define LAYOUT 1
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEAD_SIZE (1 + 4 + NONCE_SIZE)

struct secret_key {
    EVP_CIPHER_CTX *seal, *open; /* keyed once; each use sets the nonce only */
    unsigned char id[4];
};

struct secret_key *secret_key_new(const unsigned char bytes[static SECRET_KEY_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct secret_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return NULL;
    key->seal = EVP_CIPHER_CTX_new();
    key->open = EVP_CIPHER_CTX_new();
    if (key->seal == NULL || key->open == NULL ||
        EVP_EncryptInit_ex(key->seal, EVP_aes_256_gcm(), NULL, bytes, NULL) != 1 ||
        EVP_DecryptInit_ex(key->open, EVP_aes_256_gcm(), NULL, bytes, NULL) != 1 ||
        EVP_Digest(bytes, SECRET_KEY_SIZE, digest, NULL, EVP_sha256(), NULL) != 1)
        secret_key_free(&key);
    else
        memcpy(key->id, digest, sizeof key->id);
    return key;
}

void secret_key_free(struct secret_key **key)
{
    if (*key == NULL)
        return;
    EVP_CIPHER_CTX_free((*key)->seal);
    EVP_CIPHER_CTX_free((*key)->open);
    free(*key);
    *key = NULL;
}

struct secret_key *secret_key_parse(const char *hex, struct error *error)
{
    unsigned char bytes[SECRET_KEY_SIZE];
    if (hex == NULL || !text_from_hex(text_of(hex), bytes, sizeof bytes)) {
        error_set(error, "the master key must be 64 hexadecimal digits; `openssl rand -hex 32` makes one");
        return NULL;
    }
    struct secret_key *key = secret_key_new(bytes);
    explicit_bzero(bytes, sizeof bytes);
    if (key == NULL)
        error_set(error, "no memory");
    return key;
}

bool secret_seal(struct secret_key *key, struct text place, struct text plain, struct buffer *out, struct error *error)
{
    unsigned char *to = (unsigned char *)buffer_reserve(out, plain.size + SECRET_OVERHEAD);
    int size = 0, last = 0;
    if (to == NULL)
        return error_set(error, "a secret of %zu bytes is too long", plain.size);
    unsigned char *nonce = to + 5, *text = to + HEAD_SIZE;
    to[0] = LAYOUT;
    memcpy(to + 1, key->id, sizeof key->id);
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

bool secret_open(struct secret_key *key, struct text place, struct text sealed, struct buffer *out, struct error *error)
{
    const unsigned char *from = (const unsigned char *)sealed.data;
    int size = 0, last = 0;
    if (sealed.size < SECRET_OVERHEAD || from[0] != LAYOUT)
        return error_set(error, "not a sealed value");
    if (memcmp(from + 1, key->id, sizeof key->id) != 0)
        return error_set(error, "sealed under another key");
    size_t plain = sealed.size - SECRET_OVERHEAD;
    unsigned char tag[TAG_SIZE], *to = (unsigned char *)buffer_reserve(out, plain + 1);
    if (to == NULL)
        return error_set(error, "a sealed value of %zu bytes is too long", sealed.size);
    memcpy(tag, from + HEAD_SIZE + plain, sizeof tag);
    if (EVP_DecryptInit_ex(key->open, NULL, NULL, NULL, from + 5) != 1 ||
        EVP_DecryptUpdate(key->open, NULL, &size, (const unsigned char *)place.data, (int)place.size) != 1 ||
        (plain > 0 && EVP_DecryptUpdate(key->open, to, &size, from + HEAD_SIZE, (int)plain) != 1) ||
        EVP_CIPHER_CTX_ctrl(key->open, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1 ||
        EVP_DecryptFinal_ex(key->open, to + plain, &last) != 1)
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
