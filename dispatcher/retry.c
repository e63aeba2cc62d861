#include "retry.h"

#include <stdlib.h>

#include "accounts.h"
#include "attempt.h"
#include "base/fault.h"
#include "database.h"
#include "deliver.h"
#include "due.h"
#include "flush.h"
#include "leases.h"
#include "park.h"

#define LEASE_AT_ONCE 64
#define REFUSED_PAUSE SPAN_S(5) /* a webhook is not leased for this long after its account had no lease left */
#define DUE_ROWS_MAX 1000
#define CANCEL_AT_ONCE 1000
#define HELD_BACK SPAN_S(10) /* interval at which a webhook is tried whose account cannot be loaded */
#define TURN SPAN_S(1)       /* after this time a lease is given up, if its account has used up its share of leases */

struct leased_row {
    int32_t webhook_id, account_id, gone;
    bool failing;
    struct wall failing_since;
};

struct retrier {
    struct dispatcher *d;
    struct session *session;
    struct leased_row fresh[LEASE_AT_ONCE]; /* leased; their accounts are being loaded */
    int fresh_count;
    struct column webhooks, most, held; /* parameters */
    struct mono look_at, not_before;
    bool looking_again; /* the last query for leases returned as many as it may: there are more */
    struct destination *cancelling;
    bool cancelled_last; /* the last call cancelled deliveries */
    struct timer timer;
};

static void wake(void *owner)
{
    (void)owner;
}

