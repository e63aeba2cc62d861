/* Who signs in: by e-mail address and password, and by a second factor. For session tokens (login.c) and the console's
 * sessions (session.c). */
#pragma once
#include "auth/password.h"
#include "request.h"

#define EMAIL_MAX 254
#define CODE_MAX 16 /* bytes of what may be sent as a code */

/* Bounds how many passwords are looked at at once: argon2 takes memory and time by design. */
struct logins *logins_new(int most, struct error *error) MUST_USE;
void logins_free(struct logins **logins);

struct user {
    int id;
    struct uuid uuid;
    bool found, needs_code; /* needs_code: no session token without the second factor */
    char email[EMAIL_MAX + 1], hash[PASSWORD_HASH_SIZE];
    struct buffer totp; /* opened; empty: no second factor is set up */
};

void user_init(struct user *user);
void user_fini(struct user *user);

/* Count the attempt, find the user and look at the password. 401, 429 or 503 when it comes to nothing. `email` in any
 * case of letters. The connection to PostgreSQL is given back meanwhile. */
bool user_log_in(struct request *request, const char *email, const char *password, struct user *user) MUST_USE;

/* `wait` is the row of a function that counted what somebody tried: `seconds` until he may try again, 0 for now. Takes
 * the row. 429 with Retry-After and "too many `what`" when he has to wait. */
bool user_may_try(struct request *request, PGresult *wait, const char *what) MUST_USE;

/* The caller of a session himself. */
bool user_load(struct request *request, struct user *user) MUST_USE;

/* Counts a guess at the user's second factor, before the code is looked at and outside a transaction: requests at the
 * same time get no more guesses than one after the other. 429 when there were too many. */
bool user_count_guess(struct request *request, const struct user *user) MUST_USE;

/* Six digits of the second factor, each good once. Counts the guess. 401 when they are wrong or used. */
bool user_take_code(struct request *request, const struct user *user, const char *code) MUST_USE;
