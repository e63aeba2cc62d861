/* Writing of webhooks, shared by posthorn-admin and posthorn-api. Runs in the caller's transaction. The caller has
 * checked who owns the webhook and that the values are valid. */
#pragma once
#include "base/buffer.h"
#include "event/uuid.h"
#include "store/store.h"

/* The limits in api/openapi.yaml, in characters. */
#define LABEL_MAX 250
#define USERNAME_MAX 60
#define BASIC_PASSWORD_MAX 1000
#define SOURCE_KEY_NAME_MAX 255

/* Bytes of a token, or of user name, colon and password: the source of a request's Authorization header in the
 * dispatcher. */
#define CREDENTIALS_MAX 4096

/* If `username` is NULL, `secret` is a token, else a password. */
bool webhook_check_credentials(const char *username, struct text secret, struct error *error) MUST_USE;

/* A field that is NULL or empty is not changed; in a new webhook it has the default. Secrets are sealed for the columns
 * webhook.auth_secret and webhook.secret. */
struct webhook_draft {
    struct uuid uuid;
    char public_id[40];
    int account_id;
    const char *label, *url, *format;
    const char *auth; /* none, basic, bearer; with username and auth_secret */
    const char *auth_username;
    struct text auth_secret;
    const char *signature;   /* standard, source_key, signature_key, none; with source_key_id */
    long long source_key_id; /* 0: none */
    struct text secret;
};

/* Sets public_id, the name for the webhook's owner, from uuid: whk_… (devengo), wbh_… (payconex), else the UUID. */
void webhook_name(struct webhook_draft *draft, const char *dialect);

/* Returns the id, or 0 on an error. */
int webhook_insert(PGconn *db, const struct webhook_draft *draft, struct error *error) MUST_USE;
bool webhook_change(PGconn *db, const struct webhook_draft *draft, int id, struct error *error) MUST_USE;

/* Replaces the webhook's subscriptions with `patterns`, a JSON array. */
bool webhook_subscribe(PGconn *db, int id, const char *patterns, struct error *error) MUST_USE;
