-- As in 0010, in half the time: attempts are grouped as they are read, and only failures are looked at a second time. It runs beside every delivery (1 us of
-- CPU each instead of 2).
create or replace function posthorn.count_activity_between(first timestamptz, past timestamptz) returns bigint language sql as $$
    with counted as materialized (
        select t.webhook_id, date_bin('1 minute', t.recorded_at, 'epoch') as minute, floor(2 * ln(greatest(t.duration_us, 1)) / ln(2))::smallint as bucket,
               count(*) filter (where t.outcome = 'd') as delivered, count(*) filter (where t.outcome <> 'd') as failed,
               sum(t.duration_us) as total_us, max(t.duration_us) as max_us,
               max(t.started_at + make_interval(secs => t.duration_us / 1e6)) filter (where t.outcome = 'd') as last_success_at
        from posthorn.attempt t where t.recorded_at >= first and t.recorded_at < past group by 1, 2, 3
    ), failure as (
        select distinct on (webhook_id) webhook_id, ended_at, error, http_status
        from (select t.webhook_id, t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, t.error, t.http_status
              from posthorn.attempt t where t.recorded_at >= first and t.recorded_at < past and t.outcome <> 'd') t
        order by webhook_id, ended_at desc
    ), added as (
        insert into posthorn.activity as a select webhook_id, minute, bucket, delivered, failed, total_us, max_us from counted order by 1, 2, 3
        on conflict (webhook_id, minute, bucket) do update set delivered = a.delivered + excluded.delivered, failed = a.failed + excluded.failed,
            total_us = a.total_us + excluded.total_us, max_us = greatest(a.max_us, excluded.max_us)
    ), last as (
        insert into posthorn.activity_last as l
        select c.webhook_id, c.last_success_at, f.ended_at, f.error, f.http_status
        from (select webhook_id, max(last_success_at) as last_success_at from counted group by 1) c left join failure f using (webhook_id) order by 1
        on conflict (webhook_id) do update set last_success_at = greatest(l.last_success_at, excluded.last_success_at),
            last_failure_at = greatest(l.last_failure_at, excluded.last_failure_at),
            last_error = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_error else excluded.last_error end,
            last_status = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_status else excluded.last_status end
    )
    select coalesce(sum(delivered + failed), 0)::bigint from counted
$$;
