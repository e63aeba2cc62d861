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

-- The hour that contains an instant. (date_trunc() with a time zone takes several times as long.)
create or replace function posthorn.hour_of(at timestamptz) returns timestamptz language sql immutable
begin atomic
    select date_bin('1 hour', at, '2000-01-01 00:00+00');
end;

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

-- The times that are not closed, since the oldest partition. The last one has no end, so that rows with times in the future are included.
create or replace view posthorn.open_time as
select c.kind, lower(t.r) as since, upper(t.r) as until
from posthorn.closed c
cross join (select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC' as first
            from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'posthorn.digest'::regclass) d
left join (select o.kind, range_agg(o.times) as times from posthorn.opened o group by 1) o on o.kind = c.kind
cross join lateral unnest(tstzmultirange(tstzrange(d.first, 'infinity')) - (c.times - coalesce(o.times, '{}'))) as t (r);

-- The difference between the rows of a kind between two instants and their digests: the hours and positions where it is not 0. The statement is planned for
-- these instants, so that its cost does not depend on the number of partitions; rows are looked up by their time, and added up without being sorted, whatever the
-- statistics of a new partition say.
create or replace function posthorn.count_digest(in_kind text, since timestamptz, until timestamptz)
returns table (hour timestamptz, position_id int, row_count bigint, hash_sum numeric)
language plpgsql stable rows 10 security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_sort = off set jit = off as $$
#variable_conflict use_column
begin
    return query execute format($f$
        select hour, position_id, sum(n)::bigint, sum(h) from (
            select posthorn.hour_of(r.%1$I) as hour, r.position_id, count(*) as n, sum(posthorn.hash(r)) as h from posthorn.%2$I r
            where r.%1$I >= $1 and r.%1$I < $2 %3$s group by 1, 2
            union all
            select posthorn.hour_of(d.recorded_at), d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.digest d
            where d.kind = %2$L and d.recorded_at >= $1 and d.recorded_at < $2 group by 1, 2) as both_sides
        group by 1, 2 having sum(n) <> 0 or sum(h) <> 0 $f$,
        case in_kind when 'event' then 'received_at' else 'recorded_at' end, in_kind,
        -- an event that was taken over was received in a later period than its own (posthorn.take_over); one that was brought forward, in any earlier one
        case in_kind when 'event' then 'and r.period >= $3' else 'and $3 is not null' end)
    using greatest(since, posthorn.kept_since(in_kind)), until,
          case when since = '-infinity' then date '-infinity' else since::date - 3 * posthorn.setting_int('event_period_days') - 1 end;
end $$;

-- Rows that disagree with their digests, in times that are not closed.
create or replace function posthorn.differing() returns table (kind text, hour timestamptz, position_id int, row_count bigint, hash_sum numeric)
language sql stable rows 10 security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select o.kind, d.hour, d.position_id, d.row_count, d.hash_sum
    from posthorn.open_time o cross join lateral posthorn.count_digest(o.kind, o.since, o.until) d
    union all
    select 'pending', posthorn.hour_of(now()), position_id, sum(n)::bigint, sum(h) from (
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

-- The end of the first piece between two instants: a little more than the given number of rows, or all. The digests of a few minutes are read first, then of a
-- longer time.
create or replace function posthorn.piece_end(in_kind text, since timestamptz, until timestamptz, most bigint) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    length interval := '10 minutes';
    full_at timestamptz;
begin
    loop
        execute 'select min(recorded_at) from (
                     select recorded_at, sum(abs(row_count)) over (order by recorded_at) as rows from posthorn.digest
                     where kind = $1 and recorded_at >= $2 and recorded_at < $3) d where d.rows > $4 and d.recorded_at > $2'
        into full_at using in_kind, since, least(until, since + length), most;
        if full_at is not null or since + length >= until then
            return coalesce(full_at, until);
        end if;
        length := length * 8;
    end loop;
end $$;

-- Until when times and offsets can be closed: what was written in the last minute stays open, or in the last ten seconds if that is very much.
create or replace function posthorn.closable(in_kind text) returns timestamptz language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when posthorn.piece_end(in_kind, now() - interval '1 minute', now() - interval '10 seconds', 100000) < now() - interval '10 seconds'
                then now() - interval '10 seconds' else now() - interval '1 minute' end
$$;

-- Closes the times of a kind between two instants in which rows and digests agree, one piece after the other, until `deadline`, but at least one. Returns how many
-- pieces were closed, and up to where it looked.
create or replace function posthorn.close_times(in_kind text, since timestamptz, until timestamptz, deadline timestamptz, out closed int, out looked_to timestamptz)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    open record;
    past timestamptz;
