/* Response: the responses of receivers if an account keeps them sealed (account.store_response): an attempt's error and
 * the beginning of the response's body, sealed with the account's data key. */
#pragma once
#include <jansson.h>

#include "base/secret.h"

#define RESPONSE_PLACE TEXT("response") /* what they are bound to */

/* True if the tree contains sealed values: members error, last_error or response_body, as marked by
 * posthorn.response_bytes(). */
bool response_is_sealed(const json_t *tree);

/* Replaces each of them with its text, in the form that audit.show() gives to bytes from outside; with null if there is
 * no key or the key does not fit. */
void response_open(json_t *tree, struct secret_key *key);
