/* What receivers answered, where the caller's account keeps it sealed. */
#pragma once
#include "request.h"

/* Opens what is sealed in an answer (store/response.h), in place. What cannot be opened any more becomes null. */
bool responses_open(struct request *request, json_t *json) MUST_USE;
