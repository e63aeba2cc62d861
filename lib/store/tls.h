/* The TLS settings of a webhook's own (schema/0008_tls.sql): a client certificate with its key, and the authorities
 * that its server's certificate may come from. Read from PEM, checked, sealed, and written; what posthorn-admin and
 * posthorn-api share. */
#pragma once
#include "base/secret.h"
#include "event/uuid.h"
#include "store/store.h"

#define TLS_ACCOUNT_MAX (512 * 1024) /* bytes of PEM of all webhooks of an account */

/* What was given. A part that was given and is empty is taken away. */
struct tls_draft {
    bool gives_certificate, gives_ca;
    struct buffer certificate, certificate_about, key, ca, ca_about; /* `key` sealed, `…_about` JSON */
};

void tls_draft_init(struct tls_draft *draft);
void tls_draft_fini(struct tls_draft *draft);

/* The chain first, then its key. An error says what is wrong with this one text. */
bool tls_draft_certificate(struct tls_draft *draft, struct text pem, struct error *error) MUST_USE;
bool tls_draft_key(struct tls_draft *draft, struct text pem, struct secret_key *master, const struct uuid *webhook,
                   struct error *error) MUST_USE;
bool tls_draft_ca(struct tls_draft *draft, struct text pem, struct error *error) MUST_USE;

/* Write what was given to the webhook's row, within the caller's transaction. *too_much tells that the account would
 * pass TLS_ACCOUNT_MAX. */
bool tls_write(PGconn *db, int webhook, const struct tls_draft *draft, bool *too_much, struct error *error) MUST_USE;
