#include "unloaded.h"

#include "accounts.h"
#include "database.h"
#include "flush_gather.h"

void unloaded_init(struct unloaded *unloaded, struct dispatcher *d)
{
    *unloaded = (struct unloaded){.d = d};
    column_init(&unloaded->accounts, PG_INT4, 1u << 16);
    column_init(&unloaded->types, PG_TEXT, 1u << 16);
}

void unloaded_fini(struct unloaded *unloaded)
{
    column_fini(&unloaded->accounts);
    column_fini(&unloaded->types);
}

static bool is_needed(struct dispatcher *d, const struct passage *passage)
{
    if (passage->kind != PASSAGE_EVENT || passage->reached != NULL)
        return false;
    const struct account *account = accounts_find_id(d, passage->account_id);
    return account != NULL && account->unloaded;
}

static bool any_needed(struct dispatcher *d, struct passage *const *passages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_needed(d, passages[i]))
            return true;
    return false;
}

static void collect(struct dispatcher *d, struct unloaded *unloaded, struct passage *const *passages, size_t count)
{
    unloaded->count = 0;
    column_clear(&unloaded->accounts);
    column_clear(&unloaded->types);
    for (size_t i = 0; i < count && unloaded->count < UNLOADED_AT_ONCE; i++) {
        if (!is_needed(d, passages[i]))
            continue;
        column_int4(&unloaded->accounts, passages[i]->account_id);
        column_bytes(&unloaded->types, passages[i]->event.type);
        unloaded->passages[unloaded->count++] = passages[i];
    }
}

static bool take(struct dispatcher *d, struct unloaded *unloaded, const PGresult *rows)
{
    size_t counts[UNLOADED_AT_ONCE] = {0};
    struct reached *reached[UNLOADED_AT_ONCE];
    for (int row = 0; row < PQntuples(rows); row++) {
        invariant(result_int4(rows, row, 0) >= 1 && (size_t)result_int4(rows, row, 0) <= unloaded->count);
        counts[result_int4(rows, row, 0) - 1]++;
    }
    for (size_t i = 0; i < unloaded->count; i++) {
        struct passage *passage = unloaded->passages[i];
        size_t size = sizeof *reached[i] + counts[i] * sizeof reached[i]->webhooks[0];
        reached[i] = arena_alloc(&passage->arena, size);
        if (reached[i] == NULL)
            return false;
        passage_charge(d, passage, size);
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        struct reached *one = reached[result_int4(rows, row, 0) - 1];
        one->webhooks[one->count].webhook_id = result_int4(rows, row, 1);
        one->webhooks[one->count++].enabled = result_bool(rows, row, 2);
    }
    for (size_t i = 0; i < unloaded->count; i++)
        unloaded->passages[i]->reached = reached[i];
    return true;
}

static void answered(void *owner, const struct reply *reply)
{
    struct unloaded *unloaded = owner;
    unloaded->asking = false;
    if (reply->status == REPLY_OK && take(unloaded->d, unloaded, reply->results[0]))
        return;
    unloaded->not_before = mono_add(loop_now(unloaded->d->loop), SPAN_MS(100));
    if (reply->status == REPLY_REFUSED)
        database_refused(unloaded->d, "match", reply);
}

bool unloaded_work(struct dispatcher *d, struct unloaded *unloaded, struct session *session,
                   struct passage *const *passages, size_t count)
{
    if (unloaded->asking) /* the result belongs to these passages, even if their partitions and accounts have changed */
        return false;
    if (!any_needed(d, passages, count))
        return true;
    if (!session_idle(session) || mono_before(loop_now(d->loop), unloaded->not_before))
        return false;
    collect(d, unloaded, passages, count);
    const struct param params[] = {column_param(&unloaded->accounts), column_param(&unloaded->types)};
    unloaded->asking = session_add(session, "select i, webhook_id, enabled from posthorn.match($1, $2)", params, 2) &&
                       session_send(session, answered, unloaded);
    return false;
}

void unloaded_fan_out(struct dispatcher *d, struct passage *passage)
{
    const struct reached *reached = passage->reached;
    invariant(reached != NULL && passage->open > 0);
    int recorded = recorded_count_of(&passage->partition->recorded, passage->offset);
    passage->matched = recorded;
    count(d, METRIC_EVENTS, 1);
    count(d, METRIC_MATCHED, (double)reached->count);
    for (size_t i = 0; i < reached->count; i++) {
        int32_t webhook_id = reached->webhooks[i].webhook_id;
        if (recorded > 0 && recorded_has(&passage->partition->recorded, passage->offset, webhook_id))
            continue;
        passage->matched++;
        if (reached->webhooks[i].enabled)
            flush_park_unloaded(d, passage, webhook_id);
        else
            flush_cancel(d, passage, webhook_id, CAUSE_EVENT, "webhook disabled");
    }
}
