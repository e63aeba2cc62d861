-- What a receiver answered, kept as its account wants it: plain, sealed under the account's data key, or not at all.

alter table posthorn.account add column store_response text not null default 'plain' check (store_response in ('plain', 'sealed', 'none'));
alter table posthorn.attempt add column sealed bool;     -- error and response_body are, under the account's data key; null: no

-- As in 0007. What is sealed hashes with another seed, and false, which no program writes, with a third: so the flag cannot be changed unseen. Where it is null the hash is as before.
create or replace function posthorn.hash(r posthorn.attempt) returns bigint language sql immutable as $$
    select hash_record_extended(row(r.recorded_at, r.started_at, r."offset", r.position_id, r.webhook_id, r.version, r.duration_us, r.dispatcher_id, r.attempt,
                                    r.http_status, r.cause, r.outcome, r.error, r.response_body, r.order_key), case when r.sealed is null then 0 when r.sealed then 1 else 2 end) $$;

-- Text for whoever has the account's key (lib/store/response.h): what is sealed, in hexadecimal behind a mark. A receiver that writes the mark itself gets a
-- character before it.
create function posthorn.response_bytes(kept bytea, sealed bool) returns bytea language sql immutable
    return case when sealed then '\x097365616c656409'::bytea || encode(kept, 'hex')::bytea
                when substr(kept, 1, 8) = '\x097365616c656409' then '\xefbfbd'::bytea || kept
                else kept end;

-- Writing -------------------------------------------------------------------------------------------------------------------------

drop function posthorn.record(timestamptz[], bigint[], int[], int[], int[], int[], smallint[], smallint[], "char"[], "char"[], bytea[], bytea[], int), posthorn.record_carefully(timestamptz[], bigint[], int[], int[], int[], int[], smallint[], smallint[], "char"[], "char"[], bytea[], bytea[], int);

-- As in 0003. A dispatcher of an older version calls these without `sealed`.
create function posthorn.record(started timestamptz[], offsets bigint[], positions int[], webhooks int[], versions int[], durations int[],
    attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher int,
    sealed bool[] default null)