begin
    closed := 0;
    for open in
        select greatest(o.since, close_times.since) as since, least(o.until, close_times.until) as until from posthorn.open_time o
        where o.kind = in_kind and o.since < close_times.until and o.until > close_times.since order by 1
    loop
        while open.since < open.until loop
            past := posthorn.piece_end(in_kind, open.since, open.until, 20000);
            if not exists (select from posthorn.count_digest(in_kind, open.since, past)) then
                update posthorn.closed c set times = c.times + tstzmultirange(tstzrange(open.since, past)) where c.kind = in_kind;
                perform posthorn.count_outcomes(in_kind, open.since, past);
                closed := closed + 1;
            end if;
            open.since := past;
            if clock_timestamp() > deadline then
                looked_to := past;
                return;
            end if;
        end loop;
    end loop;
    looked_to := until;
end $$;

-- Changing or removing a row opens its minute again. (A change with triggers disabled does not; `posthorn-admin audit verify` finds it.) Programs change rows, too:
-- they wait for no other change, and for a call that closes.
create or replace function posthorn.unseal_digest() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table posthorn.seal in row exclusive mode;     -- excludes posthorn.close_new() and close_old()
    if tg_op = 'TRUNCATE' then
        insert into posthorn.opened select c.kind, tstzrange(null, null) from posthorn.closed c where tg_argv[0] in (c.kind, 'digest');
    elsif tg_argv[0] = 'digest' then
        perform posthorn.open_minutes(o.kind, array_agg(o.recorded_at)) from old_rows o group by o.kind;
    elsif tg_argv[0] = 'event' then
        perform posthorn.open_minutes('event', array_agg(o.received_at)) from old_rows o;
    else
        perform posthorn.open_minutes(tg_argv[0], array_agg(o.recorded_at)) from old_rows o;
    end if;
    return null;
end $$;

create or replace function posthorn.open_minutes(in_kind text, instants timestamptz[]) returns void language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.opened (kind, times)
    select c.kind, d.minute
    from posthorn.closed c, (select distinct tstzrange(date_trunc('minute', i), date_trunc('minute', i) + interval '1 minute') as minute from unnest(instants) as i) d
    where c.kind = in_kind and c.times && d.minute
$$;

create or replace function posthorn.take_opened() returns void language sql set search_path = pg_catalog, pg_temp as $$
    with taken as (delete from posthorn.opened returning *)
    update posthorn.closed c set times = c.times - o.times from (select kind, range_agg(times) as times from taken group by 1) o where c.kind = o.kind
$$;

-- For `posthorn-admin audit verify`, which trusts no seal: all differences from the digests, by the instant at which rows were recorded (by a flush or a batch
-- of intake), with the rows that exist of that instant. Everything is read once by hour, and hours that differ once more.
create or replace view posthorn.difference as
with hour as materialized (
    select kind, hour, position_id from (
        select r.kind, posthorn.hour_of(r.at) as hour, r.position_id, count(*) as n, sum(r.hash) as h from posthorn.row_hash r group by 1, 2, 3
        union all
        select d.kind, posthorn.hour_of(d.recorded_at), d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.digest_kept d
        group by 1, 2, 3) as both_sides
    group by 1, 2, 3 having sum(n) <> 0 or sum(h) <> 0
)
select kind, at, position_id, sum(n)::bigint as row_count, sum(h) as hash_sum, sum(there)::bigint as there, min(first_offset) as first_offset,
       max(last_offset) as last_offset, min(first_webhook) as first_webhook, max(last_webhook) as last_webhook, max(dispatcher_id) as dispatcher_id
from (select r.kind, r.at, r.position_id, count(*) as n, sum(r.hash) as h, count(*) as there, min(r."offset") as first_offset,
             max(r."offset") as last_offset, min(r.webhook_id) as first_webhook, max(r.webhook_id) as last_webhook, max(r.dispatcher_id) as dispatcher_id
      from posthorn.row_hash r join hour on (hour.kind, hour.hour, hour.position_id) = (r.kind, posthorn.hour_of(r.at), r.position_id)
      group by 1, 2, 3
      union all
      select d.kind, d.recorded_at, d.position_id, -sum(d.row_count), -sum(d.hash_sum), 0, null, null, null, null, null
      from posthorn.digest_kept d
      join hour on (hour.kind, hour.hour, hour.position_id) = (d.kind, posthorn.hour_of(d.recorded_at), d.position_id)
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
