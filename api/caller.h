/* Caller: authenticates a request, by an API key or a session token in `Authorization: Bearer …`, or by the console's
 * cookie, and limits the rate of requests. */
#pragma once
#include "request.h"

/* Fills in request->caller, or fails with 401, 429 or 503. */
bool caller_enter(struct request *request) MUST_USE;

/* Authenticates by the cookie alone. *found is false if there is none or its session has ended; that is not a problem.
 */
bool caller_enter_console(struct request *request, bool *found) MUST_USE;
