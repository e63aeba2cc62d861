/* audit: checks that the ledger agrees with the rows. */
#include "command.h"

#define DETAILS_MAX 100 /* ledger rows that do not add up, listed one by one */

static bool audit_reconciliation(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return context_show(context,
                        "select topic, partition, log_epoch, hour, first_offset, last_offset, records, events, "
                        "repeated, dead_lettered, matched, delivered, "
                        "pending, failed, cancelled, missing, sealed, what from audit.reconciliation order by topic, "
                        "partition, log_epoch, first_offset",
                        NO_VALUES, error);
}

/* The audit does not trust its own seals: it counts all rows that exist.
 *
 * Where old partitions were dropped, the oldest remaining day is not counted, because events of its first minutes may
 * be in a dropped partition. Its seals are reported as they are.
 *
 * Statistics of these tables may be missing or wrong by a factor of a million, so no plan depends on them: each step is
 * MATERIALIZED, rows in a range of offsets are found by a window function and not by a join on the range, and nothing
 * is counted per ledger row except in hours that do not add up. See also begin_snapshot(). */
#define COUNTED                                                                                                        \
    "with expired as materialized (select position_id, first_offset, next_offset from (select x.*, "                   \
    "    min(x.first_offset) filter (where not x.is_seal) over (partition by x.position_id order by x.first_offset "   \
    "      desc) as ledger_from "                                                                                      \
    "    from (select position_id, first_offset, next_offset, true as is_seal from posthorn.seal "                     \
    "      union all select position_id, first_offset, next_offset, false from posthorn.ledger) x) y "                 \
    "  where is_seal and (ledger_from is null or ledger_from >= next_offset)), "                                       \
    "since as (select case when exists (select from expired) then (select date_trunc('day', min(recorded_at), 'UTC') " \
    "+ interval '1 day' "                                                                                              \
    "  from posthorn.ledger) else '-infinity' end as at), "                                                            \
    "counted as materialized (select l.* from posthorn.ledger l where l.recorded_at >= (select at from since)) "

#define CHUNKS                                                                                                         \
    COUNTED                                                                                                            \
    ", chunk as materialized (select k.*, c.* from (select position_id, date_trunc('hour', recorded_at, 'UTC') as "    \
    "  hour, min(first_offset) as first_offset, max(next_offset) as next_offset, sum(records)::bigint as records, "    \
    "  sum(events)::bigint as l_events, sum(repeated)::bigint as l_repeated, sum(dead_lettered)::bigint as l_dead, "   \
    "  sum(matched)::bigint as matched from counted group by 1, 2) k cross join lateral "                              \
    "  posthorn.count_chunk(k.position_id, k.first_offset, k.next_offset, k.records, k.l_events, k.l_repeated, "       \
    "    k.l_dead, k.matched) c) "

static const char chunks_sql[] =
    CHUNKS "select p.topic, p.partition, p.log_epoch, k.hour, k.first_offset, k.next_offset - 1 as last_offset, "
           "k.records, k.events, k.repeated, "
           "  k.dead_lettered, k.matched, k.delivered, k.pending, k.failed, k.cancelled, k.missing "
           "from chunk k join posthorn.position p on p.id = k.position_id order by 1, 2, 3, 5";

/* Finds, in hours that do not add up, each ledger row that disagrees with its rows, each hole, and each seal that
 * disagrees with the rows. */
