/* dead-letter: shows invalid records and publishes them again. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "check.h"
#include "kafka.h"
#include "keep.h"
#include "output.h"
#include "store/sealed.h"

#define RECORD_MAX (64 * 1024 * 1024) /* bytes of a value or of the headers; Kafka's own limit is far lower */

struct dead_letter_settings {
    struct globals globals;
    char *reason, *topic, *source;
    bool reveal, again;
    int64_t limit;
};

/* One record, opened. */
struct letter {
    char topic[256];
    long long partition, offset, position_id;
    PGresult *row;
    struct buffer value, headers; /* headers: JSON as written by dispatcher/dead_letter.c */
    struct text key;
};

static void letter_fini(struct letter *letter)
{
    PQclear(letter->row);
    PQfreemem((void *)letter->key.data);
    secret_wipe(&letter->value);
    secret_wipe(&letter->headers);
    buffer_fini(&letter->value);
    buffer_fini(&letter->headers);
}

static bool dead_letter_list(struct context *context, const void *settings, struct error *error)
{
    const struct dead_letter_settings *given = settings;
    return context_show(
        context,
        "select topic, partition, \"offset\", reason, detail, received_at, copied, replayed_at from audit.dead_letters "
        "where ($1::text is null or reason = $1) and ($2::text is null or topic = $2) "
        "order by received_at desc, topic, partition, \"offset\" limit $3",
        VALUES(store_text(given->reason), store_text(given->topic), store_number(given->limit)), error);
}

/* If the same offset is a dead letter in several epochs of the log, the newest counts. */
static bool find(struct context *context, const struct dead_letter_settings *given, struct letter *letter,
                 struct error *error)
{
    snprintf(letter->topic, sizeof letter->topic, "%s", context->words[0]);
    if (!check_number("PARTITION", context->words[1], 0, INT32_MAX, &letter->partition, error) ||
        !check_number("OFFSET", context->words[2], 0, INT64_MAX, &letter->offset, error))
        return false;
    letter->row = store_query(
        context->db,
        "select d.position_id, d.reason, d.detail, d.recorded_at, d.copied, d.replayed_at, d.erased_at, d.key, "
        "d.value, d.headers, d.record_timestamp, "
        "encode(d.record_sha256, 'hex') as sha256 from posthorn.dead_letter d join posthorn.position p on p.id = "
        "d.position_id "
        "where p.source = $1 and p.topic = $2 and p.partition = $3 and d.\"offset\" = $4 order by p.log_epoch desc "
        "limit 1 "
        "for update of d",
        VALUES(store_text(given->source), store_text(letter->topic), store_number(letter->partition),
               store_number(letter->offset)),
        error);
    if (letter->row == NULL)
        return false;
    if (PQntuples(letter->row) == 0)
        return error_set(
            error,
            "there is no dead letter of %.80s, partition %lld, offset %lld, from %.40s; dead-letter list shows all",
            letter->topic, letter->partition, letter->offset, given->source);
    letter->position_id = store_cell_number(letter->row, 0, "position_id");
    letter->key = store_cell_bytes(letter->row, 0, "key");
    return true;
}

/* Opens a sealed column; leaves `out` empty for null. */
static bool open_column(struct context *context, const struct letter *letter, const char *column, struct buffer *out,
                        struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    struct text sealed = store_cell_bytes(letter->row, 0, column);
    if (sealed.data == NULL)
        return true;
    struct text bound = sealed_place_of_record(letter->topic, letter->partition, letter->offset, place);
    struct secret_key *key = context_master(context, error);
    bool ok = key != NULL && (secret_open(key, bound, sealed, out, error) ||
                              error_prefix(error, "the record's %s cannot be opened with this master key", column));
    PQfreemem((void *)sealed.data);
    return ok;
}

static bool open_letter(struct context *context, struct letter *letter, struct error *error)
{
    return open_column(context, letter, "value", &letter->value, error) &&
           open_column(context, letter, "headers", &letter->headers, error);
}

/* Replay -------------------------------------------------------------------- */

/* Returns the bytes of a base64 text and a NUL; the caller frees them. NULL if it is invalid or memory is short. */
static char *decode(const json_t *base64, size_t *size)
{
    const char *text = json_string_value(base64);
    size_t length = json_string_length(base64), padding = 0;
    char *bytes = text == NULL ? NULL : calloc(1, length + 1);
    if (bytes == NULL)
        return NULL;
    while (padding < length && padding < 2 && text[length - 1 - padding] == '=')
        padding++;
    int decoded = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text, (int)length);
    if (decoded < (int)padding) {
        free(bytes);
        return NULL;
    }
    *size = (size_t)decoded - padding;
    bytes[*size] = '\0';
    return bytes;
}

