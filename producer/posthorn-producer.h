/* libposthorn-producer: publish domain events to Kafka, for Posthorn to carry to webhooks.
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
 * Events go out as CloudEvents 1.0 in binary mode, keyed by their account, so that one account's events stay in one
 * partition, in the order published. The producer is idempotent: what the library itself sends again arrives once.
 *
 * The queue is bounded (100,000 events and 64 MiB, unless the properties say otherwise). When it is full
 * posthorn_publish() takes nothing, waits for nothing and says POSTHORN_FULL: call posthorn_poll() and publish the same
 * event again.
 *
 * All functions but posthorn_producer_free() may be called from several threads at once. Link with what
 * `pkg-config --cflags --libs libposthorn-producer` prints. */
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
    POSTHORN_REFUSED,  /* the event itself is wrong, and will be each time */
    POSTHORN_FULL,     /* the queue is full: poll, then publish it again */
    POSTHORN_FAILED,   /* Kafka did not acknowledge it; it may have arrived nevertheless */
    POSTHORN_TIMED_OUT /* posthorn_flush: some events are still on their way */
};

/* A message for people, in English. */
struct posthorn_error {
    char text[512];
};

/* What became of an event: called exactly once for each that posthorn_publish() took (and for no other), with
 * POSTHORN_OK, POSTHORN_FAILED, or POSTHORN_REFUSED when the event is larger than the brokers allow. `tag` is what was
 * given with it. `reason` is NULL or valid during the call only. It runs inside posthorn_poll(), posthorn_flush() or
 * posthorn_producer_free(), on that thread; it may call posthorn_publish(), but none of those three. */
typedef void posthorn_delivered(void *context, void *tag, enum posthorn_status status, const char *reason);

/* One line of the Kafka client's log; severity as in syslog(3). Runs on the client's own threads. */
typedef void posthorn_log(void *context, int severity, const char *line);

struct posthorn_options {
    const char *topic;             /* where to publish */
    const char *const *properties; /* of librdkafka: "name=value", NULL at the end; bootstrap.servers must be there */
    const char *source;            /* CloudEvents source of events that name none; NULL: "/posthorn-producer" */
    posthorn_delivered *delivered; /* NULL: nobody wants to know */
    posthorn_log *log;             /* NULL: to standard error */
    void *context;                 /* handed to both */
};

/* Everything is copied by posthorn_publish(). Texts end with NUL. */
struct posthorn_event {
    const char *id;          /* 1 to 255 visible ASCII characters; a second one of the same account is a repeat */
    const char *type;        /* 1 to 255 visible ASCII characters, such as "ach.settled" */
    const char *account;     /* 1 to 255 visible ASCII characters: whose event it is */
    const char *data;        /* one JSON value, UTF-8; arrives byte for byte */
    size_t data_size;        /* in bytes, without a NUL */
    const int64_t *occurred; /* when it happened: microseconds since 1970, UTC; NULL: now */
    const char *source;      /* CloudEvents source, a URI reference; NULL: that of the options */
    const char *traceparent; /* W3C trace context; NULL: none */
    const char *tracestate;  /* the same; it goes out beside a traceparent only */
};

struct posthorn_producer;

/* Starts the client; it connects in the background, so that a broker that is down shows as events that fail, not here.
 * Everything in the options is copied. NULL and an error when an option is missing or wrong. */
POSTHORN_PUBLIC struct posthorn_producer *posthorn_producer_new(const struct posthorn_options *options,
                                                                struct posthorn_error *error);

/* Gives up what is not acknowledged yet (its callbacks are called with POSTHORN_FAILED), closes the connections and
 * sets *producer to NULL. To lose nothing, flush first. */
POSTHORN_PUBLIC void posthorn_producer_free(struct posthorn_producer **producer);

/* Check the event and put it into the queue. POSTHORN_OK: it was taken, and the callback will tell. POSTHORN_REFUSED,
 * POSTHORN_FULL or POSTHORN_FAILED: it was not, and the error says why. */
POSTHORN_PUBLIC enum posthorn_status posthorn_publish(struct posthorn_producer *producer,
                                                      const struct posthorn_event *event, void *tag,
                                                      struct posthorn_error *error);

/* Call the callbacks of what was answered meanwhile; when there is nothing, wait for it for at most so many
 * milliseconds. */
POSTHORN_PUBLIC void posthorn_poll(struct posthorn_producer *producer, int timeout_ms);

/* Wait until every event taken was acknowledged or has failed. POSTHORN_OK: none has failed since the last call that
 * said so; POSTHORN_FAILED: some have (the callbacks tell which); POSTHORN_TIMED_OUT: some are still on their way. */
POSTHORN_PUBLIC enum posthorn_status posthorn_flush(struct posthorn_producer *producer, int timeout_ms,
                                                    struct posthorn_error *error);

/* Events taken whose callback has not been called yet. */
POSTHORN_PUBLIC size_t posthorn_pending(const struct posthorn_producer *producer);

/* The library's version, such as "1.2.3". */
POSTHORN_PUBLIC const char *posthorn_version(void);

#ifdef __cplusplus
}
#endif

#endif
