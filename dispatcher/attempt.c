#include "attempt.h"

#include "accounts.h"
#include "deliver.h"
#include "flush_gather.h"
#include "health.h"
#include "outcome.h"
#include "park.h"
#include "tls.h"

static struct result result_of(struct dispatcher *d, struct delivery *delivery, CURLcode code)
{
    struct result result = answer_result(&delivery->answer, delivery->easy, code);
    result.refused_by_guard = delivery->guarded && code != CURLE_OK; /* on success another address was used */
    result.own_certificate = delivery->webhook->tls != NULL && delivery->webhook->tls->key.size > 0;
    result.plain = strncasecmp(delivery->webhook->url, "http:", strlen("http:")) == 0;
    result.detail = delivery->curl_error;
    result.quiet = accounts_store_response(d, delivery->destination, delivery->webhook, &(struct secret_key *){NULL}) ==
                   RESPONSE_NONE;
    curl_easy_getinfo(delivery->easy, CURLINFO_SSL_VERIFYRESULT, &result.verify);
    return result;
}

/* Computes when the next attempt is due. Returns false if the delivery has failed. */
static bool next_due(struct dispatcher *d, const struct delivery *delivery, const struct verdict *verdict,
                     struct wall *due)
{
    struct span pause;
    if (!outcome_pause(d->settings->retries, d->settings->retry_count, delivery->attempts + 1, dispatcher_random(),
                       &pause))
        return false;
    if (pause.ns < verdict->pause.ns)
        pause = verdict->pause;
    *due = wall_add(clock_wall(d), pause);
    return true;
}

static void record(struct dispatcher *d, struct delivery *delivery, const struct verdict *verdict, long status,
                   struct span took)
{
    invariant(verdict->delivered == (verdict->error[0] == '\0'));
    struct wall due;
    bool again = !verdict->delivered && delivery->cause != CAUSE_TEST && next_due(d, delivery, verdict, &due);
    enum outcome outcome = verdict->delivered ? OUTCOME_DELIVERED : again ? OUTCOME_RETRY : OUTCOME_GAVE_UP;
    count(d,
          outcome == OUTCOME_DELIVERED ? METRIC_ATTEMPT_DELIVERED
          : again                      ? METRIC_ATTEMPT_RETRY
                                       : METRIC_ATTEMPT_GAVE_UP,
          1);
    flush_attempt(d, delivery, outcome, status, verdict->error, took);
    if (delivery->has_row)
        flush_settle(d, delivery, again ? &due : NULL);
    else if (again && delivery->passage->kind !=
                          PASSAGE_SKIPPED) /* else its partition, and the obligation, belong to another dispatcher */
        flush_park(d, delivery, delivery->attempts + 1, due);
}

static void finish(struct dispatcher *d, struct delivery *delivery, const struct verdict *verdict, long status,
                   struct span took)
{
    struct destination *destination = delivery->destination;
    invariant(delivery->state == DELIVERY_IN_FLIGHT || delivery->state == DELIVERY_PARKED_IN_FLIGHT);
    record(d, delivery, verdict, status, took);
    metric_observe(&d->metrics[METRIC_REQUEST_SECONDS], took);
    destination->references++; /* keeps it valid after its last delivery has ended */
    bool from_backlog = delivery->passage->from_backlog;
    unsigned started = delivery->window_started;
    delivery_end(d, delivery);
    if (verdict->delivered)
        window_success(&destination->window, started, took);
    else
        window_failure(&destination->window, started, loop_now(d->loop));
    health_learn(d, destination, verdict->delivered, verdict->gone);
    if (verdict->slow_down)
        window_hold(&destination->window,
                    mono_add(loop_now(d->loop), verdict->pause.ns > 0 ? verdict->pause : SPAN_S(1)));
    if (from_backlog)
        park_settled(d, destination);
    deliver_pump(d, destination);
    destination_release(d, &destination);
}

void attempt_finished(struct dispatcher *d, struct delivery *delivery, CURLcode code)
{
    struct result result = result_of(d, delivery, code);
    struct verdict verdict = outcome_of(&result, d->settings->retry_after_max);
    finish(d, delivery, &verdict, result.status, mono_since(mono_now(), delivery->request_since));
}

void attempt_repeated(struct dispatcher *d, struct delivery *delivery)
{
    invariant(delivery->requested && delivery->webhook != NULL);
    struct mono now = mono_now();
    count(d, METRIC_ATTEMPT_RETRY, 1);
    flush_attempt(d, delivery, OUTCOME_RETRY, 0, "the connection was closed without a response; sent again at once",
                  mono_since(now, delivery->request_since));
    delivery->started = clock_wall(d);
    delivery->request_since = now;
}

void attempt_not_made(struct dispatcher *d, struct delivery *delivery, const char *why)
{
    struct verdict verdict = {0};
    snprintf(verdict.error, sizeof verdict.error, "%s", why);
    finish(d, delivery, &verdict, 0, (struct span){0});
}

void attempt_impossible(struct dispatcher *d, struct delivery *delivery, const char *why)
{
    struct destination *destination = delivery->destination;
    destination->references++;
    delivery->started = clock_wall(d);
    delivery->webhook = destination->webhook;
    delivery->webhook->references++;
    answer_begin(&delivery->answer);
    flush_attempt(d, delivery, OUTCOME_GAVE_UP, 0, why, (struct span){0});
    flush_settle(d, delivery, NULL);
    delivery_end(d, delivery);
    park_settled(d, destination);
    destination_release(d, &destination);
}
