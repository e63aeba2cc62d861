/* What receivers answered, where an account keeps it sealed (account.store_response): an attempt's error and the
 * beginning of the response's body, under the account's data key. */
#pragma once
#include <jansson.h>

#include "base/secret.h"

#define RESPONSE_PLACE TEXT("response") /* what they are bound to */

/* Whether the tree has something sealed: a member error, last_error or response_body as posthorn.response_bytes()
 * marks it. */
bool response_is_sealed(const json_t *tree);

/* Each of them becomes its text, in the form that audit.show() gives to bytes from outside; null when there is no key,
 * or when the key does not fit. */
void response_open(json_t *tree, struct secret_key *key);
