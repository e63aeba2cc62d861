-- What the console shows of one webhook, or an overview of several; cheap enough to be repeated while a page is open.

create or replace function posthorn.shown_time(at timestamptz) returns text language sql immutable
begin atomic
    select case when isfinite(at) then to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end;
end;

-- The health of several webhooks. The number of pending deliveries is at most a thousand, which means a thousand or more. The numbers of the last 24 hours
-- start with the quarter of an hour in which the 24 hours began.
create or replace function posthorn.webhooks_health(in_webhooks int[]) returns table (webhook_id int, health jsonb) language sql stable
begin atomic
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
                                                where p.webhook_id::bigint = w.id order by p.next_attempt_at limit 1)),
        'pending', (select count(*) from (select from posthorn.pending p where p.webhook_id::bigint = w.id order by p.next_attempt_at limit 1000) p),
        'successes_24h', coalesce(d.delivered, 0), 'failures_24h', coalesce(d.failed, 0))
    from posthorn.webhook w
    left join posthorn.queue q on q.webhook_id = w.id
    left join posthorn.activity_last l on l.webhook_id = w.id
    left join day d on d.webhook_id = w.id
    where w.id = any (in_webhooks);
end;

create or replace function posthorn.webhook_health(in_webhook int) returns jsonb language sql stable
begin atomic
    select h.health from posthorn.webhooks_health(array[in_webhook]) h;
end;

-- Successes, failures and durations of attempts over time, in buckets of whole minutes, for time ranges of any length.
create or replace function posthorn.webhook_statistics(in_webhook int, in_from timestamptz, in_to timestamptz, wanted int) returns jsonb language sql stable
begin atomic
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
    from span s;
end;

-- The spans of time between `lo` and `hi` in which a webhook may have attempts, which do not overlap: minutes with activity; every minute from `counted` on; and all
-- time before `kept`, for which activity is not complete, in pieces of ten minutes.
create or replace function posthorn.active_spans(in_webhook int, lo timestamptz, hi timestamptz, kept timestamptz, counted timestamptz)
returns table (since timestamptz, past timestamptz) language sql stable set search_path = pg_catalog, pg_temp as $$
    select a.minute, a.minute + interval '1 minute'
    from (select distinct a.minute from posthorn.activity a
          where a.webhook_id = in_webhook and a.minute > lo - interval '1 minute' and a.minute < hi and a.minute >= kept
            and a.minute < greatest(kept, date_trunc('minute', counted, 'UTC'))) a
    union all
    select g.minute, g.minute + interval '1 minute'
    from generate_series(date_trunc('minute', greatest(kept, counted, lo), 'UTC'), now(), interval '1 minute') as g (minute) where g.minute < hi
    union all
    select g.since, least(g.since + interval '10 minutes', kept)
    from generate_series(date_bin('10 minutes', greatest(lo, (
             select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC'
             from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'posthorn.attempt'::regclass)), 'epoch'),
         least(kept, now()) - interval '1 microsecond', interval '10 minutes') as g (since)
    where isfinite(kept) and g.since < hi
$$;

create or replace function posthorn.attempt_json(t posthorn.attempt) returns jsonb language sql stable
begin atomic
    select jsonb_build_object('attempt', t.attempt, 'cause', case t.cause when 'e' then 'event' when 'r' then 'replay' when 'd' then 'redeliver' else 'test' end,
        'started_at', posthorn.shown_time(t.started_at), 'duration_ms', round(t.duration_us / 1000.0, 3),
        'outcome', case t.outcome when 'd' then 'delivered' when 'r' then 'retry' else 'gave_up' end, 'http_status', t.http_status,
        'error', audit.show(posthorn.response_bytes(t.error, t.sealed)), 'response_body', audit.show(posthorn.response_bytes(t.response_body, t.sealed)));
end;

-- The attempts of a webhook that were recorded between `lo` and `hi`, and before the cursor; newest first, by the time of their recording and that of their start.
-- It reads only spans with activity, and stops after a second: the page is then shorter, and its cursor continues; a cursor with the start 'epoch' is before a whole
-- span. With coordinates: attempts of these events alone, whatever their age. Sealed values keep their mark. Most events are found in the periods just before their
-- attempts.
create or replace function posthorn.webhook_attempts(in_webhook int, lo timestamptz, hi timestamptz, c_at timestamptz, c_started timestamptz, c_position int,
    c_offset bigint, in_outcome "char", in_positions int[], in_offsets bigint[], most int) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
    days int := 8 + posthorn.setting_int('event_period_days');
    upto timestamptz := least(hi, case when c_started = 'epoch' then c_at else c_at + interval '1 microsecond' end);
    patient_until timestamptz;
    page posthorn.attempt[] := '{}';
    part posthorn.attempt[];
    next_cursor text;
    span record;
