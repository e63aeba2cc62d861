-- Reconciliation: compares the rows with the ledger and the digests.

-- Counts the rows in a range of offsets and compares them with the ledger. Deliveries are (event, webhook) pairs: a pair that was recorded twice counts once.
-- Statistics of a partition that began to fill an hour ago may be wrong, so rows are looked up by their index, and no plan reads all rows of all partitions for
-- each range.
create or replace function posthorn.count_chunk(in_position int, first bigint, past bigint, l_records bigint, l_events bigint, l_repeated bigint, l_dead bigint,
    l_matched bigint, out events bigint, out repeated bigint, out dead_lettered bigint, out delivered bigint, out pending bigint, out failed bigint,
    out cancelled bigint, out missing bigint) language sql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
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
grant execute on function posthorn.count_chunk(int, bigint, bigint, bigint, bigint, bigint, bigint, bigint) to posthorn_audit;

-- For each position, the offset up to which its seals follow one another without a gap: below it, the ledger need not be read.
create or replace view posthorn.sealed_to as
select p.id as position_id, p.topic, p.partition,
       case when exists (select from posthorn.seal s where s.position_id = p.id and s.first_offset = p.first_offset)
            then (select min(s.next_offset) from posthorn.seal s where s.position_id = p.id and not exists (
                      select from posthorn.seal n where n.position_id = s.position_id and n.first_offset = s.next_offset))
            else p.first_offset end as "offset"
from posthorn.position p where p.first_offset is not null;

-- The part of the ledger that no seal covers, by partition and hour.
create or replace view posthorn.chunk as
with open as (
    select l.*, date_trunc('hour', l.recorded_at, 'UTC') as hour
    from posthorn.sealed_to t join posthorn.ledger l on l.position_id = t.position_id and l.first_offset >= t."offset"
    where not exists (select from posthorn.seal s
                      where s.position_id = l.position_id and s.first_offset <= l.first_offset and l.first_offset < s.next_offset)
), runs as (    -- an hour occurs twice if the clock was set back, or a standby with another clock took over: it is then two chunks
    select o.*, sum(o.is_new) over (partition by o.position_id order by o.first_offset, o.next_offset) as run
    from (select p.*, (p.hour is distinct from lag(p.hour) over w or p.first_offset > lag(p.next_offset) over w)::int as is_new
          from open p window w as (partition by p.position_id order by p.first_offset, p.next_offset)) o
)
select position_id, hour, min(first_offset) as first_offset, max(next_offset) as next_offset,
       sum(records)::bigint as records, sum(events)::bigint as events, sum(repeated)::bigint as repeated,
       sum(dead_lettered)::bigint as dead_lettered, sum(matched)::bigint as matched
from runs group by position_id, run, hour;

create or replace view posthorn.chunk_count as
select k.position_id, k.hour, k.first_offset, k.next_offset, k.records, k.matched, c.*
from posthorn.chunk k
cross join lateral posthorn.count_chunk(k.position_id, k.first_offset, k.next_offset, k.records, k.events, k.repeated, k.dead_lettered, k.matched) c;

-- Offsets that neither the ledger nor a seal covers, or that two rows cover: between two rows, before the first, after the last.
create or replace view posthorn.hole as
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

-- A difference from the digests is one row for each kind and hour, counted only in the column `missing`.
create or replace view audit.reconciliation as
select p.topic, p.partition, c.first_offset, c.next_offset - 1 as last_offset, c.records, c.events, c.repeated, c.dead_lettered, c.matched,
       c.delivered, c.pending, c.failed, c.cancelled, c.missing, p.source, p.log_epoch, c.hour, c.sealed, c.what
from (select position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, 0::bigint as pending, failed,
             cancelled, 0::bigint as missing, true as sealed, null as what from posthorn.seal
      union all
      select position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, pending, failed, cancelled,
             missing, false, case when missing <> 0 then 'the number of rows differs from the ledger' end from posthorn.chunk_count
      union all
      select position_id, hour, first_offset, next_offset, 0, 0, 0, 0, 0, 0, 0, 0, 0, abs(next_offset - first_offset), false,
             case when next_offset > first_offset then 'not accounted for' else 'accounted for twice' end from posthorn.hole
      union all
      select position_id, hour, null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, greatest(1, abs(row_count)), false, posthorn.difference_said(kind, row_count)
      from posthorn.differing()) c
join posthorn.position p on p.id = c.position_id;
grant select on audit.reconciliation to posthorn_audit;

-- Seals the chunks of past hours in which nothing is pending and nothing is missing, so that they need not be counted again. Returns how many. A flush that
-- began in the hour may commit after it, so chunks are sealed five minutes later; what commits even later is a chunk of its own. The lock orders this with
-- posthorn.unseal(): a row that is being removed is either not counted, or its seal exists and can be broken.
create or replace function posthorn.seal_chunks() returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
grant execute on function posthorn.seal_chunks() to posthorn_dispatcher;

-- Changing or removing a counted row breaks the seal of its chunk: the chunk is counted again.
create or replace function posthorn.unseal() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from posthorn.seal;
    else
        delete from posthorn.seal s using (select distinct position_id, "offset" from old_rows) o
        where s.position_id = o.position_id and o."offset" >= s.first_offset and o."offset" < s.next_offset;
    end if;
    return null;
end $$;

create or replace function posthorn.unseal_ledger() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from posthorn.seal s using old_rows o
    where s.position_id = o.position_id and s.first_offset < o.next_offset and o.first_offset < s.next_offset;
    return null;
end $$;

-- Recorded rows cannot be changed: even the owner, and so posthorn-admin, may not change attempts, the ledger, the digests or the record of changes. The owner
-- could grant itself the right again, but not by mistake. Expired partitions are dropped as a whole.
create or replace function posthorn.keep_as_recorded(recorded text) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('revoke update, delete, truncate on posthorn.%I from %I', recorded, current_user);
end $$;

-- Triggers that break seals, and protection against changes by mistake. The record of changes is not part of the ledger.
create or replace function posthorn.watch_partition(parent text, child text) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    function text := case when parent = 'ledger' then 'unseal_ledger' else 'unseal' end;
begin
    if parent in ('attempt', 'ledger', 'digest', 'change') then
        perform posthorn.keep_as_recorded(child);
    end if;
    if parent = 'change' then
        return;
    end if;
    execute format('create or replace trigger unseal_digest_update after update on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.unseal_digest(%L)', child, parent);
    execute format('create or replace trigger unseal_digest_delete after delete on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.unseal_digest(%L)', child, parent);
    execute format('create or replace trigger unseal_digest_truncate after truncate on posthorn.%I
                    for each statement execute function posthorn.unseal_digest(%L)', child, parent);
    if parent in ('payload', 'digest') then
        return;
    end if;
    execute format('create or replace trigger unseal_update after update on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create or replace trigger unseal_delete after delete on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create or replace trigger unseal_truncate after truncate on posthorn.%I for each statement execute function posthorn.unseal()', child);
end $$;

-- The tables themselves, and partitions made by an older version. Tables that have the triggers are not locked.
do $$
declare
    watched record;
begin
    for watched in
        select p.relname as parent, c.relname as child
        from pg_class p join pg_class c on c.oid = p.oid or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = p.oid)
        where p.relnamespace = 'posthorn'::regnamespace and p.relkind = 'p' and p.relname <> 'change'
          and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'unseal_digest_update')
    loop
        perform posthorn.watch_partition(watched.parent, watched.child);
    end loop;
end $$;
