/* Token: session tokens: JWT, HS256. The signing key is shared by all copies of the API; it is sealed in PostgreSQL,
 * and made by the first one that needs it. */
#pragma once
#include "request.h"

enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH };

struct token {
    struct uuid session;
    struct uuid refresh; /* the id of a refresh token */
};

struct tokens *tokens_new(struct error *error) MUST_USE;
void tokens_free(struct tokens **tokens);

/* True if the text has the form of a token. */
bool token_is_one(const char *text);

/* Returns a signed token, valid for this many seconds; the caller frees it. NULL with a problem. */
char *token_write(struct request *request, enum token_kind kind, const struct token *token, long long seconds) MUST_USE;

/* Returns false if the token was not signed by us, is of another kind, or has expired; or with a problem
 * (request->status is set) if the key cannot be loaded. */
bool token_read(struct request *request, const char *text, enum token_kind kind, struct token *token) MUST_USE;
