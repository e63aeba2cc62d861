#include "settings.h"

#include "base/log.h"

#define S struct settings
#define SECONDS(n) ((n)*1000000000LL)

static const struct setting table[] = {
    SETTING_TEXT(S, listen, "listen", "127.0.0.1:8080", "ADDRESS:PORT", "address at which to serve the API", 0),
    SETTING_TEXT(S, monitor, "monitor", "", "ADDRESS:PORT",
                 "further address at which to serve /metrics, /healthz and /readyz; empty: only the latter two are "
                 "served, at the address of the API",
                 0),
    SETTING_TEXT(S, database_url, "database-url", NULL, "URL", "PostgreSQL, as a libpq connection URI",
                 SETTING_SECRET | SETTING_REQUIRED),
    SETTING_TEXT(
        S, master_key, "master-key", NULL, "HEX",
        "the key that seals secrets: 64 hexadecimal digits; older keys may follow it, and are used only for decryption",
        SETTING_SECRET | SETTING_REQUIRED),
    SETTING_TEXT(S, kafka_brokers, "kafka-brokers", NULL, "HOST:PORT,…", "Kafka's bootstrap servers", SETTING_REQUIRED),
    {"kafka-properties", 'X', SETTING_KIND_TEXT, SETTING_MANY | SETTING_SECRET, offsetof(S, kafka_properties), NULL,
     "NAME=VALUE;…", 0, 0, "any librdkafka property (SASL, TLS, …); may be given several times"},
    SETTING_TEXT(S, topic, "topic", "posthorn.events", "NAME", "topic to which events are published", 0),
    SETTING_TEXT(S, allow_networks, "allow-networks", "", "CIDR,…",
                 "networks in which webhooks are allowed although they are not public; the same as for the dispatchers",
                 0),
    SETTING_TEXT(S, deny_networks, "deny-networks", "", "CIDR,…",
                 "networks in which webhooks are not allowed although they are public; the same as for the dispatchers",
                 0),
    SETTING_TEXT(S, allow_ports, "allow-ports", "80,443", "PORT,…|any",
                 "ports that the URLs of webhooks may have; the same as for the dispatchers", 0),
    SETTING_TEXT(S, console, "console", "", "DIR",
                 "directory with the built pages of the console, which are served at /console/", 0),
    SETTING_COUNT(S, connections_max, "connections-max", "512", 1, 65536,
                  "maximum number of open connections of callers; each address has a share"),
    SETTING_COUNT(S, bodies_max, "bodies-max", "134217728", 1024 * 1024, 64LL * 1024 * 1024 * 1024,
                  "maximum size of all request bodies in memory, in bytes; each account has a share"),
    SETTING_COUNT(
        S, database_connections, "database-connections", "16", 1, 1000,
        "maximum number of connections to PostgreSQL, in addition to one for probes; each account has a share"),
    SETTING_COUNT(S, rate_limit, "rate-limit", "6000", 1, 100000000,
                  "maximum number of requests per minute with one credential; each full 4 KiB of a body count as one "
                  "more"),
    SETTING_COUNT(S, change_limit, "change-limit", "100", 1, 100000,
                  "changes of an account's webhooks, and test deliveries, per minute; the number for ten minutes may "
                  "be used at once, and each 4 KiB of a body counts as a further change"),
    SETTING_COUNT(S, webhooks_max, "webhooks-max", "10000", 1, 1000000, "maximum number of webhooks of one account"),
    SETTING_COUNT(S, event_max, "event-max", "1000000", 1024, 64 * 1024 * 1024,
                  "maximum size of the data of a published event, in bytes; the topic (max.message.bytes) must accept "
                  "4 KiB more, and the dispatchers (value-max) the same size"),
    SETTING_COUNT(S, logins_max, "logins-max", "4", 1, 1000,
                  "passwords verified at once; each takes 19 MiB and about 30 ms of a core; each address has a share"),
    SETTING_SPAN(S, token_time, "token-time", "15m", SECONDS(1), SECONDS(86400), "how long a session token is valid"),
    SETTING_SPAN(S, session_time, "session-time", "14d", SECONDS(1), SECONDS(365LL * 86400),
                 "how long a session can be refreshed"),
    SETTING_SPAN(S, console_session_time, "console-session-time", "12h", SECONDS(60), SECONDS(30 * 86400),
                 "maximum duration of a session in the console"),
    SETTING_SPAN(S, console_idle_time, "console-idle-time", "30m", SECONDS(1), SECONDS(30 * 86400),
                 "maximum duration of a session in the console without a request"),
    SETTING_SPAN(S, publish_timeout, "publish-timeout", "5s", SECONDS(1), SECONDS(300),
                 "maximum time for Kafka to acknowledge an event"),
    SETTING_SPAN(S, database_wait, "database-wait", "3s", 1000000, SECONDS(60),
                 "maximum time for which a request waits for a connection to PostgreSQL"),
    SETTING_SPAN(S, database_timeout, "database-timeout", "10s", 1000000, SECONDS(3600),
                 "maximum duration of one statement in PostgreSQL"),
    SETTING_SPAN(
        S, request_timeout, "request-timeout", "30s", SECONDS(1), SECONDS(3600),
        "maximum time from the first byte of a request to its last; an idle connection is also closed after this time"),
    SETTING_TEXT(S, forwarded_for, "forwarded-for", "", "CIDR,…",
                 "networks of the proxies whose X-Forwarded-For is trusted; the address of the caller is the last one "
                 "in it that is not in these networks",
                 0),
    SETTING_CHOICE(S, log_level, "log-level", "info", LOG_LEVELS, "lowest level that is logged"),
    {0}};

const struct program api_program = {
    .name = "posthorn-api",
    .about = "serves the management API (webhooks, events, attempts, credentials) and the console",
    .usage = "[OPTION]…",
    .details =
        "Several processes may run behind a load balancer, because they keep no state. /openapi.json describes the\n"
        "API, and /docs shows the description. After SIGTERM, the process completes its requests and ends.",
    .settings = table,
};
