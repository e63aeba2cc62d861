/* Secret: encryption of secrets at rest: AES-256-GCM with the master key, bound to the row that they belong to.
 *
 * A sealed secret is: 1 byte layout (1) | 4 bytes key id, big-endian | 12 bytes nonce | ciphertext | 16 bytes tag. The
 * associated data is the secret's place, for example "webhook.secret:<uuid>", so that a sealed value copied into
 * another row does not open. The key id is the first 4 bytes of the SHA-256 of the key: it tells which key to use while
 * the master key is being changed. Payloads are sealed in the same way with their account's data key, which itself is
 * sealed with the master key.
 *
 * While the master key is being changed, it consists of several keys: the first seals, and all of them open
 * (docs/security.md, `posthorn-admin rekey`). */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define SECRET_KEY_SIZE 32
#define SECRET_OVERHEAD (1 + 4 + 12 + 16)
#define SECRET_KEY_ID_SIZE 4
#define SECRET_KEYS_MAX 8

/* One or more keys with their cipher contexts. Not thread-safe. */
struct secret_key;

/* Makes a key from 32 bytes, which are copied; the caller wipes its own. Returns NULL if memory is short. */
struct secret_key *secret_key_new(const unsigned char bytes[static SECRET_KEY_SIZE]);
void secret_key_free(struct secret_key **key);

/* Parses the configured key: 64 hexadecimal digits, optionally followed by former keys. Keys are separated by spaces,
 * line ends, commas or semicolons. */
struct secret_key *secret_key_parse(const char *hex, struct error *error) MUST_USE;

/* Appends the sealed form of `plain`, bound to `place`. */
bool secret_seal(struct secret_key *key, struct text place, struct text plain, struct buffer *out,
                 struct error *error) MUST_USE;

/* Appends the plain form of `sealed`. Returns false if no key fits, the place differs, or the value was changed. */
bool secret_open(struct secret_key *key, struct text place, struct text sealed, struct buffer *out,
                 struct error *error) MUST_USE;

/* Returns the id of the key that seals. A sealed value contains it from its second byte on. */
struct text secret_key_id(const struct secret_key *key);

/* Return the number of keys, and the id of each; the first is that of secret_key_id(). */
size_t secret_key_count(const struct secret_key *key);
struct text secret_key_nth_id(const struct secret_key *key, size_t nth);

/* True if the text has the form of a sealed value but was sealed with none of these keys. */
bool secret_is_foreign(const struct secret_key *key, struct text sealed);

/* Overwrites and empties a buffer that held a secret. */
void secret_wipe(struct buffer *buffer);