/* Adds one ["name", "base64"] or ["name", null]. A name that is not valid UTF-8 is null, and its base64 follows the
 * value. */
static bool add_header(rd_kafka_headers_t *headers, const json_t *pair, struct error *error)
{
    const json_t *text = json_array_get(pair, 0), *base64 = json_array_get(pair, 1);
    size_t name_size = json_string_length(text), size = 0;
    char *bytes = decode(base64, &size), *raw_name = decode(json_array_get(pair, 2), &name_size);
    const char *name = raw_name != NULL ? raw_name : json_string_value(text);
    bool ok = name != NULL && (json_is_null(base64) || bytes != NULL);
    if (ok)
        ok = rd_kafka_header_add(headers, name, (ssize_t)name_size, bytes, (ssize_t)size) == RD_KAFKA_RESP_ERR_NO_ERROR;
    free(bytes);
    free(raw_name);
    return ok || error_set(error, "the stored headers are not of the form [[name, base64 of the value], …]");
}

static rd_kafka_headers_t *make_headers(const struct letter *letter, struct error *error)
{
    size_t i;
    json_t *pair, *all = letter->headers.size == 0
                             ? json_array()
                             : json_loadb(letter->headers.data, letter->headers.size, JSON_ALLOW_NUL, NULL);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(json_array_size(all) + 1);
    bool ok = json_is_array(all) || error_set(error, "the stored headers are not JSON");
    json_array_foreach(all, i, pair)
    {
        ok = ok && add_header(headers, pair, error);
    }
    json_decref(all);
    if (!ok) {
        rd_kafka_headers_destroy(headers);
        return NULL;
    }
    return headers;
}

static bool mark(struct context *context, const struct letter *letter, struct error *error)
{
    return store_run(context->db, "select posthorn.dead_letter_replayed($1, $2)",
                     VALUES(store_number(letter->position_id), store_number(letter->offset)), error) ||
           error_prefix(error, "the record was published, but could not be marked as replayed");
}

/* Publishes the record unchanged: to its original partition, if that exists, and with its own timestamp. */
static bool publish(struct context *context, struct letter *letter, struct error *error)
{
    int partition = 0;
    long long offset = 0;
    bool dated = store_cell(letter->row, 0, "record_timestamp") != NULL;
    struct kafka_record record = {.topic = letter->topic,
                                  .partition = (int)letter->partition,
                                  .timestamp_ms = dated ? store_cell_number(letter->row, 0, "record_timestamp") : -1,
                                  .key = letter->key,
                                  .value = store_cell(letter->row, 0, "value") == NULL ? (struct text){0}
                                           : letter->value.size == 0                   ? TEXT("")
                                                                                       : buffer_text(&letter->value),
                                  .headers = make_headers(letter, error)};
    bool ok = record.headers != NULL && kafka_publish(context, &record, &partition, &offset, error);
    if (record.headers != NULL)
        rd_kafka_headers_destroy(record.headers);
    if (!ok || !mark(context, letter, error))
        return false;
    if (!dated)
        fprintf(stderr, "posthorn-admin: the version that stored the dead letter did not store the record's timestamp; "
                        "the new record has the present time\n");
    context->result =
        json_pack("{s:s, s:i, s:I}", "topic", letter->topic, "partition", partition, "offset", (json_int_t)offset);
    return true;
}

static bool dead_letter_replay(struct context *context, const void *settings, struct error *error)
{
    const struct dead_letter_settings *given = settings;
    struct letter letter = {0};
    buffer_init(&letter.value, RECORD_MAX);
    buffer_init(&letter.headers, RECORD_MAX);
    bool ok = find(context, given, &letter, error);
    if (ok && !given->again && store_cell(letter.row, 0, "replayed_at") != NULL)
        ok = error_set(error, "this record was replayed at %s; --again replays it again",
                       store_cell(letter.row, 0, "replayed_at"));
    if (ok && store_cell(letter.row, 0, "erased_at") != NULL)
        ok = error_set(
            error, "this record's bytes were erased at %s, after payload_keep_days; its producer must publish it again",
            store_cell(letter.row, 0, "erased_at"));
    if (ok && store_cell(letter.row, 0, "headers") == NULL)
        ok = error_set(error, "this record's headers were too large to be stored; its producer must publish it again");
    ok = ok && open_letter(context, &letter, error) && publish(context, &letter, error);
    letter_fini(&letter);
    return ok;
}

