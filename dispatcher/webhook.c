#include "webhook.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/memory.h"
#include "event/uuid.h"
#include "net/certificate.h"
#include "net/url.h"
#include "store/sealed.h"
#include "store/webhook.h"
#include "tls.h"

#define SECRET_MAX 4096 /* bytes of a key */

enum {
    ID,
    ACCOUNT_ID,
    UUID,
    VERSION,
    STATUS,
    FORMAT,
    URL,
    AUTH_TYPE,
    AUTH_USERNAME,
    AUTH_SECRET,
    SIGNATURE,
    SECRET,
    PREVIOUS,
    PREVIOUS_UNTIL,
    SOURCE_KEY_UUID,
    SOURCE_KEY,
    ACCOUNT_UUID,
    ACCOUNT_KEY,
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    CA,
    STORE_RESPONSE
};
static_assert(STORE_RESPONSE + 1 == WEBHOOK_COLUMN_COUNT, "what accounts.c selects behind these");

void webhook_release(struct webhook **webhook)
{
    struct webhook *old = *webhook;
    *webhook = NULL;
    if (old == NULL || --old->references > 0)
        return;
    signer_free(&old->standard);
    signer_free(&old->previous);
    signer_free(&old->x_signature);
    if (old->authorization != NULL)
        explicit_bzero(old->authorization, strlen(old->authorization));
    free(old->authorization);
    tls_free(&old->tls);
    free(old->url);
    free(old->host);
    free(old);
}

struct webhook *webhook_without_settings(enum webhook_status status)
{
    struct webhook *webhook = memory_need(calloc(1, sizeof *webhook), "a webhook");
    webhook->references = 1;
    webhook->status = status;
    return webhook;
}

static void unusable(struct webhook *webhook, const char *what, const char *why)
{
    webhook->usable = false;
    snprintf(webhook->why, sizeof webhook->why, "%s: %s", what, why);
}

bool open_sealed(struct dispatcher *d, const char *column, struct text uuid, struct text sealed, struct buffer *out,
                 struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    struct uuid of;
    if (uuid.size != UUID_SIZE)
        return error_set(error, "there is none");
    uuid_from_bytes((const unsigned char *)uuid.data, &of);
    return secret_open(d->master, sealed_place(column, of.text, place), sealed, out, error);
}

/* Opens a sealed column. If it does not open, returns false, and the webhook is not usable. */
static bool open_secret(struct dispatcher *d, struct webhook *webhook, const char *column, struct text uuid,
                        struct text sealed, struct buffer *out)
{
    struct error error;
    buffer_clear(out);
    if (open_sealed(d, column, uuid, sealed, out, &error))
        return true;
    unusable(webhook, column, error.text);
    return false;
}

/* If a signer cannot be made, the webhook is not usable: nothing is sent unsigned. */
static struct signer *keyed(struct webhook *webhook, const char *column, struct text key)
{
    struct signer *signer = signer_new(key);
    if (signer == NULL)
        unusable(webhook, column, "it cannot be used as a key");
    return signer;
}

/* Makes the signer of a Standard Webhooks secret. */
static struct signer *standard_signer(struct dispatcher *d, struct webhook *webhook, const char *column,
                                      struct text uuid, struct text sealed)
{
    struct buffer shown, key;
    struct error error;
    struct signer *signer = NULL;
    buffer_init(&shown, SECRET_MAX);
    buffer_init(&key, SECRET_MAX);
    if (open_secret(d, webhook, column, uuid, sealed, &shown)) {
        if (signature_key(buffer_text(&shown), &key, &error))
            signer = keyed(webhook, column, buffer_text(&key));
        else
            unusable(webhook, column, error.text);
    }
    secret_wipe(&shown);
    secret_wipe(&key);
    buffer_fini(&shown);
    buffer_fini(&key);
    return signer;
}

static struct signer *plain_signer(struct dispatcher *d, struct webhook *webhook, const char *column, struct text uuid,
                                   struct text sealed)
{
    struct buffer key;
    struct signer *signer = NULL;
    buffer_init(&key, SECRET_MAX);
    if (open_secret(d, webhook, column, uuid, sealed, &key))
        signer = keyed(webhook, column, buffer_text(&key));
    secret_wipe(&key);
    buffer_fini(&key);
    return signer;
}

static void read_signature(struct dispatcher *d, struct webhook *webhook, const PGresult *rows, int row)
{
    struct text kind = result_text(rows, row, SIGNATURE), uuid = result_text(rows, row, UUID);
    if (text_equal(kind, TEXT("none")))
        return;
    if (!result_null(rows, row, SECRET))
        webhook->standard = standard_signer(d, webhook, "webhook.secret", uuid, result_text(rows, row, SECRET));
    if (!result_null(rows, row, PREVIOUS) && !result_null(rows, row, PREVIOUS_UNTIL)) {
        webhook->previous =
            standard_signer(d, webhook, "webhook.previous_secret", uuid, result_text(rows, row, PREVIOUS));
        webhook->previous_until = result_time(rows, row, PREVIOUS_UNTIL);
    }
    if (text_equal(kind, TEXT("source_key")))
        webhook->x_signature = plain_signer(d, webhook, "source_key.secret", result_text(rows, row, SOURCE_KEY_UUID),
                                            result_text(rows, row, SOURCE_KEY));
    else if (text_equal(kind, TEXT("signature_key")))
        webhook->x_signature = plain_signer(d, webhook, "account.signature_key", result_text(rows, row, ACCOUNT_UUID),
                                            result_text(rows, row, ACCOUNT_KEY));
}

