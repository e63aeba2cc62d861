/* Sessions: /v1/auth/tokens. */
#pragma once
#include "request.h"

/* Bounds how many passwords are looked at at once: argon2 takes memory and time by design. */
struct logins *logins_new(int most, struct error *error) MUST_USE;
void logins_free(struct logins **logins);

bool login_create(struct request *request);  /* POST: e-mail, password and, with a second factor, otp */
bool login_refresh(struct request *request); /* POST …/refresh: a new pair for a refresh token, which is good once */
bool login_end(struct request *request);     /* DELETE: this session */
