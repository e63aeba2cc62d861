/* The second factor of a user who is signed in to the console: /v1/console/session/verify and
 * /v1/console/second-factor. Every guess is counted before it is checked; a correct one changes the cookie. */
#pragma once
#include "request.h"

bool second_factor_verify(struct request *request);  /* POST: otp, or a recovery code */
bool second_factor_enrol(struct request *request);   /* POST: a secret for the authenticator, shown once */
bool second_factor_confirm(struct request *request); /* POST: otp of that secret; returns recovery codes */