static const char discrepancies_sql[] = CHUNKS
    ", suspect as materialized (select l.* from counted l join chunk k on k.position_id = l.position_id "
    "    and k.hour = date_trunc('hour', l.recorded_at, 'UTC') where k.missing <> 0), "
    "segment as (select position_id, first_offset, next_offset from posthorn.ledger "
    "  union all select position_id, first_offset, next_offset from expired "
    "  union all select id, next_offset, next_offset from posthorn.position where first_offset is not null), "
    "hole as (select g.position_id, coalesce(lag(g.next_offset) over w, p.first_offset) as first_offset, "
    "  g.first_offset as next_offset from segment g join posthorn.position p on p.id = g.position_id "
    "  window w as (partition by g.position_id order by g.first_offset, g.next_offset)), "
    "below as materialized (select * from (select x.*, max(x.first_offset) filter (where x.is_seal) "
    "    over (partition by x.position_id order by x.first_offset) as seal_first "
    "  from (select position_id, first_offset, true as is_seal, null::int as records, null::int as events, "
    "      null::int as repeated, null::int as dead_lettered, null::int as matched from posthorn.seal "
    "    union all select position_id, first_offset, false, records, events, repeated, dead_lettered, matched "
    "      from counted) x) y where not is_seal), "
    "found as ("
    "  select l.position_id, l.first_offset, l.next_offset, l.recorded_at, c.missing, concat_ws('; ', "
    "    case when l.events <> c.events then format('%s events, the ledger says %s', c.events, l.events) end, "
    "    case when l.repeated <> c.repeated then format('%s repeats, the ledger says %s', c.repeated, l.repeated) end, "
    "    case when l.dead_lettered <> c.dead_lettered "
    "         then format('%s dead letters, the ledger says %s', c.dead_lettered, l.dead_lettered) end, "
    "    case when l.matched <> c.delivered + c.pending + c.failed + c.cancelled then format( "
    "         '%s deliveries, the ledger says %s', c.delivered + c.pending + c.failed + c.cancelled, l.matched) end, "
    "    case when l.records <> l.events + l.repeated + l.dead_lettered then format( "
    "         '%s records in the ledger are not the sum of its events, repeats and dead letters', l.records) end, "
    "    case when l.records > l.next_offset - l.first_offset then 'more records than offsets' end) as what "
    "  from suspect l "
    "  cross join lateral posthorn.count_chunk(l.position_id, l.first_offset, l.next_offset, l.records, l.events, "
    "    l.repeated, l.dead_lettered, l.matched) c where c.missing <> 0 "
    "  union all "
    "  select position_id, least(first_offset, next_offset), greatest(first_offset, next_offset), null, "
    "    abs(next_offset - first_offset), "
    "    case when next_offset > first_offset then 'not accounted for' else 'accounted for twice' end "
    "  from hole where first_offset <> next_offset "
    "  union all "
    "  select s.position_id, s.first_offset, s.next_offset, s.sealed_at, "
    "    greatest(1, abs(s.records - l.records) + abs(s.events - l.events) + abs(s.matched - l.matched)), "
    "    format('the seal says %s records, %s events, %s deliveries; the ledger %s, %s, %s', "
    "           s.records, s.events, s.matched, l.records, l.events, l.matched) "
    "  from posthorn.seal s join (select n.position_id, n.first_offset, sum(b.records) as records, "
    "    sum(b.events) as events, sum(b.repeated) as repeated, sum(b.dead_lettered) as dead_lettered, "
    "    sum(b.matched) as matched from posthorn.seal n join below b on b.position_id = n.position_id "
    "      and b.seal_first = n.first_offset and b.first_offset < n.next_offset group by 1, 2) l "
    "    on l.position_id = s.position_id and l.first_offset = s.first_offset "
    "  where (s.records, s.events, s.repeated, s.dead_lettered, s.matched) "
    "     <> (l.records, l.events, l.repeated, l.dead_lettered, l.matched)) "
    "select p.topic, p.partition, p.log_epoch, f.first_offset, f.next_offset - 1 as last_offset, f.recorded_at, "
    "f.missing, "
    "  f.what, sum(f.missing) over ()::bigint as total "
    "from found f join posthorn.position p on p.id = f.position_id order by 1, 2, 3, 4 limit $1";

/* Finds rows that differ from those whose digest was written with them: see schema/code/digest.sql. */
static const char differences_sql[] =
    "select p.topic, p.partition, p.log_epoch, d.first_offset, d.last_offset, d.at as recorded_at, "
    "greatest(1, abs(d.row_count)) as missing, "
    "  concat(posthorn.difference_said(d.kind, d.row_count), "
    "    case when d.there > 0 then format('; %s of that instant there', case when d.there = 1 then '1 row is' "
    "         else d.there || ' rows are' end) end, "
    "    case when v.id is not null then '; recorded by dispatcher ' || v.name end, "
    "    case when f.id = l.id then '; for webhook ' || f.public_id "
    "         when f.id is not null then format('; for webhooks %s to %s', f.public_id, l.public_id) end) as what, "
    "  sum(greatest(1, abs(d.row_count))) over ()::bigint as total "
    "from posthorn.difference d left join posthorn.position p on p.id = d.position_id "
    "left join posthorn.dispatcher v on v.id = d.dispatcher_id left join posthorn.webhook f on f.id = d.first_webhook "
    "left join posthorn.webhook l on l.id = d.last_webhook order by d.at, 1, 2, 3, d.kind limit $1";

