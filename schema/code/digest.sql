-- Digests: sums of what the programs wrote. They show that a row was changed, removed or added by hand, even if all counts are unchanged.
--
-- A statement that writes rows of a kind adds, in the same transaction, one row here for each position: the number of rows and the sum of their hashes. What a
-- program removes or changes later (a pending delivery that is over, an erased dead letter) is subtracted. Thus at any time, for every kind and instant, the
-- existing rows are those that the digests add up to; otherwise a row was altered by someone else.
--
-- The hash is hash_record_extended() of the columns named here, not of the whole row, so a column added by a later migration changes nothing. The hash
-- functions do not change between major versions of PostgreSQL, because pg_upgrade keeps the files of hash indexes and hash-partitioned tables; they differ
-- between little- and big-endian machines. A SHA-256 of each row costs five times as much (docs/reliability.md) and would prove no more: a sum detects
-- accidents and changes by hand. It does not detect changes by someone who can also write the digests and computes the sums.

-- Sealed values are hashed with another seed, and the value false, which no program writes, with a third one: the flag cannot be changed without being noticed.
create or replace function posthorn.hash(r posthorn.attempt) returns bigint language sql immutable
begin atomic
    select hash_record_extended(row(r.recorded_at, r.started_at, r."offset", r.position_id, r.webhook_id, r.version, r.duration_us, r.dispatcher_id, r.attempt,
                                    r.http_status, r.cause, r.outcome, r.error, r.response_body, r.order_key), case when r.sealed is null then 0 when r.sealed then 1 else 2 end);
end;

create or replace function posthorn.hash(r posthorn.event) returns bigint language sql immutable
begin atomic
    select hash_record_extended(row(r.received_at, r.event_key, r.period, r.position_id, r."offset", r.account_id, r.event_type, r.event_id, r.source, r.occurred_at,
                                    r.payload_sha256, r.traceparent, r.order_key), 0);
end;

-- Rows without a column that a later migration added keep their hash.
create or replace function posthorn.hash(r posthorn.payload) returns bigint language sql immutable
begin atomic
    select case when r.extensions is null then hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.sealed, r.body), 0)
                else hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.sealed, r.body, r.extensions), 0) end;
end;

create or replace function posthorn.hash(r posthorn.cancellation) returns bigint language sql immutable
begin atomic
    select hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.webhook_id, r.cause, r.reason), 0);
end;

create or replace function posthorn.hash(r posthorn.repeat) returns bigint language sql immutable
begin atomic
    select hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.of_position_id, r.of_offset), 0);
end;

create or replace function posthorn.hash(r posthorn.dead_letter) returns bigint language sql immutable
begin atomic
    select case when r.record_timestamp is null
                then hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.reason, r.detail, r.record_sha256, r.key, r.value, r.headers, r.copied,
                                              r.replayed_at, r.erased_at), 0)
                else hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.reason, r.detail, r.record_sha256, r.key, r.value, r.headers, r.copied,
                                              r.replayed_at, r.erased_at, r.record_timestamp), 0) end;
end;

create or replace function posthorn.hash(r posthorn.ledger) returns bigint language sql immutable
begin atomic
    select hash_record_extended(row(r.recorded_at, r.position_id, r.first_offset, r.next_offset, r.records, r.gaps, r.events, r.repeated, r.dead_lettered, r.matched,
                                    r.dispatcher_id), 0);
end;

create or replace function posthorn.hash(r posthorn.pending) returns bigint language sql immutable
begin atomic
    select hash_record_extended(row(r.webhook_id, r.position_id, r."offset", r.cause, r.period, r.attempts, r.next_attempt_at, r.created_at,
                                    r.order_key), 0);
end;

-- Called before and after a change of an event, or of its pending rows: subtracts them from the sums (-1), and adds them again (1).
create or replace function posthorn.digest_event(in_key uuid, in_period date, sign int) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with locked as (select e.received_at, e.position_id, posthorn.hash(e) as hash from posthorn.event e
                    where e.event_key = in_key and e.period = in_period for no key update)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'event', received_at, position_id, sign, sign * hash::numeric from locked;
end $$;

create or replace function posthorn.digest_pending(in_position int, in_offset bigint, sign int) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with locked as (select p.position_id, posthorn.hash(p) as hash from posthorn.pending p
                    where p.position_id = in_position and p."offset" = in_offset for no key update)
    insert into posthorn.pending_digest select position_id, sign * count(*), sign * sum(hash) from locked group by 1;
end $$;

create or replace function posthorn.kept_since(in_kind text) returns timestamptz language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(max(before), '-infinity') from posthorn.expired where kind in (in_kind, 'digest')
$$;