struct retrier *retrier_new(struct dispatcher *d, struct error *error)
{
    struct retrier *retrier = calloc(1, sizeof *retrier);
    if (retrier == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    retrier->d = d;
    column_init(&retrier->webhooks, PG_INT4, 1u << 20);
    column_init(&retrier->most, PG_INT4, 1u << 20);
    column_init(&retrier->held, PG_TIMESTAMPTZ, 1u << 20);
    retrier->timer = (struct timer){.fire = wake, .owner = retrier};
    retrier->session = session_new(d->loop, d->settings->database_url, "posthorn-dispatcher retry", wake, d, error);
    if (retrier->session == NULL)
        retrier_free(&retrier);
    return retrier;
}

void retrier_free(struct retrier **retrier)
{
    struct retrier *old = *retrier;
    if (old == NULL)
        return;
    session_free(&old->session);
    destination_release(old->d, &old->cancelling);
    while (!TAILQ_EMPTY(leases_all(old->d)))
        leases_remove(old->d, TAILQ_FIRST(leases_all(old->d)));
    timer_cancel(old->d->loop, &old->timer);
    column_fini(&old->webhooks);
    column_fini(&old->most);
    column_fini(&old->held);
    free(old);
    *retrier = NULL;
}

/* The duration of a lease: long enough for a window of requests to end and be flushed. */
static int lease_seconds(const struct dispatcher *d)
{
    return (int)(d->settings->request_timeout.ns / SPAN_S(1).ns) + 10;
}

static void refused(struct dispatcher *d, const struct reply *reply)
{
    d->retrier->not_before = mono_add(loop_now(d->loop), SPAN_MS(200));
    if (reply->status == REPLY_REFUSED)
        database_refused(d, "retry", reply);
}

/* Lease --------------------------------------------------------------------- */

static void hold(struct dispatcher *d, const struct leased_row *row)
{
    struct destination *destination = accounts_hold_destination(d, row->webhook_id, row->account_id);
    if (destination->lease.state != LEASE_NONE) { /* our own lease had expired and was granted to us again */
        destination_release(d, &destination);
        return;
    }
    if (row->failing && !destination->failing) /* another dispatcher saw it fail: start with caution */
        window_doubt(&destination->window);
    destination_set_health(destination, row->failing ? &row->failing_since : NULL, row->gone);
    leases_add(d, destination);
}

static void accounts_loaded(void *owner, bool ok)
{
    struct dispatcher *d = owner;
    struct retrier *retrier = d->retrier;
    for (int i = 0; ok && i < retrier->fresh_count; i++)
        hold(d, &retrier->fresh[i]);
    retrier->fresh_count = 0; /* if the load failed, the leases expire */
}

/* The settings in memory may be older than the lease: the webhook may have been created or enabled a moment ago, and
 * its due deliveries must not be cancelled. Its account is loaded again. */
static bool is_known_enabled(struct dispatcher *d, int32_t webhook_id)
{
    const struct destination *destination = destination_find(d, webhook_id);
    return destination != NULL && destination_is_enabled(destination);
}

static void leased(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct retrier *retrier = d->retrier;
    if (reply->status != REPLY_OK) {
        refused(d, reply);
        return;
    }
    fault_point("after-lease");
    const PGresult *rows = reply->results[0];
    retrier->looking_again = PQntuples(rows) == LEASE_AT_ONCE;
    for (int i = 0; i < PQntuples(rows); i++) {
        invariant(retrier->fresh_count < LEASE_AT_ONCE);
        struct leased_row *row = &retrier->fresh[retrier->fresh_count++];
        *row = (struct leased_row){result_int4(rows, i, 0), result_int4(rows, i, 1), result_int4(rows, i, 3),
                                   !result_null(rows, i, 2), result_time(rows, i, 2)};
        if (accounts_find_id(d, row->account_id) == NULL || !is_known_enabled(d, row->webhook_id))
            accounts_want_id(d, row->account_id);
    }
    if (retrier->fresh_count > 0)
        accounts_load(d, accounts_loaded, d);
}

static bool ask_lease(struct dispatcher *d)
{
    struct retrier *retrier = d->retrier;
    struct mono now = loop_now(d->loop);
    struct value id, seconds, most;
    bool look = retrier->looking_again || !mono_before(now, retrier->look_at);
    if (!look || d->draining || retrier->fresh_count > 0 || leases_count(d) + LEASE_AT_ONCE > LEASES_MAX)
        return false;
    const struct param params[] = {param_int4(d->id, &id), param_int4(lease_seconds(d), &seconds),
                                   param_int4(LEASE_AT_ONCE, &most)};
    retrier->look_at = mono_add(now, d->settings->clock_interval);
    timer_set(d->loop, &retrier->timer, retrier->look_at);
    if (session_add(retrier->session,
                    "select webhook_id, account_id, failing_since, gone from posthorn.lease($1, $2, $3)", params, 3) &&
        !session_send(retrier->session, leased, d))
        retrier->looking_again = true;
    return true;
}

/* Due ----------------------------------------------------------------------- */

static void take_row(struct dispatcher *d, const PGresult *rows, int row)
{
    struct destination *destination = destination_find(d, result_int4(rows, row, DUE_WEBHOOK));
    if (destination == NULL || destination->lease.state != LEASE_ASKING)
        return; /* the row stays, and the lease expires */
    const struct account *account = accounts_find_id(d, destination->account_id);
    const char *why;
    struct passage *passage = account == NULL ? NULL : due_read(d, account, rows, row, &why);
    if (passage == NULL) { /* the row stays, and the webhook is leased again when the account can be loaded */
        destination->lease.held_back = account != NULL;
        return;
    }
    char cause = result_text(rows, row, DUE_CAUSE).data[0];
    struct delivery *delivery =
        delivery_new(d, passage, destination, (enum cause)cause, result_int2(rows, row, DUE_ATTEMPTS));
    lease_take(&destination->lease);
    passage_release(d, passage);
    if (why != NULL)
        attempt_impossible(d, delivery, why);
    else if (destination_is_enabled(destination))
        deliver_offer(d, destination, delivery);
    else
        park_delivery(d, delivery); /* drops it from memory: the row is cancelled in the next turn */
}

/* True if everything taken from the backlog is over and durable. */
static bool is_through(const struct dispatcher *d, const struct lease *lease)
{
    return lease->taken == 0 && lease->settled_seq <= flush_ended_seq(d);
}

static bool wants_more(const struct dispatcher *d, const struct destination *destination)
{
    return destination->lease.state == LEASE_HELD && is_through(d, &destination->lease);
}

static void due_answered(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct destination *destination;
    TAILQ_FOREACH(destination, leases_all(d), lease.link)
    deliveries_unreserve(d, destination->account_id, lease_unreserve(&destination->lease));
    if (reply->status == REPLY_OK) {
        fault_point("after-due");
        for (int row = 0; row < PQntuples(reply->results[0]); row++)
            take_row(d, reply->results[0], row);
    } else {
        refused(d, reply);
    }
    TAILQ_FOREACH(destination, leases_all(d), lease.link)
    if (destination->lease.state == LEASE_ASKING) {
        bool nothing_due = reply->status == REPLY_OK && is_through(d, &destination->lease);
        lease_become(&destination->lease, nothing_due ? LEASE_RELEASING : LEASE_HELD);
    }
}

/* True if the webhook should go to the end of the queue: if an account has more webhooks with a backlog than leases in
 * its share, they take turns. */
static bool has_had_its_turn(const struct dispatcher *d, const struct destination *destination)
{
    return !leases_have_share(d, destination->account_id, LEASE_AT_ONCE) &&
           mono_since(loop_now(d->loop), destination->lease.since).ns > TURN.ns;
}

/* Returns how many rows one result may have, so that their payloads fit into the memory that is left. */
static int due_rows_max(const struct dispatcher *d)
{
    int64_t rows = (d->settings->memory_max - budget_used(d->memory)) / d->settings->value_max;
    return rows < 1 ? 1 : rows > DUE_ROWS_MAX ? DUE_ROWS_MAX : (int)rows;
}

/* True if its account cannot be loaded, or its payloads cannot be opened. */
static bool is_held_back(const struct destination *destination)
{
    return destination->lease.held_back || destination->webhook->status == WEBHOOK_UNLOADED;
}

static bool ask_due(struct dispatcher *d)
{
    struct retrier *retrier = d->retrier;
    struct destination *destination, *next;
    struct value id, seconds;
    int given = 0, left = due_rows_max(d);
    column_clear(&retrier->webhooks);
    column_clear(&retrier->most);
    for (destination = TAILQ_FIRST(leases_all(d)); destination != NULL; destination = next) {
        next = TAILQ_NEXT(destination, lease.link);
        if (wants_more(d, destination) && is_held_back(destination))
            lease_become(&destination->lease, LEASE_RELEASING);
        if (!wants_more(d, destination) || !destination_is_enabled(destination))
            continue;
        int room = window_room(&destination->window, destination->in_flight, loop_now(d->loop));
        bool closed = room == 0 && destination->in_flight == 0;
        bool gives_way = given < LEASE_AT_ONCE && has_had_its_turn(d, destination);
        given += gives_way;
        if (closed || gives_way) {
            lease_become(&destination->lease, LEASE_RELEASING);
            continue;
        }
        if (deliver_has_share(d, destination->account_id))
            lease_reserve(&destination->lease,
                          deliveries_reserve(d, destination->account_id, room < left ? room : left));
        if (destination->lease.reserved > 0) {
            lease_become(&destination->lease, LEASE_ASKING);
            column_int4(&retrier->webhooks, destination->webhook_id);
            column_int4(&retrier->most, destination->lease.reserved);
            left -= destination->lease.reserved;
            leases_to_end(d, destination); /* after those that did not fit into this result */
        }
    }
    if (retrier->webhooks.count == 0)
        return false;
    const struct param params[] = {param_int4(d->id, &id), param_int4(lease_seconds(d), &seconds),
                                   column_param(&retrier->webhooks), column_param(&retrier->most)};
    if (session_add(retrier->session,
                    "select webhook_id, position_id, \"offset\", cause, period, attempts, account_id, event_type, "
                    "event_id, source, occurred_at, traceparent,"
                    " sealed, payload, extensions from posthorn.due($1, $2, $3, $4)",
                    params, 4) &&
        session_send(retrier->session, due_answered, d))
        return true;
    due_answered(d, &(struct reply){.status = REPLY_LOST, .message = "", .detail = ""});
    return true;
}

/* Release and cancel -------------------------------------------------------- */

static void released(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct destination *destination, *next;
    if (reply->status == REPLY_REFUSED)
        refused(d, reply);
    for (destination = TAILQ_FIRST(leases_all(d)); destination != NULL; destination = next) {
        next = TAILQ_NEXT(destination, lease.link);
        if (destination->lease.state == LEASE_RELEASING && destination->lease.release_asked)
            leases_remove(d, destination); /* if the release failed, the lease expires */
    }
}

static bool ask_release(struct dispatcher *d)
{
    struct retrier *retrier = d->retrier;
    struct destination *destination;
    struct value id;
    column_clear(&retrier->webhooks);
    column_clear(&retrier->held);
    TAILQ_FOREACH(destination, leases_all(d), lease.link)
    {
        destination->lease.release_asked = destination->lease.state == LEASE_RELEASING;
        if (!destination->lease.release_asked)
            continue;
        column_int4(&retrier->webhooks, destination->webhook_id);
        column_time(&retrier->held, destination->lease.refused  ? wall_add(clock_wall(d), REFUSED_PAUSE)
                                    : is_held_back(destination) ? wall_add(clock_wall(d), HELD_BACK)
                                                                : destination_held_until(d, destination));
    }
    if (retrier->webhooks.count == 0)
        return false;
    const struct param params[] = {param_int4(d->id, &id), column_param(&retrier->webhooks),
                                   column_param(&retrier->held)};
    return session_add(retrier->session, "select posthorn.release($1, $2, $3)", params, 3) &&
           session_send(retrier->session, released, d);
}

static void cancelled(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct destination *destination = d->retrier->cancelling;
    invariant(destination != NULL);
    d->retrier->cancelling = NULL;
    if (reply->status != REPLY_OK) {
        refused(d, reply);
    } else {
        int n = result_int4(reply->results[0], 0, 0);
        count(d, METRIC_CANCELLED, n);
        if (n < CANCEL_AT_ONCE && destination->lease.state == LEASE_HELD) /* else released meanwhile: draining */
            lease_become(&destination->lease, LEASE_RELEASING);
    }
    destination_release(d, &destination);
}

static bool ask_cancel(struct dispatcher *d)
{
    struct retrier *retrier = d->retrier;
    struct destination *destination;
    struct value id, webhook, most;
    TAILQ_FOREACH(destination, leases_all(d), lease.link)
    if (wants_more(d, destination) && !destination_is_enabled(destination) && !is_held_back(destination))
        break;
    if (destination == NULL)
        return false;
    const char *reason = destination_cancel_reason(destination);
    const struct param params[] = {param_int4(d->id, &id), param_int4(destination->webhook_id, &webhook),
                                   param_text(text_of(reason)), param_int4(CANCEL_AT_ONCE, &most)};
    if (!session_add(retrier->session, "select posthorn.cancel_due($1, $2, $3, $4)", params, 4) ||
        !session_send(retrier->session, cancelled, d))
        return false;
    retrier->cancelling = destination;
    destination->references++;
    return true;
}

void retry_work(struct dispatcher *d)
{
    struct retrier *retrier = d->retrier;
    if (!session_idle(retrier->session) || d->id == 0 || mono_before(loop_now(d->loop), retrier->not_before))
        return;
    d->metrics[METRIC_LEASED].value = leases_count(d);
    /* A large backlog is cancelled in many calls: after each, all else has its turn. */
    bool others_first = retrier->cancelled_last;
    retrier->cancelled_last = !others_first && ask_cancel(d);
    if (retrier->cancelled_last || ask_release(d) || (!d->draining && ask_due(d)) || ask_lease(d))
        return;
    retrier->cancelled_last = others_first && ask_cancel(d);
}

bool retry_drain(struct dispatcher *d)
{
    struct destination *destination;
    TAILQ_FOREACH(destination, leases_all(d), lease.link)
    if (wants_more(d, destination))
        lease_become(&destination->lease, LEASE_RELEASING);
    return TAILQ_EMPTY(leases_all(d));
}
