/* User: authenticates a user by e-mail address and password, and by the second factor. For session tokens (login.c) and
 * the console's sessions (session.c). */
#pragma once
#include "auth/password.h"
#include "request.h"

#define EMAIL_MAX 254
#define CODE_MAX 16 /* bytes of a code as sent */

struct user {
    int id;
    struct uuid uuid;
    bool found, needs_code; /* needs_code: a session token requires the second factor */
    char email[EMAIL_MAX + 1], hash[PASSWORD_HASH_SIZE];
    struct buffer totp; /* plain; empty: no second factor is set up */
};

void user_init(struct user *user);
void user_fini(struct user *user);

/* Counts the attempt, finds the user and checks the password. Fails with 401, 429 or 503. The case of `email` does not
 * matter. The connection to PostgreSQL is given back meanwhile. */
bool user_log_in(struct request *request, const char *email, const char *password, struct user *user) MUST_USE;

/* `wait` is the row of a function that counts attempts: `seconds` until the next one is allowed, 0: now. Clears `wait`.
 * Fails with 429, Retry-After and "too many `what`" if the user must wait. */
bool user_may_try(struct request *request, PGresult *wait, const char *what) MUST_USE;

/* Loads the user of the caller's session. */
bool user_load(struct request *request, struct user *user) MUST_USE;

/* Counts a guess at the user's second factor, before the code is checked and outside a transaction, so that
 * simultaneous requests get no more guesses than consecutive ones. Fails with 429 after too many. */
bool user_count_guess(struct request *request, const struct user *user) MUST_USE;

/* Checks six digits of the second factor; each code is valid once. Counts the guess. Fails with 401. */
bool user_take_code(struct request *request, const struct user *user, const char *code) MUST_USE;
