#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "topics.h"

#define KEPT_MAX (144 << 20) /* bytes that requests in flight may add to a full flush (ROWS_MAX, flush_rows.c) */

#define S struct settings

static const struct setting table[] = {
    SETTING_TEXT(S, kafka_brokers, "kafka-brokers", NULL, "HOST:PORT,…", "Kafka's bootstrap servers", SETTING_REQUIRED),
    {"kafka-properties", 'X', SETTING_KIND_TEXT, SETTING_MANY | SETTING_SECRET, offsetof(S, kafka_properties), NULL,
     "NAME=VALUE;…", 0, 0, "any librdkafka property (SASL, TLS, …); may be given several times"},
    SETTING_TEXT(S, database_url, "database-url", NULL, "URL", "PostgreSQL, as a libpq connection URI",
                 SETTING_SECRET | SETTING_REQUIRED),
    SETTING_TEXT(
        S, master_key, "master-key", NULL, "HEX",
        "the key that seals secrets: 64 hexadecimal digits; older keys may follow it, and are used only for decryption",
        SETTING_SECRET | SETTING_REQUIRED),
    SETTING_TEXT(S, topics, "topics", "posthorn.events", "NAME,…|^REGEX",
                 "topics to consume: names, or one regular expression that begins with ^ (never both); the "
                 "dead-letter topic and the system topic are refused as names and excluded from an expression",
                 0),
    SETTING_TEXT(S, group, "group", "posthorn", "NAME", "consumer group", 0),
    SETTING_TEXT(S, source, "source", "kafka", "NAME", "name of this Kafka cluster in positions and the audit", 0),
    SETTING_TEXT(S, dead_letter_topic, "dead-letter-topic", "posthorn.dead-letter", "NAME",
                 "topic to which invalid records are copied", 0),
    SETTING_TEXT(S, system_topic, "system-topic", "posthorn.system-events", "NAME",
                 "topic to which Posthorn publishes its own events, such as webhook.disabled", 0),
    SETTING_FLAG(S, system_events, "system-events",
                 "also consume --system-topic, so that webhooks can subscribe to webhook.disabled"),
    SETTING_TEXT(S, listen, "listen", "", "ADDRESS:PORT",
                 "address at which to serve /metrics, /healthz and /readyz; empty: none", 0),
    SETTING_TEXT(S, name, "name", NULL, "NAME", "this dispatcher's name in the audit [host name and process id]", 0),
    SETTING_CHOICE(S, start, "start", "beginning", "beginning|end",
                   "where to start reading a topic that was not consumed before"),
    SETTING_FLAG(S, plain_records, "plain-records",
                 "records that are not CloudEvents are plain JSON, with one topic for each event type"),
    SETTING_TEXT(S, plain_type_prefix, "plain-type-prefix", "", "TEXT",
                 "plain records: the event type is the topic's name without this prefix", 0),
    SETTING_TEXT(S, plain_account_header, "plain-account-header", "", "NAME",
                 "plain records: header that names the account; empty: the key", 0),
    SETTING_TEXT(S, plain_id_header, "plain-id-header", "", "NAME",
                 "plain records: header that contains the event id; empty: topic-partition-offset", 0),
    SETTING_COUNT(S, value_max, "value-max", "1048576", 1024, 64 * 1024 * 1024, "largest record value, in bytes"),
    SETTING_COUNT(S, batch_max, "batch-max", "500", 1, 10000,
                  "maximum number of records stored in one round trip to PostgreSQL"),
    SETTING_COUNT(S, memory_max, "memory-max", "134217728", 1 << 20, 1LL << 40,
                  "bytes of events in memory before intake stops"),
    SETTING_CHOICE(S, store_payload, "store-payload", "sealed", "sealed|plain",
                   "how payloads are stored; plain payloads are readable in the audit"),
    SETTING_TEXT(S, retry_schedule, "retry-schedule", "5s,30s,2m,10m,30m,1h,3h,6h,12h,12h,12h,12h,12h,12h", "TIME,…",
                 "pauses between the attempts of a delivery, each jittered by a fifth", 0),
    SETTING_SPAN(S, request_timeout, "request-timeout", "10s", 10000000, 300000000000, "maximum duration of a request"),
    SETTING_SPAN(S, connect_timeout, "connect-timeout", "5s", 10000000, 60000000000,
                 "maximum time to establish a connection"),
    SETTING_SPAN(S, connection_idle_max, "connection-idle-max", "4s", 2000000000, 300000000000,
                 "a connection that was idle for this long is not used again; choose less than the time after which "
                 "receivers close idle connections (5s is common)"),
    SETTING_SPAN(S, retry_after_max, "retry-after-max", "1h", 0, 86400000000000,
                 "maximum time for which Retry-After is honoured"),
    SETTING_SPAN(S, disable_after, "disable-after", "5d", 1000000, 8640000000000000,
                 "a webhook that has failed for this long is disabled"),
    SETTING_SPAN(S, gone_after, "gone-after", "1h", 0, 8640000000000000,
                 "a webhook that has answered only 410 for this long, and at least three times, is disabled"),
    SETTING_SPAN(S, drain_timeout, "drain-timeout", "15s", 0, 600000000000,
                 "maximum time to wait for responses after SIGTERM"),
    SETTING_TEXT(S, allow_networks, "allow-networks", "", "CIDR,…",
                 "networks in which webhooks are allowed although they are not public", 0),
    SETTING_TEXT(S, deny_networks, "deny-networks", "", "CIDR,…",
                 "networks in which webhooks are not allowed although they are public or in --allow-networks, such as "
                 "your own or a NAT64 prefix",
                 0),
    SETTING_TEXT(S, allow_ports, "allow-ports", "80,443", "PORT,…|any", "ports that the URLs of webhooks may have", 0),
    SETTING_TEXT(S, ca_file, "ca-file", "", "FILE",
                 "PEM certificates of authorities that are trusted in addition to the system's, for webhooks that have "
                 "no authorities of their own",
                 0),
    SETTING_TEXT(S, name_servers, "name-servers", "", "ADDRESS[:PORT],…",
                 "DNS servers for the names of webhooks; empty: those of /etc/resolv.conf", 0),
    SETTING_TEXT(S, source_address, "source-address", "", "ADDRESS",
                 "source address of requests; only webhooks with an address of the same family can be reached", 0),
    SETTING_TEXT(S, proxy, "proxy", "", "URL",
                 "outbound HTTP proxy; proxy variables in the environment are ignored. The proxy resolves the names of "
                 "webhooks, so it must itself reject addresses that are not public: --allow-networks and "
                 "--deny-networks apply only to addresses in URLs",
                 0),
    SETTING_TEXT(S, user_agent, "user-agent", "posthorn/" POSTHORN_VERSION, "TEXT", "User-Agent of every request", 0),
    SETTING_COUNT(S, window_max, "window-max", "64", 1, 4096, "maximum number of requests in flight to one webhook"),
    SETTING_COUNT(S, in_flight_max, "in-flight-max", "8192", 1, 65536,
                  "maximum number of requests in flight to all webhooks, of which one account can use half; further "
                  "deliveries wait in PostgreSQL"),
    SETTING_COUNT(
        S, young_max, "young-max", "256", 1, 65536,
        "maximum number of requests younger than 20 ms, for new events and from backlogs each; an account has a share "
        "of it"),
    SETTING_COUNT(S, response_max, "response-max", "65536", 1024, 16 * 1024 * 1024,
                  "maximum size of a response body in bytes; a longer one is a failure"),
    SETTING_COUNT(S, response_keep, "response-keep", "2048", 0, 65536,
                  "number of bytes of a response body that are stored for the audit"),
    SETTING_SPAN(S, flush_interval, "flush-interval", "20ms", 1000000, 10000000000,
                 "maximum time before an attempt is written"),
    SETTING_SPAN(S, park_after, "park-after", "1s", 10000000, 60000000000,
                 "a delivery older than this is parked in PostgreSQL, so that it does not hold the position"),
    SETTING_SPAN(S, clock_interval, "clock-interval", "250ms", 10000000, 60000000000,
                 "how often to look for changed subscriptions and due retries"),
    SETTING_COUNT(S, flush_rows, "flush-rows", "2000", 1, 50000,
                  "attempts in one flush; at four times this, sending stops until PostgreSQL has caught up"),
    SETTING_CHOICE(S, log_level, "log-level", "info", LOG_LEVELS, "lowest level that is logged"),
    {0}};

