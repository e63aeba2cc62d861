/* A webhook's own TLS settings, read from files. */
#include <errno.h>
#include <string.h>

#include "net/certificate.h"
#include "webhook.h"

/* Reads a file; a valid one has at most `max` bytes. */
static bool read_file(const char *option, const char *path, size_t max, struct buffer *out, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *to = file == NULL ? NULL : buffer_reserve(out, max + 1);
    if (file == NULL)
        return error_set(error, "--%s %.200s: %s", option, path, strerror(errno));
    if (to != NULL)
        out->size += fread(to, 1, max + 1, file);
    bool ok = to != NULL && ferror(file) == 0;
    int reason = errno;
    fclose(file);
    if (!ok)
        return error_set(error, "--%s %.200s: %s", option, path, strerror(reason));
    return out->size <= max || error_set(error, "--%s %.200s: more than %zu bytes", option, path, max);
}

static bool read_certificate(struct context *context, const struct webhook_settings *given, const struct uuid *uuid,
                             struct tls_draft *draft, struct buffer *pem, struct error *error)
{
    if (strcmp(given->client_certificate, "none") == 0) {
        draft->gives_certificate = true;
        return given->client_key == NULL ||
               error_set(error,
                         "--client-key cannot be used with --client-certificate none, which also removes the key");
    }
    if (given->client_key == NULL)
        return error_set(error, "--client-certificate needs --client-key, its private key");
    if (!read_file("client-certificate", given->client_certificate, CERTIFICATE_MAX, pem, error))
        return false;
    if (!tls_draft_certificate(draft, buffer_text(pem), error))
        return error_prefix(error, "--client-certificate %.200s", given->client_certificate);
    buffer_clear(pem);
    struct secret_key *master = context_master(context, error);
    if (master == NULL || !read_file("client-key", given->client_key, CERTIFICATE_KEY_MAX, pem, error))
        return false;
    return tls_draft_key(draft, buffer_text(pem), master, uuid, error) ||
           error_prefix(error, "--client-key %.200s", given->client_key);
}

static bool read_ca(const char *path, struct tls_draft *draft, struct buffer *pem, struct error *error)
{
    draft->gives_ca = true;
    if (strcmp(path, "none") == 0)
        return true;
    buffer_clear(pem);
    return read_file("ca", path, CERTIFICATE_MAX, pem, error) &&
           (tls_draft_ca(draft, buffer_text(pem), error) || error_prefix(error, "--ca %.200s", path));
}

bool webhook_read_tls(struct context *context, const struct webhook_settings *given, const struct uuid *uuid,
                      struct tls_draft *draft, struct error *error)
{
    struct buffer pem;
    if (given->client_certificate == NULL && given->client_key != NULL)
        return error_set(error, "--client-key needs --client-certificate, whose key it is");
    buffer_init(&pem, CERTIFICATE_MAX + 1);
    bool ok = (given->client_certificate == NULL || read_certificate(context, given, uuid, draft, &pem, error)) &&
              (given->ca == NULL || read_ca(given->ca, draft, &pem, error));
    secret_wipe(&pem);
    buffer_fini(&pem);
    return ok;
}

bool webhook_write_tls(struct context *context, int id, const struct tls_draft *draft, struct error *error)
{
    bool too_much;
    return tls_write(context->db, id, draft, &too_much, error);
}