-- All existing rows, with what identifies their digest. period: of events, which are partitioned by it; null for other kinds.
create or replace view posthorn.row_hash as
select 'attempt' as kind, r.recorded_at as at, r.position_id, r."offset", r.webhook_id, r.dispatcher_id, null::date as period, posthorn.hash(r) as hash
from posthorn.attempt r where r.recorded_at >= (select posthorn.kept_since('attempt'))
union all
select 'event', r.received_at, r.position_id, r."offset", null, null, r.period, posthorn.hash(r)
from posthorn.event r where r.received_at >= (select posthorn.kept_since('event'))
union all
select 'payload', r.recorded_at, r.position_id, r."offset", null, null, null, posthorn.hash(r)
from posthorn.payload r where r.recorded_at >= (select posthorn.kept_since('payload'))
union all
select 'cancellation', r.recorded_at, r.position_id, r."offset", r.webhook_id, null, null, posthorn.hash(r)
from posthorn.cancellation r where r.recorded_at >= (select posthorn.kept_since('cancellation'))
union all
select 'repeat', r.recorded_at, r.position_id, r."offset", null, null, null, posthorn.hash(r)
from posthorn.repeat r where r.recorded_at >= (select posthorn.kept_since('repeat'))
union all
select 'dead_letter', r.recorded_at, r.position_id, r."offset", null, null, null, posthorn.hash(r)
from posthorn.dead_letter r where r.recorded_at >= (select posthorn.kept_since('dead_letter'))
union all
select 'ledger', r.recorded_at, r.position_id, r.first_offset, null, r.dispatcher_id, null, posthorn.hash(r)
from posthorn.ledger r where r.recorded_at >= (select posthorn.kept_since('ledger'));

create or replace view posthorn.digest_kept as
select d.* from posthorn.digest d left join posthorn.expired x on x.kind = d.kind
where d.recorded_at >= (select posthorn.kept_since('digest')) and d.recorded_at >= coalesce(x.before, '-infinity');

-- The hours that are not sealed. The current one has no end, so that rows with times in the future are included.
create or replace view posthorn.open_hour as
select k.kind, s.hour, case when s.hour < date_trunc('hour', now(), 'UTC') then s.hour + interval '1 hour' else 'infinity' end as until
from unnest(array['attempt', 'event', 'payload', 'cancellation', 'repeat', 'dead_letter', 'ledger']) as k (kind),
     generate_series((select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC'
                      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'posthorn.digest'::regclass),
                     date_trunc('hour', now(), 'UTC'), interval '1 hour') as s (hour)
where not exists (select from posthorn.digest_seal x where (x.kind, x.hour) = (k.kind, s.hour));

-- The difference between the rows of a kind between two instants and their digests: the hours and positions where it is not 0.
create or replace function posthorn.count_digest(in_kind text, since timestamptz, until timestamptz)
returns table (hour timestamptz, position_id int, row_count bigint, hash_sum numeric)
language sql stable rows 10 security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select hour, position_id, sum(n)::bigint, sum(h) from (
        select date_trunc('hour', r.at, 'UTC') as hour, r.position_id, count(*) as n, sum(r.hash) as h from posthorn.row_hash r
        where r.kind = in_kind and r.at >= since and r.at < until
          -- an event that was taken over was received in a later period than its own (posthorn.take_over); one that was brought forward, in any earlier one
          and (r.period is null or r.period >= since::date - 3 * posthorn.setting_int('event_period_days') - 1)
        group by 1, 2
        union all
        select date_trunc('hour', d.recorded_at, 'UTC'), d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.digest_kept d
        where d.kind = in_kind and d.recorded_at >= since and d.recorded_at < until
        group by 1, 2) as both_sides
    group by 1, 2 having sum(n) <> 0 or sum(h) <> 0
$$;

-- Rows that disagree with their digests, in hours that are not sealed; consecutive hours are counted together.
create or replace function posthorn.differing() returns table (kind text, hour timestamptz, position_id int, row_count bigint, hash_sum numeric)
language sql stable rows 10 security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select s.kind, d.hour, d.position_id, d.row_count, d.hash_sum
    from (select kind, min(hour) as since, max(until) as until
          from (select *, hour - row_number() over (partition by kind order by hour) * interval '1 hour' as stretch from posthorn.open_hour) h
          group by kind, stretch) s
    cross join lateral posthorn.count_digest(s.kind, s.since, s.until) d
    union all
    select 'pending', date_trunc('hour', now(), 'UTC'), position_id, sum(n)::bigint, sum(h) from (
        select p.position_id, count(*) as n, sum(posthorn.hash(p)) as h from posthorn.pending p group by 1
        union all
        select d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.pending_digest d group by 1) as both_sides
    group by 3 having sum(n) <> 0 or sum(h) <> 0
$$;
grant execute on function posthorn.differing() to posthorn_audit;

create or replace function posthorn.difference_said(kind text, row_count bigint) returns text language sql immutable
begin atomic
    select case when row_count = 0 then 'a row of ' || kind || ' was changed'
                else format('%s row%s of %s %s', abs(row_count), case when abs(row_count) > 1 then 's' end, kind,
                            case when row_count < 0 then 'missing' else 'too many' end) end;
end;

