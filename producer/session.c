#include "producer/session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/signals.h"
#include "event/envelope.h"
#include "producer/lines.h"
#include "producer/posthorn-producer.h"
#include "producer/progress.h"

#define LINE_EXTRA (16 * 1024)           /* bytes of a line besides the data */
#define RECORD_EXTRA (64 * 1024)         /* bytes of a record besides the data: key, headers, framing */
#define ATTRIBUTES_MAX (64 * 1024)       /* bytes for attributes that must be unescaped */
#define IN_FLIGHT_MAX (64 * 1024 * 1024) /* bytes of lines kept until they are acknowledged */
#define POLL_MS 100                      /* longest wait before signals are checked */
#define LOOK_EVERY 256                   /* lines between two checks of signals and callbacks */

struct session {
    struct posthorn_producer *producer;
    FILE *rejected;
    const char *rejected_name;
    int signals;         /* signalfd */
    int signal;          /* the first one received */
    bool hurry;          /* a second one was received */
    bool rejected_broke; /* a rejected line could not be written */
    size_t value_max, in_flight;
    struct progress progress;
    struct session_counts counts;
};

/* A line in flight: what to print and keep if it is not acknowledged. */
struct passenger {
    struct session *session;
    const char *name; /* of the input; valid longer than the session */
    uint64_t number;
    size_t size;
    char id[EVENT_ID_MAX + 1];
    char line[];
};

/* ---- lines that were not published ---- */

static void keep(struct session *session, struct text part, bool last)
{
    if (session->rejected == NULL || session->rejected_broke)
        return;
    if (fwrite(part.data, 1, part.size, session->rejected) == part.size &&
        (!last || fputc('\n', session->rejected) != EOF))
        return;
    progress_interrupt(&session->progress);
    fprintf(stderr, "posthorn-producer: %s: cannot be written: %s\n", session->rejected_name, strerror(errno));
    session->rejected_broke = true;
}

static void refuse(struct session *session, const char *name, uint64_t number, const char *why)
{
    session->counts.refused++;
    progress_interrupt(&session->progress);
    fprintf(stderr, "%s:%" PRIu64 ": %s\n", name, number, why);
}

static void on_delivered(void *context, void *tag, enum posthorn_status status, const char *reason)
{
    struct session *session = context;
    struct passenger *passenger = tag;
    session->in_flight -= passenger->size;
    if (status == POSTHORN_OK) {
        session->counts.acknowledged++;
    } else {
        session->counts.failed++;
        progress_interrupt(&session->progress);
        fprintf(stderr, "%s:%" PRIu64 ": event %s was not acknowledged: %s\n", passenger->name, passenger->number,
                passenger->id, reason);
        keep(session, (struct text){passenger->line, passenger->size}, true);
    }
    free(passenger);
}

static void on_log(void *context, int severity, const char *line)
{
    (void)context;
    if (severity <= 3) /* errors only; the client recovers from the rest by itself */
        fprintf(stderr, "posthorn-producer: kafka: %s\n", line);
}

/* ---- start and end ---- */