static json_t *take_rows(struct context *context, const char *sql, const struct store_value *values, size_t count,
                         struct error *error)
{
    json_t *rows = context_show(context, sql, values, count, error) ? context->result : NULL;
    context->result = NULL;
    return rows;
}

static json_int_t sum(const json_t *rows, const char *column)
{
    json_int_t total = 0;
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row)
    {
        total += json_integer_value(json_object_get(row, column));
    }
    return total;
}

/* Uses one snapshot for all queries, so that records consumed meanwhile are in none. Joins use hash or merge: a nested
 * loop over rows that the planner believes to be few would read everything again for each of them. */
static bool begin_snapshot(struct context *context, struct error *error)
{
    return store_run(context->db, "begin transaction isolation level repeatable read read only", NO_VALUES, error) &&
           store_run(context->db, "select set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)",
                     NO_VALUES, error);
}

/* Returns the sum over all discrepancies, also those beyond the limit. Each row contains it; it is removed from the
 * rows. */
static json_int_t take_total(json_t *wrong)
{
    json_int_t total = json_integer_value(json_object_get(json_array_get(wrong, 0), "total"));
    size_t i;
    json_t *row;
    json_array_foreach(wrong, i, row)
    {
        json_object_del(row, "total");
    }
    return total;
}

static json_t *verdict(json_t *chunks, json_t *wrong, json_t *differences)
{
    static const char *const columns[] = {"records",   "events",  "repeated", "dead_lettered", "matched",
                                          "delivered", "pending", "failed",   "cancelled"};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_object_set_new(object, columns[i], json_integer(sum(chunks, columns[i])));
    json_object_set_new(object, "missing", json_integer(take_total(wrong) + take_total(differences)));
    json_array_extend(wrong, differences);
    json_object_set_new(object, "verdict",
                        json_string(json_array_size(wrong) == 0 ? "the reconciliation balances"
                                                                : "the reconciliation does not balance"));
    json_object_set(object, "hours", chunks);
    json_object_set(object, "discrepancies", wrong);
    return object;
}

struct accept_settings {
    struct globals globals;
    char *reason;
};

static bool audit_accept(struct context *context, const void *settings, struct error *error)
{
    const struct accept_settings *given = settings;
    return context_show_one(context, "select posthorn.accept_changes($1) as accepted",
                            VALUES(store_text(given->reason)), error);
}

static const struct setting accept_table[] = {
    OPTION(accept_settings, reason, "reason", NULL, "TEXT", "why rows were changed manually", SETTING_REQUIRED), {0}};

static bool audit_verify(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    json_t *chunks = NULL, *wrong = NULL, *differences = NULL;
    bool ok = begin_snapshot(context, error) && (chunks = take_rows(context, chunks_sql, NO_VALUES, error)) != NULL &&
              (wrong = take_rows(context, discrepancies_sql, VALUES(store_number(DETAILS_MAX)), error)) != NULL &&
              (differences = take_rows(context, differences_sql, VALUES(store_number(DETAILS_MAX)), error)) != NULL &&
              store_run(context->db, "commit", NO_VALUES, error);
    if (ok) {
        context->result = verdict(chunks, wrong, differences);
        context->found_wrong = json_array_size(wrong) > 0;
    } else {
        store_rollback(context->db);
    }
    json_decref(chunks);
    json_decref(wrong);
    json_decref(differences);
    return ok;
}

const struct command audit_commands[] = {
    {.noun = "audit",
     .verb = "verify",
     .about = "count all rows again and compare them with the ledger; the exit status is 1 if anything is missing",
     .details = "Also counts closed hours: reads every stored event, attempt, pending delivery, cancellation, repeat "
                "and dead letter, and compares them with the ledger and with the digests that were written with them, "
                "so that a changed row is found, too. Shows each discrepancy with the offsets and the time of its "
                "flush, at most 100 of each kind. The command reads much data and takes no locks.",
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = audit_verify},
    {.noun = "audit",
     .verb = "accept",
     .about = "accept rows that were changed manually: set the digests to those of the present rows",
     .details =
         "Use this command, for example, after a person's data was erased from a stored response. Only the digests are "
         "updated: rows "
         "that the ledger counts and that do not exist are still missing. audit.changes records who ran the command, "
         "when and why. The command does not check the rows: run audit verify first, and read the rows that it names.",
     .settings = accept_table,
     .settings_size = sizeof(struct accept_settings),
     .run = audit_accept},
    {.noun = "audit",
     .verb = "reconciliation",
     .about = "show the view audit.reconciliation",
     .run = audit_reconciliation},
    {0}};
