/* The value of --topics: topic names, or one regular expression that matches topic names. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "base/text.h"

/* True if `name` is a valid topic name. Kafka's rule: 1 to 249 of A-Z, a-z, 0-9, '.', '_' and '-', neither "." nor
 * "..". */
bool topics_is_name(struct text name);

/* Checks the value of --topics and normalizes it in place: "a, b" becomes "a,b"; a regular expression (POSIX extended,
 * as librdkafka takes it) is not changed. Returns false if the value is empty, if a name or the expression is invalid,
 * if names and an expression are mixed, or if it names a topic that Posthorn itself writes to. */
bool topics_check(char *topics, const char *dead_letter_topic, const char *system_topic, struct error *error) MUST_USE;

/* Makes the argument of rd_kafka_subscribe() from a value that topics_check() accepted, plus one more topic (`more`;
 * NULL: none). The caller destroys the list. */
rd_kafka_topic_partition_list_t *topics_list(const char *topics, const char *more);

/* Excludes the topic `never` from the subscription, even if a regular expression matches it. Topics that the operator
 * excludes (topic.blacklist) stay excluded. */
bool topics_exclude(rd_kafka_conf_t *conf, const char *never, struct error *error) MUST_USE;
