-- Reconciliation: compares the rows with the ledger and the digests.

-- Counts the rows in a range of offsets that were recorded since an instant. Deliveries are (event, webhook) pairs: a pair that was recorded twice counts once.
-- Each statement is planned for the instant, so that partitions of earlier days cost nothing. Statistics of a partition that began to fill an hour ago may be
-- wrong, so rows are looked up by their index.
create or replace function posthorn.count_rows(in_position int, first bigint, past bigint, since timestamptz, out events bigint, out repeated bigint,
    out dead_lettered bigint, out delivered bigint, out pending bigint, out failed bigint, out cancelled bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    oldest timestamptz;     -- an event may have been received long before: its position did not move
begin
    execute 'select count(*), min(e.received_at) from posthorn.event e
             where e.position_id = $1 and e."offset" >= $2 and e."offset" < $3 and e.period >= $4'
    into events, oldest using in_position, first, past,
        case when since = '-infinity' then date '-infinity' else since::date - 2 * posthorn.setting_int('event_period_days') end;
    execute $q$
        with pairs as (
            select max(rank) as rank from (
                select t."offset", t.webhook_id, case t.outcome when 'd' then 4 else 3 end as rank from posthorn.attempt t
                where t.position_id = $1 and t."offset" >= $2 and t."offset" < $3 and t.recorded_at >= $4 and t.cause = 'e' and t.outcome <> 'r'
                union all
                select c."offset", c.webhook_id, 2 from posthorn.cancellation c
                where c.position_id = $1 and c."offset" >= $2 and c."offset" < $3 and c.recorded_at >= $4 and c.cause = 'e'
                union all
                select p."offset", p.webhook_id, 1 from posthorn.pending p
                where p.position_id = $1 and p."offset" >= $2 and p."offset" < $3 and p.cause = 'e') x
            group by x."offset", x.webhook_id
        )
        select (select count(distinct r."offset") from posthorn.repeat r
                where r.position_id = $1 and r."offset" >= $2 and r."offset" < $3 and r.recorded_at >= $4),
               (select count(distinct d."offset") from posthorn.dead_letter d
                where d.position_id = $1 and d."offset" >= $2 and d."offset" < $3 and d.recorded_at >= $4),
               count(*) filter (where rank = 4), count(*) filter (where rank = 1), count(*) filter (where rank = 3), count(*) filter (where rank = 2)
        from pairs $q$
    into repeated, dead_lettered, delivered, pending, failed, cancelled
    using in_position, first, past, least(since, oldest - interval '1 day');
end $$;

-- Counts the rows in a range of offsets and compares them with the ledger, which says that they were recorded at `recorded` or later. Rows are first looked for
-- from the day before on; if any is missing, from a month before on, because the clock may have been set, or a position may have stood still for days. Without
-- `recorded`, all are looked for.
create or replace function posthorn.count_chunk(in_position int, first bigint, past bigint, l_records bigint, l_events bigint, l_repeated bigint, l_dead bigint,
    l_matched bigint, recorded timestamptz default '-infinity', out events bigint, out repeated bigint, out dead_lettered bigint, out delivered bigint,
    out pending bigint, out failed bigint, out cancelled bigint, out missing bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
    since timestamptz;
begin
    foreach since in array array[recorded - interval '1 day', recorded - interval '31 days'] loop
        select c.* into events, repeated, dead_lettered, delivered, pending, failed, cancelled from posthorn.count_rows(in_position, first, past, since) c;
        missing := abs(l_records - l_events - l_repeated - l_dead) + greatest(l_records - (past - first), 0)
                   + abs(l_events - events) + abs(l_repeated - repeated) + abs(l_dead - dead_lettered)
                   + abs(l_matched - delivered - pending - failed - cancelled);
        exit when missing = 0 or since = '-infinity';
    end loop;
end $$;
grant execute on function posthorn.count_chunk(int, bigint, bigint, bigint, bigint, bigint, bigint, bigint, timestamptz) to posthorn_audit;

-- For each position, the offset up to which its seals follow one another without a gap: below it, the ledger need not be read. Usually there is no gap, which
-- the sum of their lengths shows.
create or replace view posthorn.sealed_to as
select p.id as position_id, p.topic, p.partition,
       case when s.first_offset is distinct from p.first_offset then p.first_offset
            when s.length = s.next_offset - s.first_offset then s.next_offset
            else (select min(a.next_offset) from posthorn.seal a where a.position_id = p.id and not exists (
                      select from posthorn.seal n where n.position_id = a.position_id and n.first_offset = a.next_offset)) end as "offset"
from posthorn.position p
left join (select position_id, min(first_offset) as first_offset, max(next_offset) as next_offset, sum(next_offset - first_offset) as length
           from posthorn.seal group by 1) s on s.position_id = p.id
where p.first_offset is not null;

-- The rows of the ledger that no seal covers.
create or replace view posthorn.open_ledger as
select l.*, posthorn.hour_of(l.recorded_at) as hour
from posthorn.sealed_to t join posthorn.ledger l on l.position_id = t.position_id and l.first_offset >= t."offset"
where not exists (select from posthorn.seal s
                  where s.position_id = l.position_id and s.first_offset <= l.first_offset and l.first_offset < s.next_offset);

-- The same by partition and hour.
create or replace view posthorn.chunk as
with runs as (    -- an hour occurs twice if the clock was set back, or a standby with another clock took over: it is then two chunks
    select o.*, sum(o.is_new) over (partition by o.position_id order by o.first_offset, o.next_offset) as run
    from (select p.*, (p.hour is distinct from lag(p.hour) over w or p.first_offset > lag(p.next_offset) over w)::int as is_new
          from posthorn.open_ledger p window w as (partition by p.position_id order by p.first_offset, p.next_offset)) o
)
select position_id, hour, min(first_offset) as first_offset, max(next_offset) as next_offset, min(recorded_at) as recorded,
       sum(records)::bigint as records, sum(events)::bigint as events, sum(repeated)::bigint as repeated,
       sum(dead_lettered)::bigint as dead_lettered, sum(matched)::bigint as matched
from runs group by position_id, run, hour;

create or replace view posthorn.chunk_count as
select k.position_id, k.hour, k.first_offset, k.next_offset, k.records, k.matched, c.*
from posthorn.chunk k
cross join lateral posthorn.count_chunk(k.position_id, k.first_offset, k.next_offset, k.records, k.events, k.repeated, k.dead_lettered, k.matched, k.recorded) c;

-- Offsets that neither the ledger nor a seal covers, or that two rows cover: between two rows, before the first, after the last.
create or replace view posthorn.hole as
select * from (
    select g.position_id, g.hour, coalesce(lag(g.next_offset) over w, t."offset") as first_offset, g.first_offset as next_offset
    from (select l.position_id, l.hour, l.first_offset, l.next_offset from posthorn.open_ledger l
          union all
          select s.position_id, s.hour, s.first_offset, s.next_offset
          from posthorn.sealed_to b join posthorn.seal s on s.position_id = b.position_id and s.first_offset >= b."offset"
          union all
          select p.id, posthorn.hour_of(coalesce(p.claimed_at, now())), p.next_offset, p.next_offset
          from posthorn.position p where p.first_offset is not null) g
    join posthorn.sealed_to t on t.position_id = g.position_id
    window w as (partition by g.position_id order by g.first_offset, g.next_offset)) h
where first_offset <> next_offset;

-- The outcome of a pair, whenever it was recorded: 4 delivered, 3 failed, 2 cancelled; null if there is none.
create or replace function posthorn.outcome_of(in_position int, in_offset bigint, in_webhook int) returns int language plpgsql stable
set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
    return coalesce((select max(case t.outcome when 'd' then 4 else 3 end) from posthorn.attempt t
                     where (t.position_id, t."offset", t.webhook_id) = (in_position, in_offset, in_webhook) and t.cause = 'e' and t.outcome <> 'r'),
                    (select 2 from posthorn.cancellation c
                     where (c.position_id, c."offset", c.webhook_id) = (in_position, in_offset, in_webhook) and c.cause = 'e' limit 1));
end $$;

-- Pairs whose outcome was recorded, and that are still in posthorn.open_pair: their outcomes are counted soon. Nearly all were recorded in the newest times, which
-- are not closed; the few others, which a flush recorded that was committed very late, are looked up one by one. With `most`, any of them, not always the same.
create or replace function posthorn.settled_pairs(most bigint default null)
returns table (position_id int, first_offset bigint, "offset" bigint, webhook_id int, rank int)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
    since timestamptz := (select min(k.newest) from (select max(o.since) as newest from posthorn.open_time o where o.kind in ('attempt', 'cancellation')
                                                     group by o.kind) k);
begin
    return query execute $q$
        with settled as materialized (
            select o.* from posthorn.open_pair o where not exists (
                select from posthorn.pending p where p.position_id = o.position_id and p."offset" = o."offset" and p.webhook_id = o.webhook_id and p.cause = 'e')
            order by case when $2 is not null then random() end limit $2
        ), outcome as materialized (
            select t.position_id, t."offset", t.webhook_id, case t.outcome when 'd' then 4 else 3 end as rank from posthorn.attempt t
            where t.recorded_at >= $1 and t.cause = 'e' and t.outcome <> 'r'
            union all
            select c.position_id, c."offset", c.webhook_id, 2 from posthorn.cancellation c where c.recorded_at >= $1 and c.cause = 'e'
        ), found as materialized (
            select s.position_id, s.first_offset, s."offset", s.webhook_id, max(o.rank) as rank
            from settled s left join outcome o using (position_id, "offset", webhook_id) group by 1, 2, 3, 4
        )
        select f.position_id, f.first_offset, f."offset", f.webhook_id, coalesce(f.rank, posthorn.outcome_of(f.position_id, f."offset", f.webhook_id))
        from found f $q$
    using since, most;
end $$;
grant execute on function posthorn.settled_pairs(bigint) to posthorn_audit;

-- What is closed, with the outcomes of pairs that were pending at that time.
create or replace view posthorn.seal_now as
select s.position_id, s.hour, s.first_offset, s.next_offset, s.records, s.events, s.repeated, s.dead_lettered, s.matched,
       s.delivered + coalesce(t.delivered, 0) as delivered, coalesce(o.pairs, 0) - coalesce(t.pairs, 0) as pending, s.failed + coalesce(t.failed, 0) as failed,
       s.cancelled + coalesce(t.cancelled, 0) as cancelled, abs(s.pending - coalesce(o.pairs, 0)) + coalesce(t.missing, 0) as missing
from posthorn.seal s
left join (select position_id, first_offset, count(*) as pairs from posthorn.open_pair group by 1, 2) o using (position_id, first_offset)
left join (select position_id, first_offset, count(*) as pairs, count(*) filter (where rank = 4) as delivered, count(*) filter (where rank = 3) as failed,
                  count(*) filter (where rank = 2) as cancelled, count(*) filter (where rank is null) as missing
           from posthorn.settled_pairs() group by 1, 2) t using (position_id, first_offset);

-- A difference from the digests is one row for each kind and hour, counted only in the column `missing`.
create or replace view audit.reconciliation as
select p.topic, p.partition, c.first_offset, c.next_offset - 1 as last_offset, c.records, c.events, c.repeated, c.dead_lettered, c.matched,
       c.delivered, c.pending, c.failed, c.cancelled, c.missing, p.source, p.log_epoch, c.hour, c.sealed, c.what
from (select position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, pending, failed, cancelled,
             missing, true as sealed, case when missing <> 0 then 'the number of rows differs from the ledger' end as what from posthorn.seal_now
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

-- Adds the outcomes that were recorded between two instants to the rows of posthorn.seal.
create or replace function posthorn.count_outcomes(in_kind text, since timestamptz, until timestamptz) returns void language plpgsql
set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
    if in_kind not in ('attempt', 'cancellation') or not exists (select from posthorn.open_pair) then
        return;
    end if;
    execute format('select posthorn.add_outcomes(array_agg(position_id), array_agg("offset"), array_agg(webhook_id), array_agg(rank))
                    from (select r.position_id, r."offset", r.webhook_id, max(%s) as rank from posthorn.%I r
                          where r.recorded_at >= $1 and r.recorded_at < $2 and r.cause = ''e'' and %s group by 1, 2, 3) d',
                   case in_kind when 'attempt' then 'case r.outcome when ''d'' then 4 else 3 end' else '2' end, in_kind,
                   case in_kind when 'attempt' then 'r.outcome <> ''r''' else 'true' end)
    using since, until;
end $$;

create or replace function posthorn.add_outcomes(positions int[], offsets bigint[], webhooks int[], ranks int[]) returns void language sql
set search_path = pg_catalog, pg_temp as $$
    with counted as (
        delete from posthorn.open_pair o using unnest(positions, offsets, webhooks, ranks) as u (position_id, "offset", webhook_id, rank)
        where (o.position_id, o."offset", o.webhook_id) = (u.position_id, u."offset", u.webhook_id) and not exists (
            select from posthorn.pending p where p.position_id = o.position_id and p."offset" = o."offset" and p.webhook_id = o.webhook_id and p.cause = 'e')
        returning o.position_id, o.first_offset, u.rank
    )
    update posthorn.seal s
    set pending = s.pending - c.pairs, delivered = s.delivered + c.delivered, failed = s.failed + c.failed, cancelled = s.cancelled + c.cancelled
    from (select position_id, first_offset, count(*) as pairs, count(*) filter (where rank = 4) as delivered, count(*) filter (where rank = 3) as failed,
                 count(*) filter (where rank = 2) as cancelled from counted group by 1, 2) c
    where (s.position_id, s.first_offset) = (c.position_id, c.first_offset)
$$;

-- The pairs of a range of offsets that are pending: as posthorn.count_rows() counts them.
create or replace function posthorn.pending_pairs(in_position int, first bigint, past bigint, since timestamptz) returns table ("offset" bigint, webhook_id int)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
    oldest timestamptz;
begin
    execute 'select min(e.received_at) from posthorn.event e where e.position_id = $1 and e."offset" >= $2 and e."offset" < $3 and e.period >= $4'
    into oldest using in_position, first, past, since::date - 2 * posthorn.setting_int('event_period_days');
    return query execute $q$
        select p."offset", p.webhook_id from posthorn.pending p
        where p.position_id = $1 and p."offset" >= $2 and p."offset" < $3 and p.cause = 'e'
        except
        select t."offset", t.webhook_id from posthorn.attempt t
        where t.position_id = $1 and t."offset" >= $2 and t."offset" < $3 and t.recorded_at >= $4 and t.cause = 'e' and t.outcome <> 'r'
        except
        select c."offset", c.webhook_id from posthorn.cancellation c
        where c.position_id = $1 and c."offset" >= $2 and c."offset" < $3 and c.recorded_at >= $4 and c.cause = 'e' $q$
    using in_position, first, past, least(since, oldest - interval '1 day');
end $$;

-- Closes a chunk if nothing is missing in it. It is added to the row of the same hour that ends where it begins. Deliveries that are pending become open pairs, in
-- the statement that counts them, because they may be over in the next one.
create or replace function posthorn.close_chunk(k posthorn.chunk) returns bool language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    before posthorn.seal;       -- the row to which the chunk is added
    n record;
begin
    select * into before from posthorn.seal s where s.position_id = k.position_id and s.first_offset < k.first_offset order by s.first_offset desc limit 1;
    if before.hour is distinct from k.hour or before.next_offset <> k.first_offset then
        before := null;
    end if;
    with counted as materialized (
        select c.*
        from posthorn.count_chunk(k.position_id, k.first_offset, k.next_offset, k.records, k.events, k.repeated, k.dead_lettered, k.matched, k.recorded) c
    ), opened as (
        insert into posthorn.open_pair (position_id, "offset", webhook_id, first_offset)
        select k.position_id, p."offset", p.webhook_id, coalesce(before.first_offset, k.first_offset)
        from counted c cross join lateral posthorn.pending_pairs(k.position_id, k.first_offset, k.next_offset, k.recorded - interval '1 day') p
        where c.missing = 0 and c.pending > 0
        returning 1
    )
    select c.*, (select count(*) from opened) as pairs into n from counted c;
    if n.missing <> 0 then
        return false;
    elsif n.pairs <> n.pending then     -- the clock was set by more than a day meanwhile
        delete from posthorn.open_pair o where o.position_id = k.position_id and o."offset" >= k.first_offset and o."offset" < k.next_offset;
        return false;
    end if;
    if before.hour is null then
        insert into posthorn.seal (position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled,
                                   pending)
        values (k.position_id, k.hour, k.first_offset, k.next_offset, k.records, n.events, n.repeated, n.dead_lettered, k.matched, n.delivered, n.failed,
                n.cancelled, n.pending);
    else
        update posthorn.seal s
        set next_offset = k.next_offset, records = s.records + k.records, events = s.events + n.events, repeated = s.repeated + n.repeated,
            dead_lettered = s.dead_lettered + n.dead_lettered, matched = s.matched + k.matched, delivered = s.delivered + n.delivered,
            failed = s.failed + n.failed, cancelled = s.cancelled + n.cancelled, pending = s.pending + n.pending, sealed_at = now()
        where (s.position_id, s.first_offset) = (before.position_id, before.first_offset);
    end if;
    return true;
end $$;

-- Closes a range of offsets of a position in pieces of some ten thousand records and deliveries, until `deadline`, but at least one. Rows of the ledger that were
-- recorded before `since` are not looked for, and those recorded from `upto` on stay open: a flush that began earlier may commit after it. What commits even later
-- is a piece of its own. Returns how many pieces were closed, and up to where it looked.
create or replace function posthorn.close_position(in_position int, first bigint, past bigint, since timestamptz, upto timestamptz,
    deadline timestamptz, out closed int, out looked_to bigint) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    l record;
    piece posthorn.chunk;
    ready bool;
begin
    closed := 0;
    looked_to := first;
    for l in execute $q$
        select r.*, posthorn.hour_of(r.recorded_at) as hour from posthorn.ledger r
        where r.position_id = $1 and r.first_offset >= $2 and r.first_offset < $3 and r.recorded_at >= $4
        order by r.first_offset, r.next_offset $q$
    using in_position, first, past, since loop
        ready := l.recorded_at < upto or l.recorded_at > now();     -- the clock was ahead: this hour is closed when it is over
        if piece.hour is not null and (not ready or l.hour <> piece.hour or l.first_offset > piece.next_offset or piece.records + piece.matched > 20000) then
            closed := closed + posthorn.close_chunk(piece)::int;
            looked_to := piece.next_offset;
            piece := null;
            if clock_timestamp() > deadline then
                return;
            end if;
        end if;
        exit when not ready;
        continue when l.recorded_at > now();
        piece := row(in_position, l.hour, coalesce(piece.first_offset, l.first_offset), greatest(piece.next_offset, l.next_offset),
                     least(piece.recorded, l.recorded_at), coalesce(piece.records, 0) + l.records, coalesce(piece.events, 0) + l.events,
                     coalesce(piece.repeated, 0) + l.repeated, coalesce(piece.dead_lettered, 0) + l.dead_lettered, coalesce(piece.matched, 0) + l.matched);
    end loop;
    if piece.hour is not null then
        closed := closed + posthorn.close_chunk(piece)::int;
        looked_to := piece.next_offset;
    end if;
end $$;

-- Closes what was written since the last call, is older than a minute and correct, so that it need not be counted again. What is not correct is left to close_old().
-- Returns how many pieces of the ledger were closed, and whether the time was too short. The lock orders this with posthorn.unseal(): a row that is being removed
-- is either not counted, or its seal exists and can be broken.
create or replace function posthorn.close_new(patience interval, out closed int, out more bool) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    deadline timestamptz := clock_timestamp() + patience;
    upto timestamptz := posthorn.closable('attempt');       -- of offsets
    c record;
    part record;
    done int := 0;      -- pieces of all sorts
begin
    lock table posthorn.seal in share row exclusive mode;
    perform posthorn.take_opened();
    insert into posthorn.closing (position_id, new_from)
    select p.id, coalesce((select max(s.next_offset) from posthorn.seal s where s.position_id = p.id), p.first_offset)
    from posthorn.position p
    where p.first_offset is not null and not exists (select from posthorn.closing k where k.position_id = p.id) on conflict do nothing;
    closed := 0;
    more := false;
    for c in select k.kind, k.new_from from posthorn.closed k order by k.new_from loop
        select * into part from posthorn.close_times(c.kind, c.new_from, posthorn.closable(c.kind), deadline);
        update posthorn.closed k set new_from = greatest(k.new_from, part.looked_to) where k.kind = c.kind;
        done := done + part.closed;
        more := clock_timestamp() > deadline;
        exit when more;
    end loop;
    deadline := clock_timestamp() + patience;
    for c in
        select k.position_id, k.new_from, coalesce(s.hour - interval '1 hour', '-infinity') as since
        from posthorn.closing k join posthorn.position p on p.id = k.position_id and p.next_offset > k.new_from
        left join lateral (select * from posthorn.seal s where s.position_id = p.id order by s.first_offset desc limit 1) s on true
        order by s.sealed_at nulls first
    loop
        select * into part from posthorn.close_position(c.position_id, c.new_from, 9223372036854775807, c.since, upto, deadline);
        update posthorn.closing k set new_from = part.looked_to where k.position_id = c.position_id and k.new_from <> part.looked_to;
        closed := closed + part.closed;
        if clock_timestamp() > deadline then
            more := true;
            exit;
        end if;
    end loop;
    more := more and done + closed > 0;
end $$;

-- The ranges of offsets between seals, and after the last one up to what close_new() has looked at, with a time before which their rows were not recorded.
create or replace function posthorn.gaps(in_position int) returns table (first_offset bigint, next_offset bigint, since timestamptz) language sql stable
set search_path = pg_catalog, pg_temp as $$
    select s.past, s.first_offset, coalesce(least(s.before, s.hour) - interval '1 day', '-infinity')
    from (select e.first_offset, e.hour, lag(e.next_offset, 1, p.first_offset) over w as past, lag(e.hour) over w as before
          from posthorn.position p
          cross join lateral (select s.first_offset, s.next_offset, s.hour from posthorn.seal s where s.position_id = p.id
                              union all select k.new_from, k.new_from, null from posthorn.closing k where k.position_id = p.id) e
          where p.id = in_position window w as (order by e.first_offset, e.next_offset)) s
    where s.first_offset > s.past
$$;

-- Does the same with what could not be closed earlier, or was opened again: the next call continues where this one stopped.
create or replace function posthorn.close_old(patience interval, out closed int, out more bool) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    deadline timestamptz := clock_timestamp() + patience;
    upto timestamptz := posthorn.closable('attempt');       -- of offsets
    c record;
    gap record;
    part record;
    stopped bigint;
    done int := 0;
begin
    lock table posthorn.seal in share row exclusive mode;
    perform posthorn.take_opened();
    closed := 0;
    more := false;
    for c in select k.kind, coalesce(k.looked_to, '-infinity') as since, k.new_from from posthorn.closed k order by k.looked_at loop
        select * into part from posthorn.close_times(c.kind, c.since, c.new_from, deadline);
        update posthorn.closed k set looked_to = nullif(part.looked_to, c.new_from), looked_at = clock_timestamp() where k.kind = c.kind;
        done := done + part.closed;
        more := clock_timestamp() > deadline;
        exit when more;
    end loop;
    deadline := clock_timestamp() + patience;
    for c in select k.position_id, coalesce(k.looked_to, 0) as start from posthorn.closing k order by k.looked_at loop
        stopped := null;
        for gap in select g.* from posthorn.gaps(c.position_id) g where g.next_offset > c.start order by 1 loop
            select * into part
            from posthorn.close_position(c.position_id, greatest(gap.first_offset, c.start), gap.next_offset, gap.since, upto, deadline);
            closed := closed + part.closed;
            if clock_timestamp() > deadline then
                stopped := part.looked_to;
                exit;
            end if;
        end loop;
        update posthorn.closing k set looked_to = stopped, looked_at = clock_timestamp() where k.position_id = c.position_id;
        if clock_timestamp() > deadline then
            more := true;
            exit;
        end if;
    end loop;
    perform posthorn.add_outcomes(array_agg(p.position_id), array_agg(p."offset"), array_agg(p.webhook_id), array_agg(p.rank))
    from posthorn.settled_pairs(1000) p where p.rank is not null;
    with summed as (delete from posthorn.pending_digest where ctid = any (array(select d.ctid from posthorn.pending_digest d limit 10000)) returning *)
    insert into posthorn.pending_digest (position_id, row_count, hash_sum)
    select position_id, sum(row_count), sum(hash_sum) from summed group by 1 having sum(row_count) <> 0 or sum(hash_sum) <> 0;
    more := more and done + closed > 0;
end $$;

-- Closes all that can be closed, new and old, as far as the time is sufficient: for posthorn-admin.
create or replace function posthorn.close_books(patience interval, out closed int, out more bool) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    old record;
begin
    select * into closed, more from posthorn.close_new(patience);
    select * into old from posthorn.close_old(patience);
    closed := closed + old.closed;
    more := more or old.more;
end $$;

-- For dispatchers of an older version.
create or replace function posthorn.seal_chunks() returns int language sql security definer set search_path = pg_catalog, pg_temp as $$
    select closed from posthorn.close_books('1 s')
$$;
grant execute on function posthorn.seal_chunks() to posthorn_dispatcher;

-- Changing or removing a counted row breaks the seal of its chunk: the chunk is counted again. Seals of a position do not overlap: it is the last one that begins
-- at the row's offset or below.
create or replace function posthorn.unseal() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from posthorn.seal;
        delete from posthorn.open_pair;
    else
        with broken as (
            delete from posthorn.seal s where s.ctid = any (array(
                select n.row from (select distinct position_id, "offset" from old_rows) o
                cross join lateral (select s.ctid as row, s.next_offset from posthorn.seal s where s.position_id = o.position_id and s.first_offset <= o."offset"
                                    order by s.first_offset desc limit 1) n
                where o."offset" < n.next_offset))
            returning s.position_id, s.first_offset)
        delete from posthorn.open_pair p using broken b where (p.position_id, p.first_offset) = (b.position_id, b.first_offset);
    end if;
    return null;
end $$;

create or replace function posthorn.unseal_ledger() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    with broken as (
        delete from posthorn.seal s using old_rows o
        where s.position_id = o.position_id and s.first_offset < o.next_offset and o.first_offset < s.next_offset
        returning s.position_id, s.first_offset)
    delete from posthorn.open_pair p using broken b where (p.position_id, p.first_offset) = (b.position_id, b.first_offset);
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
