#include "auth/password.h"

#include <argon2.h>
#include <openssl/rand.h>

#define PASSES 2
#define MEMORY_KIB 19456
#define LANES 1
#define SALT_SIZE 16
#define HASH_SIZE 32

bool password_hash(struct text password, char out[static PASSWORD_HASH_SIZE], struct error *error)
{
    unsigned char salt[SALT_SIZE];
    if (password.size < PASSWORD_MIN || password.size > PASSWORD_MAX)
        return error_set(error, "a password must have %d to %d bytes", PASSWORD_MIN, PASSWORD_MAX);
    if (RAND_bytes(salt, sizeof salt) != 1)
        return error_set(error, "OpenSSL has no random bytes");
    int code = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.data, password.size, salt, sizeof salt,
                                     HASH_SIZE, out, PASSWORD_HASH_SIZE);
    return code == ARGON2_OK || error_set(error, "argon2: %s", argon2_error_message(code));
}

bool password_matches(struct text password, const char *hash)
{
    static const char nobody[] =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool same = argon2id_verify(hash != NULL ? hash : nobody, password.data, password.size) == ARGON2_OK;
    return same && hash != NULL;
}
