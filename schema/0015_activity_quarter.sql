-- A list of webhooks with their activity is one query, which reads a row for each quarter of an hour and webhook instead of one for each minute and length.

-- Attempts of the last day by quarter of an hour, added up as posthorn.activity is written. A day is 97 of them.
create table posthorn.activity_quarter (
    webhook_id int not null,
    quarter    timestamptz not null,
    delivered  int not null,
    failed     int not null,
    primary key (webhook_id, quarter)
) with (fillfactor = 80);
create index on posthorn.activity_quarter using brin (quarter);
grant select on posthorn.activity_quarter to posthorn_api;

create index webhook_of_account on posthorn.webhook (account_id, id);   -- pages of a list, in the place of that on account_id alone
drop index posthorn.webhook_account_id_idx;

lock table posthorn.activity in share row exclusive mode; -- what is counted from now on is added by the trigger
insert into posthorn.activity_quarter
select webhook_id, date_bin('15 minutes', minute, 'epoch'), sum(delivered)::int, sum(failed)::int
from posthorn.activity where minute >= now() - interval '25 hours' group by 1, 2 order by 2, 1;

-- Whoever counts, what is counted is added to its quarter by the same statement.
create function posthorn.add_quarters() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
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
create trigger add_quarters_insert after insert on posthorn.activity referencing new table as new_rows
    for each statement execute function posthorn.add_quarters();
create trigger add_quarters_update after update on posthorn.activity referencing old table as old_rows new table as new_rows
    for each statement execute function posthorn.add_quarters();

-- As in 0010, and the quarters.
create or replace function posthorn.count_activity() returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    first timestamptz := (select counted_to from posthorn.activity_clock for update skip locked);
    upto timestamptz := now() - interval '2 seconds';
    past timestamptz;
    n bigint := 0;
begin
    if first is null then
        return 0;
    end if;
    if date_trunc('hour', first) <> date_trunc('hour', upto) then
        delete from posthorn.activity where minute < now() - make_interval(days => posthorn.setting_int('activity_keep_days'));
        delete from posthorn.activity_quarter where quarter < now() - interval '25 hours';
    end if;
    while first < upto and n < 100000 loop
        past := least(upto, first + interval '10 minutes');
        n := n + posthorn.count_activity_between(first, past);
        first := past;
    end loop;
    update posthorn.activity_clock set counted_to = first where counted_to < first;
    return n;
end $$;

-- Health of several webhooks at a glance. The numbers of a thousand pending mean a thousand or more; those of 24 hours begin with the quarter of an hour in which
-- the 24 hours began.
create function posthorn.webhooks_health(in_webhooks int[]) returns table (webhook_id int, health jsonb) language sql stable as $$
    with day as (
        select q.webhook_id, sum(q.delivered) as delivered, sum(q.failed) as failed from posthorn.activity_quarter q
        where q.webhook_id = any (in_webhooks) and q.quarter >= date_bin('15 minutes', now() - interval '24 hours', 'epoch') group by 1
    )
    select w.id, jsonb_build_object(
        'state', case when w.status <> 'enabled' then 'disabled'
                      when q.failing_since is not null or l.last_failure_at > coalesce(l.last_success_at, '-infinity') then 'failing'
                      when l.last_success_at > now() - interval '24 hours' then 'ok' else 'idle' end,
        'last_success_at', posthorn.shown_time(l.last_success_at), 'last_failure_at', posthorn.shown_time(l.last_failure_at),
        'last_error', coalesce(audit.show(l.last_error), 'HTTP ' || l.last_status),
        'failing_since', posthorn.shown_time(q.failing_since),
        'next_attempt_at', posthorn.shown_time((select greatest(p.next_attempt_at, q.held_until) from posthorn.pending p
                                                where p.webhook_id = w.id order by p.next_attempt_at limit 1)),
        'pending', (select count(*) from (select from posthorn.pending p where p.webhook_id = w.id limit 1000) p),
        'successes_24h', coalesce(d.delivered, 0), 'failures_24h', coalesce(d.failed, 0))
    from posthorn.webhook w
    left join posthorn.queue q on q.webhook_id = w.id
    left join posthorn.activity_last l on l.webhook_id = w.id
    left join day d on d.webhook_id = w.id
    where w.id = any (in_webhooks)
$$;

create or replace function posthorn.webhook_health(in_webhook int) returns jsonb language sql stable as $$
    select h.health from posthorn.webhooks_health(array[in_webhook]) h
$$;

-- As in 0010, for spans of any length: the seconds of a bucket may be more than an int holds.
create or replace function posthorn.webhook_statistics(in_webhook int, in_from timestamptz, in_to timestamptz, wanted int) returns jsonb language sql stable as $$
    with span as (
        select date_trunc('minute', in_from, 'UTC') as first, in_to as past,
               greatest(60, 60 * ceil(extract(epoch from in_to - in_from) / 60 / wanted))::bigint as seconds
    ), part as (
        select floor(extract(epoch from a.minute - s.first) / s.seconds)::int as i, a.bucket, sum(a.delivered) as delivered, sum(a.failed) as failed,
               sum(a.total_us) as us, max(a.max_us) as max_us
        from span s join posthorn.activity a on a.webhook_id = in_webhook and a.minute >= s.first and a.minute < s.past
        group by 1, 2
    ), ranked as (
        select *, sum(delivered + failed) over (partition by i order by bucket) as reached, sum(delivered + failed) over (partition by i) as total from part
    ), slot as (
        select i, sum(delivered) as delivered, sum(failed) as failed, max(max_us) as max_us,
               min(us / (delivered + failed)) filter (where reached >= total * 0.5) as p50, min(us / (delivered + failed)) filter (where reached >= total * 0.95) as p95
        from ranked group by i
    )
    select jsonb_build_object('from', posthorn.shown_time(s.first), 'to', posthorn.shown_time(s.past), 'bucket_seconds', s.seconds, 'buckets',
        (select coalesce(jsonb_agg(jsonb_build_object('at', posthorn.shown_time(s.first + make_interval(secs => g.i * s.seconds)),
             'delivered', coalesce(x.delivered, 0), 'failed', coalesce(x.failed, 0), 'p50_ms', round(x.p50 / 1000, 1), 'p95_ms', round(x.p95 / 1000, 1),
             'max_ms', round(x.max_us / 1000.0, 1)) order by g.i), '[]')
         from generate_series(0, ceil(extract(epoch from s.past - s.first) / s.seconds)::int - 1) as g (i) left join slot x on x.i = g.i))
    from span s
$$;
