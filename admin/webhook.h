/* What the files of the noun webhook share. webhook.c: the table, and looking; webhook_row.c: one
 * row; webhook_write.c: create, update, rotate-secret; webhook_tls.c: client certificates and authorities. */
#pragma once
#include "keep.h"
#include "store/tls.h"

/* What is shown of a webhook. */
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
    char *client_certificate, *client_key, *ca; /* files; "none": taken away */
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

/* The webhook that the first word names, in whatever form; one that was deleted is an error. */
bool webhook_find(struct context *context, struct webhook_row *row, struct error *error) MUST_USE;

/* Make the result what there is to be seen of it. */
bool webhook_show_row(struct context *context, int id, struct error *error) MUST_USE;

/* Read and check the TLS settings that were given (webhook_tls.c), and write them to the row; the draft is made before
 * anything is written. */
bool webhook_read_tls(struct context *context, const struct webhook_settings *given, const struct uuid *uuid,
                      struct tls_draft *draft, struct error *error) MUST_USE;
bool webhook_write_tls(struct context *context, int id, const struct tls_draft *draft, struct error *error) MUST_USE;

bool webhook_create(struct context *context, const void *settings, struct error *error);
bool webhook_update(struct context *context, const void *settings, struct error *error);
bool webhook_rotate(struct context *context, const void *settings, struct error *error);
