/* posthorn-producer: publishes events from flags, from files, or from standard input. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/config.h"
#include "base/harden.h"
#include "base/signals.h"
#include "event/json.h"
#include "producer/session.h"

enum { EXIT_NOT_ALL = 1, EXIT_USAGE = 2 };

struct settings {
    char *brokers, *properties, *topic, *source, *rejected;
    char *id, *type, *account, *time, *data;
    struct span timeout;
    int64_t value_max;
    bool dry_run;
};

#define S struct settings
/* The attributes of one event are not configuration: they are read from the command line only. */
static const struct setting table[] = {
    SETTING_TEXT(S, topic, "topic", NULL, "TOPIC", "the Kafka topic to publish to", 0),
    SETTING_TEXT(S, brokers, "kafka-brokers", NULL, "HOST:PORT,…", "Kafka's bootstrap servers", 0),
    {"kafka-properties", 'X', SETTING_KIND_TEXT, SETTING_MANY | SETTING_SECRET, offsetof(S, properties), "",
     "NAME=VALUE;…", 0, 0, "properties of librdkafka, such as security.protocol=ssl"},
    SETTING_TEXT(S, id, "id", NULL, "ID", "one event: its id, 1 to 255 visible ASCII characters", SETTING_ARGUMENT),
    SETTING_TEXT(S, type, "type", NULL, "TYPE", "one event: its type, such as ach.settled", SETTING_ARGUMENT),
    SETTING_TEXT(S, account, "account", NULL, "ACCOUNT", "one event: the account that it belongs to", SETTING_ARGUMENT),
    SETTING_TEXT(S, data, "data", NULL, "JSON", "one event: its data", SETTING_ARGUMENT),
    SETTING_TEXT(S, time, "time", NULL, "TIME",
                 "one event: the time at which it happened, such as 2023-08-17T14:27:05Z; default: now",
                 SETTING_ARGUMENT),
    SETTING_TEXT(S, source, "source", "/posthorn-producer", "URI", "the CloudEvents source of the events",
                 SETTING_ARGUMENT),
    SETTING_TEXT(S, rejected, "rejected", NULL, "FILE", "file for the lines that were refused or not acknowledged",
                 SETTING_ARGUMENT),
    {"timeout", 0, SETTING_KIND_SPAN, SETTING_ARGUMENT, offsetof(S, timeout), "60s", "TIME", 1000000, 86400000000000,
     "maximum time to wait for the acknowledgement of an event"},
    SETTING_COUNT(S, value_max, "value-max", "1048576", 1024, 64 * 1024 * 1024,
                  "maximum size of an event's data in bytes, the same as in the dispatcher"),
    {"dry-run", 0, SETTING_KIND_FLAG, SETTING_ARGUMENT, offsetof(S, dry_run), NULL, "", 0, 1,
     "check the events and publish nothing"},
    {0}};
#undef S

static const struct program program = {
    .name = "posthorn-producer",
    .about = "publishes events to Kafka, from which Posthorn delivers them to webhooks",
    .usage = "[OPTION]… [FILE]…",
    .details = "One event: --id ID --type TYPE --account ACCOUNT --data JSON.\n"
               "\n"
               "Many: files with one JSON event per line (standard input if no file or - is given),\n"
               "{\"id\": …, \"type\": …, \"account\": …, \"time\": …, \"data\": …}; the time is optional.\n"
               "\n"
               "Each event is checked before it is sent. Each event that was refused, or that the\n"
               "brokers did not acknowledge, is reported with its file and line, and its line is\n"
               "written to the file of --rejected, from which it can be published again. After\n"
               "SIGINT, SIGTERM or SIGHUP, the program reads no more lines and waits for the\n"
               "acknowledgements; after a second signal, it stops waiting.\n"
               "\n"
               "The exit status is 0 if every event was acknowledged, 1 if one was not, 2 if\n"
               "publishing did not start, and 128 plus its number after a signal.",
    .settings = table,
};

static bool one_event(const struct settings *settings)
{
    return settings->id != NULL || settings->type != NULL || settings->account != NULL || settings->data != NULL ||
           settings->time != NULL;
}

static bool check_one_event(const struct settings *settings, struct error *error)
{
    const struct {
        const char *option, *value;
    } needed[] = {{"--id", settings->id},
                  {"--type", settings->type},
                  {"--account", settings->account},
                  {"--data", settings->data}};
    struct json_value json;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (needed[i].value == NULL)
            return error_set(error, "%s is missing: an event given by options needs --id, --type, --account and --data",
                             needed[i].option);
    return json_check(text_of(settings->data), &json, error) || error_prefix(error, "--data is not JSON");
}

