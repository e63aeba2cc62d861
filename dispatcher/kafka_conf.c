#include "kafka_conf.h"

#include <stdlib.h>

#include "topics.h"

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *error)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return true;
    return error_set(error, "--kafka-properties: %s: %s", name, why); /* without the value, which may be a password */
}

/* Returns false for properties that the promises depend on: the operator may not change them. */
static bool is_free(const char *name, struct error *error)
{
    static const char *const ours[] = {"bootstrap.servers",
                                       "group.id",
                                       "enable.auto.commit",
                                       "enable.auto.offset.store",
                                       "auto.offset.reset",
                                       "isolation.level",
                                       "partition.assignment.strategy",
                                       "enable.idempotence"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(name, ours[i]) == 0)
            return error_set(error, "--kafka-properties: %s is set by Posthorn and cannot be changed", name);
    return true;
}

/* Sets the operator's "name=value;name=value", overriding our own values. librdkafka ignores, with a warning,
 * properties that only the other kind of client knows. */
static bool set_properties(rd_kafka_conf_t *conf, const char *properties, struct error *error)
{
    char *copy = strdup(properties == NULL ? "" : properties), *rest = copy, *pair;
    bool ok = copy != NULL;
    while (ok && (pair = strsep(&rest, ";")) != NULL) {
        char *equals = strchr(pair, '=');
        if (*pair == '\0')
            continue;
        if (equals == NULL) {
            ok = error_set(
                error, "--kafka-properties: a part is not of the form name=value; a value cannot contain a semicolon");
            break;
        }
        *equals = '\0';
        ok = is_free(pair, error) && set(conf, pair, equals + 1, error);
    }
    free(copy);
    return ok;
}

static rd_kafka_conf_t *common_conf(const struct settings *settings, const char *const *pairs, struct error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = set(conf, "bootstrap.servers", settings->kafka_brokers, error) &&
              set(conf, "reconnect.backoff.max.ms", "1000", error); /* reconnect soon after a broker is back */
    for (size_t i = 0; ok && pairs[i] != NULL; i += 2)
        ok = set(conf, pairs[i], pairs[i + 1], error);
    if (ok && set_properties(conf, settings->kafka_properties, error))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_conf_t *kafka_conf_consumer(const struct settings *settings, struct error *error)
{
    char value_max[32];
    snprintf(value_max, sizeof value_max, "%lld", (long long)settings->value_max + 65536);
    const char *const pairs[] = {"group.id",
                                 settings->group,
                                 "client.id",
                                 settings->name,
                                 "enable.auto.commit",
                                 "false",
                                 "enable.auto.offset.store",
                                 "false",
                                 "auto.offset.reset",
                                 "error",
                                 "isolation.level",
                                 "read_committed",
                                 "partition.assignment.strategy",
                                 "cooperative-sticky",
                                 "enable.partition.eof",
                                 "false",
                                 "queued.max.messages.kbytes",
                                 "16384",
                                 "fetch.wait.max.ms",
                                 "100",
                                 "fetch.error.backoff.ms",
                                 "100",
                                 "topic.metadata.refresh.interval.ms",
                                 "10000",
                                 "allow.auto.create.topics",
                                 "false",
                                 "session.timeout.ms",
                                 "10000",
                                 "heartbeat.interval.ms",
                                 "1000",
                                 NULL};
    rd_kafka_conf_t *conf = common_conf(settings, pairs, error);
    if (conf == NULL)
        return NULL;
    if (!topics_exclude(conf, settings->dead_letter_topic, error) ||
        (!settings->system_events && !topics_exclude(conf, settings->system_topic, error))) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return conf;
}

rd_kafka_conf_t *kafka_conf_producer(const struct settings *settings, struct error *error)
{
    const char *const pairs[] = {"client.id",
                                 settings->name,
                                 "enable.idempotence",
                                 "true",
                                 "partitioner", /* as libposthorn-producer: an account has one partition */
                                 "murmur2_random",
                                 "linger.ms",
                                 "5",
                                 "message.timeout.ms",
                                 "30000",
                                 "message.max.bytes",
                                 "1000000",
                                 "queue.buffering.max.kbytes",
                                 "65536",
                                 NULL};
    return common_conf(settings, pairs, error);
}
