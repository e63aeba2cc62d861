/* Login: session tokens: /v1/auth/tokens. */
#pragma once
#include "request.h"

bool login_create(struct request *request);  /* POST: e-mail address, password and, with a second factor, otp */
bool login_refresh(struct request *request); /* POST …/refresh: a new pair for a refresh token, valid once */
bool login_end(struct request *request);     /* DELETE: ends this session */
