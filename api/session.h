/* Session: the console's sessions: /v1/console/session. cookie.h has the cookie, second_factor.h the second factor.
 *
 *   signed out ──password──> unverified ──second factor──> verified
 *                                │                            │
 *                                └── signed out, idle, old ───┘
 */
#pragma once
#include "request.h"

bool session_get(struct request *request);   /* GET: the signed-in user */
bool session_begin(struct request *request); /* POST: e-mail address and password */
bool session_end(struct request *request);   /* DELETE */

/* Returns the current session as JSON, also for the second factor's responses. NULL with a problem. */
json_t *session_json(struct request *request) MUST_USE;