const struct program dispatcher_program = {
    .name = "posthorn-dispatcher",
    .about = "delivers events from Kafka to webhooks and records every attempt in PostgreSQL",
    .usage = "[OPTION]…",
    .details =
        "One process is one event loop and one member of a Kafka consumer group; run one process for each core.\n"
        "SIGTERM, SIGINT and SIGHUP drain the process: it reads no more records, waits for responses, and parks\n"
        "the remaining deliveries in PostgreSQL.",
    .settings = table,
    .check = settings_check,
};

static bool read_schedule(struct settings *settings, struct error *error)
{
    struct span total = {0};
    const char *at = settings->retry_schedule;
    while (*at != '\0') {
        size_t size = strcspn(at, ",");
        struct span *pause = &settings->retries[settings->retry_count];
        if (settings->retry_count == RETRIES_MAX)
            return error_set(error, "--retry-schedule: more than %d pauses", RETRIES_MAX);
        if (!span_parse((struct text){at, size}, pause, error))
            return error_prefix(error, "--retry-schedule");
        total.ns += pause->ns;
        settings->retry_count++;
        at += size + (at[size] == ',');
    }
    if (settings->retry_count == 0)
        return error_set(error, "--retry-schedule: at least one pause is needed, such as 5s,1m,1h");
    if (total.ns < SPAN_S(3 * 86400).ns)
        log_warning("retry_schedule", "hours=%lld note=\"shorter than the three days that Posthorn promises\"",
                    (long long)(total.ns / SPAN_S(3600).ns));
    return true;
}

