#include "publish.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "producer/posthorn-producer.h"

#define PROPERTIES_MAX 64
#define POLL_MS 100
#define RECORD_EXTRA (64 * 1024) /* bytes of a record besides its data: key, headers, framing */

struct publisher {
    struct posthorn_producer *producer;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t answered;
};

/* On the stack of the request, which waits until the producer has reported; the producer always does. */
struct waiting {
    bool done;
    enum posthorn_status status;
    char reason[200];
};

static void delivered(void *context, void *tag, enum posthorn_status status, const char *reason)
{
    struct publisher *publisher = context;
    struct waiting *waiting = tag;
    pthread_mutex_lock(&publisher->lock);
    waiting->done = true;
    waiting->status = status;
    snprintf(waiting->reason, sizeof waiting->reason, "%s", reason != NULL ? reason : "");
    pthread_cond_broadcast(&publisher->answered);
    pthread_mutex_unlock(&publisher->lock);
}

static void on_log(void *context, int severity, const char *line)
{
    (void)context;
    log_write(severity <= 3 ? LOG_WARNING : LOG_INFO, "kafka", "text=\"%s\"", line);
}

static void *poll_for_ever(void *owner)
{
    struct publisher *publisher = owner;
    while (!atomic_load(&publisher->stop))
        posthorn_poll(publisher->producer, POLL_MS);
    return NULL;
}

/* Appends "a=b;c=d" to our own properties; they point into `copy`. */
static bool add_properties(char *copy, const char **properties, size_t *count, struct error *error)
{
    char *rest = copy, *item;
    while ((item = strsep(&rest, ";")) != NULL) {
        if (*item == '\0')
            continue;
        if (*count + 1 >= PROPERTIES_MAX)
            return error_set(error, "--kafka-properties: more than %d", PROPERTIES_MAX);
        properties[(*count)++] = item;
    }
    properties[*count] = NULL;
    return true;
}

static bool start(struct publisher *publisher, const struct settings *settings, struct error *error)
{
    const char *properties[PROPERTIES_MAX];
    char brokers[2048], timeout[64], size[64];
    struct posthorn_error why;
    size_t count = 0;
    char *copy = strdup(settings->kafka_properties != NULL ? settings->kafka_properties : "");
    snprintf(brokers, sizeof brokers, "bootstrap.servers=%s", settings->kafka_brokers);
    snprintf(timeout, sizeof timeout, "message.timeout.ms=%lld", (long long)span_ms(settings->publish_timeout));
    snprintf(size, sizeof size, "message.max.bytes=%lld", (long long)settings->event_max + RECORD_EXTRA);
    properties[count++] = brokers;
    properties[count++] = size;
    properties[count++] = timeout;
    properties[count++] = "client.id=posthorn-api";
    properties[count++] = "linger.ms=0";
    bool ok = copy != NULL && add_properties(copy, properties, &count, error);
    struct posthorn_options options = {.topic = settings->topic,
                                       .properties = properties,
                                       .source = "/posthorn-api",
                                       .delivered = delivered,
                                       .log = on_log,
                                       .context = publisher};
    if (ok && (publisher->producer = posthorn_producer_new(&options, &why)) == NULL)
        ok = error_set(error, "Kafka: %s", why.text);
    free(copy);
    publisher->started = ok && pthread_create(&publisher->thread, NULL, poll_for_ever, publisher) == 0;
    return ok && (publisher->started || error_set(error, "no thread for Kafka"));
}

struct publisher *publisher_new(const struct settings *settings, struct error *error)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    pthread_mutex_init(&publisher->lock, NULL);
    pthread_cond_init(&publisher->answered, NULL);
    if (!start(publisher, settings, error))
        publisher_free(&publisher);
    return publisher;
}

void publisher_free(struct publisher **publisher)
{
    struct publisher *old = *publisher;
    if (old == NULL)
        return;
    atomic_store(&old->stop, true);
    if (old->started)
        pthread_join(old->thread, NULL);
    if (old->producer != NULL)
        posthorn_producer_free(&old->producer);
    pthread_cond_destroy(&old->answered);
    pthread_mutex_destroy(&old->lock);
    free(old);
    *publisher = NULL;
}

enum publish_result publisher_publish(struct publisher *publisher, const struct publication *publication,
                                      struct error *error)
{
    struct waiting waiting = {0};
    struct posthorn_error why;
    struct posthorn_event event = {.id = publication->id,
                                   .type = publication->type,
                                   .account = publication->account,
                                   .data = publication->data,
                                   .data_size = publication->data_size,
                                   .occurred = publication->time == NULL ? NULL : &publication->time->us,
                                   .traceparent = publication->traceparent,
                                   .tracestate = publication->tracestate};
    enum posthorn_status status = posthorn_publish(publisher->producer, &event, &waiting, &why);
    if (status != POSTHORN_OK) {
        error_set(error, "%s", why.text);
        return status == POSTHORN_REFUSED ? PUBLISH_REFUSED : PUBLISH_UNAVAILABLE;
    }
    pthread_mutex_lock(&publisher->lock);
    while (!waiting.done)
        pthread_cond_wait(&publisher->answered, &publisher->lock);
    pthread_mutex_unlock(&publisher->lock);
    if (waiting.status == POSTHORN_OK)
        return PUBLISH_OK;
    error_set(error, "%s", waiting.reason);
    return waiting.status == POSTHORN_REFUSED ? PUBLISH_REFUSED : PUBLISH_UNAVAILABLE;
}
