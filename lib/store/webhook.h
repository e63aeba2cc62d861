/* Writing webhooks: what posthorn-admin and posthorn-api share. Within the caller's transaction; whose webhook it is,
 * and whether what is written makes sense, the caller has checked. */
#pragma once
#include "base/buffer.h"
#include "event/uuid.h"
#include "store/store.h"

/* What api/openapi.yaml promises of a webhook's texts, in characters. */
#define LABEL_MAX 250
#define USERNAME_MAX 60
#define BASIC_PASSWORD_MAX 1000
#define SOURCE_KEY_NAME_MAX 255

/* Bytes of a token, or of user name, colon and password: what a dispatcher makes a request's Authorization header
 * from. */
#define CREDENTIALS_MAX 4096

/* `username` NULL: `secret` is a token, else a password. */
bool webhook_check_credentials(const char *username, struct text secret, struct error *error) MUST_USE;

/* NULL and empty: leave it as it is (of a new one: the default). Secrets are sealed for the columns webhook.auth_secret
 * and webhook.secret. */
struct webhook_draft {
    struct uuid uuid;
    char public_id[40];
    int account_id;
    const char *label, *url, *format;
    const char *auth; /* none, basic, bearer: with username and auth_secret */
    const char *auth_username;
    struct text auth_secret;
    const char *signature;   /* standard, source_key, signature_key, none: with source_key_id */
    long long source_key_id; /* 0: none */
    struct text secret;
};

/* What its owner calls it: whk_… (devengo), wbh_… (payconex), else the UUID. Fills in public_id from uuid. */
void webhook_name(struct webhook_draft *draft, const char *dialect);

/* Its id, or 0 and an error. */
int webhook_insert(PGconn *db, const struct webhook_draft *draft, struct error *error) MUST_USE;
bool webhook_change(PGconn *db, const struct webhook_draft *draft, int id, struct error *error) MUST_USE;

/* The webhook's subscriptions become exactly these: a JSON array of patterns. */
bool webhook_subscribe(PGconn *db, int id, const char *patterns, struct error *error) MUST_USE;
