-- The commit protocol consists of functions (in this file, intake.sql, flush.sql and retry.sql): each is one step of the dispatcher, called with arrays, in one
-- round trip per batch. Errors that the dispatcher handles: PH001 a position is not ours any more, or its events are gone (DETAIL: the position ids); PH002
-- this flush is committed already; PH003 the dispatcher is not registered (any more).

-- Registers a dispatcher and returns its id.
create or replace function posthorn.dispatcher_started(name text) returns int language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.dispatcher (name) values (name) returning id
$$;

-- Takes over a partition: from now on only `new_owner` can move its position. `known` is true if the topic was known before it had this partition, which then
-- starts at its beginning. `in_partitions` is the number of the topic's partitions; needed if new topics start at their end.
create or replace function posthorn.claim(in_source text, in_topic text, in_partition int, new_owner uuid, in_dispatcher int, in_partitions int default 0,
    out position_id int, out next_offset bigint, out last_offset bigint, out last_timestamp bigint, out last_check bigint,
    out stopped text, out known bool)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    before timestamptz;
begin
    insert into posthorn.topic (source, topic, partitions) values (in_source, in_topic, greatest(in_partitions, in_partition + 1)) on conflict do nothing;
    select in_partition >= t.partitions into known from posthorn.topic t where t.source = in_source and t.topic = in_topic;
    insert into posthorn.position (source, topic, partition) values (in_source, in_topic, in_partition) on conflict do nothing;
    perform from posthorn.position p where p.source = in_source and p.topic = in_topic and p.partition = in_partition
        for no key update;      -- waits for a reset under way: the next statement sees the epoch that it made
    select p.claimed_at into before from posthorn.position p
    where p.source = in_source and p.topic = in_topic and p.partition = in_partition order by p.log_epoch desc limit 1;
    update posthorn.position p set owner = new_owner, dispatcher_id = in_dispatcher, claimed_at = now()
    where p.source = in_source and p.topic = in_topic and p.partition = in_partition
      and p.log_epoch = (select max(m.log_epoch) from posthorn.position m
                         where m.source = in_source and m.topic = in_topic and m.partition = in_partition)
    returning p.id, p.next_offset, p.last_offset, p.last_timestamp, p.last_check, p.stopped
    into position_id, next_offset, last_offset, last_timestamp, last_check, stopped;
    perform posthorn.bring_forward(position_id, coalesce(next_offset, 0), before);
end $$;

-- Events that intake stored before an outage longer than the time that intake() looks back, and that the position did not pass, would get a second row when
-- they are read again. This moves them to the present period, where intake() recognizes them as read again. They were stored after the claim before, or moved by
-- it: so their periods are known, and no others are looked at.
create or replace function posthorn.bring_forward(in_position int, from_offset bigint, claimed_before timestamptz) returns void language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
    days int := posthorn.setting_int('event_period_days');
    present date := posthorn.period_of(now());
    first date := case when claimed_before <= now() then posthorn.period_of(claimed_before) - days - 1 else '-infinity' end;   -- the clock was set back
    old record;
begin
    if claimed_before is null or first >= present - days then
        return;
    end if;
    for old in execute 'select e.event_key, e.period, e."offset" from posthorn.event e
                        where e.position_id = $1 and e."offset" >= $2 and e.period >= $3 and e.period < $4'
               using in_position, from_offset, first, present - days
    loop
        continue when exists (select from posthorn.event e where e.event_key = old.event_key and e.period = present);    -- published again meanwhile
        perform posthorn.digest_event(old.event_key, old.period, -1), posthorn.digest_pending(in_position, old."offset", -1);
        update posthorn.event e set period = present where e.event_key = old.event_key and e.period = old.period;
        update posthorn.pending d set period = present where d.position_id = in_position and d."offset" = old."offset";
        perform posthorn.digest_event(old.event_key, present, 1), posthorn.digest_pending(in_position, old."offset", 1);
    end loop;
end $$;

-- A new topic that starts at its end: stores the end before anything is read, so that a crash cannot change it.
create or replace function posthorn.start_at(in_position int, in_owner uuid, start bigint) returns bool language sql set search_path = pg_catalog, pg_temp as $$
    with started as (update posthorn.position set next_offset = start
                     where id = in_position and owner = in_owner and next_offset is null returning 1)
    select exists (select from started)
$$;

-- The (offset, webhook) pairs already recorded of records at or above an offset: they are not sent again. Their events are in the present period or the one before
-- (posthorn.bring_forward), and outcomes are recorded after the event was received; a day earlier, because the clock may have been set back.
create or replace function posthorn.recorded(in_position int, from_offset bigint) returns table ("offset" bigint, webhook_id int)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    since timestamptz;
begin
    execute 'select coalesce(least(min(e.received_at), now()) - interval ''1 day'', now() - interval ''31 days'') from posthorn.event e where e.position_id = $1 and e."offset" >= $2 and e.period >= $3'
    into since using in_position, from_offset, posthorn.period_of(now()) - posthorn.setting_int('event_period_days');
    return query execute $q$
        select a."offset", a.webhook_id from posthorn.attempt a
        where a.position_id = $1 and a."offset" >= $2 and a.recorded_at >= $3 and a.cause = 'e' and a.outcome <> 'r'
        union
        select p."offset", p.webhook_id from posthorn.pending p
        where p.position_id = $1 and p."offset" >= $2 and p.cause = 'e'
        union
        select c."offset", c.webhook_id from posthorn.cancellation c
        where c.position_id = $1 and c."offset" >= $2 and c.recorded_at >= $3 and c.cause = 'e' $q$
    using in_position, from_offset, since;
end $$;

-- Returns the positions that differ from what their owner knows: claimed by another dispatcher, or behind a committed offset (the database was set back in
-- time).
create or replace function posthorn.positions_lost(positions int[], owners uuid[], offsets bigint[]) returns setof int language sql stable
begin atomic
    select u.id from unnest(positions, owners, offsets) as u (id, owner, next) left join posthorn.position p on p.id = u.id
    where p.owner is distinct from u.owner or coalesce(p.next_offset, -1) < u.next;
end;
