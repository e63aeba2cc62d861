/* posthorn-dispatcher: start, turns of the loop, drain. dispatcher.h shows the flow of an event. */
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "accounts.h"
#include "attempt.h"
#include "base/fault.h"
#include "base/harden.h"
#include "base/signals.h"
#include "claim.h"
#include "dead_letter.h"
#include "deliver.h"
#include "fetch.h"
#include "flush.h"
#include "housekeeping.h"
#include "intake.h"
#include "leases.h"
#include "monitor.h"
#include "net/guard.h"
#include "offsets.h"
#include "outbox.h"
#include "register.h"
#include "resolve.h"
#include "retry.h"
#include "send.h"
#include "store/store.h"
#include "verify.h"

struct signals {
    struct dispatcher *d;
    sigset_t ends; /* blocked since main() began */
    struct watch watch;
    struct mono asked_at;
    bool again; /* a second signal: do not wait for answers */
};

static void signal_ready(void *owner, uint32_t events)
{
    struct signals *signals = owner;
    struct signalfd_siginfo info;
    (void)events;
    if (read(signals->watch.fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    log_info("draining", "signal=%u in_flight=%d", info.ssi_signo, deliveries_in_flight_count(signals->d));
    signals->again = signals->d->draining;
    signals->d->draining = true;
    signals->asked_at = loop_now(signals->d->loop);
}

static bool watch_signals(struct signals *signals, struct dispatcher *d, struct error *error)
{
    signals->d = d;
    signals->watch = (struct watch){.ready = signal_ready, .owner = signals, .fd = -1};
    int fd = signalfd(-1, &signals->ends, SFD_NONBLOCK | SFD_CLOEXEC);
    return (fd >= 0 && loop_watch(d->loop, &signals->watch, fd, EPOLLIN)) || error_set(error, "signalfd failed");
}

/* Raises the limit of descriptors to the system's maximum: each connection needs one. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The callbacks with which a module reports to one that is listed after it in LAYERS. */
static const struct kafka_events kafka_events = {
    .assigned = claims_assigned, .revoked = revocation_begin, .failed = claims_failed};
static const struct send_events send_events = {
    .finished = attempt_finished, .repeated = attempt_repeated, .not_made = attempt_not_made};

static bool start(struct dispatcher *d, struct signals *signals, struct error *error)
{
    const struct settings *s = d->settings;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (store_refuses(s->database_url, "posthorn-dispatcher", error))
        return false;
    if ((d->memory = budget_new(s->memory_max)) == NULL)
        return error_set(error, "no memory");
    return (d->loop = loop_new(error)) != NULL && watch_signals(signals, d, error) &&
           (d->master = secret_key_parse(s->master_key, error)) != NULL &&
           (d->guard = guard_new(s->allow_networks, s->deny_networks, s->allow_ports, error)) != NULL &&
           (d->destinations = destinations_new(deliver_stopped, error)) != NULL &&
           (d->deliveries = deliveries_new(d, error)) != NULL && (d->accounts = accounts_new(d, error)) != NULL &&
           (d->partitions = partitions_new(error)) != NULL && (d->offsets = offsets_new(error)) != NULL &&
           (d->flusher = flusher_new(d, claims_lost, error)) != NULL &&
           (d->resolver = resolver_new(d, deliver_pump, error)) != NULL &&
           (d->sender = sender_new(d, &send_events, error)) != NULL && (d->tasks = tasks_new(error)) != NULL &&
           (d->outbox = outbox_new(error)) != NULL && (d->deliverer = deliverer_new(d, error)) != NULL &&
           (d->fetcher = fetcher_new(error)) != NULL && (d->revocations = revocations_new(error)) != NULL &&
           (d->claims = claims_new(d, error)) != NULL && (d->dead_letters = dead_letters_new(d, error)) != NULL &&
           (d->intake = intake_new(d, error)) != NULL && (d->leases = leases_new(error)) != NULL &&
           (d->retrier = retrier_new(d, error)) != NULL && (d->housekeeper = housekeeper_new(d, error)) != NULL &&
           (d->kafka = kafka_new(d, &kafka_events, error)) != NULL &&
           (d->background = background_new(d, error)) != NULL && (d->monitor = monitor_new(d, error)) != NULL;
}

static void end_now(int number)
{
    (void)number;
    _exit(0);
}

/* Called when everything is written and the process has left the group. librdkafka's threads wait by the wall clock: if
 * the clock was set back by an hour, such a wait would delay the end of the process by an hour. */
static void end_within(unsigned seconds)
{
    signal(SIGALRM, end_now);
    alarm(seconds);
}

/* Frees the modules in reverse order of dependence. */
static void stop(struct dispatcher *d, struct signals *signals)
{
    monitor_free(&d->monitor);
    background_free(&d->background);
    kafka_flush(d->kafka);
    housekeeper_free(&d->housekeeper);
    intake_free(&d->intake);
    resolver_free(&d->resolver);
    deliverer_free(&d->deliverer);
    sender_free(&d->sender);
    retrier_free(&d->retrier);
    leases_free(&d->leases);
    dead_letters_free(&d->dead_letters);
    claims_free(&d->claims);
    revocations_free(&d->revocations);
    fetcher_free(&d->fetcher);
    outbox_free(&d->outbox);
    tasks_free(&d->tasks);
    flusher_free(&d->flusher);
    offsets_free(&d->offsets);
    partitions_free(&d->partitions);
    accounts_free(&d->accounts);
    deliveries_free(&d->deliveries);
    destinations_free(&d->destinations);
    kafka_free(&d->kafka);
    guard_free(&d->guard);
    secret_key_free(&d->master);
    if (signals->watch.fd >= 0)
        close(signals->watch.fd);
    loop_free(&d->loop);
    budget_free(&d->memory);
    curl_global_cleanup();
}

static void turn(struct dispatcher *d)
{
    loop_turn(d->loop, intake_has_work(d) ? (struct span){0} : SPAN_MS(100));
    register_work(d);
    claims_work(d);
    tasks_work(d);
    housekeeping_work(d);
    outbox_work(d);
    verify_work(d);
    accounts_work(d);
    if (!claims_changing(d)) /* otherwise librdkafka waits for the answer to a rebalance */
        fetch_work(d);
    deliveries_age(d);
    intake_work(d);
    dead_letter_work(d);
    retry_work(d);
    deliver_work(d);
    send_turn(d);
    flush_work(d);
    revocation_work(d); /* a partition is given back in the turn in which its flush has ended */
    offsets_work(d);
}

/* True when waiting deliveries are parked, requests have ended or run out of time, and everything is written. */
static bool is_drained(struct dispatcher *d, const struct signals *signals)
{
    bool overdue =
        signals->again || mono_since(loop_now(d->loop), signals->asked_at).ns > d->settings->drain_timeout.ns;
    fault_point("while-draining");
    deliver_park_all(d);
    bool leases_back = retry_drain(d);
    if (deliveries_in_flight_count(d) > 0 && !overdue)
        return false;
    if (flush_is_clean(d) && leases_back)
        return true;
    flush_hurry(d);
    return overdue &&
           mono_since(loop_now(d->loop), signals->asked_at).ns > 2 * d->settings->drain_timeout.ns + SPAN_S(5).ns;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct dispatcher d = {.settings = &settings};
    struct signals signals = {.watch = {.fd = -1}};
    struct error error;
    int first_word;
    signals_hold(&signals.ends);
    harden_process();
    enum config_result config = config_load(&dispatcher_program, argc, argv, false, &settings, &first_word, &error);
    if (config != CONFIG_OK) {
        if (config == CONFIG_BAD)
            fprintf(stderr, "posthorn-dispatcher: %s\n", error.text);
        config_free(&dispatcher_program, &settings);
        return config == CONFIG_BAD ? 2 : 0;
    }
    config_forget_environment(&dispatcher_program);
    log_init("posthorn-dispatcher", (enum log_level)settings.log_level);
    raise_limits();
    bool good = start(&d, &signals, &error);
    explicit_bzero(settings.master_key, strlen(settings.master_key)); /* the key was made from it */
    if (good) {
        while (!d.refused && (!d.draining || !is_drained(&d, &signals)))
            turn(&d);
        offsets_commit(&d);
        kafka_leave(&d);
        log_info("stopped", "in_flight=%d", deliveries_in_flight_count(&d));
        end_within(5);
    } else {
        fprintf(stderr, "posthorn-dispatcher: %s\n", error.text);
    }
    stop(&d, &signals);
    config_free(&dispatcher_program, &settings);
    return good && !d.refused ? 0 : 1;
}
