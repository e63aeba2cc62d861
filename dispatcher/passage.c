#include "passage.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/memory.h"

#define ARENA_MAX (64 * 1024 * 1024)

struct passage *passage_new(struct dispatcher *d, int32_t account_id, size_t payload_size)
{
    struct passage *passage = calloc(1, sizeof *passage);
    if (passage == NULL)
        return NULL;
    passage->references = 1;
    passage->account_id = account_id;
    TAILQ_INIT(&passage->deliveries);
    arena_init(&passage->arena, ARENA_MAX);
    passage->read_at = loop_now(d->loop);
    passage_charge(d, passage, sizeof *passage + payload_size);
    return passage;
}

void passage_charge(struct dispatcher *d, struct passage *passage, size_t size)
{
    if (size == 0) /* the budget has no entry for 0 bytes */
        return;
    overdraw(d->memory, (uint64_t)passage->account_id, (int64_t)size);
    passage->size += size;
}

void passage_discharge(struct dispatcher *d, struct passage *passage, size_t size)
{
    invariant(size <= passage->size);
    budget_give(d->memory, (uint64_t)passage->account_id, (int64_t)size);
    passage->size -= size;
}

void passage_set_account(struct dispatcher *d, struct passage *passage, int32_t account_id)
{
    size_t size = passage->size;
    passage_discharge(d, passage, size);
    passage->account_id = account_id;
    passage_charge(d, passage, size);
}

void passage_hold(struct passage *passage)
{
    invariant(passage->references > 0);
    passage->open++;
}

void passage_let_go(struct passage *passage)
{
    invariant(passage->open > 0);
    passage->open--;
}

bool passage_is_over(const struct passage *passage)
{
    return passage->open == 0 && passage->kind != PASSAGE_SKIPPED;
}

bool passage_is_readable(const struct passage *passage)
{
    return passage->refusal == REFUSAL_NONE && passage->kind != PASSAGE_SKIPPED;
}

void passage_become(struct passage *passage, enum passage_kind kind)
{
    if (passage->kind == PASSAGE_SKIPPED)
        return;
    invariant(kind == PASSAGE_SKIPPED || passage->kind == PASSAGE_UNREAD ||
              (passage->kind == PASSAGE_EVENT && kind == PASSAGE_REPEAT));
    passage->kind = kind;
}

void passage_release(struct dispatcher *d, struct passage *passage)
{
    invariant(passage->references > 0);
    if (--passage->references > 0)
        return;
    invariant(passage->open == 0);
    invariant(TAILQ_EMPTY(&passage->deliveries));
    passage_discharge(d, passage, passage->size);
    if (passage->message != NULL)
        rd_kafka_message_destroy(passage->message);
    arena_fini(&passage->arena);
    free(passage);
}

void passage_forget_record(struct dispatcher *d, struct passage *passage)
{
    if (passage->message == NULL)
        return;
    rd_kafka_message_destroy(passage->message);
    passage->message = NULL;
    passage->event = (struct event){0};
    passage->key = passage->value = (struct text){0};
    passage_discharge(d, passage, passage->record_size);
    passage->record_size = 0;
}

/* If memory is short, or the key and value are larger than the arena may be, the record is kept, which takes more
 * memory than necessary. */
void passage_drop_headers(struct passage *passage)
{
    struct text topic, key = {0}, value = {0};
    if (!arena_copy(&passage->arena, text_of(passage->topic), &topic) ||
        (passage->key.data != NULL && !arena_copy(&passage->arena, passage->key, &key)) ||
        (passage->value.data != NULL && !arena_copy(&passage->arena, passage->value, &value)))
        return;
    passage->topic = topic.data;
    passage->key = key;
    passage->value = value;
    rd_kafka_message_destroy(passage->message);
    passage->message = NULL;
}

void passage_digest(struct text bytes, unsigned char digest[static 32])
{
    static EVP_MD *sha256; /* fetched once: a fetch costs more than the hash */
    if (sha256 == NULL)
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    const char *data = bytes.data == NULL ? "" : bytes.data;
    bool ok = sha256 != NULL && EVP_Digest(data, bytes.size, digest, NULL, sha256, NULL) == 1;
    memory_need(ok ? sha256 : NULL, "SHA-256, without which events have no identity");
}

struct text passage_body(struct dispatcher *d, struct passage *passage, enum format format,
                         const unsigned char webhook[static UUID_SIZE], struct buffer *own)
{
    if (!format_is_shared(format)) {
        buffer_clear(own);
        notification_write(format, &passage->event, passage->hash, webhook, own);
        return own->failed ? (struct text){0} : buffer_text(own);
    }
    struct text *body = &passage->bodies[format];
    if (body->data == NULL) {
        struct buffer buffer;
        buffer_init(&buffer, ARENA_MAX);
        notification_write(format, &passage->event, passage->hash, webhook, &buffer);
        if (buffer.failed || !arena_copy(&passage->arena, buffer_text(&buffer), body))
            *body = (struct text){0};
        else
            passage_charge(d, passage, body->size + 1);
        buffer_fini(&buffer);
    }
    return *body;
}
