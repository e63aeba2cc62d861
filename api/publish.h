/* Publish: publishing to Kafka: one producer for all requests, and a thread that handles the acknowledgements. */
#pragma once
#include "settings.h"

struct publisher;

struct publication { /* texts are NUL-terminated */
    const char *id, *type, *account, *data, *traceparent, *tracestate;
    size_t data_size;
    const struct wall *time; /* NULL: now */
};

enum publish_result {
    PUBLISH_OK,
    PUBLISH_REFUSED,    /* the event is invalid: the error has the reason */
    PUBLISH_UNAVAILABLE /* Kafka did not acknowledge it; it may have been stored nevertheless */
};

struct publisher *publisher_new(const struct settings *settings, struct error *error) MUST_USE;
void publisher_free(struct publisher **publisher);

/* Publishes the event and waits for the acknowledgement, at most --publish-timeout. May be called from any thread. */
enum publish_result publisher_publish(struct publisher *publisher, const struct publication *publication,
                                      struct error *error) MUST_USE;
