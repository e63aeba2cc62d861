/*
 * bench-load: fills a topic with events as fast as the broker accepts them: the backlog that the dispatcher
 * processes in bench/run.
 *
 * The records are CloudEvents in binary mode, as producers in any language write them; their value is JSON of the
 * wanted size. The accounts take turns. Prints one line of JSON; ends with status 1 unless the broker acknowledged
 * every event.
 */
#include "number.h"

#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VALUE_MAX = 1 << 20, FLUSH_MS = 60000, TEXT_MAX = 96 };

static const char PROGRAM[] = "bench-load";

static const char HELP[] = "usage: bench-load --brokers LIST --topic TOPIC [options]\n"
                           "Publishes events for a benchmark.\n"
                           "\n"
                           "  --brokers LIST     host:port,…\n"
                           "  --topic TOPIC      to publish to\n"
                           "  --events N         to publish (100000)\n"
                           "  --account PREFIX   accounts are PREFIX0, PREFIX1, … (bench-)\n"
                           "  --accounts N       this many (1)\n"
                           "  --type TYPE        event type (transaction.authorized)\n"
                           "  --bytes N          size of each event's data (400)\n";

struct options {
    const char *brokers;
    const char *topic;
    const char *account;
    const char *type;
    long events;
    long accounts;
    long bytes;
};

struct tally {
    long acknowledged;
    long refused;
    rd_kafka_resp_err_t error; /* of the first refused event */
};

static void help(int status)
{
    fputs(HELP, status == 0 ? stdout : stderr);
    exit(status);
}

static void options_read(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"brokers", required_argument, NULL, 'b'},
        {"topic", required_argument, NULL, 't'},
        {"account", required_argument, NULL, 'a'},
        {"type", required_argument, NULL, 'y'},
        {"events", required_argument, NULL, 'n'},
        {"accounts", required_argument, NULL, 'c'},
        {"bytes", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct options){
        .account = "bench-", .type = "transaction.authorized", .events = 100000, .accounts = 1, .bytes = 400};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (option == 'b')
            options->brokers = optarg;
        else if (option == 't')
            options->topic = optarg;
        else if (option == 'a')
            options->account = optarg;
        else if (option == 'y')
            options->type = optarg;
        else if (option == 'n')
            options->events = bench_number(PROGRAM, "events", optarg, 1, 1000000000);
        else if (option == 'c')
            options->accounts = bench_number(PROGRAM, "accounts", optarg, 1, 1000000);
        else if (option == 's')
            options->bytes = bench_number(PROGRAM, "bytes", optarg, 150, VALUE_MAX - 1);
        else
            help(option == 'H' ? 0 : 2);
    }
    if (options->brokers == NULL || options->topic == NULL || optind < argc || strlen(options->account) > TEXT_MAX / 2)
        help(2);
}

static void on_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *user)
{
    (void)kafka;
    struct tally *tally = user;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        tally->acknowledged++;
    } else if (tally->refused++ == 0) {
        tally->error = message->err;
    }
}

static rd_kafka_t *open_producer(const struct options *options, struct tally *tally)
{
    char why[512];
    const char *const properties[][2] = {
        {"bootstrap.servers", options->brokers},
        {"enable.idempotence", "true"},
        {"linger.ms", "5"},
        {"batch.size", "262144"},
        {"queue.buffering.max.messages", "50000"},
        {"message.timeout.ms", "60000"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], why, sizeof why) != RD_KAFKA_CONF_OK)
            goto failed;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_opaque(conf, tally);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (kafka != NULL)
        return kafka;
failed:
    fprintf(stderr, "%s: %s\n", PROGRAM, why);
    rd_kafka_conf_destroy(conf);
    return NULL;
}

/* Writes an object of exactly `bytes` bytes that differs from event to event. */
static void write_value(char *value, size_t bytes, long number)
{
    int length = snprintf(
        value, bytes, "{\"id\":\"txn_%012ld\",\"amount\":%ld,\"currency\":\"USD\",\"status\":\"approved\",\"note\":\"",
        number, 100 + number % 100000);
    memset(value + length, 'x', bytes - (size_t)length);
    memcpy(value + bytes - 2, "\"}", 2);
}

static rd_kafka_headers_t *make_headers(const struct options *options, const char *id, const char *account,
                                        const char *now)
{
    const char *const headers[][2] = {
        {"ce_specversion", "1.0"}, {"ce_id", id},    {"ce_type", options->type},           {"ce_source", "/bench"},
        {"ce_account", account},   {"ce_time", now}, {"content-type", "application/json"},
    };
    enum { COUNT = sizeof headers / sizeof headers[0] };
    rd_kafka_headers_t *made = rd_kafka_headers_new(COUNT);
    for (size_t i = 0; i < COUNT; i++)
        rd_kafka_header_add(made, headers[i][0], -1, headers[i][1], -1);
    return made;
}

/* Publishes event `number`; waits while the local queue is full. */
static bool publish(rd_kafka_t *kafka, const struct options *options, const char *run, const char *now, long number)
{
    static char value[VALUE_MAX];
    char account[TEXT_MAX];
    char id[TEXT_MAX];
    snprintf(account, sizeof account, "%s%ld", options->account, number % options->accounts);
    snprintf(id, sizeof id, "evt_%s_%ld", run, number);
    write_value(value, (size_t)options->bytes, number);
    rd_kafka_headers_t *headers = make_headers(options, id, account, now);
    for (;;) {
        rd_kafka_resp_err_t error =
            rd_kafka_producev(kafka, RD_KAFKA_V_TOPIC(options->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_KEY(account, strlen(account)), RD_KAFKA_V_VALUE(value, (size_t)options->bytes),
                              RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            return true;
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "%s: event %ld: %s\n", PROGRAM, number, rd_kafka_err2str(error));
            rd_kafka_headers_destroy(headers);
            return false;
        }
        rd_kafka_poll(kafka, 100);
    }
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int report(const struct options *options, const struct tally *tally, const char *run, double seconds)
{
    printf("{\"run\":\"%s\",\"events\":%ld,\"acknowledged\":%ld,\"seconds\":%.3f,\"events_per_second\":%.0f}\n", run,
           options->events, tally->acknowledged, seconds, (double)tally->acknowledged / seconds);
    if (tally->acknowledged == options->events)
        return 0;
    fprintf(stderr, "%s: %ld of %ld events were not acknowledged%s%s\n", PROGRAM, options->events - tally->acknowledged,
            options->events, tally->refused > 0 ? ": " : "", tally->refused > 0 ? rd_kafka_err2str(tally->error) : "");
    return 1;
}

int main(int argc, char **argv)
{
    struct options options;
    struct tally tally = {0};
    char run[32];
    char now_text[32];
    options_read(argc, argv, &options);
    time_t now = time(NULL);
    snprintf(run, sizeof run, "%lx%x", (unsigned long)now, (unsigned)getpid());
    strftime(now_text, sizeof now_text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    rd_kafka_t *kafka = open_producer(&options, &tally);
    if (kafka == NULL)
        return 1;
    double from = seconds_now();
    for (long i = 0; i < options.events && tally.refused == 0; i++) {
        if (!publish(kafka, &options, run, now_text, i))
            break;
        if (i % 256 == 0)
            rd_kafka_poll(kafka, 0);
    }
    rd_kafka_flush(kafka, FLUSH_MS);
    int status = report(&options, &tally, run, seconds_now() - from);
    rd_kafka_destroy(kafka);
    return status;
}
