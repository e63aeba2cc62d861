#include "record.h"

#include <stdlib.h>

#include "base/memory.h"
#include "fetch.h"

#define FEW_HEADERS 64
#define RECORD_OVERHEAD 512 /* bytes that librdkafka needs for a record besides its contents */
#define HEADER_OVERHEAD 64  /* and for each of its headers */

/* Reads all headers into `few`, or into the passage's arena if there are more. Returns false if they are larger than
 * HEADERS_SIZE_MAX together, or too many for librdkafka to read. librdkafka copies the headers that it is asked for. */
static bool read_headers(struct dispatcher *d, struct passage *passage, struct record_header few[static FEW_HEADERS],
                         struct record *record)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size, total = 0, n = 0;
    rd_kafka_resp_err_t failed = rd_kafka_message_headers(passage->message, &headers);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) {
        passage->headers_size = failed == RD_KAFKA_RESP_ERR__NOENT ? 0 : HEADERS_SIZE_MAX + 1;
        return failed == RD_KAFKA_RESP_ERR__NOENT;
    }
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        total += strlen(name) + size;
    size_t count = rd_kafka_header_cnt(headers);
    passage->headers_size = total;
    if (total > HEADERS_SIZE_MAX)
        return false;
    struct record_header *out = count <= FEW_HEADERS ? few : arena_alloc(&passage->arena, count * sizeof *out);
    if (out == NULL)
        return false;
    for (; n < count && rd_kafka_header_get_all(headers, n, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; n++)
        out[n] = (struct record_header){text_of(name), {value, size}};
    record->headers = out;
    record->header_count = n;
    size = 2 * total + count * (HEADER_OVERHEAD + sizeof *out);
    passage->record_size += size;
    passage_charge(d, passage, size);
    return true;
}

static void read_event(struct dispatcher *d, struct passage *passage)
{
    const struct settings *s = d->settings;
    struct record_header few[FEW_HEADERS];
    struct record record = {.topic = text_of(passage->topic),
                            .partition = passage->number,
                            .offset = passage->offset,
                            .timestamp_ms = passage->timestamp_ms,
                            .key = passage->key,
                            .value = passage->value};
    const struct envelope_rules rules = {.plain = s->plain_records,
                                         .type_prefix = text_of(s->plain_type_prefix),
                                         .account_header = text_of(s->plain_account_header),
                                         .id_header = text_of(s->plain_id_header),
                                         .value_max = (size_t)s->value_max};
    bool headers_fit = read_headers(d, passage, few, &record);
    fetch_learn(d, passage->key.size + passage->headers_size);
    passage_digest(record.value, passage->digest);
    if (headers_fit) {
        passage->refusal = envelope_read(&record, &rules, &passage->arena, &passage->event, &passage->refused_why);
    } else {
        passage->refusal = REFUSAL_TOO_LARGE;
        error_set(&passage->refused_why, "the headers have more than %d bytes, or there are more than 100000",
                  HEADERS_SIZE_MAX);
        passage_drop_headers(passage);
    }
    if (passage->refusal != REFUSAL_NONE)
        return;
    passage_charge(d, passage, passage->event.extensions.size);
    ids_hash(passage->event.account, passage->event.id, passage->hash);
}

struct passage *record_read(struct dispatcher *d, struct partition *partition, rd_kafka_message_t *message)
{
    size_t size = message->len + message->key_len + RECORD_OVERHEAD;
    struct passage *passage = memory_need(passage_new(d, 0, size), "a record");
    passage->message = message;
    passage->position_id = partition->position_id;
    passage->offset = message->offset;
    passage->topic = rd_kafka_topic_name(message->rkt);
    passage->number = message->partition;
    passage->key = (struct text){message->key, message->key_len};
    passage->value = (struct text){message->payload, message->len};
    passage->record_size = size;
    passage->timestamp_ms = rd_kafka_message_timestamp(message, NULL);
    read_event(d, passage);
    return passage;
}
