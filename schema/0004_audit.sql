-- What auditors read. A contract: columns may be added, never renamed. The role posthorn_audit reads this schema and nothing else.
-- recorded_at (of attempts, dead letters) and period (of events, deliveries) are what the tables are partitioned by: a query that bounds them reads those days alone.

create schema audit;

-- Bytes from outside as text: as they are when they are UTF-8 without NUL, else with octal escapes. Control characters, which could write on an
-- auditor's terminal, become U+FFFD; JSON and plain text have none but tab and line ends.
create function audit.show(bytes bytea) returns text language plpgsql immutable as $$
begin
    return regexp_replace(convert_from(bytes, 'UTF8'), '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]', U&'\FFFD', 'g');
exception when others then
    return encode(bytes, 'escape');
end $$;

create view audit.attempts as
select e.event_id, e.event_type, a.key as account, w.public_id as webhook_id, v.url, t.attempt::int as attempt,
       case t.cause when 'e' then 'event' when 'r' then 'replay' when 'd' then 'redeliver' else 'test' end as cause,
       t.started_at, round(t.duration_us / 1000.0, 3) as duration_ms,
       case t.outcome when 'd' then 'delivered' when 'r' then 'retry' else 'gave_up' end as outcome,
       t.http_status::int as http_status, audit.show(t.error) as error, audit.show(t.response_body) as response_body, d.name as dispatcher,
       t.recorded_at
from posthorn.attempt t
left join posthorn.event e on e.position_id = t.position_id and e."offset" = t."offset"
join posthorn.webhook w on w.id = t.webhook_id
join posthorn.account a on a.id = w.account_id
left join posthorn.webhook_version v on v.webhook_id = t.webhook_id and v.version = t.version
left join posthorn.dispatcher d on d.id = t.dispatcher_id;

create view audit.deliveries as
select e.event_id, e.event_type, a.key as account, w.public_id as webhook_id, p.state, p.attempts, p.first_attempt_at, p.delivered_at,
       p.next_attempt_at, p.last_http_status, p.last_error, e.received_at, e.period
from posthorn.event e
cross join lateral (
    select x.webhook_id,
           case when bool_or(x.rank = 4) then 'delivered' when bool_or(x.rank = 1) then 'pending'
                when bool_or(x.rank = 3) then 'failed' when bool_or(x.rank = 2) then 'cancelled' else 'pending' end as state,
           count(x.started_at)::int as attempts, min(x.started_at) as first_attempt_at, min(x.ended_at) filter (where x.rank = 4) as delivered_at,
           min(x.next_attempt_at) as next_attempt_at,
           (array_agg(x.http_status order by x.started_at desc) filter (where x.started_at is not null))[1]::int as last_http_status,
           audit.show((array_agg(x.error order by x.started_at desc) filter (where x.started_at is not null))[1]) as last_error
    from (select t.webhook_id, case t.outcome when 'd' then 4 when 'g' then 3 else 0 end as rank, t.started_at,
                 t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, null::timestamptz as next_attempt_at, t.http_status, t.error
          from posthorn.attempt t where t.position_id = e.position_id and t."offset" = e."offset" and t.cause <> 't'
          union all
          select n.webhook_id, 1, null, null, n.next_attempt_at, null, null
          from posthorn.pending n where n.position_id = e.position_id and n."offset" = e."offset"
          union all
          select c.webhook_id, 2, null, null, null, null, convert_to(c.reason, 'UTF8')
          from posthorn.cancellation c where c.position_id = e.position_id and c."offset" = e."offset") x
    group by x.webhook_id) p
join posthorn.webhook w on w.id = p.webhook_id
join posthorn.account a on a.id = e.account_id;

create view audit.events as
select e.event_id, e.event_type, a.key as account, e.occurred_at, e.received_at, s.topic, s.partition, e."offset",
       case when not l.sealed then audit.show(l.body) end as payload, encode(e.payload_sha256, 'hex') as payload_sha256, s.source, s.log_epoch, e.period
from posthorn.event e
join posthorn.account a on a.id = e.account_id
join posthorn.position s on s.id = e.position_id
left join posthorn.payload l on l.position_id = e.position_id and l."offset" = e."offset" and l.recorded_at = e.received_at;

create view audit.dead_letters as
select s.topic, s.partition, d."offset", d.reason, d.recorded_at as received_at, encode(d.record_sha256, 'hex') as record_sha256,
       d.detail, d.copied, d.replayed_at, d.erased_at
from posthorn.dead_letter d join posthorn.position s on s.id = d.position_id;

create view audit.changes as
select changed_at, actor, address, program, object, object_id, action, before, after from posthorn.change;

-- The reconciliation --------------------------------------------------------------------------------------------------------------

