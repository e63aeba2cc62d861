/* One event on its way through the dispatcher: from a Kafka record (then it belongs to a partition) or from pending
 * rows (then it does not).
 *
 * It lives while somebody refers to it: its partition's list, and each of its deliveries. Its texts point into the
 * Kafka message or its arena. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "dispatcher.h"
#include "event/notification.h"
#include "event/uuid.h"

#define HEADERS_SIZE_MAX 65536 /* bytes of a record's headers, names and values; a record with more is no event */

enum passage_kind {
    PASSAGE_UNREAD, /* not yet through intake: holds its partition's position */
    PASSAGE_EVENT,
    PASSAGE_REPEAT, /* the event id was there before, with other coordinates */
    PASSAGE_DEAD_LETTER,
    PASSAGE_SKIPPED /* its partition is not ours any more: the position does not pass it */
};

struct passage {
    TAILQ_ENTRY(passage) link;   /* in its partition, in the order of offsets */
    struct partition *partition; /* NULL: from pending rows, or the partition was lost */
    int references;
    enum passage_kind kind;
    int open; /* holds: intake, deliveries, a dead letter's copy that are in no flush yet; passage_hold() */
    int matched;
    bool fanned; /* through the fan-out */
    struct mono read_at;
    size_t size; /* bytes that are taken of the dispatcher's memory for it, by its account when that is known */

    int32_t position_id;
    int64_t offset;
    int64_t timestamp_ms;        /* of the record */
    unsigned char digest[32];    /* SHA-256 of the record's value */
    bool from_backlog;           /* from pending rows; else from a Kafka record */
    rd_kafka_message_t *message; /* the record; NULL: from pending rows, too large to be kept, or not needed any more */
    const char *topic;           /* the record's own, like what follows: in the message, or in the arena */
    int32_t number;              /* of its partition */
    struct text key, value;
    size_t headers_size, record_size; /* bytes of all headers; that are charged for the record */
    struct arena arena;

    struct event event;
    unsigned char hash[32]; /* ids_hash() */
    int32_t account_id;
    int32_t period; /* of the event row: days since 2000-01-01 */
    enum refusal refusal;
    struct error refused_why;
    int32_t repeat_of_position;
    int64_t repeat_of_offset;

    const struct reached *reached;    /* what unloaded.c found; NULL: it has not looked */
    struct text bodies[FORMAT_COUNT]; /* made when the first delivery needs one; in the arena */
    struct delivery_list deliveries;
};

/* One reference, the caller's. `payload_size` bytes are kept for it beside the passage itself. `account_id` is 0 while
 * it is not known. NULL without memory. */
struct passage *passage_new(struct dispatcher *d, int32_t account_id, size_t payload_size);
void passage_release(struct dispatcher *d, struct passage *passage);

/* One thing more, or less, that is not in a flush yet: while there is one, the position does not pass. */
void passage_hold(struct passage *passage);
void passage_let_go(struct passage *passage);
/* It holds an event, and its partition is ours. */
bool passage_is_readable(const struct passage *passage);
/* All that became of it is in a flush, or nothing was to be done: the position may pass it. */
bool passage_is_over(const struct passage *passage);

/* The one function that tells what it is. A passage that was skipped stays so. */
void passage_become(struct passage *passage, enum passage_kind kind);

/* Whose event it is: from here on the account is charged for its memory. */
void passage_set_account(struct dispatcher *d, struct passage *passage, int32_t account_id);

/* More, or less, is kept in memory for it. All is given back with its last reference. */
void passage_charge(struct dispatcher *d, struct passage *passage, size_t size);
void passage_discharge(struct dispatcher *d, struct passage *passage, size_t size);

/* The position has passed it: only requests under way still refer to it, and they need its bodies only. A record in
 * memory keeps the whole fetch in memory that it came with, so it must not wait for a webhook that hangs. */
void passage_forget_record(struct dispatcher *d, struct passage *passage);

/* Its headers are too large to be kept: key and value are, in the arena. */
void passage_drop_headers(struct passage *passage);

/* SHA-256. */
void passage_digest(struct text bytes, unsigned char digest[static 32]);

/* The body for this webhook: shared by all webhooks with the format, or its own (then written into `own`). data NULL
 * without memory. */
struct text passage_body(struct dispatcher *d, struct passage *passage, enum format format,
                         const unsigned char webhook[static UUID_SIZE], struct buffer *own);
