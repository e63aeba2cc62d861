/* Publishing to Kafka: one producer for all requests, and a thread that hands out the acknowledgements. */
#pragma once
#include "settings.h"

struct publisher;

struct publication { /* texts end with NUL */
    const char *id, *type, *account, *data, *traceparent, *tracestate;
    size_t data_size;
    const struct wall *time; /* NULL: now */
};

enum publish_result {
    PUBLISH_OK,
    PUBLISH_REFUSED,    /* the event is wrong: the error says how */
    PUBLISH_UNAVAILABLE /* Kafka did not acknowledge it; it may have arrived nevertheless */
};

struct publisher *publisher_new(const struct settings *settings, struct error *error) MUST_USE;
void publisher_free(struct publisher **publisher);

/* Publish and wait for the acknowledgement, at most as long as --publish-timeout. Any thread. */
enum publish_result publisher_publish(struct publisher *publisher, const struct publication *publication,
                                      struct error *error) MUST_USE;