/* libcurl would report a bad file only at the first request of each webhook. */
static bool check_ca_file(const char *path, struct error *error)
{
    if (*path == '\0')
        return true;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(error, "--ca-file %.200s: %s", path, strerror(errno));
    X509 *first = PEM_read_X509_AUX(file, NULL, NULL, NULL);
    bool ok = first != NULL || error_set(error, "--ca-file %.200s: the file contains no PEM certificate", path);
    X509_free(first);
    ERR_clear_error();
    fclose(file);
    return ok;
}

static bool check_topics(struct settings *settings, struct error *error)
{
    const struct {
        const char *option, *name;
    } ours[] = {{"--dead-letter-topic", settings->dead_letter_topic}, {"--system-topic", settings->system_topic}};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!topics_is_name(text_of(ours[i].name)))
            return error_set(error, "%s: '%.100s' is not a topic's name", ours[i].option, ours[i].name);
    if (strcmp(ours[0].name, ours[1].name) == 0)
        return error_set(error, "--system-topic and --dead-letter-topic are the same topic, %s: each needs its own",
                         ours[0].name);
    return topics_check(settings->topics, settings->dead_letter_topic, settings->system_topic, error);
}

bool settings_check(void *of, struct error *error)
{
    struct settings *settings = of;
    if (settings->name == NULL) {
        char host[128] = "host";
        gethostname(host, sizeof host - 1);
        if (asprintf(&settings->name, "%s:%d", host, (int)getpid()) < 0)
            return error_set(error, "no memory");
    }
    unsigned char address[16];
    if (*settings->source_address != '\0' && inet_pton(AF_INET, settings->source_address, address) != 1 &&
        inet_pton(AF_INET6, settings->source_address, address) != 1)
        return error_set(error, "--source-address: '%.80s' is not an address (write 192.0.2.1 or 2001:db8::1)",
                         settings->source_address);
    if (*settings->proxy != '\0')
        log_warning(
            "proxy",
            "note=\"the proxy must reject addresses that are not public: the guard sees only addresses in URLs\"");
    if (settings->in_flight_max * settings->response_keep > KEPT_MAX)
        return error_set(error,
                         "--response-keep: %lld bytes for each of the %lld requests in flight (--in-flight-max) are "
                         "more than a flush can contain: at most %d",
                         (long long)settings->response_keep, (long long)settings->in_flight_max, KEPT_MAX);
    if (settings->memory_max < 4 * settings->value_max)
        return error_set(error, "--memory-max: %lld bytes are less than four records of --value-max %lld bytes",
                         (long long)settings->memory_max, (long long)settings->value_max);
    if (settings->connect_timeout.ns > settings->request_timeout.ns)
        settings->connect_timeout = settings->request_timeout;
    return check_topics(settings, error) && read_schedule(settings, error) && check_ca_file(settings->ca_file, error);
}
