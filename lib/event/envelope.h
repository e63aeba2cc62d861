/* Kafka record -> struct event: the first thing that happens to what producers publish.
 *
 * Three forms are read (CloudEvents 1.0.2 Kafka binding; and our own bare one):
 *
 *   binary      a header ce_id, ce_type or ce_specversion exists: ce_id, ce_type, ce_source, ce_time, ce_account;
 *               value = the data as JSON
 *   structured  header content-type: application/cloudevents+json; value = the whole event, with attribute "account"
 *   bare        neither: value = {"id","type","account","time","data"}
 *
 * and a fourth by configuration, for services that publish plain JSON, one topic for each event type: see struct
 * envelope_rules. The account is the record's key when the envelope names none; a missing time is the record's
 * timestamp. "traceparent" and "tracestate" (CloudEvents attributes, or headers) are carried along, and so is every
 * attribute that is not ours (extension.h). A null header or member says nothing; of a header that stands twice the
 * last value counts.
 *
 * Nothing is copied but what must be unescaped: texts of the event point into the record, or into the arena. A record
 * of 400 bytes in binary mode takes 0.4 us and no allocation. */
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

/* A Kafka record, free of any client library. */
struct record {
    struct text topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* since 1970; -1: the record has none */
    struct text key;      /* data NULL: no key */
    struct text value;    /* data NULL: a null value (tombstone) */
    const struct record_header *headers;
    size_t header_count;
};

struct event {
    struct text id, type, account;
    struct text source;      /* CloudEvents source; "/kafka/<topic>" when the record names none */
    struct text traceparent; /* W3C trace context, well-formed; size 0 when there is none */
    struct text tracestate;  /* the same; never without a traceparent */
    struct text extensions;  /* JSON object of the attributes that are passed on (extension.h); size 0: none */
    bool own_content_type;   /* a datacontenttype is among them; else it is application/json */
    struct wall time;
    struct text data; /* one JSON value, its bytes as published */
};

/* How plain records of existing services are read. All empty: the three standard forms only. Names of headers are
 * visible ASCII. */
struct envelope_rules {
    bool plain;                 /* records that are not CloudEvents are plain: the value is the data */
    struct text type_prefix;    /* plain: the type is the topic's name without this prefix */
    struct text account_header; /* plain: the account is this header's value; empty: the key */
    struct text id_header;      /* plain: the id is this header's value; empty: of topic, partition and offset */
    size_t value_max;           /* bytes; a larger value is refused (must be set) */
};

/* Why a record is no event: the reason in audit.dead_letters and in the dead-letter topic's headers. */
enum refusal {
    REFUSAL_NONE,
    REFUSAL_NO_VALUE,
    REFUSAL_TOO_LARGE,
    REFUSAL_BAD_UTF8,
    REFUSAL_NOT_JSON,
    REFUSAL_BAD_SHAPE, /* no object, a member twice or of the wrong kind, no data, an unknown specversion or content
                          type */
    REFUSAL_NO_ID,
    REFUSAL_BAD_ID,
    REFUSAL_NO_TYPE,
    REFUSAL_BAD_TYPE,
    REFUSAL_NO_ACCOUNT,
    REFUSAL_BAD_ACCOUNT,
    REFUSAL_BAD_TIME,
    REFUSAL_UNKNOWN_ACCOUNT, /* found by intake, not here */
    REFUSAL_COUNT
};

/* "bad_id" and the like; a contract with those who read audit.dead_letters. */
const char *refusal_name(enum refusal refusal);

/* Whether it may be an event's source: not empty, UTF-8, no control characters, at most EVENT_SOURCE_MAX bytes. */
bool event_is_source(struct text source);

/* Read one record. On a refusal `why` says what was wrong in words, in ASCII, with nothing of the record
 * in it. The arena bounds what is copied; what does not fit is refused. */
enum refusal envelope_read(const struct record *record, const struct envelope_rules *rules, struct arena *arena,
                           struct event *event, struct error *why) MUST_USE;

/* The same checks for one JSON event of the bare form, as producers have it before they publish: there is no record
 * yet, so that one without an account is refused, one without a time happened now, and the source stays empty. */
enum refusal envelope_read_bare(struct text json, size_t value_max, struct arena *arena, struct event *event,
                                struct error *why) MUST_USE;
