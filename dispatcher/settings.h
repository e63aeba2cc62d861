/* The settings of the dispatcher: one table (settings.c), from which --help and the manual are printed. */
#pragma once
#include "base/config.h"

#define RETRIES_MAX 64

enum { STORE_SEALED, STORE_PLAIN };
enum { START_BEGINNING, START_END };

struct settings {
    /* connections and names */
    char *kafka_brokers, *kafka_properties, *database_url, *master_key, *topics, *group, *source, *dead_letter_topic,
        *system_topic, *listen, *name;
    /* intake */
    int start;
    bool system_events, plain_records;
    char *plain_type_prefix, *plain_account_header, *plain_id_header;
    int64_t value_max, batch_max, memory_max;
    int store_payload;
    /* delivery */
    char *retry_schedule, *allow_networks, *deny_networks, *allow_ports, *name_servers, *source_address, *proxy,
        *ca_file, *user_agent;
    struct span request_timeout, connect_timeout, connection_idle_max, retry_after_max, disable_after, gone_after,
        drain_timeout;
    int64_t window_max, in_flight_max, young_max, response_max, response_keep;
    /* flush */
    struct span flush_interval, park_after, clock_interval;
    int64_t flush_rows;
    int log_level;

    /* computed by settings_check() */
    struct span retries[RETRIES_MAX];
    size_t retry_count;
};

extern const struct program dispatcher_program;

/* Checks what the table cannot express and fills in the computed settings. `settings` is a struct settings. Called
 * through dispatcher_program. */
bool settings_check(void *settings, struct error *error) MUST_USE;
