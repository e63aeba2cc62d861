/* libposthorn-producer: publishes domain events to Kafka, from where Posthorn delivers them to webhooks.
 *
 *   const char *properties[] = {"bootstrap.servers=127.0.0.1:9092", NULL};
 *   struct posthorn_options options = {.topic = "events", .properties = properties};
 *   struct posthorn_event event = {
 *       .id = "pay-1", .type = "ach.settled", .account = "7qwnw4j2kmqvrb3",
 *       .data = "{\"amount\":\"5.00\"}", .data_size = 17};
 *   struct posthorn_error error;
 *   struct posthorn_producer *producer = posthorn_producer_new(&options, &error);
 *   if (producer == NULL || posthorn_publish(producer, &event, NULL, &error) != POSTHORN_OK ||
 *       posthorn_flush(producer, 30000, &error) != POSTHORN_OK)
 *       fprintf(stderr, "%s\n", error.text);
 *   posthorn_producer_free(&producer);
 *
 * Events are published as CloudEvents 1.0 in binary mode, with their account as key, so that the events of an account
 * are in one partition, in the order published. The producer is idempotent: an event that the library itself sends
 * again is stored once.
 *
 * The queue is bounded (100,000 events and 64 MiB, unless the properties say otherwise). If it is full,
 * posthorn_publish() does not wait and returns POSTHORN_FULL: call posthorn_poll() and publish the same event again.
 *
 * All functions except posthorn_producer_free() are thread-safe. Link with the output of `pkg-config --cflags --libs
 * libposthorn-producer`. */
#ifndef POSTHORN_PRODUCER_H
#define POSTHORN_PRODUCER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POSTHORN_PUBLIC __attribute__((visibility("default")))

enum posthorn_status {
    POSTHORN_OK,
    POSTHORN_REFUSED,  /* the event is invalid; publishing it again does not help */
    POSTHORN_FULL,     /* the queue is full: poll, then publish the event again */
    POSTHORN_FAILED,   /* Kafka did not acknowledge it; it may have been stored nevertheless */
    POSTHORN_TIMED_OUT /* posthorn_flush(): some events are not acknowledged yet */
};

/* An error message in English. */
struct posthorn_error {
    char text[512];
};

/* Reports the outcome of an event. Called exactly once for each event that posthorn_publish() accepted, and for no
 * other, with POSTHORN_OK, POSTHORN_FAILED, or POSTHORN_REFUSED if the event is larger than the brokers allow. `tag` is
 * the argument of posthorn_publish(). `reason` is NULL, or valid during the call only. It is called by posthorn_poll(),
 * posthorn_flush() or posthorn_producer_free(), on their thread. It may call posthorn_publish(), but none of those
 * three. */
typedef void posthorn_delivered(void *context, void *tag, enum posthorn_status status, const char *reason);

/* Gets one line of the Kafka client's log; severity as in syslog(3). Called on the client's own threads. */
typedef void posthorn_log(void *context, int severity, const char *line);

struct posthorn_options {
    const char *topic;             /* topic to publish to */
    const char *const *properties; /* of librdkafka: "name=value", NULL at the end; bootstrap.servers is required */
    const char *source;            /* CloudEvents source of events without one; NULL: "/posthorn-producer" */
    posthorn_delivered *delivered; /* NULL: no reports */
    posthorn_log *log;             /* NULL: log to standard error */
    void *context;                 /* passed to both callbacks */
};

/* posthorn_publish() copies everything. Texts are NUL-terminated. */
struct posthorn_event {
    const char *id;      /* 1 to 255 visible ASCII characters; a second event of the account with this id is a repeat */
    const char *type;    /* 1 to 255 visible ASCII characters, such as "ach.settled" */
    const char *account; /* 1 to 255 visible ASCII characters: the account that the event belongs to */
    const char *data;    /* one JSON value in UTF-8; delivered byte for byte */
    size_t data_size;    /* in bytes, without a NUL */
    const int64_t *occurred; /* time of the event: microseconds since 1970, UTC; NULL: now */
    const char *source;      /* CloudEvents source, a URI reference; NULL: that of the options */
    const char *traceparent; /* W3C trace context; NULL: none */
    const char *tracestate;  /* likewise; sent only with a traceparent */
};

struct posthorn_producer;

/* Starts the client. It connects in the background: if a broker is down, events fail, but not this function. Copies all
 * options. Returns NULL if an option is missing or invalid. */
POSTHORN_PUBLIC struct posthorn_producer *posthorn_producer_new(const struct posthorn_options *options,
                                                                struct posthorn_error *error);

/* Drops events that are not acknowledged yet (their callbacks get POSTHORN_FAILED), closes the connections and sets
 * *producer to NULL. Call posthorn_flush() first to lose no event. */
POSTHORN_PUBLIC void posthorn_producer_free(struct posthorn_producer **producer);

/* Checks the event and adds it to the queue. POSTHORN_OK: it was accepted, and the callback will report the outcome.
 * POSTHORN_REFUSED, POSTHORN_FULL or POSTHORN_FAILED: it was not accepted; the error has the reason. */
POSTHORN_PUBLIC enum posthorn_status posthorn_publish(struct posthorn_producer *producer,
                                                      const struct posthorn_event *event, void *tag,
                                                      struct posthorn_error *error);

/* Calls the callbacks of events whose outcome is known. If there are none, waits for one, at most this many
 * milliseconds. */
POSTHORN_PUBLIC void posthorn_poll(struct posthorn_producer *producer, int timeout_ms);

/* Waits until every accepted event was acknowledged or has failed. POSTHORN_OK: none has failed since the last call
 * that returned POSTHORN_OK or POSTHORN_FAILED; POSTHORN_FAILED: some have (see the callbacks); POSTHORN_TIMED_OUT:
 * some are not acknowledged yet. */
POSTHORN_PUBLIC enum posthorn_status posthorn_flush(struct posthorn_producer *producer, int timeout_ms,
                                                    struct posthorn_error *error);

/* Returns the number of accepted events whose callback has not been called yet. */
POSTHORN_PUBLIC size_t posthorn_pending(const struct posthorn_producer *producer);

/* Returns the library's version, for example "1.2.3". */
POSTHORN_PUBLIC const char *posthorn_version(void);

#ifdef __cplusplus
}
#endif

#endif
