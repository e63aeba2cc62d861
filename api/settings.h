/* The settings of posthorn-api, from options, environment variables or a file; the table is in settings.c. */
#pragma once
#include "base/config.h"

struct settings {
    char *listen, *monitor, *database_url, *master_key, *kafka_brokers, *kafka_properties, *topic, *allow_networks,
        *deny_networks, *allow_ports, *console, *forwarded_for;
    int64_t connections_max, database_connections, rate_limit, change_limit, webhooks_max, event_max, bodies_max,
        logins_max;
    struct span token_time, session_time, console_session_time, console_idle_time, publish_timeout, database_wait,
        database_timeout, request_timeout;
    int log_level;
};

extern const struct program api_program;
