/* A webhook between its row and the shapes of its dialect. */
#pragma once
#include "dialect.h"
#include "net/url.h"
#include "store/tls.h"
#include "store/webhook.h"

/* What a body asks for. Members that were not given are left NULL or empty. */
struct webhook_wish {
    struct webhook_draft draft;
    json_t *events; /* an array of strings; NULL: not given */
    const char *status;
    char url[URL_MAX + 1];             /* percent-encoded: the draft points to it */
    struct buffer auth_secret, secret; /* sealed: the draft points into them */
    char shown_secret[64];
    struct tls_draft tls;
    bool has_secret; /* of one that exists: there is a secret already */
};

void webhook_wish_init(struct webhook_wish *wish);
void webhook_wish_fini(struct webhook_wish *wish);

/* Read the request's body; `creating` asks for what is needed, and fills in what was not given. The wish's uuid must be
 * set: secrets are bound to it. */
bool webhook_read(struct request *request, bool creating, struct webhook_wish *wish) MUST_USE;

/* The member tls (webhook_tls.c). */
bool webhook_read_tls(struct request *request, const char *pointer, const json_t *value,
                      struct webhook_wish *wish) MUST_USE;
/* Write what it gave to the row. */
bool webhook_write_tls(struct request *request, long long id, const struct webhook_wish *wish) MUST_USE;
/* As it is shown; NULL: there is nothing. */
json_t *webhook_tls_json(const PGresult *rows, int row);

/* A new secret, sealed and to be shown. */
bool webhook_new_secret(struct request *request, struct webhook_wish *wish) MUST_USE;

/* The caller's webhook that the path names; locked until the transaction ends when it is to be changed. 404 when there
 * is none. PQclear() it. */
PGresult *webhook_find(struct request *request, const char *name, bool lock) MUST_USE;

/* The columns that webhook_json() reads for the caller's dialect, FROM included; add WHERE, within WEBHOOK_SQL_MAX. */
const char *webhook_columns(const struct request *request);
#define WEBHOOK_SQL_MAX 2000

/* The same of many, in the order of their row ids; `which` is "where … order by w.id limit …" on posthorn.webhook w.
 * NULL with a problem. */
PGresult *webhook_rows(struct request *request, const char *which, const struct store_value *values,
                       size_t count) MUST_USE;

/* As the caller's dialect shows it; `secret` is shown where it is shown once, or NULL. Without the wrapper. */
json_t *webhook_json(const struct request *request, const PGresult *rows, int row, const char *secret);

/* The webhook as it is now, in the wrapper of the dialect. */
bool webhook_answer(struct request *request, unsigned status, long long id, const char *secret);
