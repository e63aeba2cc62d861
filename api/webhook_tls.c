#include <string.h>

#include "body.h"
#include "net/certificate.h"
#include "webhook.h"

/* Reads a text in PEM, which contains line ends. Returns NULL with *ok true if it is to be removed. */
static const char *pem_of(struct request *request, const char *pointer, const json_t *value, size_t max, bool *ok)
{
    *ok = true;
    if (value == NULL || json_is_null(value))
        return NULL;
    if (!json_is_string(value))
        *ok = fail_at(request, pointer, "%s must be a string: PEM, with line ends as \\n", pointer + 1);
    else if (json_string_length(value) > max)
        *ok = fail_at(request, pointer, "%s may have at most %zu bytes", pointer + 1, max);
    return *ok ? json_string_value(value) : NULL;
}

static bool read_certificate(struct request *request, const json_t *tls, struct webhook_wish *wish)
{
    static const char certificate_at[] = "/tls/client_certificate", key_at[] = "/tls/client_key";
    struct error error;
    bool ok;
    const char *chain =
        pem_of(request, certificate_at, json_object_get(tls, "client_certificate"), CERTIFICATE_MAX, &ok);
    if (!ok)
        return false;
    const char *key = pem_of(request, key_at, json_object_get(tls, "client_key"), CERTIFICATE_KEY_MAX, &ok);
    if (!ok)
        return false;
    wish->tls.gives_certificate = true;
    if (chain == NULL)
        return key == NULL || fail_at(request, key_at, "tls/client_key requires tls/client_certificate");
    if (key == NULL)
        return fail_at(request, key_at, "tls/client_certificate requires tls/client_key");
    return (tls_draft_certificate(&wish->tls, text_of(chain), &error) ||
            fail_at(request, certificate_at, "%s", error.text)) &&
           (tls_draft_key(&wish->tls, text_of(key), request->slot->master, &wish->draft.uuid, &error) ||
            fail_at(request, key_at, "%s", error.text));
}

static bool read_ca(struct request *request, const json_t *tls, struct webhook_wish *wish)
{
    struct error error;
    bool ok;
    const char *ca = pem_of(request, "/tls/ca", json_object_get(tls, "ca"), CERTIFICATE_MAX, &ok);
    if (!ok)
        return false;
    wish->tls.gives_ca = true;
    return ca == NULL || tls_draft_ca(&wish->tls, text_of(ca), &error) || fail_at(request, "/tls/ca", "%s", error.text);
}

bool webhook_read_tls(struct request *request, const char *pointer, const json_t *value, struct webhook_wish *wish)
{
    static const char *const names[] = {"client_certificate", "client_key", "ca", NULL};
    char at[POINTER_MAX], key_at[POINTER_MAX];
    const char *name;
    json_t *member;
    if (json_is_null(value)) { /* all parts are removed */
        wish->tls.gives_certificate = wish->tls.gives_ca = true;
        return true;
    }
    if (!json_is_object(value))
        return fail_at(request, pointer, "tls must be an object, or null to remove it");
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], name) != 0)
            i++;
        if (names[i] == NULL) {
            snprintf(at, sizeof at, "%s%s", pointer, body_pointer(name, key_at));
            return fail_at(request, at, "there is no such field; the fields are: client_certificate, client_key, ca");
        }
    }
    bool certificate =
        json_object_get(value, "client_certificate") != NULL || json_object_get(value, "client_key") != NULL;
    return (!certificate || read_certificate(request, value, wish)) &&
           (json_object_get(value, "ca") == NULL || read_ca(request, value, wish));
}

bool webhook_write_tls(struct request *request, long long id, const struct webhook_wish *wish)
{
    struct error error;
    bool too_much;
    return tls_write(request->db, (int)id, &wish->tls, &too_much, &error) ||
           (too_much ? fail(request, PROBLEM_CONFLICT, "%s", error.text) : fail_database(request, &error));
}

json_t *webhook_tls_json(const PGresult *rows, int row)
{
    const char *certificate = store_cell(rows, row, "client_certificate_about"),
               *ca = store_cell(rows, row, "ca_about");
    if (certificate == NULL && ca == NULL)
        return NULL;
    json_t *json = json_object();
    if (certificate != NULL)
        json_object_set_new(json, "client_certificate", json_loads(certificate, 0, NULL));
    if (ca != NULL)
        json_object_set_new(json, "ca", json_loads(ca, 0, NULL));
    return json;
}
