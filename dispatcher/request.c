#include "request.h"

#include "resolve.h"
#include "tls.h"

static char *add_text(struct delivery *delivery, const char *name, struct text value)
{
    char *at = delivery->text + delivery->text_size;
    size_t size = strlen(name);
    if (delivery->text_size + size + value.size + 1 > sizeof delivery->text)
        return NULL;
    memcpy(at, name, size);
    memcpy(at + size, value.data, value.size);
    at[size + value.size] = '\0';
    delivery->text_size += size + value.size + 1;
    return at;
}

static void add_header(struct delivery *delivery, size_t *n, const char *line)
{
    delivery->headers[*n] = (struct curl_slist){.data = (char *)(uintptr_t)line, .next = NULL};
    if (*n > 0)
        delivery->headers[*n - 1].next = &delivery->headers[*n];
    (*n)++;
}

static bool sign(struct delivery *delivery, const struct webhook *webhook, struct text timestamp, struct text body,
                 size_t *n)
{
    char both[2 * SIGNATURE_STANDARD_SIZE], hex[SIGNATURE_HEX_SIZE];
    struct text id = delivery->passage->event.id;
    if (webhook->standard != NULL) {
        if (!signature_standard(webhook->standard, id, timestamp, body, both))
            return false;
        size_t size = SIGNATURE_STANDARD_SIZE - 1;
        if (webhook->previous != NULL && delivery->started.us < webhook->previous_until.us) {
            both[size++] = ' ';
            if (!signature_standard(webhook->previous, id, timestamp, body, both + size))
                return false;
            size += SIGNATURE_STANDARD_SIZE - 1;
        }
        add_header(delivery, n, add_text(delivery, "webhook-signature: ", (struct text){both, size}));
    }
    if (webhook->x_signature != NULL) {
        if (!signature_hex(webhook->x_signature, body, hex))
            return false;
        add_header(delivery, n, add_text(delivery, "X-Signature: ", text_of(hex)));
    }
    return true;
}

static bool add_headers(struct delivery *delivery, const struct webhook *webhook, struct text body)
{
    char seconds[24];
    size_t n = 0;
    struct text timestamp = {
        seconds, (size_t)snprintf(seconds, sizeof seconds, "%lld", (long long)(delivery->started.us / 1000000))};
    delivery->text_size = 0;
    add_header(delivery, &n, add_text(delivery, "Content-Type: ", text_of(format_content_type(webhook->format))));
    add_header(delivery, &n, add_text(delivery, "webhook-id: ", delivery->passage->event.id));
    add_header(delivery, &n, add_text(delivery, "webhook-timestamp: ", timestamp));
    add_header(delivery, &n, "Expect:"); /* no 100-continue */
    if (webhook->authorization != NULL)
        add_header(delivery, &n, webhook->authorization);
    if (delivery->passage->event.traceparent.size > 0)
        add_header(delivery, &n, add_text(delivery, "traceparent: ", delivery->passage->event.traceparent));
    if (delivery->passage->event.tracestate.size > 0)
        add_header(delivery, &n, add_text(delivery, "tracestate: ", delivery->passage->event.tracestate));
    return sign(delivery, webhook, timestamp, body, &n);
}

/* The request gets the addresses that the guard checked: a later answer of the name server cannot change them. */
static const char *set_addresses(struct dispatcher *d, struct delivery *delivery)
{
    addresses_release(&delivery->addresses);
    const char *why = resolve_addresses(d, delivery->destination, &delivery->addresses);
    struct addresses *addresses = delivery->addresses;
    curl_easy_setopt(delivery->easy, CURLOPT_CONNECT_TO, addresses == NULL ? NULL : &addresses->connect_to);
    curl_easy_setopt(delivery->easy, CURLOPT_RESOLVE, addresses == NULL ? NULL : &addresses->resolve);
    return why;
}

const char *request_write(struct dispatcher *d, struct delivery *delivery)
{
    const struct webhook *webhook = delivery->webhook;
    const char *why;
    if (!webhook->usable)
        return webhook->why;
    if ((why = set_addresses(d, delivery)) != NULL)
        return why;
    struct text body = passage_body(d, delivery->passage, webhook->format, webhook->uuid, &delivery->own_body);
    if (body.data == NULL)
        return "no memory for the body";
    if (body.data == delivery->own_body.data) {
        passage_charge(d, delivery->passage, body.size);
        delivery->charged += body.size;
    }
    if (!add_headers(delivery, webhook, body))
        return "the request cannot be built";
    if (webhook->tls != NULL || delivery->has_tls) { /* otherwise the handle is as it was made */
        tls_apply(delivery->easy, webhook->tls, d->settings->ca_file);
        delivery->has_tls = webhook->tls != NULL;
    }
    curl_easy_setopt(delivery->easy, CURLOPT_FRESH_CONNECT, 0L);
    curl_easy_setopt(delivery->easy, CURLOPT_URL, webhook->url);
    curl_easy_setopt(delivery->easy, CURLOPT_POSTFIELDSIZE, (long)body.size);
    curl_easy_setopt(delivery->easy, CURLOPT_POSTFIELDS, body.data);
    return NULL;
}
