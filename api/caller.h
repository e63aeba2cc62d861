/* Who calls: an API key or a session token in `Authorization: Bearer …`, and whether he called too often. */
#pragma once
#include "request.h"

/* Fills in request->caller; else 401, 429 or 503. */
bool caller_enter(struct request *request) MUST_USE;
