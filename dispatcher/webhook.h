/* Webhook: makes the settings for requests from a row of posthorn.webhook: opens the secrets, keys the signers, parses
 * the URL. */
#pragma once
#include "dispatcher.h"
#include "event/notification.h"
#include "event/signature.h"
#include "store/session.h"

/* How an account keeps the responses of receivers. */
enum store_response { RESPONSE_NONE, RESPONSE_SEALED, RESPONSE_PLAIN };

enum webhook_status {
    WEBHOOK_ENABLED,
    WEBHOOK_DISABLED,
    WEBHOOK_DELETED,
    WEBHOOK_UNLOADED /* its account cannot be loaded: nothing is sent, its deliveries wait in PostgreSQL */
};

/* A webhook's settings. Immutable; shared by the destination and its requests in flight. */
struct webhook {
    int references;
    unsigned char uuid[UUID_SIZE];
    int32_t version;
    enum webhook_status status;
    enum format format;
    enum store_response store_response; /* of the account */
    char *url, *host;                   /* host is NULL if the URL has an address literal */
    int port;
    char *authorization;                              /* the header "Authorization: …", or NULL */
    struct signer *standard, *previous, *x_signature; /* NULL: this signature is not sent */
    struct wall previous_until;
    struct webhook_tls *tls; /* NULL: no TLS settings of its own */
    size_t size;             /* approximate bytes in memory */
    bool usable;             /* false: a secret does not open or the URL is invalid; `why` has the reason */
    char why[160];
};

/* The columns that webhook_from_row() reads, in order. */
#define WEBHOOK_COLUMNS                                                                                                \
    "w.id, w.account_id, w.uuid, w.version, w.status, w.format, w.url, w.auth_type, w.auth_username, w.auth_secret, "  \
    "w.signature, w.secret,"                                                                                           \
    " w.previous_secret, w.previous_secret_until, k.uuid, k.secret, a.uuid, a.signature_key, w.client_certificate, "   \
    "w.client_key, w.ca, a.store_response"
#define WEBHOOK_COLUMN_COUNT 22

/* Opens the sealed value of a column ("webhook.secret", see store/sealed.h) of the row with this UUID (16 bytes) and
 * appends it to `out`. */
bool open_sealed(struct dispatcher *d, const char *column, struct text uuid, struct text sealed, struct buffer *out,
                 struct error *error) MUST_USE;

void webhook_release(struct webhook **webhook);

/* The caller owns the one reference. If the settings cannot be used (a secret that does not open, an invalid URL),
 * `why` has the reason, and the webhook's deliveries fail with it. */
struct webhook *webhook_from_row(struct dispatcher *d, const PGresult *rows, int row);

/* Makes the webhook for one that does not exist any more (WEBHOOK_DELETED) or cannot be loaded (WEBHOOK_UNLOADED). */
struct webhook *webhook_without_settings(enum webhook_status status);