/* Show ---------------------------------------------------------------------- */

/* Adds the bytes as text, or as base64 if they are not valid UTF-8. */
static void add_bytes(json_t *object, const char *name, struct text bytes)
{
    json_t *text = bytes.data == NULL ? json_null() : json_stringn(bytes.data, bytes.size);
    if (text != NULL) {
        json_object_set_new(object, name, text);
        return;
    }
    char *base64 = malloc(bytes.size / 3 * 4 + 8), label[64];
    if (base64 == NULL)
        return;
    EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)bytes.data, (int)bytes.size);
    snprintf(label, sizeof label, "%s_base64", name);
    json_object_set_new(object, label, json_string(base64));
    free(base64);
}

static void describe(struct context *context, const struct letter *letter, bool reveal)
{
    static const char *const columns[] = {"reason",      "detail",    "recorded_at", "copied",
                                          "replayed_at", "erased_at", "sha256",      "record_timestamp"};
    context->result = json_pack("{s:s, s:I, s:I}", "topic", letter->topic, "partition", (json_int_t)letter->partition,
                                "offset", (json_int_t)letter->offset);
    json_t *rows = output_rows(letter->row);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_object_set(context->result, columns[i], json_object_get(json_array_get(rows, 0), columns[i]));
    json_decref(rows);
    add_bytes(context->result, "key", letter->key);
    if (reveal) {
        json_t *headers = json_loadb(letter->headers.data != NULL ? letter->headers.data : "[]",
                                     letter->headers.data != NULL ? letter->headers.size : 2, JSON_ALLOW_NUL, NULL);
        json_object_set_new(context->result, "headers", headers != NULL ? headers : json_null());
        add_bytes(context->result, "value",
                  store_cell(letter->row, 0, "value") == NULL ? (struct text){0} : buffer_text(&letter->value));
    }
}

static bool dead_letter_show(struct context *context, const void *settings, struct error *error)
{
    const struct dead_letter_settings *given = settings;
    struct letter letter = {0};
    buffer_init(&letter.value, RECORD_MAX);
    buffer_init(&letter.headers, RECORD_MAX);
    bool ok = find(context, given, &letter, error) && (!given->reveal || open_letter(context, &letter, error));
    if (ok)
        describe(context, &letter, given->reveal);
    letter_fini(&letter);
    return ok;
}

#define SOURCE                                                                                                         \
    OPTION(dead_letter_settings, source, "source", "kafka", "NAME",                                                    \
           "the name of the Kafka cluster, as in the dispatchers' --source", 0)

static const struct setting list_table[] = {
    OPTION(dead_letter_settings, reason, "reason", NULL, "REASON", "only this reason, such as unknown_account", 0),
    OPTION(dead_letter_settings, topic, "topic", NULL, "TOPIC", "only this topic", 0),
    OPTION_COUNT(dead_letter_settings, limit, "limit", "100", 1, 1000000,
                 "maximum number of rows; the newest are shown"),
    {0}};

static const struct setting show_table[] = {
    SOURCE,
    OPTION_FLAG(dead_letter_settings, reveal, "reveal",
                "decrypt the headers and the value; they may contain card data"),
    {0}};

static const struct setting replay_table[] = {
    SOURCE, OPTION_FLAG(dead_letter_settings, again, "again", "replay the record even if it was replayed before"), {0}};

#define ONE_RECORD                                                                                                     \
    .words = "TOPIC PARTITION OFFSET", .least_words = 3, .most_words = 3,                                              \
    .settings_size = sizeof(struct dead_letter_settings)

const struct command dead_letter_commands[] = {
    {.noun = "dead-letter",
     .verb = "list",
     .about = "list dead letters, the newest first",
     .settings = list_table,
     .settings_size = sizeof(struct dead_letter_settings),
     .run = dead_letter_list},
    {.noun = "dead-letter",
     .verb = "show",
     .about = "show a dead letter",
     .settings = show_table,
     ONE_RECORD,
     .run = dead_letter_show},
    {.noun = "dead-letter",
     .verb = "replay",
     .about = "publish the record to its topic again, unchanged",
     .details = "For use after the cause is removed: for example, the account was created or the limit was raised. The "
                "new record has a new offset, and the key, headers and timestamp of the old one. It is published to "
                "the same partition; if the topic no longer has that partition, the key determines the partition.",
     .settings = replay_table,
     ONE_RECORD,
     .run = dead_letter_replay},
    {0}};