returns void language plpgsql as $$
begin
    with inserted as (
        insert into posthorn.attempt as a (started_at, "offset", position_id, webhook_id, version, duration_us, attempt, http_status, cause, outcome, error,
                                           response_body, sealed, dispatcher_id)
        select *, in_dispatcher
        from unnest(started, offsets, positions, webhooks, versions, durations, attempts, statuses, causes, outcomes, errors, bodies, record.sealed)
        returning a.position_id, posthorn.hash(a) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'attempt', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- As in 0003: attempts one by one, after a flush was refused for its data: a row that PostgreSQL cannot store is kept with its texts emptied.
create function posthorn.record_carefully(started timestamptz[], offsets bigint[], positions int[], webhooks int[], versions int[], durations int[],
    attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher int,
    sealed bool[] default null)
returns void language plpgsql as $$
begin
    for i in 1 .. cardinality(offsets) loop
        begin
            perform posthorn.record(started[i:i], offsets[i:i], positions[i:i], webhooks[i:i], versions[i:i], durations[i:i], attempts[i:i], statuses[i:i],
                                    causes[i:i], outcomes[i:i], errors[i:i], bodies[i:i], in_dispatcher, sealed[i:i]);
        exception when data_exception or integrity_constraint_violation then
            perform posthorn.record(array[now()], offsets[i:i], positions[i:i], webhooks[i:i], versions[i:i], array[0], attempts[i:i], null, causes[i:i],
                                    outcomes[i:i], array['unstorable'::bytea], null, in_dispatcher);
        end;
    end loop;
end $$;

-- Reading -------------------------------------------------------------------------------------------------------------------------

-- As audit.attempts and audit.deliveries were in 0004, with what is sealed behind its mark: for the API and for posthorn-admin.
create view posthorn.attempt_shown as
select e.event_id, e.event_type, a.key as account, w.public_id as webhook_id, v.url, t.attempt::int as attempt,
       case t.cause when 'e' then 'event' when 'r' then 'replay' when 'd' then 'redeliver' else 'test' end as cause,
       t.started_at, round(t.duration_us / 1000.0, 3) as duration_ms,
       case t.outcome when 'd' then 'delivered' when 'r' then 'retry' else 'gave_up' end as outcome,
       t.http_status::int as http_status, audit.show(posthorn.response_bytes(t.error, t.sealed)) as error,
       audit.show(posthorn.response_bytes(t.response_body, t.sealed)) as response_body, d.name as dispatcher,
       t.recorded_at, coalesce(t.sealed, false) as response_sealed
from posthorn.attempt t
left join posthorn.event e on e.position_id = t.position_id and e."offset" = t."offset"
join posthorn.webhook w on w.id = t.webhook_id
join posthorn.account a on a.id = w.account_id
left join posthorn.webhook_version v on v.webhook_id = t.webhook_id and v.version = t.version
left join posthorn.dispatcher d on d.id = t.dispatcher_id;

create view posthorn.delivery_shown as
select e.event_id, e.event_type, a.key as account, w.public_id as webhook_id, p.state, p.attempts, p.first_attempt_at, p.delivered_at,
       p.next_attempt_at, p.last_http_status, p.last_error, e.received_at, e.period, p.response_sealed
from posthorn.event e
cross join lateral (
    select x.webhook_id,
           case when bool_or(x.rank = 4) then 'delivered' when bool_or(x.rank = 1) then 'pending'
                when bool_or(x.rank = 3) then 'failed' when bool_or(x.rank = 2) then 'cancelled' else 'pending' end as state,
           count(x.started_at)::int as attempts, min(x.started_at) as first_attempt_at, min(x.ended_at) filter (where x.rank = 4) as delivered_at,
           min(x.next_attempt_at) as next_attempt_at,
           (array_agg(x.http_status order by x.started_at desc) filter (where x.started_at is not null))[1]::int as last_http_status,
           audit.show((array_agg(x.error order by x.started_at desc) filter (where x.started_at is not null))[1]) as last_error,
           coalesce((array_agg(x.sealed order by x.started_at desc) filter (where x.started_at is not null))[1], false) as response_sealed
    from (select t.webhook_id, case t.outcome when 'd' then 4 when 'g' then 3 else 0 end as rank, t.started_at,
                 t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, null::timestamptz as next_attempt_at, t.http_status,
                 posthorn.response_bytes(t.error, t.sealed) as error, t.sealed
          from posthorn.attempt t where t.position_id = e.position_id and t."offset" = e."offset" and t.cause <> 't'
          union all
          select n.webhook_id, 1, null, null, n.next_attempt_at, null, null, null
          from posthorn.pending n where n.position_id = e.position_id and n."offset" = e."offset"
          union all
          select c.webhook_id, 2, null, null, null, null, convert_to(c.reason, 'UTF8'), null
          from posthorn.cancellation c where c.position_id = e.position_id and c."offset" = e."offset") x
    group by x.webhook_id) p
join posthorn.webhook w on w.id = p.webhook_id
join posthorn.account a on a.id = e.account_id;

-- Auditors see what is sealed as null, and that it is.
create or replace view audit.attempts as
select event_id, event_type, account, webhook_id, url, attempt, cause, started_at, duration_ms, outcome, http_status,
       case when not response_sealed then error end as error, case when not response_sealed then response_body end as response_body, dispatcher, recorded_at,
       response_sealed
from posthorn.attempt_shown;

create or replace view audit.deliveries as
select event_id, event_type, account, webhook_id, state, attempts, first_attempt_at, delivered_at, next_attempt_at, last_http_status,
       case when not response_sealed then last_error end as last_error, received_at, period, response_sealed
from posthorn.delivery_shown;

-- As in 0012, with what is sealed behind its mark.
create or replace function posthorn.count_activity_between(first timestamptz, past timestamptz) returns bigint language sql as $$
    with counted as materialized (
        select t.webhook_id, date_bin('1 minute', t.recorded_at, 'epoch') as minute, floor(2 * ln(greatest(t.duration_us, 1)) / ln(2))::smallint as bucket,
               count(*) filter (where t.outcome = 'd') as delivered, count(*) filter (where t.outcome <> 'd') as failed,
               sum(t.duration_us) as total_us, max(t.duration_us) as max_us,
               max(t.started_at + make_interval(secs => t.duration_us / 1e6)) filter (where t.outcome = 'd') as last_success_at
        from posthorn.attempt t where t.recorded_at >= first and t.recorded_at < past group by 1, 2, 3
    ), failure as (
        select distinct on (webhook_id) webhook_id, ended_at, error, http_status
        from (select t.webhook_id, t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at,
                     posthorn.response_bytes(t.error, t.sealed) as error, t.http_status
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

-- As in 0010, with what is sealed behind its mark.
create or replace function posthorn.webhook_delivery(in_webhook int, in_position int, in_offset bigint, hi timestamptz)
returns table (event_id text, event_type text, state text, last_at timestamptz, shown jsonb) language sql stable as $$
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
    where e.position_id = in_position and e."offset" = in_offset and d.n > 0
$$;

grant select on posthorn.attempt_shown, posthorn.delivery_shown to posthorn_api;
grant execute on function posthorn.response_bytes(bytea, bool) to posthorn_api, posthorn_dispatcher, posthorn_audit;