/* The file of rejected lines is emptied at the start, so it must not be one of the inputs. */
static bool check_rejected(const char *rejected, char **files, struct error *error)
{
    struct stat ours, theirs;
    if (rejected == NULL || stat(rejected, &ours) != 0)
        return true;
    for (char **file = files; *file != NULL; file++)
        if (stat(*file, &theirs) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
            return error_set(error, "--rejected %s is one of the files to publish: name another", rejected);
    return true;
}

static bool check(const struct settings *settings, char **files, struct error *error)
{
    if (!settings->dry_run && (settings->topic == NULL || *settings->topic == '\0'))
        return error_set(error, "--topic is missing: give it, or set POSTHORN_TOPIC");
    if (!settings->dry_run && (settings->brokers == NULL || *settings->brokers == '\0'))
        return error_set(error, "--kafka-brokers is missing: give it, or set POSTHORN_KAFKA_BROKERS");
    if (one_event(settings) && *files != NULL)
        return error_set(error, "an event given by options and the file %s exclude each other", *files);
    if (one_event(settings) && !check_one_event(settings, error))
        return false;
    return check_rejected(settings->rejected, files, error);
}

static void append_member(struct buffer *line, const char *opening, const char *value)
{
    buffer_append_text(line, text_of(opening));
    json_append_string(line, text_of(value));
}

/* Converts the event given by options into a JSON line, so that both are handled in the same way. */
static bool publish_one(struct session *session, const struct settings *settings, struct error *error)
{
    struct buffer line;
    buffer_init(&line, strlen(settings->data) + 64 * 1024);
    append_member(&line, "{\"id\":", settings->id);
    append_member(&line, ",\"type\":", settings->type);
    append_member(&line, ",\"account\":", settings->account);
    if (settings->time != NULL)
        append_member(&line, ",\"time\":", settings->time);
    buffer_append_text(&line, TEXT(",\"data\":"));
    buffer_append_text(&line, text_of(settings->data));
    buffer_append_char(&line, '}');
    bool ok = !line.failed;
    if (ok)
        session_publish_line(session, "command line", 1, buffer_text(&line));
    buffer_fini(&line);
    return ok || error_set(error, "the event's attributes are longer than 64 KiB");
}

/* Returns false if a file could not be read; the others are published nevertheless. */
static bool publish(struct session *session, const struct settings *settings, char **files)
{
    struct error error;
    char *standard[] = {"-", NULL};
    bool ok = true;
    if (one_event(settings)) {
        ok = publish_one(session, settings, &error);
        if (!ok)
            fprintf(stderr, "posthorn-producer: %s\n", error.text);
    } else {
        for (char **file = *files != NULL ? files : standard; *file != NULL; file++) {
            if (session_publish_file(session, *file, &error))
                continue;
            fprintf(stderr, "posthorn-producer: %s\n", error.text);
            ok = false;
        }
    }
    session_flush(session);
    return ok;
}

static int run(const struct settings *settings, char **files)
{
    struct error error;
    struct session_settings session_settings = {.brokers = settings->brokers,
                                                .properties = settings->properties,
                                                .topic = settings->topic,
                                                .source = settings->source,
                                                .rejected = settings->rejected,
                                                .timeout = settings->timeout,
                                                .value_max = (size_t)settings->value_max,
                                                .dry_run = settings->dry_run};
    struct session_counts counts;
    struct session *session = NULL;
    if (!check(settings, files, &error) || (session = session_new(&session_settings, &error)) == NULL) {
        fprintf(stderr, "posthorn-producer: %s\n", error.text);
        return EXIT_USAGE;
    }
    bool ok = publish(session, settings, files);
    int signal = session_signal(session);
    ok = session_free(&session, &counts) && ok && counts.refused == 0 && counts.failed == 0;
    return signal != 0 ? 128 + signal : ok ? EXIT_SUCCESS : EXIT_NOT_ALL;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct error error;
    int first, status;
    signals_hold(&(sigset_t){0});
    harden_process();
    switch (config_load(&program, argc, argv, false, &settings, &first, &error)) {
    case CONFIG_OK:
        config_forget_environment(&program);
        status = run(&settings, argv + first);
        break;
    case CONFIG_DONE:
        status = EXIT_SUCCESS;
        break;
    default:
        fprintf(stderr, "posthorn-producer: %s\n", error.text);
        status = EXIT_USAGE;
    }
    config_free(&program, &settings);
    return status;
}
