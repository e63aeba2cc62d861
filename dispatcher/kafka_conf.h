/* What librdkafka is configured with: what the promises rest on, and the operator's --kafka-properties. */
#pragma once
#include <librdkafka/rdkafka.h>

#include "settings.h"

/* The caller's, without callbacks. NULL, and the reason in `error`. */
rd_kafka_conf_t *kafka_conf_consumer(const struct settings *settings, struct error *error) MUST_USE;
rd_kafka_conf_t *kafka_conf_producer(const struct settings *settings, struct error *error) MUST_USE;