-- Counts a range of offsets from the rows themselves and compares with what the ledger says of it. Deliveries are (event, webhook) pairs: a pair that
-- was recorded twice counts once.
create function posthorn.count_chunk(in_position int, first bigint, past bigint, l_records bigint, l_events bigint, l_repeated bigint, l_dead bigint,
    l_matched bigint, out events bigint, out repeated bigint, out dead_lettered bigint, out delivered bigint, out pending bigint, out failed bigint,
    out cancelled bigint, out missing bigint) language sql stable security definer set search_path = pg_catalog as $$
    with pairs as (
        select max(rank) as rank from (
            select t."offset", t.webhook_id, case t.outcome when 'd' then 4 else 3 end as rank from posthorn.attempt t
            where t.position_id = in_position and t."offset" >= first and t."offset" < past and t.cause = 'e' and t.outcome <> 'r'
            union all
            select c."offset", c.webhook_id, 2 from posthorn.cancellation c
            where c.position_id = in_position and c."offset" >= first and c."offset" < past and c.cause = 'e'
            union all
            select p."offset", p.webhook_id, 1 from posthorn.pending p
            where p.position_id = in_position and p."offset" >= first and p."offset" < past and p.cause = 'e') x
        group by x."offset", x.webhook_id
    ), counted as (
        select (select count(*) from posthorn.event e where e.position_id = in_position and e."offset" >= first and e."offset" < past) as events,
               (select count(distinct r."offset") from posthorn.repeat r
                where r.position_id = in_position and r."offset" >= first and r."offset" < past) as repeated,
               (select count(distinct d."offset") from posthorn.dead_letter d
                where d.position_id = in_position and d."offset" >= first and d."offset" < past) as dead_lettered,
               (select count(*) from pairs where rank = 4) as delivered, (select count(*) from pairs where rank = 1) as pending,
               (select count(*) from pairs where rank = 3) as failed, (select count(*) from pairs where rank = 2) as cancelled)
    select c.*, abs(l_records - l_events - l_repeated - l_dead) + greatest(l_records - (past - first), 0)
                + abs(l_events - c.events) + abs(l_repeated - c.repeated) + abs(l_dead - c.dead_lettered)
                + abs(l_matched - c.delivered - c.pending - c.failed - c.cancelled)
    from counted c
$$;

-- Up to where the seals of a position follow one another without a gap: below it, the ledger need not be read.
create view posthorn.sealed_to as
select p.id as position_id, p.topic, p.partition,
       case when exists (select from posthorn.seal s where s.position_id = p.id and s.first_offset = p.first_offset)
            then (select min(s.next_offset) from posthorn.seal s where s.position_id = p.id and not exists (
                      select from posthorn.seal n where n.position_id = s.position_id and n.first_offset = s.next_offset))
            else p.first_offset end as "offset"
from posthorn.position p where p.first_offset is not null;

-- The part of the ledger that no seal covers, by partition and hour.
create view posthorn.chunk as
with open as (
    select l.*, date_trunc('hour', l.recorded_at, 'UTC') as hour
    from posthorn.sealed_to t join posthorn.ledger l on l.position_id = t.position_id and l.first_offset >= t."offset"
    where not exists (select from posthorn.seal s
                      where s.position_id = l.position_id and s.first_offset <= l.first_offset and l.first_offset < s.next_offset)
), runs as (    -- an hour comes twice when the clock was stepped back, or a standby with another clock took over: then it makes two chunks
    select o.*, sum(o.is_new) over (partition by o.position_id order by o.first_offset, o.next_offset) as run
    from (select p.*, (p.hour is distinct from lag(p.hour) over w or p.first_offset > lag(p.next_offset) over w)::int as is_new
          from open p window w as (partition by p.position_id order by p.first_offset, p.next_offset)) o
)
select position_id, hour, min(first_offset) as first_offset, max(next_offset) as next_offset,
       sum(records)::bigint as records, sum(events)::bigint as events, sum(repeated)::bigint as repeated,
       sum(dead_lettered)::bigint as dead_lettered, sum(matched)::bigint as matched
from runs group by position_id, run, hour;

create view posthorn.chunk_count as
select k.position_id, k.hour, k.first_offset, k.next_offset, k.records, k.matched, c.*
from posthorn.chunk k
cross join lateral posthorn.count_chunk(k.position_id, k.first_offset, k.next_offset, k.records, k.events, k.repeated, k.dead_lettered, k.matched) c;

