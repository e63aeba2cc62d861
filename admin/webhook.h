/* Shared by the files of the noun webhook. webhook.c: the table, and showing; webhook_row.c: one row; webhook_write.c:
 * create, update, rotate-secret; webhook_tls.c: client certificates and authorities. */
#pragma once
#include "keep.h"
#include "store/tls.h"

/* The columns of a webhook that are shown. */
#define WEBHOOK_SHOWN                                                                                                  \
    "w.public_id as id, w.uuid, a.key as account, w.label, w.url, "                                                    \
    "(select coalesce(jsonb_agg(s.pattern order by s.pattern), '[]') from posthorn.subscription s where s.webhook_id " \
    "= w.id) as events, w.format, "                                                                                    \
    "w.status, w.disabled_reason, w.auth_type as auth, w.auth_username as username, w.signature, k.name as "           \
    "source_key, w.client_certificate_about as client_certificate, w.ca_about as ca, "                                 \
    "w.previous_secret_until, w.version, w.created_at, w.updated_at, q.failing_since, q.next_due, q.held_until "       \
    "from posthorn.webhook w join posthorn.account a on a.id = w.account_id left join posthorn.source_key k on k.id "  \
    "= w.source_key_id "                                                                                               \
    "left join posthorn.queue q on q.webhook_id = w.id "

struct webhook_settings {
    struct globals globals;
    char *account, *url, *events, *format, *auth, *username, *password, *token, *signature, *source_key, *label,
        *secret;
    char *status, *reason;
    struct span overlap;
    char *client_certificate, *client_key, *ca; /* file names; "none": removed */
    bool allow_unknown;
    int64_t limit;
};

/* A webhook's row, locked until the transaction ends. */
struct webhook_row {
    int id, account_id;
    struct uuid uuid;
    char dialect[16], status[16];
    bool has_secret;
};

/* Finds and locks the webhook named by the first word, in any form; a deleted webhook is an error. */
bool webhook_find(struct context *context, struct webhook_row *row, struct error *error) MUST_USE;

/* Makes the webhook the result. */
bool webhook_show_row(struct context *context, int id, struct error *error) MUST_USE;

/* webhook_read_tls() reads and checks the given TLS settings (webhook_tls.c), before anything is written;
 * webhook_write_tls() writes them to the row. */
bool webhook_read_tls(struct context *context, const struct webhook_settings *given, const struct uuid *uuid,
                      struct tls_draft *draft, struct error *error) MUST_USE;
bool webhook_write_tls(struct context *context, int id, const struct tls_draft *draft, struct error *error) MUST_USE;

bool webhook_create(struct context *context, const void *settings, struct error *error);
bool webhook_update(struct context *context, const void *settings, struct error *error);
bool webhook_rotate(struct context *context, const void *settings, struct error *error);
