-- Flush: the rows that a flush writes, and at its end the moves of the positions (claim.sql lists the errors).

-- Stores the attempts of a flush. A dispatcher of an older version calls this without `sealed`. (In the select list, unnest() costs a third of what it costs in
-- FROM, where each array is first written to a list of rows.)
create or replace function posthorn.record(started timestamptz[], offsets bigint[], positions int[], webhooks int[], versions int[], durations int[],
    attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher int,
    sealed bool[] default null)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with inserted as (
        insert into posthorn.attempt as a (started_at, "offset", position_id, webhook_id, version, duration_us, attempt, http_status, cause, outcome, error,
                                           response_body, sealed, dispatcher_id)
        select unnest(started), unnest(offsets), unnest(positions), unnest(webhooks), unnest(versions), unnest(durations), unnest(attempts), unnest(statuses),
               unnest(causes), unnest(outcomes), unnest(errors), unnest(bodies), unnest(record.sealed), in_dispatcher
        returning a.position_id, posthorn.hash(a) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'attempt', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- Stores attempts one by one, after PostgreSQL rejected a flush because of its data. An attempt that cannot be stored is kept without its texts.
create or replace function posthorn.record_carefully(started timestamptz[], offsets bigint[], positions int[], webhooks int[], versions int[], durations int[],
    attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher int,
    sealed bool[] default null)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- Stores cancelled deliveries.
create or replace function posthorn.cancel(positions int[], offsets bigint[], webhooks int[], causes "char"[], reasons text[]) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with inserted as (
        insert into posthorn.cancellation as c (position_id, "offset", webhook_id, cause, reason)
        select * from unnest(positions, offsets, webhooks, causes, reasons)
        returning c.position_id, posthorn.hash(c) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'cancellation', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- Stores repeats: records whose event id was published before.
create or replace function posthorn.repeated(positions int[], offsets bigint[], of_positions int[], of_offsets bigint[]) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with inserted as (
        insert into posthorn.repeat as r (position_id, "offset", of_position_id, of_offset)
        select * from unnest(positions, offsets, of_positions, of_offsets)
        returning r.position_id, posthorn.hash(r) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'repeat', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- Stores deliveries that wait in PostgreSQL. An existing row is not changed.
create or replace function posthorn.park(webhooks int[], positions int[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[],
    due timestamptz[], order_keys bigint[]) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with inserted as (
        insert into posthorn.pending as p (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at, order_key)
        select * from unnest(webhooks, positions, offsets, causes, periods, attempts_made, due, order_keys)
        on conflict do nothing
        returning p.position_id, posthorn.hash(p) as hash
    )
    insert into posthorn.pending_digest select i.position_id, count(*), sum(i.hash) from inserted i group by 1;
    perform posthorn.queue_due(webhooks, due);
end $$;

create or replace function posthorn.queue_due(webhooks int[], due timestamptz[]) returns void language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.queue as q (webhook_id, next_due)
    select webhook_id, min(d) from unnest(webhooks, due) as u (webhook_id, d) group by webhook_id order by webhook_id
    on conflict (webhook_id) do update set next_due = greatest(excluded.next_due, q.held_until)
    where q.next_due > greatest(excluded.next_due, q.held_until)
$$;

-- Settles pending deliveries that were attempted or cancelled: over if `due` is null, else due again. Each is looked up by its key, locked and subtracted from the
-- sum, then changed where it was found, so that no plan depends on how many pending deliveries the statistics expect. (A subquery
-- that locks rows is not merged with the query around it.)
create or replace function posthorn.settle(webhooks int[], positions int[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamptz[])
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    over tid[];
    again tid[];
    again_made smallint[];
    again_due timestamptz[];
begin
    with given as (
        select distinct on (position_id, "offset", webhook_id, cause) *
        from unnest(webhooks, positions, offsets, causes, attempts_made, due) as u (webhook_id, position_id, "offset", cause, made, d)
        order by position_id, "offset", webhook_id, cause, d is not null, made desc
    ), found as materialized (
        select p.*, g.made, g.d from given g
        cross join lateral (
            select p.ctid as row, p.position_id, posthorn.hash(p) as hash from posthorn.pending p
            where p.position_id = g.position_id and p."offset" = g."offset" and p.webhook_id = g.webhook_id and p.cause = g.cause
              and (g.d is null or p.attempts <= g.made)
            for update of p) p
    ), subtracted as (
        insert into posthorn.pending_digest select f.position_id, -count(*), -sum(f.hash) from found f group by 1
    )
    select array_agg(f.row) filter (where f.d is null), array_agg(f.row) filter (where f.d is not null),
           array_agg(f.made) filter (where f.d is not null), array_agg(f.d) filter (where f.d is not null)
    into over, again, again_made, again_due from found f;
    perform posthorn.settle_found(over, again, again_made, again_due);
    perform posthorn.queue_due(array_agg(w order by w), array_agg(d order by w)) from unnest(webhooks, due) as u (w, d) where d is not null having count(*) > 0;
end $$;

-- Deletes and changes rows where they were found. Only a scan of tuple identifiers is left to the planner.
create or replace function posthorn.settle_found(over tid[], again tid[], attempts_made smallint[], due timestamptz[]) returns void language sql
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
    delete from posthorn.pending p using unnest(over) as u (row) where p.ctid = u.row;
    with changed as (
        update posthorn.pending p set attempts = u.made, next_attempt_at = u.d from unnest(again, attempts_made, due) as u (row, made, d) where p.ctid = u.row
        returning p.position_id, posthorn.hash(p) as hash
    )
    insert into posthorn.pending_digest select c.position_id, count(*), sum(c.hash) from changed c group by 1
$$;

-- The end of a flush: moves the positions and writes the ledger. Raises PH001 unless every position is ours and stands where we left it. This fences off a
-- process that was stopped or lost its partition, and detects a failover that went back in time. Positions are locked in one order.
--
-- A position may also stay where it is. A flush can park or cancel deliveries, or store dead letters, of a partition whose position does not move, because an
-- earlier record is not over. Such a partition is listed with no records, so that only its owner can write these rows: otherwise a dispatcher that was stopped
-- while its partitions moved to another one would make deliveries pending that are over.
create or replace function posthorn.move(in_dispatcher int, seq bigint, positions int[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[],
    last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records int[], n_events int[], n_repeated int[], n_dead int[], n_matched int[])
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    lost int[];
    oldest date := posthorn.period_of(now()) - 2 * posthorn.setting_int('event_period_days');   -- once; within the query it would be called for each row
begin
    -- A flush whose connection broke is sent again if it does not seem to be committed; the first sending may still arrive.
    update posthorn.dispatcher set flush_seq = seq where id = in_dispatcher and flush_seq < seq;
    if not found then
        if exists (select from posthorn.dispatcher where id = in_dispatcher) then
            raise exception 'flush % of dispatcher % is already committed', seq, in_dispatcher using errcode = 'PH002';
        end if;
        raise exception 'dispatcher % does not exist (any more)', in_dispatcher using errcode = 'PH003';
    end if;
    perform from posthorn.position where id = any (positions) order by id for no key update;
    with moved as (
        update posthorn.position p
        set next_offset = u.new_next, first_offset = coalesce(p.first_offset, u.first_offset), last_offset = coalesce(u.last_offset, p.last_offset),
            last_timestamp = coalesce(u.last_timestamp, p.last_timestamp), last_check = coalesce(u.last_check, p.last_check)
        from unnest(positions, owners, old_next, new_next, last_offsets, last_timestamps, last_checks, first_offsets)
            as u (id, owner, old_next, new_next, last_offset, last_timestamp, last_check, first_offset)
        where p.id = u.id and p.owner = u.owner and p.next_offset is not distinct from u.old_next
        returning p.id)
    select array_agg(id) into lost from unnest(positions) as id where id not in (select m.id from moved m);
    if lost is not null then
        raise exception 'positions % belong to another dispatcher now', lost using errcode = 'PH001', detail = array_to_string(lost, ',');
    end if;
    -- The commit of the event rows was asynchronous (posthorn.intake). If PostgreSQL crashed or failed over since, the newest rows are gone, but the dispatcher
    -- still has the events in memory: it must read them again, or their deliveries would have no event.
    select array_agg(u.id) into lost from unnest(positions, first_offsets, new_next, n_events) as u (id, first, next, events)
    where u.events > (select count(*) from posthorn.event e where e.position_id = u.id and e."offset" >= u.first and e."offset" < u.next
                      and e.period >= oldest);   -- not all partitions of a year
    if lost is not null then
        raise exception 'events of positions % were lost by the database', lost using errcode = 'PH001', detail = array_to_string(lost, ',');
    end if;
    with inserted as (
        insert into posthorn.ledger as l (position_id, first_offset, next_offset, records, gaps, events, repeated, dead_lettered, matched, dispatcher_id)
        select id, f, n, r, n - f - r, e, rep, dead, m, in_dispatcher
        from unnest(positions, first_offsets, new_next, n_records, n_events, n_repeated, n_dead, n_matched) as u (id, f, n, r, e, rep, dead, m)
        where n > f
        returning l.position_id, posthorn.hash(l) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'ledger', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;