static bool has_control(struct text text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    return false;
}

static void set_basic(struct webhook *webhook, struct text username, struct text password)
{
    struct buffer pair;
    buffer_init(&pair, CREDENTIALS_MAX);
    buffer_append_text(&pair, username);
    buffer_append_char(&pair, ':');
    buffer_append_text(&pair, password);
    char *base64 = pair.failed ? NULL : calloc(1, pair.size / 3 * 4 + 8);
    if (base64 != NULL) {
        EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)pair.data, (int)pair.size);
        if (asprintf(&webhook->authorization, "Authorization: Basic %s", base64) < 0)
            webhook->authorization = NULL;
        explicit_bzero(base64, strlen(base64));
    }
    free(base64);
    secret_wipe(&pair);
    buffer_fini(&pair);
}

static void read_authentication(struct dispatcher *d, struct webhook *webhook, const PGresult *rows, int row)
{
    struct text kind = result_text(rows, row, AUTH_TYPE);
    struct buffer secret;
    if (text_equal(kind, TEXT("none")))
        return;
    buffer_init(&secret, CREDENTIALS_MAX);
    if (open_secret(d, webhook, "webhook.auth_secret", result_text(rows, row, UUID),
                    result_text(rows, row, AUTH_SECRET), &secret)) {
        if (text_equal(kind, TEXT("basic")))
            set_basic(webhook, result_text(rows, row, AUTH_USERNAME), buffer_text(&secret));
        else if (has_control(buffer_text(&secret)))
            unusable(webhook, "authentication", "the token contains a control character");
        else if (asprintf(&webhook->authorization, "Authorization: Bearer %.*s", TEXT_ARGS(buffer_text(&secret))) < 0)
            webhook->authorization = NULL;
    }
    if (webhook->authorization == NULL && webhook->usable)
        unusable(webhook, "authentication", "it cannot be built");
    secret_wipe(&secret);
    buffer_fini(&secret);
}

static void read_tls(struct dispatcher *d, struct webhook *webhook, const PGresult *rows, int row)
{
    struct buffer key;
    if (result_null(rows, row, CLIENT_CERTIFICATE) && result_null(rows, row, CA))
        return;
    buffer_init(&key, CERTIFICATE_KEY_MAX + 1);
    if (result_null(rows, row, CLIENT_KEY) ||
        open_secret(d, webhook, "webhook.client_key", result_text(rows, row, UUID), result_text(rows, row, CLIENT_KEY),
                    &key))
        webhook->tls =
            tls_new(result_text(rows, row, CLIENT_CERTIFICATE), buffer_text(&key), result_text(rows, row, CA));
    secret_wipe(&key);
    buffer_fini(&key);
}

/* Reads host and port with the parser of the API: libcurl never gets a URL that the parser rejects, whatever the row
 * contains. The guard checks an address in the URL here, also when a proxy is used. */
static void read_url(struct dispatcher *d, struct webhook *webhook)
{
    struct url_target target;
    struct error error;
    char encoded[URL_MAX + 1]; /* an earlier version stored the URL as given */
    if (!url_encode(webhook->url, encoded, &error) || !url_read(encoded, &target, &error) ||
        !url_guard(&target, d->guard, &error)) {
        unusable(webhook, "URL", error.text);
        return;
    }
    free(webhook->url);
    webhook->url = memory_need(strdup(encoded), "a webhook's URL");
    webhook->port = target.port;
    if (target.address.ss_family == AF_UNSPEC)
        webhook->host = memory_need(strdup(target.host), "a webhook's host");
}

static enum store_response store_response_of(struct text name)
{
    return text_equal(name, TEXT("plain"))    ? RESPONSE_PLAIN
           : text_equal(name, TEXT("sealed")) ? RESPONSE_SEALED
                                              : RESPONSE_NONE;
}

struct webhook *webhook_from_row(struct dispatcher *d, const PGresult *rows, int row)
{
    struct webhook *webhook = memory_need(calloc(1, sizeof *webhook), "a webhook");
    struct text uuid = result_text(rows, row, UUID), status = result_text(rows, row, STATUS),
                url = result_text(rows, row, URL);
    webhook->url = memory_need(text_copy(url), "a webhook's URL");
    webhook->references = 1;
    webhook->usable = true;
    memcpy(webhook->uuid, uuid.data, UUID_SIZE);
    webhook->version = result_int4(rows, row, VERSION);
    webhook->status = text_equal(status, TEXT("enabled"))    ? WEBHOOK_ENABLED
                      : text_equal(status, TEXT("disabled")) ? WEBHOOK_DISABLED
                                                             : WEBHOOK_DELETED;
    webhook->format = format_of(result_text(rows, row, FORMAT));
    webhook->store_response = store_response_of(result_text(rows, row, STORE_RESPONSE));
    read_url(d, webhook);
    if (webhook->status == WEBHOOK_ENABLED) {
        read_signature(d, webhook, rows, row);
        read_authentication(d, webhook, rows, row);
        read_tls(d, webhook, rows, row);
    }
    webhook->size = sizeof *webhook + url.size + tls_size(webhook->tls) +
                    (webhook->authorization == NULL ? 0 : strlen(webhook->authorization));
    return webhook;
}
