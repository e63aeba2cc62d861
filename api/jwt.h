/* JSON Web Tokens signed with HMAC-SHA-256 (RFC 7519; HS256 of RFC 7518). No other algorithm is written or accepted. */
#pragma once
#include <jansson.h>

#include "base/text.h"

/* The token for these claims; free() it. NULL without memory. */
char *jwt_write(const json_t *claims, struct text key);

/* The claims of a token, the caller's reference. NULL: it is malformed, or was not signed with this key. The caller
 * checks the times in it. */
json_t *jwt_read(struct text token, struct text key);
