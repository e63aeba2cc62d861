#include "dead_letter.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/memory.h"
#include "flush_gather.h"
#include "kafka.h"
#include "store/sealed.h"

#define CUT_SIZE (256 * 1024) /* bytes copied of a value that the broker rejected as too large */
#define SEALED_MAX (80u << 20)
#define COPYING_MAX                                                                                                    \
    (16 << 20) /* bytes on their way to the topic or to PostgreSQL; the record that exceeds it is not counted */

/* A copy on its way to the broker. It holds the passage, and so the record. */
struct copy {
    TAILQ_ENTRY(copy) link;
    struct dispatcher *d;
    struct passage *passage;
    size_t size; /* bytes that librdkafka's producer holds for it */
    bool cut;
    bool answered, copied; /* the broker has answered; only the row is missing */
};

struct dead_letters {
    TAILQ_HEAD(copies, copy) delayed; /* too many bytes under way, or memory was short; bounded by memory-max */
    size_t copying;                   /* bytes held by librdkafka's producer */
    struct buffer value, headers;
};

struct dead_letters *dead_letters_new(struct dispatcher *d, struct error *error)
{
    struct dead_letters *dead_letters = calloc(1, sizeof *dead_letters);
    (void)d;
    if (dead_letters == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    TAILQ_INIT(&dead_letters->delayed);
    buffer_init(&dead_letters->value, SEALED_MAX);
    buffer_init(&dead_letters->headers, SEALED_MAX);
    return dead_letters;
}

void dead_letters_free(struct dead_letters **dead_letters)
{
    struct dead_letters *old = *dead_letters;
    if (old == NULL)
        return;
    struct copy *copy;
    while ((copy = TAILQ_FIRST(&old->delayed)) != NULL) {
        TAILQ_REMOVE(&old->delayed, copy, link);
        passage_let_go(copy->passage);
        passage_release(copy->d, copy->passage);
        free(copy);
    }
    buffer_fini(&old->value);
    buffer_fini(&old->headers);
    free(old);
    *dead_letters = NULL;
}

static bool headers_kept(const struct passage *passage)
{
    return passage->message != NULL;
}

static json_t *base64_json(const void *bytes, size_t size)
{
    char *base64 = malloc(size / 3 * 4 + 8);
    if (base64 == NULL)
        return NULL;
    EVP_EncodeBlock((unsigned char *)base64, bytes, (int)size);
    json_t *json = json_string(base64);
    free(base64);
    return json;
}

static json_t *header_json(const char *name, const void *value, size_t size)
{
    bool readable = text_is_utf8(text_of(name));
    json_t *header = json_pack("[o, o]", readable ? json_string(name) : json_null(),
                               value == NULL ? json_null() : base64_json(value, size));
    if (!readable && json_array_append_new(header, base64_json(name, strlen(name))) != 0) {
        json_decref(header);
        return NULL;
    }
    return header;
}

/* Returns the record's headers as [["name", "base64 of the value" or null], …]. A name that is not valid UTF-8 is null,
 * and its base64 is a third element, so that all bytes are kept. Returns NULL if memory is short. */
static char *headers_json(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    json_t *all = json_array();
    bool ok = all != NULL;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0;
             ok && rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
            ok = json_array_append_new(all, header_json(name, value, size)) == 0;
    char *text = ok ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    return text;
}

/* Leaves out what does not fit into a row, and says so in the row. The topic has the complete record. */
static struct text kept(struct passage *passage, const char *what, struct text whole)
{
    if (whole.size + SECRET_OVERHEAD <= SEALED_MAX)
        return whole;
    struct error before = passage->refused_why;
    error_set(&passage->refused_why, "%.300s (not stored: the %s of %zu bytes)", before.text, what, whole.size);
    return (struct text){0};
}

/* Adds the row. Value and headers are sealed, since they may contain card data. Returns false if memory is short. */
static bool write_row(struct dispatcher *d, struct passage *passage, bool copied)
{
    struct dead_letters *dead_letters = d->dead_letters;
    struct error error;
    char text[SEALED_PLACE_SIZE];
    char *json = headers_kept(passage) ? headers_json(passage->message) : NULL;
    struct text place = sealed_place_of_record(passage->topic, passage->number, passage->offset, text);
    buffer_clear(&dead_letters->value);
    buffer_clear(&dead_letters->headers);
    struct text value = kept(passage, "value", passage->value);
    struct text headers = json == NULL ? (struct text){0} : kept(passage, "headers", text_of(json));
    bool ok = (json != NULL || !headers_kept(passage)) &&
              (headers.data == NULL || secret_seal(d->master, place, headers, &dead_letters->headers, &error)) &&
              (value.data == NULL || secret_seal(d->master, place, value, &dead_letters->value, &error)) &&
              flush_dead_letter(d, passage, value.data == NULL ? (struct text){0} : buffer_text(&dead_letters->value),
                                headers.data == NULL ? (struct text){0} : buffer_text(&dead_letters->headers), copied);
    free(json);
    return ok;
}

static void finish(struct copy *copy, bool copied)
{
    struct dispatcher *d = copy->d;
    struct passage *passage = copy->passage;
    copy->answered = true;
    copy->copied = copied;
    if (passage->kind != PASSAGE_SKIPPED && !write_row(d, passage, copied)) {
        log_error("dead_letter", "offset=%lld error=\"no memory for the row\" note=\"will be retried\"",
                  (long long)passage->offset);
        TAILQ_INSERT_TAIL(&d->dead_letters->delayed, copy, link);
        return;
    }
    passage_let_go(passage);
    flush_touch(d);
    passage_release(d, passage);
    free(copy);
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%lld", (long long)value);
    rd_kafka_header_add(headers, name, -1, text, size);
}

/* Makes the headers of the copy: first ours, with the reason and the origin, then the record's own. */
static rd_kafka_headers_t *make_headers(const struct copy *copy)
{
    const struct passage *passage = copy->passage;
    rd_kafka_headers_t *own, *headers = rd_kafka_headers_new(16);
    const char *name;
    const void *value;
    size_t size;
    rd_kafka_header_add(headers, "posthorn-reason", -1, refusal_name(passage->refusal), -1);
    rd_kafka_header_add(headers, "posthorn-detail", -1, passage->refused_why.text, -1);
    rd_kafka_header_add(headers, "posthorn-topic", -1, passage->topic, -1);
    add_number(headers, "posthorn-partition", passage->number);
    add_number(headers, "posthorn-offset", passage->offset);
    if (passage->timestamp_ms >= 0)
        add_number(headers, "posthorn-timestamp", passage->timestamp_ms);
    if (copy->cut)
        add_number(headers, "posthorn-cut-from", (int64_t)passage->value.size);
    if (!headers_kept(passage))
        add_number(headers, "posthorn-headers-cut-from", (int64_t)passage->headers_size);
    else if (!copy->cut && rd_kafka_message_headers(passage->message, &own) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; rd_kafka_header_get_all(own, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
            rd_kafka_header_add(headers, name, -1, value, (ssize_t)size);
    return headers;
}

static void copied(void *owner, rd_kafka_resp_err_t error);

/* Charges what librdkafka holds of the copy, in addition to the record. */
static void hold(struct copy *copy, size_t size)
{
    invariant(copy->size == 0);
    copy->size = size;
    copy->d->dead_letters->copying += size;
    passage_charge(copy->d, copy->passage, size);
}

static void let_go(struct copy *copy)
{
    invariant(copy->size <= copy->d->dead_letters->copying);
    copy->d->dead_letters->copying -= copy->size;
    passage_discharge(copy->d, copy->passage, copy->size);
    copy->size = 0;
}

static bool has_room(const struct dispatcher *d)
{
    return d->dead_letters->copying + flush_dead_letters_size(d) < COPYING_MAX;
}

static void publish(struct copy *copy)
{
    struct dispatcher *d = copy->d;
    struct text key = copy->passage->key, value = copy->passage->value;
    rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (copy->cut && key.size > CUT_SIZE)
        key = (struct text){0};
    if (copy->cut && value.size > CUT_SIZE)
        value.size = CUT_SIZE;
    if (has_room(d)) {
        rd_kafka_headers_t *headers = make_headers(copy);
        if (kafka_publish(d, d->settings->dead_letter_topic, key, value, headers, copied, copy, &why)) {
            hold(copy, key.size + value.size + (headers_kept(copy->passage) ? copy->passage->headers_size : 0) + 1024);
            return;
        }
        rd_kafka_headers_destroy(headers);
    }
    if (why == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        TAILQ_INSERT_TAIL(&d->dead_letters->delayed, copy, link);
    else
        copied(copy, why);
}

static void copied(void *owner, rd_kafka_resp_err_t error)
{
    struct copy *copy = owner;
    if (copy->size > 0)
        let_go(copy);
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !copy->cut) {
        copy->cut = true;
        publish(copy);
        return;
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_warning("dead_letter", "topic=%s offset=%lld error=\"not copied: %s\"",
                    copy->d->settings->dead_letter_topic, (long long)copy->passage->offset, rd_kafka_err2str(error));
    finish(copy, error == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void dead_letter_start(struct dispatcher *d, struct passage *passage)
{
    struct copy *copy = memory_need(calloc(1, sizeof *copy), "a dead letter");
    *copy = (struct copy){.d = d, .passage = passage};
    invariant(passage->refusal != REFUSAL_NONE);
    passage->references++;
    passage_hold(passage);
    passage_become(passage, PASSAGE_DEAD_LETTER);
    count(d, METRIC_DEAD_LETTERED, 1);
    log_warning("dead_letter", "topic=%s partition=%d offset=%lld reason=%s detail=\"%s\"", passage->topic,
                (int)passage->number, (long long)passage->offset, refusal_name(passage->refusal),
                passage->refused_why.text);
    publish(copy);
}

void dead_letter_work(struct dispatcher *d)
{
    struct copy *copy,
        *last = TAILQ_LAST(&d->dead_letters->delayed, copies); /* copies that are delayed again are queued after it */
    for (int most = 100; most > 0 && last != NULL && has_room(d); most--) {
        copy = TAILQ_FIRST(&d->dead_letters->delayed);
        TAILQ_REMOVE(&d->dead_letters->delayed, copy, link);
        if (copy == last)
            last = NULL;
        if (copy->answered)
            finish(copy, copy->copied);
        else
            publish(copy);
    }
}
