/* From a row of posthorn.webhook to the settings that requests are made with: secrets opened, signers keyed, the URL
 * taken apart. */
#pragma once
#include "destination.h"
#include "store/session.h"

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

/* One reference, the caller's. What cannot be used (a secret that does not open, a bad URL) is said in `why`; its
 * deliveries fail with that error. */
struct webhook *webhook_from_row(struct dispatcher *d, const PGresult *rows, int row);

/* What a webhook is that has vanished (WEBHOOK_DELETED), or whose account cannot be loaded (WEBHOOK_UNLOADED). */
struct webhook *webhook_without_settings(enum webhook_status status);
