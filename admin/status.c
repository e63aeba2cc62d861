/* status: an overview of the whole installation. */
#include <string.h>

#include "command.h"
#include "migrations.h"

/* A deleted webhook does not count as failing, even if its row in the queue exists until its backlog is cancelled. */
#define FAILING                                                                                                        \
    "from posthorn.queue q join posthorn.webhook w on w.id = q.webhook_id join posthorn.account a on a.id = "          \
    "w.account_id where q.failing_since is not null and w.status <> 'deleted'"

/* Adds the rows of a query (or its one row, as an object) to the result as `name`. */
static bool add(struct context *context, const char *name, bool one, const char *sql, struct error *error)
{
    json_t *whole = context->result;
    context->result = NULL;
    bool ok = one ? context_show_one(context, sql, NO_VALUES, error) : context_show(context, sql, NO_VALUES, error);
    if (ok && one) { /* its columns become members of the result */
        json_object_update(whole, context->result);
        json_decref(context->result);
    } else if (ok) {
        json_object_set_new(whole, name, context->result);
    }
    context->result = whole;
    return ok;
}

static int known_migrations(void)
{
    int count = 0;
    while (migrations[count].name != NULL)
        count++;
    return count;
}

static bool status(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return context_show_one(context,
                            "select $1::text as program, $2::int as migrations_known, "
                            "count(*) filter (where version <> $3) as migrations_applied, "
                            "coalesce(bool_or(version = $3 and sha256 = $4), false) as code_current "
                            "from public.posthorn_migration",
                            VALUES(store_text(POSTHORN_VERSION), store_number(known_migrations()),
                                   store_number(CODE_VERSION), store_text(code_sha256)),
                            error) &&
           add(context, NULL, true,
               "select (select count(*) from posthorn.account where status = 'active') as accounts, "
               "(select count(*) from posthorn.webhook where status = 'enabled') as webhooks_enabled, "
               "(select count(*) from posthorn.webhook where status = 'disabled') as webhooks_disabled, "
               "(select count(*) from posthorn.pending) as deliveries_pending, (select min(next_attempt_at) from "
               "posthorn.pending) as next_attempt_due, "
               "(select count(*) " FAILING ") as webhooks_failing, "
               "(select min(q.failing_since) " FAILING ") as failing_since, "
               "(select count(*) from posthorn.outbox) as own_events_waiting, "
               "(select count(*) from posthorn.dead_letter where recorded_at > now() - interval '1 day') as "
               "dead_letters_today",
               error) &&
           add(context, NULL, true,
               "select coalesce(sum(records), 0)::bigint as records, coalesce(sum(matched), 0)::bigint as matched, "
               "coalesce(sum(delivered), 0)::bigint as delivered, coalesce(sum(pending), 0)::bigint as pending, "
               "coalesce(sum(failed), 0)::bigint as failed, "
               "coalesce(sum(cancelled), 0)::bigint as cancelled, coalesce(sum(missing), 0)::bigint as missing from "
               "audit.reconciliation",
               error) &&
           add(context, "partitions", false,
               "select p.relname as \"table\", count(*) as partitions, min(to_date(right(c.relname, 8), "
               "'YYYYMMDD'))::text as first_day, "
               "max(to_date(right(c.relname, 8), 'YYYYMMDD'))::text as last_day, "
               "sum(pg_total_relation_size(c.oid))::bigint as bytes "
               "from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent "
               "where p.relnamespace = 'posthorn'::regnamespace and c.relkind = 'r' group by 1 order by 1",
               error) &&
           add(context, "positions", false,
               "select p.topic, p.partition, p.log_epoch, p.next_offset, d.name as dispatcher, p.stopped from "
               "posthorn.position p "
               "left join posthorn.dispatcher d on d.id = p.dispatcher_id where not exists (select from "
               "posthorn.position n where n.source = p.source "
               "and n.topic = p.topic and n.partition = p.partition and n.log_epoch > p.log_epoch) order by 1, 2 limit "
               "1000",
               error) &&
           add(context, "failing", false,
               "select w.public_id as webhook, a.key as account, w.status, q.failing_since, q.next_due, q.held_until, "
               "(select count(*) from posthorn.pending p where p.webhook_id::bigint = w.id) as pending " FAILING
               " order by q.failing_since limit 20",
               error) &&
           add(context, "dispatchers", false,
               "select d.name, d.started_at, d.flush_seq as flushes, count(p.id) as partitions from "
               "posthorn.dispatcher d "
               "join posthorn.position p on p.dispatcher_id = d.id group by d.id order by d.name, d.started_at limit "
               "1000",
               error) &&
           add(context, "insecure", false, "select what, remedy from posthorn.insecure()", error);
}

const struct command status_commands[] = {
    {.noun = "status",
     .about = "show migrations, partitions, positions, pending deliveries, failing webhooks, dispatchers, the "
              "reconciliation, and rights that no program needs",
     .run = status},
    {0}};
