/* What the files of the noun webhook share. webhook.c: the table, and looking; webhook_write.c: create, update,
 * rotate-secret; webhook_tls.c: client certificates and authorities. */
#pragma once
#include "keep.h"
#include "store/tls.h"

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
