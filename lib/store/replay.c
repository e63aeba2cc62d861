#include "store/replay.h"

#include <stdio.h>
#include <string.h>

/* Returns the state of each (event, webhook) pair of a batch. A pair that already waits is not changed. $1 period, $2
 * $3 after these coordinates, $4 account, $5 webhook, $6 $7 from and to, $8 state, $9 maximum number. */
static const char batch_sql[] =
    "with page as materialized (select e.position_id, e.\"offset\", e.period, e.event_type, e.received_at from "
    "posthorn.event e "
    "  where e.period = $1 and (e.position_id, e.\"offset\") > ($2::int, $3::bigint) and e.account_id = $4 "
    "  and ($6::timestamptz is null or e.received_at >= $6) and ($7::timestamptz is null or e.received_at < $7) "
    "  order by e.position_id, e.\"offset\" limit $9), "
    "pair as (select p.*, "
    "  exists (select from posthorn.pending n where n.position_id = p.position_id and n.\"offset\" = p.\"offset\" and "
    "n.webhook_id = $5) as waiting, "
    "  exists (select from posthorn.cancellation c where c.position_id = p.position_id and c.\"offset\" = p.\"offset\" "
    "and c.webhook_id = $5 "
    "          and c.recorded_at >= p.received_at) as cancelled, "
    "  coalesce(t.delivered, false) as delivered, coalesce(t.failed, false) as failed, "
    "  exists (select from posthorn.payload l join posthorn.account a on a.id = $4 where l.position_id = p.position_id "
    "and l.\"offset\" = p.\"offset\" "
    "          and l.recorded_at = p.received_at and (not l.sealed or a.data_key is not null)) as payload, "
    "  exists (select from posthorn.subscription s where s.webhook_id = $5 and (s.pattern = '*' or s.pattern = "
    "p.event_type "
    "          or (right(s.pattern, 2) = '.*' and starts_with(p.event_type, left(s.pattern, -1))))) as subscribed "
    "  from page p cross join lateral (select bool_or(outcome = 'd') as delivered, bool_or(outcome = 'g') as failed "
    "from posthorn.attempt t "
    "  where t.position_id = p.position_id and t.\"offset\" = p.\"offset\" and t.webhook_id = $5 and t.cause <> 't' "
    "and t.recorded_at >= p.received_at) t), "
    "wanted as (select * from pair where case $8 when 'failed' then failed and not delivered when 'delivered' then "
    "delivered "
    "  when 'cancelled' then cancelled and not failed and not delivered when 'missed' then subscribed and not (waiting "
    "or cancelled or failed or delivered) "
    "  else cancelled or failed or delivered end), "
    "chosen as (select * from wanted where payload and not waiting) "
    "select (select count(*) from page) as looked_at, (select count(*) from wanted where not payload) as dropped, "
    "  (select count(*) from wanted where payload and waiting) as waiting, (select count(*) from chosen) as queued, "
    "  (select array_agg(position_id order by position_id, \"offset\") from chosen) as positions, "
    "  (select array_agg(\"offset\" order by position_id, \"offset\") from chosen) as offsets, "
    "  (select position_id from page order by position_id desc, \"offset\" desc limit 1) as last_position, "
    "  (select \"offset\" from page order by position_id desc, \"offset\" desc limit 1) as last_offset";

static const char park_sql[] =
    "select posthorn.park(array_fill($1::int, array[n]), $2::int[], $3::bigint[], array_fill($4::\"char\", array[n]), "
    "array_fill($5::date, array[n]), array_fill(0::smallint, array[n]), array_fill(now(), array[n]), "
    "array_fill(null::bigint, array[n])) "
    "from cardinality($2::int[]) as n";

static bool park(PGconn *db, int webhook, const char *positions, const char *offsets, const char *cause,
                 const char *period, struct error *error)
{
    return store_run(db, park_sql,
                     VALUES(store_number(webhook), store_text(positions), store_text(offsets), store_text(cause),
                            store_text(period)),
                     error);
}

void replay_rewind(struct replay *replay)
{
    strcpy(replay->position, "0");
    strcpy(replay->offset, "0");
}

bool replay_batch(PGconn *db, struct replay *replay, const char *period, bool *full, struct error *error)
{
    PGresult *row =
        store_query(db, batch_sql,
                    VALUES(store_text(period), store_text(replay->position), store_text(replay->offset),
                           store_number(replay->account), store_number(replay->webhook), store_text(replay->from),
                           store_text(replay->to), store_text(replay->state), store_number(REPLAY_BATCH)),
                    error);
    bool ok = row != NULL;
    if (ok && store_cell_number(row, 0, "queued") > 0)
        ok = park(db, replay->webhook, store_cell(row, 0, "positions"), store_cell(row, 0, "offsets"), "r", period,
                  error);
    if (ok) {
        replay->looked_at += store_cell_number(row, 0, "looked_at");
        replay->queued += store_cell_number(row, 0, "queued");
        replay->waiting += store_cell_number(row, 0, "waiting");
        replay->dropped += store_cell_number(row, 0, "dropped");
        *full = store_cell_number(row, 0, "looked_at") == REPLAY_BATCH;
        snprintf(replay->position, sizeof replay->position, "%lld", store_cell_number(row, 0, "last_position"));
        snprintf(replay->offset, sizeof replay->offset, "%lld", store_cell_number(row, 0, "last_offset"));
    }
    PQclear(row);
    return ok;
}

PGresult *replay_periods(PGconn *db, const struct replay *replay, struct error *error)
{
    return store_query(db,
                       "select p from (select to_date(right(c.relname, 8), 'YYYYMMDD') as p from pg_inherits i join "
                       "pg_class c on c.oid = i.inhrelid where i.inhparent = 'posthorn.event'::regclass) x "
                       "where ($1::timestamptz is null or p >= posthorn.period_of($1)) "
                       "and p <= posthorn.period_of(coalesce($2, now())) order by p",
                       VALUES(store_text(replay->from), store_text(replay->to)), error);
}

bool replay_one(PGconn *db, int webhook, const PGresult *event, const char *cause, bool *found, struct error *error)
{
    char positions[32], offsets[32];
    long long position = store_cell_number(event, 0, "position_id"), offset = store_cell_number(event, 0, "offset");
    const char *period = store_cell(event, 0, "period");
    PGresult *payload = store_query(
        db,
        "select from posthorn.event e join posthorn.account a on a.id = e.account_id join posthorn.payload l on "
        "l.position_id = e.position_id and l.\"offset\" = e.\"offset\" and l.recorded_at = e.received_at "
        "where e.position_id = $1 and e.\"offset\" = $2 and e.period = $3 and (not l.sealed or a.data_key is not null)",
        VALUES(store_number(position), store_number(offset), store_text(period)), error);
    snprintf(positions, sizeof positions, "{%lld}", position);
    snprintf(offsets, sizeof offsets, "{%lld}", offset);
    *found = payload != NULL && PQntuples(payload) > 0;
    bool ok = payload != NULL && (!*found || park(db, webhook, positions, offsets, cause, period, error));
    PQclear(payload);
    return ok;
}
