/* Session tokens: JWT, HS256, signed with a key that all copies of the API share (sealed in PostgreSQL, made by the
 * first that needs it). */
#pragma once
#include "request.h"

enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH };

struct token {
    struct uuid session;
    struct uuid refresh; /* of a refresh token: its own id */
};

struct tokens *tokens_new(struct error *error) MUST_USE;
void tokens_free(struct tokens **tokens);

/* Whether it has the form of a token. */
bool token_is_one(const char *text);

/* A signed token, good for so many seconds; free() it. NULL with a problem. */
char *token_write(struct request *request, enum token_kind kind, const struct token *token, long long seconds) MUST_USE;

/* False when it was not signed by us, is of another kind, or is too old; or with a problem (request->status is set)
 * when the key cannot be had. */
bool token_read(struct request *request, const char *text, enum token_kind kind, struct token *token) MUST_USE;
