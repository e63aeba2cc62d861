/* Responses of receivers, if the caller's account keeps them sealed. */
#pragma once
#include "request.h"

/* Opens the sealed values in a response (store/response.h), in place. Values that cannot be opened become null. */
bool responses_open(struct request *request, json_t *json) MUST_USE;