-- Called by posthorn.seal_chunks(), which holds the lock that orders sealing and changes.
create or replace function posthorn.seal_digests() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into posthorn.digest_seal (kind, hour)
    select o.kind, o.hour from posthorn.open_hour o
    where o.hour < date_trunc('hour', now() - interval '5 minutes', 'UTC')
      and (o.kind, o.hour) not in (select d.kind, d.hour from posthorn.differing() d)
    on conflict do nothing;
    delete from posthorn.digest_seal where hour < (select max(before) from posthorn.expired where kind = 'digest');
    with summed as (delete from posthorn.pending_digest returning *)
    insert into posthorn.pending_digest (position_id, row_count, hash_sum)
    select position_id, sum(row_count), sum(hash_sum) from summed group by 1 having sum(row_count) <> 0 or sum(hash_sum) <> 0;
end $$;

-- Changing or removing a row breaks the seal of its hour. (A change with triggers disabled does not; `posthorn-admin audit verify` finds it.)
create or replace function posthorn.unseal_digest() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table posthorn.seal in row exclusive mode;     -- excludes posthorn.seal_chunks()
    if tg_op = 'TRUNCATE' then
        delete from posthorn.digest_seal where tg_argv[0] in (kind, 'digest');
    elsif tg_argv[0] = 'digest' then
        delete from posthorn.digest_seal s using (select distinct kind, date_trunc('hour', recorded_at, 'UTC') as hour from old_rows) o
        where (s.kind, s.hour) = (o.kind, o.hour);
    elsif tg_argv[0] = 'event' then
        delete from posthorn.digest_seal s using (select distinct date_trunc('hour', received_at, 'UTC') as hour from old_rows) o
        where s.kind = 'event' and s.hour = o.hour;
    else
        delete from posthorn.digest_seal s using (select distinct date_trunc('hour', recorded_at, 'UTC') as hour from old_rows) o
        where s.kind = tg_argv[0] and s.hour = o.hour;
    end if;
    return null;
end $$;

-- For `posthorn-admin audit verify`, which trusts no seal: all differences from the digests, by the instant at which rows were recorded (by a flush or a batch
-- of intake), with the rows that exist of that instant. Everything is read once by hour, and hours that differ once more.
create or replace view posthorn.difference as
with hour as materialized (
    select kind, hour, position_id from (
        select r.kind, date_trunc('hour', r.at, 'UTC') as hour, r.position_id, count(*) as n, sum(r.hash) as h from posthorn.row_hash r group by 1, 2, 3
        union all
        select d.kind, date_trunc('hour', d.recorded_at, 'UTC'), d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.digest_kept d
        group by 1, 2, 3) as both_sides
    group by 1, 2, 3 having sum(n) <> 0 or sum(h) <> 0
)
select kind, at, position_id, sum(n)::bigint as row_count, sum(h) as hash_sum, sum(there)::bigint as there, min(first_offset) as first_offset,
       max(last_offset) as last_offset, min(first_webhook) as first_webhook, max(last_webhook) as last_webhook, max(dispatcher_id) as dispatcher_id
from (select r.kind, r.at, r.position_id, count(*) as n, sum(r.hash) as h, count(*) as there, min(r."offset") as first_offset,
             max(r."offset") as last_offset, min(r.webhook_id) as first_webhook, max(r.webhook_id) as last_webhook, max(r.dispatcher_id) as dispatcher_id
      from posthorn.row_hash r join hour on (hour.kind, hour.hour, hour.position_id) = (r.kind, date_trunc('hour', r.at, 'UTC'), r.position_id)
      group by 1, 2, 3
      union all
      select d.kind, d.recorded_at, d.position_id, -sum(d.row_count), -sum(d.hash_sum), 0, null, null, null, null, null
      from posthorn.digest_kept d
      join hour on (hour.kind, hour.hour, hour.position_id) = (d.kind, date_trunc('hour', d.recorded_at, 'UTC'), d.position_id)
      group by 1, 2, 3) as both_sides
group by 1, 2, 3 having sum(n) <> 0 or sum(h) <> 0
union all
select d.kind, null, d.position_id, d.row_count, d.hash_sum, 0, null, null, null, null, null from posthorn.differing() d where d.kind = 'pending';

-- For authorized changes of rows by hand (for example, a person's data in a webhook's response): adjusts the digests to the existing rows. audit.changes
-- records who did it, when and why. Returns how many sums differed.
create or replace function posthorn.accept_changes(why text) returns bigint language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    accepted bigint;
begin
    lock table posthorn.seal in share row exclusive mode;
    with wrong as (
        select * from posthorn.difference
    ), written as (
        insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
        select kind, at, position_id, row_count, hash_sum from wrong where kind <> 'pending'
    ), waiting as (
        insert into posthorn.pending_digest (position_id, row_count, hash_sum)
        select position_id, row_count, hash_sum from wrong where kind = 'pending'
    )
    select count(*) into accepted from wrong;
    if accepted > 0 then
        perform posthorn.record_change('digest', 'all', 'accept', null, jsonb_build_object('why', why, 'sums', accepted));
    end if;
    return accepted;
end $$;
