/* Passwords of users: argon2id, which makes guessing expensive. */
#pragma once
#include "base/error.h"
#include "base/text.h"

#define PASSWORD_MIN 12
#define PASSWORD_MAX 1024      /* bytes */
#define PASSWORD_HASH_SIZE 128 /* with the NUL */

/* Hashes a new password of PASSWORD_MIN to PASSWORD_MAX bytes, in PHC form with its own salt (19 MiB, 2 passes: OWASP's
 * first choice). */
bool password_hash(struct text password, char out[static PASSWORD_HASH_SIZE], struct error *error) MUST_USE;

/* If `hash` is NULL, the user does not exist: returns false after the same amount of work. */
bool password_matches(struct text password, const char *hash) MUST_USE;
