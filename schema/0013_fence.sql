-- As in 0003, and a position may stay where it is. A flush can park or cancel deliveries, or bury records, of a partition whose position does not move in
-- it, because an earlier record is not over yet. Such a partition is named, too, with no records, so that these rows are written by its owner only: a dispatcher that
-- slept until its partitions were another's would make deliveries pending that are over.
create or replace function posthorn.move(in_dispatcher int, seq bigint, positions int[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[],
    last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records int[], n_events int[], n_repeated int[], n_dead int[], n_matched int[])
returns void language plpgsql as $$
declare
    lost int[];
    oldest date := posthorn.period_of(now()) - 2 * posthorn.setting_int('event_period_days');   -- once: in the query it would be called for each row
begin
    -- A flush whose connection broke is sent again when it seems not to have committed; its first sending may still be on the way.
    update posthorn.dispatcher set flush_seq = seq where id = in_dispatcher and flush_seq < seq;
    if not found then
        if exists (select from posthorn.dispatcher where id = in_dispatcher) then
            raise exception 'flush % of dispatcher % is committed already', seq, in_dispatcher using errcode = 'PH002';
        end if;
        raise exception 'there is no dispatcher % (any more)', in_dispatcher using errcode = 'PH003';
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
    -- The event rows were not waited for (posthorn.intake). When PostgreSQL crashed or failed over since, the newest are gone, though the dispatcher
    -- remembers them: it must read them again, or their deliveries would belong to nothing.
    select array_agg(u.id) into lost from unnest(positions, first_offsets, new_next, n_events) as u (id, first, next, events)
    where u.events > (select count(*) from posthorn.event e where e.position_id = u.id and e."offset" >= u.first and e."offset" < u.next
                      and e.period >= oldest);   -- not all of a year's partitions
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
