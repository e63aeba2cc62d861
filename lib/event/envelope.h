/* Envelope: reads a Kafka record as an event. This is the first step of intake.
 *
 * Three forms are read (those of the CloudEvents 1.0.2 Kafka binding, and our bare form):
 *
 *   binary      a header ce_id, ce_type or ce_specversion exists: ce_id, ce_type, ce_source, ce_time, ce_account;
 *               value = the data as JSON
 *   structured  header content-type: application/cloudevents+json; value = the whole event, with attribute "account"
 *   bare        neither: value = {"id","type","account","time","data"}
 *
 * A fourth form, if configured, is for services that publish plain JSON, one topic for each event type: see struct
 * envelope_rules. If the envelope has no account, the account is the record's key; if it has no time, the time is the
 * record's timestamp. "traceparent" and "tracestate" (CloudEvents attributes, or headers) are kept, and so are all
 * attributes that Posthorn does not use (extension.h). A null header or member counts as absent; of repeated headers,
 * the last value counts.
 *
 * Only texts that must be unescaped are copied: texts of the event point into the record or into the arena. Reading a
 * record of 400 bytes in binary mode takes 0.4 us and no allocation. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

#define EVENT_ID_MAX 255                  /* visible ASCII characters */
#define EVENT_TYPE_MAX 255                /* visible ASCII characters */
#define EVENT_ACCOUNT_MAX 255             /* visible ASCII characters */
#define EVENT_SOURCE_MAX 1024             /* bytes of UTF-8 without control characters */
#define EVENT_TIME_MAX 253402300799999999 /* 9999-12-31T23:59:59.999999Z, in microseconds since 1970 */

struct record_header {
    struct text name, value; /* value.data NULL: a null header */
};

/* A Kafka record, independent of the client library. */
struct record {
    struct text topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* since 1970; -1: none */
    struct text key;      /* data NULL: no key */
    struct text value;    /* data NULL: a null value (tombstone) */
    const struct record_header *headers;
    size_t header_count;
};

struct event {
    struct text id, type, account;
    struct text source;      /* CloudEvents source; "/kafka/<topic>" if the record has none */
    struct text traceparent; /* W3C trace context, well-formed; size 0: none */
    struct text tracestate;  /* as traceparent; empty if there is no traceparent */
    struct text extensions;  /* JSON object of the attributes that are passed on (extension.h); size 0: none */
    bool own_content_type;   /* the extensions contain datacontenttype; otherwise it is application/json */
    struct wall time;
    struct text data; /* one JSON value, with the bytes as published */
};

/* How plain records of existing services are read. All fields empty: only the three standard forms. Header names are
 * visible ASCII. */
struct envelope_rules {
    bool plain;                 /* records that are not CloudEvents are plain: the value is the data */
    struct text type_prefix;    /* plain: the type is the topic's name without this prefix */
    struct text account_header; /* plain: the account is the value of this header; empty: the key */
    struct text id_header; /* plain: the id is the value of this header; empty: made from topic, partition and offset */
    size_t value_max;      /* bytes; a larger value is refused (must be set) */
};

/* Why a record is invalid: the reason in audit.dead_letters and in the dead-letter topic's headers. */
enum refusal {
    REFUSAL_NONE,
    REFUSAL_NO_VALUE,
    REFUSAL_TOO_LARGE,
    REFUSAL_BAD_UTF8,
    REFUSAL_NOT_JSON,
    REFUSAL_BAD_SHAPE, /* no object; a member twice, or of the wrong type; no data; an unknown specversion or content
                          type */
    REFUSAL_NO_ID,
    REFUSAL_BAD_ID,
    REFUSAL_NO_TYPE,
    REFUSAL_BAD_TYPE,
    REFUSAL_NO_ACCOUNT,
    REFUSAL_BAD_ACCOUNT,
    REFUSAL_BAD_TIME,
    REFUSAL_UNKNOWN_ACCOUNT, /* found by intake */
    REFUSAL_COUNT
};

/* Returns "bad_id" and the like. Readers of audit.dead_letters depend on these names. */
const char *refusal_name(enum refusal refusal);

/* True for a valid event source: not empty, UTF-8, no control characters, at most EVENT_SOURCE_MAX bytes. */
bool event_is_source(struct text source);

/* Reads one record. If it is refused, `why` has the explanation, in ASCII and without any part of the record. Texts
 * that do not fit into the arena are refused. */
enum refusal envelope_read(const struct record *record, const struct envelope_rules *rules, struct arena *arena,
                           struct event *event, struct error *why) MUST_USE;

/* Checks one JSON event of the bare form in the same way, for producers before they publish. As there is no record, an
 * event without account is refused, the time defaults to now, and the source stays empty. */
enum refusal envelope_read_bare(struct text json, size_t value_max, struct arena *arena, struct event *event,
                                struct error *why) MUST_USE;