-- Offsets that neither the ledger nor a seal accounts for, or that two rows do: between one and the next, before the first, after the last.
create view posthorn.hole as
select * from (
    select g.position_id, g.hour, coalesce(lag(g.next_offset) over w, t."offset") as first_offset, g.first_offset as next_offset
    from (select l.position_id, date_trunc('hour', l.recorded_at, 'UTC') as hour, l.first_offset, l.next_offset
          from posthorn.sealed_to b join posthorn.ledger l on l.position_id = b.position_id and l.first_offset >= b."offset"
          where not exists (select from posthorn.seal s
                            where s.position_id = l.position_id and s.first_offset <= l.first_offset and l.first_offset < s.next_offset)
          union all
          select s.position_id, s.hour, s.first_offset, s.next_offset
          from posthorn.sealed_to b join posthorn.seal s on s.position_id = b.position_id and s.first_offset >= b."offset"
          union all
          select p.id, date_trunc('hour', coalesce(p.claimed_at, now()), 'UTC'), p.next_offset, p.next_offset
          from posthorn.position p where p.first_offset is not null) g
    join posthorn.sealed_to t on t.position_id = g.position_id
    window w as (partition by g.position_id order by g.first_offset, g.next_offset)) h
where first_offset <> next_offset;

create view audit.reconciliation as
select p.topic, p.partition, c.first_offset, c.next_offset - 1 as last_offset, c.records, c.events, c.repeated, c.dead_lettered, c.matched,
       c.delivered, c.pending, c.failed, c.cancelled, c.missing, p.source, p.log_epoch, c.hour, c.sealed
from (select position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, 0::bigint as pending, failed,
             cancelled, 0::bigint as missing, true as sealed from posthorn.seal
      union all
      select position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, pending, failed, cancelled,
             missing, false from posthorn.chunk_count
      union all
      select position_id, hour, first_offset, next_offset, 0, 0, 0, 0, 0, 0, 0, 0, 0, abs(next_offset - first_offset), false from posthorn.hole) c
join posthorn.position p on p.id = c.position_id;

-- Seal the chunks of past hours in which nothing is pending and nothing missing, so that they need not be counted again. Returns how many.
-- A flush that began in the hour may commit after it: five minutes of patience, and a chunk of its own for what comes later still.
-- The lock orders this with posthorn.unseal(): a row that is being removed is either not counted, or its seal is there to be broken.
create function posthorn.seal_chunks() returns int language plpgsql security definer set search_path = pg_catalog as $$
declare
    n int;
begin
    lock table posthorn.seal in share row exclusive mode;
    insert into posthorn.seal (position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled)
    select c.position_id, c.hour, c.first_offset, c.next_offset, c.records, c.events, c.repeated, c.dead_lettered, c.matched, c.delivered, c.failed, c.cancelled
    from posthorn.chunk_count c
    where c.hour < date_trunc('hour', now() - interval '5 minutes', 'UTC') and c.pending = 0 and c.missing = 0
    on conflict do nothing;
    get diagnostics n = row_count;
    perform posthorn.seal_digests();
    return n;
end $$;

-- Whoever changes or removes a counted row breaks the seal of its chunk: the chunk is counted again.
create function posthorn.unseal() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from posthorn.seal;
    else
        delete from posthorn.seal s using (select distinct position_id, "offset" from old_rows) o
        where s.position_id = o.position_id and o."offset" >= s.first_offset and o."offset" < s.next_offset;
    end if;
    return null;
end $$;
create function posthorn.unseal_ledger() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from posthorn.seal s using old_rows o
    where s.position_id = o.position_id and s.first_offset < o.next_offset and o.first_offset < s.next_offset;
    return null;
end $$;

create function posthorn.watch_partition(parent text, child text) returns void language plpgsql as $$
declare
    function text := case when parent = 'ledger' then 'unseal_ledger' else 'unseal' end;
begin
    if to_regprocedure('posthorn.watch_digest(text, text)') is not null then      -- a later migration
        perform posthorn.watch_digest(parent, child);
    end if;
    if parent in ('payload', 'digest') then
        return;
    end if;
    execute format('create trigger unseal_update after update on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create trigger unseal_delete after delete on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create trigger unseal_truncate after truncate on posthorn.%I for each statement execute function posthorn.unseal()', child);
end $$;
do $$
declare
    parent text;
begin
    foreach parent in array array['event', 'attempt', 'cancellation', 'repeat', 'dead_letter', 'ledger'] loop
        perform posthorn.watch_partition(parent, parent);
    end loop;
end $$;

-- Roles ---------------------------------------------------------------------------------------------------------------------------

-- Roles belong to the whole cluster: another database may have made them already.
do $$
begin
    create role posthorn_audit login connection limit 20;
exception when duplicate_object or unique_violation then null;
end $$;
alter role posthorn_audit set statement_timeout = '60s';
alter role posthorn_audit set default_transaction_read_only = on;
grant usage on schema audit to posthorn_audit;
grant select on all tables in schema audit to posthorn_audit;
grant execute on all functions in schema audit to posthorn_audit;
alter default privileges in schema audit grant select on tables to posthorn_audit;
