#include "settings.h"

#include "base/log.h"

#define S struct settings
#define SECONDS(n) ((n)*1000000000LL)

static const struct setting table[] = {
    SETTING_TEXT(S, listen, "listen", "127.0.0.1:8080", "ADDRESS:PORT", "serve the API there", 0),
    SETTING_TEXT(S, monitor, "monitor", "", "ADDRESS:PORT",
                 "serve /metrics, /healthz and /readyz there too; empty: only the latter two, with the API", 0),
    SETTING_TEXT(S, database_url, "database-url", NULL, "URL", "PostgreSQL, as a libpq connection URI",
                 SETTING_SECRET | SETTING_REQUIRED),
    SETTING_TEXT(
        S, master_key, "master-key", NULL, "HEX",
        "the key that seals secrets: 64 hexadecimal digits; older keys may follow it, and are used only for decryption",
        SETTING_SECRET | SETTING_REQUIRED),
    SETTING_TEXT(S, kafka_brokers, "kafka-brokers", NULL, "HOST:PORT,…", "Kafka's bootstrap servers", SETTING_REQUIRED),
    {"kafka-properties", 'X', SETTING_KIND_TEXT, SETTING_MANY | SETTING_SECRET, offsetof(S, kafka_properties), NULL,
     "NAME=VALUE;…", 0, 0, "any librdkafka property (SASL, TLS, …); may be given several times"},
    SETTING_TEXT(S, topic, "topic", "posthorn.events", "NAME", "where events are published", 0),
    SETTING_TEXT(S, allow_networks, "allow-networks", "", "CIDR,…",
                 "networks that webhooks may be in although they are not public: as the dispatchers have it", 0),
    SETTING_TEXT(S, deny_networks, "deny-networks", "", "CIDR,…",
                 "networks that webhooks may not be in although they are public: as the dispatchers have it", 0),
    SETTING_TEXT(S, allow_ports, "allow-ports", "80,443", "PORT,…|any",
                 "ports that webhooks may have: as the dispatchers have it", 0),
    SETTING_TEXT(S, console, "console", "", "DIR", "serve the console's built pages in this directory at /console/", 0),
    SETTING_COUNT(S, connections_max, "connections-max", "512", 1, 65536,
                  "open connections of callers, at most; each address has a share"),
    SETTING_COUNT(S, bodies_max, "bodies-max", "134217728", 1024 * 1024, 64LL * 1024 * 1024 * 1024,
                  "bytes of requests' bodies in memory, at most; each account has a share"),
    SETTING_COUNT(S, database_connections, "database-connections", "16", 1, 1000,
                  "connections to PostgreSQL, at most, and one for probes; each account has a share"),
    SETTING_COUNT(S, rate_limit, "rate-limit", "6000", 1, 100000000,
                  "requests of one credential per minute; each full 4 KiB of a body count as another one"),
    SETTING_COUNT(S, change_limit, "change-limit", "100", 1, 100000,
                  "changes of an account's webhooks, and tests, a minute; ten minutes' worth may come at once, and "
                  "each 4 KiB of a "
                  "body counts as another one"),
    SETTING_COUNT(S, webhooks_max, "webhooks-max", "10000", 1, 1000000, "webhooks of one account"),
    SETTING_COUNT(
        S, event_max, "event-max", "1000000", 1024, 64 * 1024 * 1024,
        "bytes of a published event's data; the topic (max.message.bytes) must take 4 KiB more, and the dispatchers "
        "(value-max) as much"),
    SETTING_COUNT(S, logins_max, "logins-max", "4", 1, 1000,
                  "passwords looked at at once: each takes 19 MiB and some 30 ms of a core"),
    SETTING_SPAN(S, token_time, "token-time", "15m", SECONDS(1), SECONDS(86400), "how long a session token is good"),
    SETTING_SPAN(S, session_time, "session-time", "14d", SECONDS(1), SECONDS(365LL * 86400),
                 "how long a session can be refreshed"),
    SETTING_SPAN(S, console_session_time, "console-session-time", "12h", SECONDS(60), SECONDS(30 * 86400),
                 "how long a sign-in in the console lasts at most"),
    SETTING_SPAN(S, console_idle_time, "console-idle-time", "30m", SECONDS(1), SECONDS(30 * 86400),
                 "and how long without a request"),
    SETTING_SPAN(S, publish_timeout, "publish-timeout", "5s", SECONDS(1), SECONDS(300),
                 "the longest that Kafka may take to acknowledge an event"),
    SETTING_SPAN(S, database_wait, "database-wait", "3s", 1000000, SECONDS(60),
                 "the longest that a request waits for a connection to PostgreSQL"),
    SETTING_SPAN(S, database_timeout, "database-timeout", "10s", 1000000, SECONDS(3600),
                 "the longest that one statement may run in PostgreSQL"),
    SETTING_SPAN(S, request_timeout, "request-timeout", "30s", SECONDS(1), SECONDS(3600),
                 "the longest from a request's first byte to its last; and how long a connection is kept without one"),
    SETTING_TEXT(
        S, forwarded_for, "forwarded-for", "", "CIDR,…",
        "networks of the proxies whose X-Forwarded-For is believed: the caller's address is the last one there "
        "that is not theirs",
        0),
    SETTING_CHOICE(S, log_level, "log-level", "info", LOG_LEVELS, "lowest level that is logged"),
    {0}};

const struct program api_program = {
    .name = "posthorn-api",
    .about = "the management API: webhooks, events, attempts, credentials; and the console",
    .usage = "[OPTION]…",
    .details = "Several copies may run behind a balancer: they keep no state of their own.\n"
               "/openapi.json describes it, /docs shows that. SIGTERM drains.",
    .settings = table,
};