begin
    for span in
        select lo as since, upto as past where in_positions is not null
        union all
        select s.* from posthorn.activity_clock c
        cross join lateral posthorn.active_spans(in_webhook, lo, upto, c.kept_from, least(c.counted_to, c.checked_to)) s where in_positions is null
        order by 1 desc
    loop
        patient_until := coalesce(patient_until, clock_timestamp() + interval '1 second');      -- at least one span is read
        execute format($q$
            select array_agg(t.attempt order by (t.attempt).recorded_at desc, (t.attempt).started_at desc, (t.attempt).position_id desc, (t.attempt)."offset" desc)
            from (select t as attempt from %s t
                  where t.webhook_id = $1 and t.recorded_at >= $2 and t.recorded_at < $3 and ($4 is null or t.outcome = $4)
                    and ($5 is null or (t.recorded_at, t.started_at, t.position_id, t."offset") < ($5, $6, $7, $8))
                  order by t.recorded_at desc, t.started_at desc, t.position_id desc, t."offset" desc limit $9) t $q$,
            case when in_positions is null then 'posthorn.attempt'
                 else '(select a.* from unnest($10, $11) as e (p, o) cross join lateral
                        (select * from posthorn.attempt a where a.position_id = e.p and a."offset" = e.o offset 0) a)' end)
        into part
        using in_webhook, greatest(span.since, lo), least(span.past, upto), in_outcome, c_at, c_started, c_position, c_offset, most + 1 - cardinality(page),
              in_positions, in_offsets;
        page := page || part;
        if cardinality(page) > most then
            page := page[:most];    -- one more than fits: the next page starts after the last one of this page
            next_cursor := posthorn.shown_time(page[most].recorded_at) || '/' || posthorn.shown_time(page[most].started_at) || '/' || page[most].position_id
                           || '/' || page[most]."offset";
            exit;
        end if;
        if clock_timestamp() > patient_until and in_positions is null then
            next_cursor := posthorn.shown_time(greatest(span.since, lo)) || '/' || posthorn.shown_time('epoch') || '/0/0';
            exit;
        end if;
    end loop;
    return jsonb_build_object('next_cursor', next_cursor, 'attempts', (
        with shown as materialized (
            select page[i] as attempt, (page[i]).position_id, (page[i])."offset", ((page[i]).recorded_at at time zone 'UTC')::date as day, i
            from generate_subscripts(page, 1) as i
        )
        select coalesce(jsonb_agg(posthorn.attempt_json(a.attempt) || jsonb_build_object('event_id', coalesce(e.event_id, old.event_id),
                            'event_type', coalesce(e.event_type, old.event_type), 'url', v.url) order by a.i), '[]')
        from shown a
        left join posthorn.webhook_version v on v.webhook_id = (a.attempt).webhook_id and v.version = (a.attempt).version
        left join lateral (select e.event_id, e.event_type from posthorn.event e
                           where e.position_id = a.position_id and e."offset" = a."offset" and e.period >= a.day - days and e.period <= a.day + 1
                           limit 1) e on true
        left join lateral (select e2.event_id, e2.event_type from posthorn.event e2
                           where e.event_id is null and e2.position_id = a.position_id and e2."offset" = a."offset" limit 1) old on true));
end $$;

-- One delivery, tests included, as in audit.deliveries. No row if the event has no delivery to the webhook. `last_at` is the time of its last activity, among
-- what was recorded before `hi`. Sealed values keep their mark.
create or replace function posthorn.webhook_delivery(in_webhook int, in_position int, in_offset bigint, hi timestamptz)
returns table (event_id text, event_type text, state text, last_at timestamptz, shown jsonb) language sql stable
begin atomic
    select e.event_id, e.event_type, d.state, d.last_at,
           jsonb_build_object('event_id', e.event_id, 'event_type', e.event_type, 'test', d.test, 'state', d.state, 'attempts', d.attempts,
               'first_attempt_at', posthorn.shown_time(d.first_attempt_at), 'last_attempt_at', posthorn.shown_time(d.last_attempt_at),
               'delivered_at', posthorn.shown_time(d.delivered_at), 'next_attempt_at', posthorn.shown_time(d.next_attempt_at),
               'last_http_status', d.last_http_status, 'last_error', d.last_error)
    from posthorn.event e
    cross join lateral (
        select case when bool_or(x.rank = 4) then 'delivered' when bool_or(x.rank = 1) then 'pending' when bool_or(x.rank = 3) then 'failed'
                    when bool_or(x.rank = 2) then 'cancelled' else 'pending' end as state,
               bool_or(x.cause = 't') as test, count(x.started_at) as attempts, min(x.started_at) as first_attempt_at, max(x.started_at) as last_attempt_at,
               min(x.ended_at) filter (where x.rank = 4) as delivered_at, min(x.next_attempt_at) as next_attempt_at,
               max(x.at) filter (where x.at < hi) as last_at, count(*) as n,
               (array_agg(x.http_status order by x.started_at desc) filter (where x.started_at is not null))[1] as last_http_status,
               audit.show((array_agg(x.error order by x.at desc, x.started_at desc) filter (where x.rank <> 1))[1]) as last_error
        from (select t.cause, case t.outcome when 'd' then 4 when 'g' then 3 else 0 end as rank, t.recorded_at as at, t.started_at,
                     t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, null::timestamptz as next_attempt_at, t.http_status,
                     posthorn.response_bytes(t.error, t.sealed) as error
              from posthorn.attempt t
              where t.position_id = in_position and t."offset" = in_offset and t.webhook_id = in_webhook and t.recorded_at >= e.received_at
              union all
              select n.cause, 1, n.created_at, null, null, n.next_attempt_at, null, null
              from posthorn.pending n where n.position_id = in_position and n."offset" = in_offset and n.webhook_id = in_webhook
              union all
              select c.cause, 2, c.recorded_at, null, null, null, null, convert_to(c.reason, 'UTF8')
              from posthorn.cancellation c where c.position_id = in_position and c."offset" = in_offset and c.webhook_id = in_webhook) x) d
    where e.position_id = in_position and e."offset" = in_offset and d.n > 0;
