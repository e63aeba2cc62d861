/* From a row of posthorn.webhook to the settings that requests are made with: secrets opened, signers keyed, the URL
 * taken apart. */
#pragma once
#include "dispatcher.h"
#include "event/notification.h"
#include "event/signature.h"
#include "store/session.h"

/* How an account keeps what receivers answer. */
enum store_response { RESPONSE_NONE, RESPONSE_SEALED, RESPONSE_PLAIN };

enum webhook_status {
    WEBHOOK_ENABLED,
    WEBHOOK_DISABLED,
    WEBHOOK_DELETED,
    WEBHOOK_UNLOADED /* its account cannot be loaded: nothing is sent, its deliveries wait in PostgreSQL */
};

/* A webhook's settings: never changed once loaded, shared by the destination and the requests under way. */
struct webhook {
    int references;
    unsigned char uuid[UUID_SIZE];
    int32_t version;
    enum webhook_status status;
    enum format format;
    enum store_response store_response; /* of its account */
    char *url, *host;                   /* host: NULL when it is an address literal */
    int port;
    char *authorization;                              /* "Authorization: …" or NULL */
    struct signer *standard, *previous, *x_signature; /* NULL: that one is not sent */
    struct wall previous_until;
    struct webhook_tls *tls; /* NULL: it has none of its own */
    size_t size;             /* about how many bytes it takes in memory */
    bool usable;             /* false: a secret could not be opened or the URL is bad; why says it */
    char why[160];
};

/* The columns of WEBHOOK_COLUMNS, in their order. */
#define WEBHOOK_COLUMNS                                                                                                \
    "w.id, w.account_id, w.uuid, w.version, w.status, w.format, w.url, w.auth_type, w.auth_username, w.auth_secret, "  \
    "w.signature, w.secret,"                                                                                           \
    " w.previous_secret, w.previous_secret_until, k.uuid, k.secret, a.uuid, a.signature_key, w.client_certificate, "   \
    "w.client_key, w.ca, a.store_response"
#define WEBHOOK_COLUMN_COUNT 22

/* Append what is sealed in a column ("webhook.secret", see store/sealed.h) of the row with this UUID (16 bytes). */
bool open_sealed(struct dispatcher *d, const char *column, struct text uuid, struct text sealed, struct buffer *out,
                 struct error *error) MUST_USE;

void webhook_release(struct webhook **webhook);

/* One reference, the caller's. What cannot be used (a secret that does not open, a bad URL) is said in `why`; its
 * deliveries fail with that error. */
struct webhook *webhook_from_row(struct dispatcher *d, const PGresult *rows, int row);

/* What a webhook is that has vanished (WEBHOOK_DELETED), or whose account cannot be loaded (WEBHOOK_UNLOADED). */
struct webhook *webhook_without_settings(enum webhook_status status);
