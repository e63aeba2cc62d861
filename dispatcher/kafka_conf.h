/* The configuration of librdkafka: properties that the promises depend on, and the operator's --kafka-properties. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "settings.h"

/* The caller owns the result, which has no callbacks. Return NULL, with the reason in `error`, if it is invalid. */
rd_kafka_conf_t *kafka_conf_consumer(const struct settings *settings, struct error *error) MUST_USE;
rd_kafka_conf_t *kafka_conf_producer(const struct settings *settings, struct error *error) MUST_USE;
