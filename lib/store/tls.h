/* TLS settings of a webhook (schema/0008_tls.sql): a client certificate with its key, and the authorities for its
 * server's certificate. Reads them from PEM, checks, seals and writes them; shared by posthorn-admin and posthorn-api.
 */
#pragma once
#include "base/secret.h"
#include "event/uuid.h"
#include "store/store.h"

#define TLS_ACCOUNT_MAX (512 * 1024) /* bytes of PEM of all webhooks of an account */

/* The settings to change. A part that is given and empty is removed. */
struct tls_draft {
    bool gives_certificate, gives_ca;
    struct buffer certificate, certificate_about, key, ca, ca_about; /* `key` is sealed, `…_about` is JSON */
};

void tls_draft_init(struct tls_draft *draft);
void tls_draft_fini(struct tls_draft *draft);

/* Read one text each; the chain before its key. An error says what is wrong with the text. */
bool tls_draft_certificate(struct tls_draft *draft, struct text pem, struct error *error) MUST_USE;
bool tls_draft_key(struct tls_draft *draft, struct text pem, struct secret_key *master, const struct uuid *webhook,
                   struct error *error) MUST_USE;
bool tls_draft_ca(struct tls_draft *draft, struct text pem, struct error *error) MUST_USE;

/* Writes the given parts to the webhook's row, in the caller's transaction. *too_much is set if the account would
 * exceed TLS_ACCOUNT_MAX. */
bool tls_write(PGconn *db, int webhook, const struct tls_draft *draft, bool *too_much, struct error *error) MUST_USE;