static bool take_signals(struct session *session, struct error *error)
{
    sigset_t ends;
    signals_hold(&ends); /* called again before the client makes its threads, which inherit the mask */
    if ((session->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return error_set(error, "signals cannot be handled: %s", strerror(errno));
    return true;
}

/* Appends "a=b;c=d" to `first`, in the form that the producer takes. The texts point into *copy, which the caller
 * frees. */
static const char **split_properties(const char *properties, const char *const *first, size_t count, char **copy)
{
    size_t most = count + 2;
    for (const char *c = properties; *c != '\0'; c++)
        most += *c == ';';
    const char **list = calloc(most, sizeof *list);
    *copy = strdup(properties);
    if (list == NULL || *copy == NULL) {
        free(list);
        return NULL;
    }
    memcpy(list, first, count * sizeof *list);
    char *rest = *copy, *one;
    while ((one = strsep(&rest, ";")) != NULL)
        if (*one != '\0')
            list[count++] = one;
    return list;
}

static bool connect_producer(struct session *session, const struct session_settings *settings, struct error *error)
{
    char *copy = NULL, timeout[60], size[60], servers[4096];
    struct posthorn_error why = {"no memory"};
    snprintf(timeout, sizeof timeout, "message.timeout.ms=%" PRId64, span_ms(settings->timeout));
    snprintf(size, sizeof size, "message.max.bytes=%zu", settings->value_max + RECORD_EXTRA);
    if ((size_t)snprintf(servers, sizeof servers, "bootstrap.servers=%s", settings->brokers) >= sizeof servers)
        return error_set(error, "--kafka-brokers is longer than 4000 characters");
    const char *const first[] = {servers, timeout, size};
    const char **properties = split_properties(settings->properties, first, 3, &copy);
    struct posthorn_options options = {.topic = settings->topic,
                                       .properties = properties,
                                       .source = settings->source,
                                       .delivered = on_delivered,
                                       .log = on_log,
                                       .context = session};
    if (properties != NULL)
        session->producer = posthorn_producer_new(&options, &why);
    free(properties);
    free(copy);
    return session->producer != NULL || error_set(error, "%s", why.text);
}

struct session *session_new(const struct session_settings *settings, struct error *error)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return error_set(error, "no memory"), NULL;
    session->signals = -1;
    session->value_max = settings->value_max;
    session->rejected_name = settings->rejected;
    progress_init(&session->progress, stderr);
    if (!take_signals(session, error) || (!settings->dry_run && !connect_producer(session, settings, error)))
        goto failed;
    if (settings->rejected != NULL && (session->rejected = fopen(settings->rejected, "we")) == NULL) {
        error_set(error, "--rejected %s: cannot be written: %s", settings->rejected, strerror(errno));
        goto failed;
    }
    return session;
failed:
    (void)session_free(&session, &(struct session_counts){0});
    return NULL;
}

bool session_free(struct session **given, struct session_counts *counts)
{
    struct session *session = *given;
    *given = NULL;
    posthorn_producer_free(&session->producer); /* calls the callbacks of events in flight */
    progress_end(&session->progress, &session->counts);
    *counts = session->counts;
    bool ok = !session->rejected_broke;
    if (session->rejected != NULL && fclose(session->rejected) != 0 && ok) {
        fprintf(stderr, "posthorn-producer: %s: cannot be written: %s\n", session->rejected_name, strerror(errno));
        ok = false;
    }
    if (session->signals >= 0)
        close(session->signals);
    free(session);
    return ok;
}

/* ---- in flight ---- */

static void look_for_signals(struct session *session)
{
    struct signalfd_siginfo info;
    while (read(session->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        session->hurry = session->signal != 0;
        if (session->signal == 0)
            session->signal = (int)info.ssi_signo;
    }
}

/* Handles callbacks, signals and the progress line; waits for callbacks for at most `wait_ms`. */
static void turn(struct session *session, int wait_ms)
{
    if (session->producer != NULL)
        posthorn_poll(session->producer, wait_ms);
    look_for_signals(session);
    progress_show(&session->progress, &session->counts);
}

static struct passenger *passenger_new(struct session *session, const char *name, uint64_t number, struct text line,
                                       struct text id)
{
    struct passenger *passenger = malloc(sizeof *passenger + line.size);
    if (passenger == NULL)
        return NULL;
    *passenger = (struct passenger){.session = session, .name = name, .number = number, .size = line.size};
    memcpy(passenger->id, id.data, id.size); /* it was checked to have at most EVENT_ID_MAX */
    memcpy(passenger->line, line.data, line.size);
    return passenger;
}

/* C strings for the library: an event's texts are not NUL-terminated. */
struct strings {
    char id[EVENT_ID_MAX + 1], type[EVENT_TYPE_MAX + 1], account[EVENT_ACCOUNT_MAX + 1];
};

static struct posthorn_event public_event(const struct event *event, struct strings *strings)
{
    snprintf(strings->id, sizeof strings->id, "%.*s", TEXT_ARGS(event->id));
    snprintf(strings->type, sizeof strings->type, "%.*s", TEXT_ARGS(event->type));
    snprintf(strings->account, sizeof strings->account, "%.*s", TEXT_ARGS(event->account));
    return (struct posthorn_event){.id = strings->id,
                                   .type = strings->type,
                                   .account = strings->account,
                                   .data = event->data.data,
                                   .data_size = event->data.size,
                                   .occurred = &event->time.us};
}

/* Adds the event to the queue; waits for room as long as necessary, since events leave the queue within their time-out.
 * Returns POSTHORN_FULL if a signal came first. */
static enum posthorn_status enqueue(struct session *session, const struct posthorn_event *event,
                                    struct passenger *passenger, struct posthorn_error *error)
{
    enum posthorn_status status;
    while (session->in_flight > IN_FLIGHT_MAX && session->signal == 0)
        turn(session, POLL_MS);
    session->in_flight += passenger->size;
    while ((status = posthorn_publish(session->producer, event, passenger, error)) == POSTHORN_FULL &&
           session->signal == 0)
        turn(session, POLL_MS);
    if (status != POSTHORN_OK)
        session->in_flight -= passenger->size;
    return status;
}

static void publish_event(struct session *session, const char *name, uint64_t number, struct text line,
                          const struct event *event)
{
    struct strings strings;
    struct posthorn_error why = {"no memory"};
    struct posthorn_event public = public_event(event, &strings);
    struct passenger *passenger = passenger_new(session, name, number, line, event->id);
    enum posthorn_status status = passenger == NULL ? POSTHORN_FAILED : enqueue(session, &public, passenger, &why);
    if (status == POSTHORN_OK)
        return;
    if (passenger == NULL || status == POSTHORN_REFUSED) {
        refuse(session, name, number, why.text);
        keep(session, line, true);
        free(passenger);
        return;
    }
    session->in_flight += passenger->size; /* on_delivered() subtracts it again */
    on_delivered(session, passenger, POSTHORN_FAILED, why.text);
}

void session_publish_line(struct session *session, const char *name, uint64_t number, struct text line)
{
    struct arena arena;
    struct event event;
    struct error why = {""};
    session->counts.read++;
    arena_init(&arena, ATTRIBUTES_MAX);
    if (envelope_read_bare(line, session->value_max + LINE_EXTRA, &arena, &event, &why) != REFUSAL_NONE) {
        refuse(session, name, number, why.text);
        keep(session, line, true);
    } else if (event.data.size > session->value_max) {
        error_set(&why, "the data has %zu bytes; at most %zu are allowed (--value-max)", event.data.size,
                  session->value_max);
        refuse(session, name, number, why.text);
        keep(session, line, true);
    } else if (session->producer != NULL) {
        publish_event(session, name, number, line, &event);
    }
    arena_fini(&arena);
}

static bool is_blank(struct text line)
{
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

/* Returns false if the input has ended or failed. */
static bool publish_next(struct session *session, struct lines *lines, bool *ok, struct error *error)
{
    struct text line;
    char why[100];
    enum lines_result result = lines_next(lines, SPAN_MS(POLL_MS), &line, error);
    if (result == LINES_LINE && !is_blank(line))
        session_publish_line(session, lines->name, lines->number, line);
    if (result == LINES_PIECE || result == LINES_LAST)
        keep(session, line, result == LINES_LAST);
    if (result == LINES_LAST) {
        session->counts.read++;
        snprintf(why, sizeof why, "the line is longer than %zu bytes (--value-max)", lines->max);
        refuse(session, lines->name, lines->number, why);
    }
    if (result == LINES_NOT_YET || lines->number % LOOK_EVERY == 0)
        turn(session, 0);
    *ok = result != LINES_FAILED;
    return result != LINES_FAILED && result != LINES_END;
}

bool session_publish_file(struct session *session, const char *path, struct error *error)
{
    struct lines lines;
    bool ok = true;
    if (session->signal != 0)
        return true;
    if (!lines_open(&lines, path, session->value_max + LINE_EXTRA, session->signals, error))
        return false;
    while (publish_next(session, &lines, &ok, error) && session->signal == 0)
        ;
    if (session->signal != 0) {
        progress_interrupt(&session->progress);
        fprintf(stderr, "%s:%" PRIu64 ": stopped after this line by signal %d\n", lines.name, lines.number,
                session->signal);
    }
    lines_close(&lines);
    return ok;
}

void session_flush(struct session *session)
{
    while (session->producer != NULL && posthorn_pending(session->producer) > 0 && !session->hurry)
        turn(session, POLL_MS);
}

int session_signal(const struct session *session)
{
    return session->signal;
}
