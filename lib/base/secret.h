/* Secrets at rest: AES-256-GCM under the master key, bound to the row they belong to.
 *
 * A sealed secret is: 1 byte layout (1) | 4 bytes key id, big-endian | 12 bytes nonce | ciphertext | 16 bytes tag.
 * The associated data is its place, such as "webhook.secret:<uuid>", so that a sealed value copied into another row
 * does not open. The key id is the first 4 bytes of the SHA-256 of the key: it tells which key to use while the master
 * key is changed. Payloads are sealed the same way under their account's data key (which itself is sealed under the
 * master key).
 *
 * The master key is several keys while it is changed: the first seals, all of them open (docs/security.md,
 * `posthorn-admin rekey`). */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define SECRET_KEY_SIZE 32
#define SECRET_OVERHEAD (1 + 4 + 12 + 16)
#define SECRET_KEY_ID_SIZE 4
#define SECRET_KEYS_MAX 8

/* A key with its cipher contexts. Not thread-safe. */
struct secret_key;

/* From 32 bytes. NULL without memory. The bytes are copied; wipe yours. */
struct secret_key *secret_key_new(const unsigned char bytes[static SECRET_KEY_SIZE]);
void secret_key_free(struct secret_key **key);

/* From configuration: 64 hexadecimal digits; after them, parted by spaces, line ends, commas or semicolons, the keys
 * that were before. */
struct secret_key *secret_key_parse(const char *hex, struct error *error) MUST_USE;

/* Append the sealed form of `plain`, bound to `place`. */
bool secret_seal(struct secret_key *key, struct text place, struct text plain, struct buffer *out,
                 struct error *error) MUST_USE;

/* Append what was sealed. False when no key fits, the place is another, or a bit was changed. */
bool secret_open(struct secret_key *key, struct text place, struct text sealed, struct buffer *out,
                 struct error *error) MUST_USE;

/* The id that what is sealed now carries, from its second byte on. */
struct text secret_key_id(const struct secret_key *key);

/* How many keys it is, and the id of each; the first is that of secret_key_id(). */
size_t secret_key_count(const struct secret_key *key);
struct text secret_key_nth_id(const struct secret_key *key, size_t nth);

/* It has the form of a sealed value, of a key that is none of these. */
bool secret_is_foreign(const struct secret_key *key, struct text sealed);

/* Overwrite and empty a buffer that held a secret. */
void secret_wipe(struct buffer *buffer);
