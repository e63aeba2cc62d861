#include "health.h"

#include "flush_gather.h"
#include "outbox.h"

#define GONE_LEAST 3
#define ASK_AGAIN SPAN_S(2)

/* Adds a health row if the health has changed: a healthy webhook costs nothing. */
static void tell_health(struct dispatcher *d, struct destination *destination, bool failing, int gone)
{
    if (failing == destination->failing && gone == destination->gone)
        return;
    if (failing && !destination->failing)
        destination->failing_since = clock_wall(d);
    destination->failing = failing;
    destination->gone = gone;
    flush_health(d, destination->webhook_id, failing, gone);
}

/* Writes, for example, "failed for 5 days", in the largest unit that gives at least 2. */
static void describe_failing(int64_t us, char *out, size_t size)
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{86400000000, "days"}, {3600000000, "hours"}, {60000000, "minutes"}, {1000000, "seconds"}};
    size_t i = 0;
    while (i < 3 && us < 2 * units[i].us)
        i++;
    snprintf(out, size, "failed for %lld %s", (long long)(us / units[i].us), units[i].name);
}

/* PostgreSQL decides: meanwhile requests of another dispatcher may have succeeded. Without a decision, a later failure
 * asks again. */
static void disabled(struct dispatcher *d, const struct task *task, const PGresult *row)
{
    struct destination *destination = destination_find(d, task->id);
    if (row == NULL || PQgetisnull(row, 0, 0)) {
        if (destination != NULL) {
            destination->disabling = false;
            destination->disable_at = mono_add(loop_now(d->loop), ASK_AGAIN);
        }
    } else if (result_bool(row, 0, 0)) {
        count(d, METRIC_WEBHOOKS_DISABLED, 1);
        log_warning("webhook_disabled", "webhook=%d reason=\"%s\"", task->id, task->text);
        outbox_hurry(d); /* it has an event about the webhook */
    } else if (destination != NULL) {
        destination->disabling = false;
        destination_set_health(destination, NULL, 0); /* the next failure is recorded anew */
    }
}

static void disable(struct dispatcher *d, const struct destination *destination, struct span failed_for,
                    const char *reason)
{
    struct task task = {.statement = "select posthorn.disable($1, $3, $4)",
                        .who = "disable",
                        .id = destination->webhook_id,
                        .number = failed_for.ns / 1000,
                        .done = disabled};
    snprintf(task.text, sizeof task.text, "%s", reason);
    tasks_add(d, &task);
}

static void disable_if_hopeless(struct dispatcher *d, struct destination *destination)
{
    char reason[160];
    int64_t failing_us = clock_wall(d).us - destination->failing_since.us;
    bool gone = destination->gone >= GONE_LEAST && failing_us >= d->settings->gone_after.ns / 1000;
    if (!destination->failing || destination->disabling || mono_before(loop_now(d->loop), destination->disable_at) ||
        (!gone && failing_us < d->settings->disable_after.ns / 1000))
        return;
    destination->disabling = true;
    if (gone)
        snprintf(reason, sizeof reason, "answered 410 Gone %d times in a row", destination->gone);
    else
        describe_failing(failing_us, reason, sizeof reason);
    disable(d, destination, gone ? d->settings->gone_after : d->settings->disable_after, reason);
}

void health_learn(struct dispatcher *d, struct destination *destination, bool delivered, bool gone)
{
    tell_health(d, destination, !delivered, gone ? destination->gone + 1 : 0);
    if (!delivered)
        disable_if_hopeless(d, destination);
}
