/* --topics: the names of topics, or one regular expression for them. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "base/text.h"

/* Kafka's rule: 1 to 249 of A-Z, a-z, 0-9, '.', '_' and '-', neither "." nor "..". */
bool topics_is_name(struct text name);

/* "a, b" becomes "a,b" in its place; a regular expression (POSIX extended, as librdkafka takes it) stays as it is.
 * False when it is empty, when a name or the expression is bad, when both are mixed, or when a topic is named that
 * Posthorn itself writes to. */
bool topics_check(char *topics, const char *dead_letter_topic, const char *system_topic, struct error *error) MUST_USE;

/* What rd_kafka_subscribe() takes, of a text that was checked, and of one more topic (NULL: none); the caller destroys
 * it. */
rd_kafka_topic_partition_list_t *topics_list(const char *topics, const char *more);

/* Let the client know nothing of the topic, whatever a regular expression matches; beside what the operator excludes
 * himself (topic.blacklist). */
bool topics_exclude(rd_kafka_conf_t *conf, const char *never, struct error *error) MUST_USE;