end;

-- The deliveries of a webhook with activity between `lo` and `hi`, and before the cursor; newest first. It reads minute by minute, only those with activity,
-- and stops after a second: the page is then shorter, and its cursor continues. Of pending deliveries, it reads the ten thousand that are due first.
create or replace function posthorn.webhook_deliveries(in_webhook int, lo timestamptz, hi timestamptz, c_at timestamptz, c_position int, c_offset bigint,
    in_state text, in_type text, most int) returns jsonb language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    patient_until timestamptz;
    waits_position int[];
    waits_offset bigint[];
    waits_since timestamptz[];
    page jsonb[] := '{}';
    last_looked_at text;
    next_cursor text;
    upto timestamptz := least(hi, case when c_position = 0 then c_at else c_at + interval '1 microsecond' end);    -- position 0: before a whole minute
    past timestamptz;
    at_minute timestamptz;
    touched record;
    found_one record;
begin
    select array_agg(position_id), array_agg("offset"), array_agg(created_at) into waits_position, waits_offset, waits_since
    from (select * from posthorn.pending where webhook_id::bigint = in_webhook order by next_attempt_at limit 10000) p;
    <<minutes>>
    for at_minute in
        select m from (
            select s.since as m from posthorn.activity_clock c
            cross join lateral posthorn.active_spans(in_webhook, lo, upto, '-infinity', greatest(c.counted_to, now() - interval '2 hours')) s
            union
            select date_trunc('minute', s, 'UTC') from unnest(waits_since) as s where s >= lo and s < upto
            union
            select date_trunc('minute', c.recorded_at, 'UTC') from (
                select recorded_at from posthorn.cancellation where webhook_id = in_webhook and recorded_at >= lo and recorded_at < upto
                order by recorded_at desc limit 10000) c) x
        order by m desc
    loop
        patient_until := coalesce(patient_until, clock_timestamp() + interval '1 second');      -- at least one minute is read
        past := least(at_minute + interval '1 minute', upto);
        for touched in
            select x.position_id, x."offset", max(x.at) as at from (
                select t.position_id, t."offset", t.recorded_at as at from posthorn.attempt t
                where t.webhook_id = in_webhook and t.recorded_at >= greatest(at_minute, lo) and t.recorded_at < past
                union all
                select c.position_id, c."offset", c.recorded_at from posthorn.cancellation c
                where c.webhook_id = in_webhook and c.recorded_at >= greatest(at_minute, lo) and c.recorded_at < past
                union all
                select * from unnest(waits_position, waits_offset, waits_since) as w (p, o, s) where w.s >= greatest(at_minute, lo) and w.s < past) x
            group by 1, 2
            having c_at is null or (max(x.at), x.position_id, x."offset") < (c_at, c_position, c_offset)
            order by 3 desc, 1 desc, 2 desc
        loop
            select d.* into found_one from posthorn.webhook_delivery(in_webhook, touched.position_id, touched."offset", hi) d;
            if found_one.last_at = touched.at and (in_state is null or found_one.state = in_state) and (in_type is null or found_one.event_type = in_type) then
                if cardinality(page) = most then
                    next_cursor := last_looked_at;      -- one more than fits: the next page starts after the last one of this page
                    exit minutes;
                end if;
                page := array_append(page, found_one.shown);
            end if;
            last_looked_at := posthorn.shown_time(touched.at) || '/' || touched.position_id || '/' || touched."offset";
            if clock_timestamp() > patient_until then
                next_cursor := last_looked_at;
                exit minutes;
            end if;
        end loop;
        if clock_timestamp() > patient_until then
            next_cursor := posthorn.shown_time(at_minute) || '/0/0';
            exit;
        end if;
    end loop;
    return jsonb_build_object('deliveries', to_jsonb(page), 'next_cursor', next_cursor);
end $$;
