/* Who calls: an API key or a session token in `Authorization: Bearer …`, or the console by its cookie; and whether he
 * called too often. */
#pragma once
#include "request.h"

/* Fills in request->caller; else 401, 429 or 503. */
bool caller_enter(struct request *request) MUST_USE;

/* By the cookie alone. *found is false when there is none, or its session is over: no problem then. */
bool caller_enter_console(struct request *request, bool *found) MUST_USE;
