-- Activity: the attempts of each webhook, counted for the console's charts and lists.
--
-- An index on attempts by webhook would make every delivery more expensive (4 µs of CPU, measured; the whole row takes 3). Instead, every two seconds a
-- dispatcher counts what was recorded since the last time: each attempt once, in one pass over the newest rows. Attempts that were committed later than that are
-- found when their minute is compared with the digests.

-- Attempts are grouped as they are read, and only failures are read a second time, because this runs for every delivery (1 us of CPU each). Sealed errors keep
-- their mark. The statement is planned for these instants. With `recount`, the counts take the place of earlier ones: the instants are whole minutes.
create or replace function posthorn.count_activity_between(first timestamptz, past timestamptz, recount bool default false) returns bigint language plpgsql
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_sort = off set jit = off as $$
declare
    n bigint;
begin
    execute $q$
    with counted as materialized (
        select t.webhook_id, date_bin('1 minute', t.recorded_at, 'epoch') as minute, floor(2 * ln(greatest(t.duration_us, 1)) / ln(2))::smallint as bucket,
               count(*) filter (where t.outcome = 'd') as delivered, count(*) filter (where t.outcome <> 'd') as failed,
               sum(t.duration_us) as total_us, max(t.duration_us) as max_us,
               max(t.started_at + make_interval(secs => t.duration_us / 1e6)) filter (where t.outcome = 'd') as last_success_at
        from posthorn.attempt t where t.recorded_at >= $1 and t.recorded_at < $2 group by 1, 2, 3
    ), failure as (
        select distinct on (webhook_id) webhook_id, ended_at, error, http_status
        from (select t.webhook_id, t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at,
                     posthorn.response_bytes(t.error, t.sealed) as error, t.http_status
              from posthorn.attempt t where t.recorded_at >= $1 and t.recorded_at < $2 and t.outcome <> 'd') t
        order by webhook_id, ended_at desc
    ), added as (
        insert into posthorn.activity as a select webhook_id, minute, bucket, delivered, failed, total_us, max_us from counted order by 1, 2, 3
        on conflict (webhook_id, minute, bucket) do update set
            delivered = excluded.delivered + case when $3 then 0 else a.delivered end, failed = excluded.failed + case when $3 then 0 else a.failed end,
            total_us = excluded.total_us + case when $3 then 0 else a.total_us end, max_us = greatest(a.max_us, excluded.max_us)
    ), by_minute as (
        insert into posthorn.activity_minute as m select minute, sum(delivered + failed) from counted group by 1 order by 1
        on conflict (minute) do update set attempts = excluded.attempts + case when $3 then 0 else m.attempts end
    ), last as (
        insert into posthorn.activity_last as l
        select c.webhook_id, c.last_success_at, f.ended_at, f.error, f.http_status
        from (select webhook_id, max(last_success_at) as last_success_at from counted group by 1) c left join failure f using (webhook_id) order by 1
        on conflict (webhook_id) do update set last_success_at = greatest(l.last_success_at, excluded.last_success_at),
            last_failure_at = greatest(l.last_failure_at, excluded.last_failure_at),
            last_error = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_error else excluded.last_error end,
            last_status = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_status else excluded.last_status end
    )
    select coalesce(sum(delivered + failed), 0)::bigint from counted $q$
    into n using first, past, recount;
    return n;
end $$;

-- Compares minutes that ended three minutes ago with the digests of their attempts, and counts those that differ again: what took so long to be committed was not
-- counted. For at most 150 ms and one minute; the next calls compare the rest.
create or replace function posthorn.recount_activity() returns void language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    deadline timestamptz := clock_timestamp() + interval '150 ms';
    since timestamptz;
    upto timestamptz;
    recorded bigint;
begin
    select checked_to, least(counted_to, now() - interval '3 minutes') into since, upto from posthorn.activity_clock;
    while since + interval '1 minute' <= upto and clock_timestamp() < deadline loop
        execute $q$ select sum(row_count) from posthorn.digest where kind = 'attempt' and recorded_at >= $1 and recorded_at < $1 + interval '1 minute' $q$
        into recorded using since;
        if recorded is distinct from (select attempts from posthorn.activity_minute where minute = since) then
            perform posthorn.count_activity_between(since, since + interval '1 minute', true);
        end if;
        since := since + interval '1 minute';
    end loop;
    update posthorn.activity_clock set checked_to = since where checked_to < since;
end $$;

-- Called by any dispatcher, one at a time. A backlog is counted in pieces of some ten thousand rows for a third of a second; the next calls
-- count the rest.
create or replace function posthorn.count_activity() returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    first timestamptz := (select counted_to from posthorn.activity_clock for update skip locked);
    upto timestamptz := now() - interval '2 seconds';
    expired timestamptz;
    past timestamptz;
    n bigint := 0;
begin
    if first is null then
        return 0;
    end if;
    if date_trunc('hour', first) <> date_trunc('hour', upto) then
        expired := date_trunc('minute', now() - make_interval(days => posthorn.setting_int('activity_keep_days')), 'UTC');
        update posthorn.activity_clock set kept_from = expired where kept_from < expired;
        delete from posthorn.activity where minute < expired;
        delete from posthorn.activity_minute where minute < expired;
        delete from posthorn.activity_quarter where quarter < now() - interval '25 hours';
    end if;
    while first < upto and clock_timestamp() < now() + interval '300 ms' loop
        past := posthorn.piece_end('attempt', first, upto, 20000);
        n := n + posthorn.count_activity_between(first, past);
        first := past;
    end loop;
    update posthorn.activity_clock set counted_to = first where counted_to < first;
    perform posthorn.recount_activity();
    return n;
end $$;
grant execute on function posthorn.count_activity() to posthorn_dispatcher;

-- Adds the counted minutes to their quarter of an hour, in the same statement, whatever program counts.
create or replace function posthorn.add_quarters() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into posthorn.activity_quarter as q
        select n.webhook_id, date_bin('15 minutes', n.minute, 'epoch'), sum(n.delivered)::int, sum(n.failed)::int from new_rows n group by 1, 2 order by 1, 2
        on conflict (webhook_id, quarter) do update set delivered = q.delivered + excluded.delivered, failed = q.failed + excluded.failed;
    else
        insert into posthorn.activity_quarter as q
        select n.webhook_id, date_bin('15 minutes', n.minute, 'epoch'), sum(n.delivered - o.delivered)::int, sum(n.failed - o.failed)::int
        from new_rows n join old_rows o using (webhook_id, minute, bucket) group by 1, 2 order by 1, 2
        on conflict (webhook_id, quarter) do update set delivered = q.delivered + excluded.delivered, failed = q.failed + excluded.failed;
    end if;
    return null;
end $$;

create or replace trigger add_quarters_insert after insert on posthorn.activity referencing new table as new_rows
    for each statement execute function posthorn.add_quarters();
create or replace trigger add_quarters_update after update on posthorn.activity referencing old table as old_rows new table as new_rows
    for each statement execute function posthorn.add_quarters();
