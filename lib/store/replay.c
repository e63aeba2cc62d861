#include "store/replay.h"

#include <stdio.h>
#include <string.h>

void replay_rewind(struct replay *replay)
{
    strcpy(replay->position, "0");
    strcpy(replay->offset, "0");
}

bool replay_batch(PGconn *db, struct replay *replay, const char *period, bool *full, struct error *error)
{
    PGresult *row = store_query(db, "select * from posthorn.replay($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                                VALUES(store_text(period), store_text(replay->position), store_text(replay->offset),
                                       store_number(replay->account), store_number(replay->webhook),
                                       store_text(replay->from), store_text(replay->to), store_text(replay->state),
                                       store_number(REPLAY_BATCH), store_number(REPLAY_READ)),
                                error);
    if (row == NULL)
        return false;
    replay->looked_at += store_cell_number(row, 0, "looked_at");
    replay->queued += store_cell_number(row, 0, "queued");
    replay->waiting += store_cell_number(row, 0, "waiting");
    replay->dropped += store_cell_number(row, 0, "dropped");
    *full = store_cell_true(row, 0, "more");
    snprintf(replay->position, sizeof replay->position, "%lld", store_cell_number(row, 0, "last_position"));
    snprintf(replay->offset, sizeof replay->offset, "%lld", store_cell_number(row, 0, "last_offset"));
    PQclear(row);
    return true;
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
    long long position = store_cell_number(event, 0, "position_id"), offset = store_cell_number(event, 0, "offset");
    const char *period = store_cell(event, 0, "period");
    PGresult *payload = store_query(
        db,
        "select from posthorn.event e join posthorn.account a on a.id = e.account_id join posthorn.payload l on "
        "l.position_id = e.position_id and l.\"offset\" = e.\"offset\" and l.recorded_at = e.received_at "
        "where e.position_id = $1 and e.\"offset\" = $2 and e.period = $3 and (not l.sealed or a.data_key is not null)",
        VALUES(store_number(position), store_number(offset), store_text(period)), error);
    *found = payload != NULL && PQntuples(payload) > 0;
    bool ok = payload != NULL &&
              (!*found || store_run(db, "select posthorn.requeue($1, array[$2::int], array[$3::bigint], $4, $5)",
                                    VALUES(store_number(webhook), store_number(position), store_number(offset),
                                           store_text(cause), store_text(period)),
                                    error));
    PQclear(payload);
    return ok;
}
