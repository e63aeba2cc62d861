/* The console's sessions: /v1/console/session. The cookie is cookie.h's matter, the second factor second_factor.h's.
 *
 *   signed out ──password──> unverified ──second factor──> verified
 *                                │                            │
 *                                └── signed out, idle, old ───┘
 */
#pragma once
#include "request.h"

bool session_get(struct request *request);   /* GET: who is signed in */
bool session_begin(struct request *request); /* POST: e-mail address and password */
bool session_end(struct request *request);   /* DELETE */

/* The present session as JSON, for the answers of these and of the second factor. NULL with a problem. */
json_t *session_json(struct request *request) MUST_USE;
