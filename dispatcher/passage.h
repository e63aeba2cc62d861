/* Passage: one event on its way through the dispatcher. It comes from a Kafka record, and then belongs to a partition,
 * or from pending rows, and then does not.
 *
 * It lives while it has references: from its partition's list and from each of its deliveries. Its texts point into the
 * Kafka message or into its arena. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "dispatcher.h"
#include "event/notification.h"
#include "event/uuid.h"

#define HEADERS_SIZE_MAX 65536 /* bytes of a record's header names and values; a record with more is a dead letter */

enum passage_kind {
    PASSAGE_UNREAD, /* not through intake yet: the position cannot pass it */
    PASSAGE_EVENT,
    PASSAGE_REPEAT, /* the event id was published before, with other coordinates */
    PASSAGE_DEAD_LETTER,
    PASSAGE_SKIPPED /* its partition is not ours any more: the position does not pass it */
};

struct passage {
    TAILQ_ENTRY(passage) link;   /* in its partition's list, in the order of offsets */
    struct partition *partition; /* NULL: it comes from pending rows, or the partition was lost */
    int references;
    enum passage_kind kind;
    int open; /* holds by intake, deliveries and a dead letter's copy that are not in a flush yet; see passage_hold() */
    int matched;
    bool fanned; /* the fan-out is done */
    struct mono read_at;
    size_t size; /* bytes charged to the dispatcher's memory, to the account once it is known */

    int32_t position_id;
    int64_t offset;
    int64_t timestamp_ms;        /* of the record */
    unsigned char digest[32];    /* SHA-256 of the record's value */
    bool from_backlog;           /* it comes from pending rows, not from a Kafka record */
    rd_kafka_message_t *message; /* the record; NULL: from pending rows, too large to be kept, or not needed any more */
    const char *topic;           /* of the record, as are the fields below; in the message or in the arena */
    int32_t number;              /* of the Kafka partition */
    struct text key, value;
    size_t headers_size, record_size; /* bytes of all headers; bytes charged for the record */
    struct arena arena;

    struct event event;
    unsigned char hash[32]; /* ids_hash() */
    int32_t account_id;
    int32_t period; /* of the event row: days since 2000-01-01 */
    enum refusal refusal;
    struct error refused_why;
    int32_t repeat_of_position;
    int64_t repeat_of_offset;

    const struct reached *reached;    /* webhooks found by unloaded.c; NULL: not looked up */
    struct text bodies[FORMAT_COUNT]; /* each made when the first delivery needs it; in the arena */
    struct delivery_list deliveries;
};

/* The caller owns the one reference. `payload_size` bytes are charged in addition to the passage itself. `account_id`
 * is 0 while the account is unknown. Returns NULL if memory is short. */
struct passage *passage_new(struct dispatcher *d, int32_t account_id, size_t payload_size);
void passage_release(struct dispatcher *d, struct passage *passage);

/* Adds or removes a hold: something about the passage is not in a flush yet. The position does not pass a passage with
 * holds. */
void passage_hold(struct passage *passage);
void passage_let_go(struct passage *passage);
/* True if the passage holds an event and its partition is ours. */
bool passage_is_readable(const struct passage *passage);
/* True if everything about the passage is in a flush, or there was nothing to do: the position may pass it. */
bool passage_is_over(const struct passage *passage);

/* The only function that sets the kind. SKIPPED is final. */
void passage_become(struct passage *passage, enum passage_kind kind);

/* Sets the account, which is charged for the passage's memory from now on. */
void passage_set_account(struct dispatcher *d, struct passage *passage, int32_t account_id);

/* Charges, or gives back, memory that is kept for the passage. What is still charged is given back with the last
 * reference. */
void passage_charge(struct dispatcher *d, struct passage *passage, size_t size);
void passage_discharge(struct dispatcher *d, struct passage *passage, size_t size);

/* Frees the record once the position has passed it: only requests in flight still refer to the passage, and they need
 * its bodies only. librdkafka keeps a whole fetch in memory for each record that is held, so a record must not be held
 * for a webhook that does not answer. */
void passage_forget_record(struct dispatcher *d, struct passage *passage);

/* Drops headers that are too large to keep. Key and value are kept, in the arena. */
void passage_drop_headers(struct passage *passage);

/* Computes the SHA-256 of `bytes`. */
void passage_digest(struct text bytes, unsigned char digest[static 32]);

/* Returns the body for this webhook. It is shared by all webhooks of the format; or, for a format whose bodies differ
 * by webhook, written into `own`. data is NULL if memory is short. */
struct text passage_body(struct dispatcher *d, struct passage *passage, enum format format,
                         const unsigned char webhook[static UUID_SIZE], struct buffer *own);
