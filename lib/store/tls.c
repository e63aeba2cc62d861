#include "store/tls.h"

#include <stdio.h>

#include "event/json.h"
#include "net/certificate.h"
#include "store/sealed.h"

#define ABOUT_MAX 8192

void tls_draft_init(struct tls_draft *draft)
{
    *draft = (struct tls_draft){0};
    buffer_init(&draft->certificate, CERTIFICATE_MAX + 1);
    buffer_init(&draft->certificate_about, ABOUT_MAX);
    buffer_init(&draft->key, CERTIFICATE_KEY_MAX + SECRET_OVERHEAD);
    buffer_init(&draft->ca, CERTIFICATE_MAX + 1);
    buffer_init(&draft->ca_about, ABOUT_MAX);
}

void tls_draft_fini(struct tls_draft *draft)
{
    buffer_fini(&draft->certificate);
    buffer_fini(&draft->certificate_about);
    buffer_fini(&draft->key);
    buffer_fini(&draft->ca);
    buffer_fini(&draft->ca_about);
}

static void append_about(struct buffer *out, const struct certificate *about)
{
    buffer_append_text(out, TEXT("{\"subject\":"));
    json_append_string(out, text_of(about->subject));
    buffer_printf(out, ",\"not_after\":\"%s\",\"fingerprint\":\"%s\"}", about->not_after, about->fingerprint);
}

/* Terminates a parameter's text with a NUL that is not counted. Returns false if there is no room. */
static bool end_text(struct buffer *buffer, struct error *error)
{
    buffer_append_char(buffer, '\0');
    if (buffer->failed)
        return error_set(error, "more than %d bytes", CERTIFICATE_MAX);
    buffer->size--;
    return true;
}

bool tls_draft_certificate(struct tls_draft *draft, struct text pem, struct error *error)
{
    struct certificate about[CERTIFICATES_MAX];
    size_t count;
    draft->gives_certificate = true;
    if (!certificate_read(pem, &draft->certificate, about, &count, error))
        return false;
    append_about(&draft->certificate_about, &about[0]);
    return end_text(&draft->certificate, error) && end_text(&draft->certificate_about, error);
}

bool tls_draft_key(struct tls_draft *draft, struct text pem, struct secret_key *master, const struct uuid *webhook,
                   struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    return certificate_check_key(buffer_text(&draft->certificate), pem, error) &&
           secret_seal(master, sealed_place("webhook.client_key", webhook->text, place), pem, &draft->key, error);
}

bool tls_draft_ca(struct tls_draft *draft, struct text pem, struct error *error)
{
    struct certificate about[CERTIFICATES_MAX];
    size_t count;
    draft->gives_ca = true;
    if (!certificate_read(pem, &draft->ca, about, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        buffer_append_char(&draft->ca_about, i == 0 ? '[' : ',');
        append_about(&draft->ca_about, &about[i]);
    }
    buffer_append_char(&draft->ca_about, ']');
    return end_text(&draft->ca, error) && end_text(&draft->ca_about, error);
}

static struct store_value text_value(const struct buffer *buffer)
{
    return store_text(buffer->size == 0 ? NULL : buffer->data);
}

bool tls_write(PGconn *db, int webhook, const struct tls_draft *draft, bool *too_much, struct error *error)
{
    struct text key = draft->key.size == 0 ? (struct text){0} : buffer_text(&draft->key);
    *too_much = false;
    if (!draft->gives_certificate && !draft->gives_ca)
        return true;
    if (!store_run(db,
                   "update posthorn.webhook set client_certificate = case when $2::int = 1 then $3 else "
                   "client_certificate end, client_certificate_about = case when $2::int = 1 then $4::jsonb else "
                   "client_certificate_about end, client_key = case when $2::int = 1 then $5 else client_key end, "
                   "ca = case when $6::int = 1 then $7 else ca end, ca_about = case when $6::int = 1 then $8::jsonb "
                   "else ca_about end where id = $1",
                   VALUES(store_number(webhook), store_number(draft->gives_certificate),
                          text_value(&draft->certificate), text_value(&draft->certificate_about), store_bytes(key),
                          store_number(draft->gives_ca), text_value(&draft->ca), text_value(&draft->ca_about)),
                   error))
        return false;
    PGresult *row = store_query(
        db,
        "select coalesce(sum(coalesce(octet_length(client_certificate), 0) + coalesce(octet_length(client_key), 0) + "
        "coalesce(octet_length(ca), 0)), 0) as size from posthorn.webhook where status <> 'deleted' and account_id = "
        "(select account_id from posthorn.webhook where id = $1)",
        VALUES(store_number(webhook)), error);
    if (row == NULL)
        return false;
    *too_much = store_cell_number(row, 0, "size") > TLS_ACCOUNT_MAX;
    PQclear(row);
    return !*too_much ||
           error_set(error, "the certificates and keys of all webhooks of an account may have at most %d bytes",
                     TLS_ACCOUNT_MAX);
}
