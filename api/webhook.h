/* Webhook: converts between a webhook's row and its form in each dialect. */
#pragma once
#include "dialect.h"
#include "net/url.h"
#include "store/tls.h"
#include "store/webhook.h"

/* The webhook that a body asks for. Members that were not given are NULL or empty. */
struct webhook_wish {
    struct webhook_draft draft;
    json_t *events; /* an array of strings; NULL: not given */
    const char *status;
    char url[URL_MAX + 1];             /* percent-encoded; the draft points to it */
    struct buffer auth_secret, secret; /* sealed; the draft points into them */
    char shown_secret[64];
    struct tls_draft tls;
    bool has_secret; /* when changing a webhook: it has a secret already */
};

void webhook_wish_init(struct webhook_wish *wish);
void webhook_wish_fini(struct webhook_wish *wish);

/* Reads the request's body. With `creating`, checks the required members and fills in defaults. The wish's uuid must be
 * set: secrets are bound to it. */
bool webhook_read(struct request *request, bool creating, struct webhook_wish *wish) MUST_USE;

/* Reads the member tls (webhook_tls.c). */
bool webhook_read_tls(struct request *request, const char *pointer, const json_t *value,
                      struct webhook_wish *wish) MUST_USE;
/* Writes the member tls to the row. */
bool webhook_write_tls(struct request *request, long long id, const struct webhook_wish *wish) MUST_USE;
/* Returns the member tls as it is shown; NULL: there is none. */
json_t *webhook_tls_json(const PGresult *rows, int row);

/* Makes a new secret, sealed and as text. */
bool webhook_new_secret(struct request *request, struct webhook_wish *wish) MUST_USE;

/* Finds the caller's webhook with this name; with `lock`, locks it until the transaction ends. Fails with 404. The
 * caller clears the result. */
PGresult *webhook_find(struct request *request, const char *name, bool lock) MUST_USE;

/* Returns the columns that webhook_json() reads for the caller's dialect, including FROM; the caller adds WHERE, within
 * WEBHOOK_SQL_MAX. */
const char *webhook_columns(const struct request *request);
#define WEBHOOK_SQL_MAX 2000

/* Returns many of these rows, ordered by row id; `which` is "where … order by w.id limit …" on posthorn.webhook w. NULL
 * with a problem. */
PGresult *webhook_rows(struct request *request, const char *which, const struct store_value *values,
                       size_t count) MUST_USE;

/* Returns the webhook in the caller's dialect, without the wrapper. `secret` is for members that are shown once, or
 * NULL. */
json_t *webhook_json(const struct request *request, const PGresult *rows, int row, const char *secret);

/* Responds with the webhook as it is now, in the dialect's wrapper. */
bool webhook_answer(struct request *request, unsigned status, long long id, const char *secret);
