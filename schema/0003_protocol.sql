-- The commit protocol, as functions: each is one step of the dispatcher, called with arrays, one round trip a batch.
-- Errors raised for the dispatcher to act on: PH001 a position was not ours any more, or its events are gone (DETAIL: the position ids);
-- PH002 this flush is committed already; PH003 the dispatcher is not known (any more): register again.

create function posthorn.dispatcher_started(name text) returns int language sql as $$
    insert into posthorn.dispatcher (name) values (name) returning id
$$;

-- Claim ---------------------------------------------------------------------------------------------------------------------------

-- Topics ever seen, and how many partitions they had then: the others were added later.
create table posthorn.topic (
    source     text not null,
    topic      text not null,
    partitions int not null,
    primary key (source, topic)
);

-- Take a partition over: from here on only `new_owner` can move its position. `known` tells that the topic was known before it had this partition,
-- which then starts at its beginning. `in_partitions` is how many the topic has; needed when new topics start at their end.
create function posthorn.claim(in_source text, in_topic text, in_partition int, new_owner uuid, in_dispatcher int, in_partitions int default 0,
    out position_id int, out next_offset bigint, out last_offset bigint, out last_timestamp bigint, out last_check bigint,
    out stopped text, out known bool)
language plpgsql as $$
begin
    insert into posthorn.topic (source, topic, partitions) values (in_source, in_topic, greatest(in_partitions, in_partition + 1)) on conflict do nothing;
    select in_partition >= t.partitions into known from posthorn.topic t where t.source = in_source and t.topic = in_topic;
    insert into posthorn.position (source, topic, partition) values (in_source, in_topic, in_partition) on conflict do nothing;
    perform from posthorn.position p where p.source = in_source and p.topic = in_topic and p.partition = in_partition
        for no key update;      -- a reset that is under way first: the next statement sees the epoch that it made
    update posthorn.position p set owner = new_owner, dispatcher_id = in_dispatcher, claimed_at = now()
    where p.source = in_source and p.topic = in_topic and p.partition = in_partition
      and p.log_epoch = (select max(m.log_epoch) from posthorn.position m
                         where m.source = in_source and m.topic = in_topic and m.partition = in_partition)
    returning p.id, p.next_offset, p.last_offset, p.last_timestamp, p.last_check, p.stopped
    into position_id, next_offset, last_offset, last_timestamp, last_check, stopped;
    perform posthorn.bring_forward(position_id, coalesce(next_offset, 0));
end $$;

-- Events that were taken in and not passed before an outage longer than intake() looks back: read again they would become a second row each. They
-- move to the present period, where intake() finds them as its own.
create function posthorn.bring_forward(in_position int, from_offset bigint) returns void language plpgsql as $$
declare
    present date := posthorn.period_of(now());
    old record;
begin
    for old in select e.event_key, e.period, e."offset" from posthorn.event e
               where e.position_id = in_position and e."offset" >= from_offset and e.period < present - posthorn.setting_int('event_period_days')
    loop
        continue when exists (select from posthorn.event e where e.event_key = old.event_key and e.period = present);    -- published again meanwhile
        perform posthorn.digest_event(old.event_key, old.period, -1), posthorn.digest_pending(in_position, old."offset", -1);
        update posthorn.event e set period = present where e.event_key = old.event_key and e.period = old.period;
        update posthorn.pending d set period = present where d.position_id = in_position and d."offset" = old."offset";
        perform posthorn.digest_event(old.event_key, present, 1), posthorn.digest_pending(in_position, old."offset", 1);
    end loop;
end $$;

-- A new topic that starts at its end: write the end down before anything is read, so that a crash cannot move it.
create function posthorn.start_at(in_position int, in_owner uuid, start bigint) returns bool language sql as $$
    with started as (update posthorn.position set next_offset = start
                     where id = in_position and owner = in_owner and next_offset is null returning 1)
    select exists (select from started)
$$;

-- What is recorded already of records at or above an offset: these (offset, webhook) pairs are not sent again.
create function posthorn.recorded(in_position int, from_offset bigint) returns table ("offset" bigint, webhook_id int)
language sql stable as $$
    select a."offset", a.webhook_id from posthorn.attempt a
    where a.position_id = in_position and a."offset" >= from_offset and a.cause = 'e' and a.outcome <> 'r'
    union
    select p."offset", p.webhook_id from posthorn.pending p
    where p.position_id = in_position and p."offset" >= from_offset and p.cause = 'e'
    union
    select c."offset", c.webhook_id from posthorn.cancellation c
    where c.position_id = in_position and c."offset" >= from_offset and c.cause = 'e'
$$;

-- Intake --------------------------------------------------------------------------------------------------------------------------

-- Claim the event ids of a batch and read the subscription clock, which must be read after the batch was read from Kafka.
-- The rows can be made again from Kafka, so this commit need not wait for the disk; the flush that passes them does.
--   v         the clock;   changed: accounts changed after `known_v`, null when nothing did;   forget: the log of changes does not reach back so far
--   period    of the events inserted now
--   again     indexes (from 1) of events that were there with the same coordinates: read again after a crash; again_period is theirs
--   repeated  indexes of events whose id was there with other coordinates; of_position, of_offset are those
create function posthorn.intake(known_v bigint, keys uuid[], positions int[], offsets bigint[], accounts int[], types text[], ids text[], sources text[],
    occurred timestamptz[], digests bytea[], traceparents text[], order_keys bigint[], sealed bool, bodies bytea[],
    out v bigint, out changed int[], out forget bool, out period date, out again int[], out again_period date[],
    out repeated int[], out of_position int[], out of_offset bigint[])
language plpgsql as $$
#variable_conflict use_column
declare
    previous date;
    seen bool;
    fresh int[];
begin
    perform set_config('synchronous_commit', 'off', true);
    period := posthorn.period_of(now());
    previous := period - posthorn.setting_int('event_period_days');
    seen := exists (select from unnest(keys) as k (key) join posthorn.event e on e.event_key = k.key and e.period = previous);
    if not seen then
        begin
            with inserted as (
                insert into posthorn.event as e (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at,
                                                 payload_sha256, traceparent, order_key)
                select g.key, intake.period, g.position_id, g."offset", g.account, g.type, g.id, g.source, g.occurred, g.digest, g.traceparent, g.order_key
                from unnest(keys, positions, offsets, accounts, types, ids, sources, occurred, digests, traceparents, order_keys)
                    as g (key, position_id, "offset", account, type, id, source, occurred, digest, traceparent, order_key)
                returning e.position_id, posthorn.hash(e) as hash
            ), paid as (
                insert into posthorn.payload as l (position_id, "offset", sealed, body)
                select g.position_id, g."offset", intake.sealed, g.body from unnest(positions, offsets, bodies) as g (position_id, "offset", body)
                returning l.position_id, posthorn.hash(l) as hash
            )
            insert into posthorn.digest (kind, position_id, row_count, hash_sum)
            select 'event', i.position_id, count(*), sum(i.hash) from inserted i group by 2
            union all
            select 'payload', i.position_id, count(*), sum(i.hash) from paid i group by 2;
        exception when unique_violation or deadlock_detected then     -- deadlock: another dispatcher has the same ids in another order
            seen := true;
        end;
    end if;
    if seen then
        with given as (
            select * from unnest(keys, positions, offsets, accounts, types, ids, sources, occurred, digests, traceparents, order_keys, bodies)
                with ordinality as g (key, position_id, "offset", account, type, id, source, occurred, digest, traceparent, order_key, body, i)
        ), inserted as (
            insert into posthorn.event as e (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at,
                                             payload_sha256, traceparent, order_key)
            select g.key, intake.period, g.position_id, g."offset", g.account, g.type, g.id, g.source, g.occurred, g.digest, g.traceparent, g.order_key
            from given g
            where not exists (select from posthorn.event e where e.event_key = g.key and e.period = previous)
            order by g.key, g.position_id, g."offset"         -- one order for all, so that two dispatchers cannot wait for each other
            on conflict (event_key, period) do nothing
            returning e.position_id, e."offset", posthorn.hash(e) as hash
        ), paid as (
            insert into posthorn.payload as l (position_id, "offset", sealed, body)
            select position_id, "offset", intake.sealed, g.body from given g join inserted using (position_id, "offset")
            returning l.position_id, posthorn.hash(l) as hash
        ), summed as (
            insert into posthorn.digest (kind, position_id, row_count, hash_sum)
            select 'event', i.position_id, count(*), sum(i.hash) from inserted i group by 2
            union all
            select 'payload', i.position_id, count(*), sum(i.hash) from paid i group by 2
        )
        select array_agg(g.i) into fresh from given g join inserted using (position_id, "offset");
        perform posthorn.take_over(keys, positions, offsets, array[previous, intake.period], sealed, bodies);

        -- An id can be there twice, once in each period, when two dispatchers took it at the moment in which the period changed: then the one with
        -- our coordinates counts.
        select array_agg(i) filter (where same), array_agg(p) filter (where same),
               array_agg(i) filter (where not same), array_agg(pid) filter (where not same), array_agg(o) filter (where not same)
        into again, again_period, repeated, of_position, of_offset
        from (select distinct on (g.i) g.i::int, e.period as p, e.position_id as pid, e."offset" as o,
                     (e.position_id, e."offset") = (g.position_id, g."offset") as same
              from unnest(keys, positions, offsets) with ordinality as g (key, position_id, "offset", i)
              join posthorn.event e on e.event_key = g.key and e.period in (intake.period, previous)
              where fresh is null or g.i <> all (fresh)
              order by g.i, same desc, e.period) as found;
    end if;
    select c.v, f.changed, f.forget into v, changed, forget from posthorn.changes_since(known_v) f, posthorn.subscription_clock c;
end $$;

-- Events that were taken in during an earlier life of the same partition (before a position reset) and never passed: nothing accounts for them, and as
-- they stand they would make a repeat of the same record read again, which then would never be delivered. They become ours: read again.
create function posthorn.take_over(keys uuid[], positions int[], offsets bigint[], periods date[], sealed bool, bodies bytea[]) returns void
language plpgsql as $$
declare
    old record;
begin
    for old in
        select distinct on (e.event_key, e.period) e.event_key, e.period, e.position_id, e."offset", g.position_id as new_position, g."offset" as new_offset, g.body
        from unnest(keys, positions, offsets, bodies) as g (key, position_id, "offset", body)
        join posthorn.event e on e.event_key = g.key and e.period = any (periods) and e.position_id <> g.position_id
        join posthorn.position p on p.id = e.position_id and e."offset" >= coalesce(p.next_offset, 0)
        join posthorn.position n on n.id = g.position_id
            and (n.source, n.topic, n.partition) = (p.source, p.topic, p.partition) and n.log_epoch > p.log_epoch
        order by e.event_key, e.period, g."offset"
    loop
        perform from posthorn.event e
        where e.event_key = old.event_key and e.period = old.period and (e.position_id, e."offset") = (old.position_id, old."offset") for no key update;
        continue when not found;
        perform posthorn.digest_event(old.event_key, old.period, -1), posthorn.digest_pending(old.position_id, old."offset", -1);
        update posthorn.event e set position_id = old.new_position, "offset" = old.new_offset, received_at = now()
        where e.event_key = old.event_key and e.period = old.period;
        delete from posthorn.pending d where d.position_id = old.position_id and d."offset" = old."offset" and d.cause = 'e';
        update posthorn.pending d set position_id = old.new_position, "offset" = old.new_offset
        where d.position_id = old.position_id and d."offset" = old."offset";
        perform posthorn.digest_event(old.event_key, old.period, 1), posthorn.digest_pending(old.new_position, old.new_offset, 1);
        with dropped as (
            delete from posthorn.payload l where l.position_id = old.position_id and l."offset" = old."offset"
            returning l.recorded_at, posthorn.hash(l) as hash
        ), paid as (
            insert into posthorn.payload as l (position_id, "offset", sealed, body) values (old.new_position, old.new_offset, sealed, old.body)
            returning posthorn.hash(l) as hash
        )
        insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
        select 'payload', recorded_at, old.position_id, -1, -hash::numeric from dropped union all select 'payload', now(), old.new_position, 1, hash from paid;
    end loop;
end $$;

create function posthorn.changes_since(known_v bigint, out v bigint, out changed int[], out forget bool) language plpgsql stable as $$
begin
    select c.v into v from posthorn.subscription_clock c;
    forget := false;
    if v <> known_v then
        select array_agg(distinct s.account_id) into changed from posthorn.subscription_change s where s.v > known_v and s.v <= changes_since.v;
        forget := not exists (select from posthorn.subscription_change s where s.v = known_v + 1);
    end if;
end $$;

-- Flush ---------------------------------------------------------------------------------------------------------------------------

-- The attempts of a flush.
create function posthorn.record(started timestamptz[], offsets bigint[], positions int[], webhooks int[], versions int[], durations int[],
    attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher int)
returns void language plpgsql as $$
begin
    with inserted as (
        insert into posthorn.attempt as a (started_at, "offset", position_id, webhook_id, version, duration_us, attempt, http_status, cause, outcome, error,
                                           response_body, dispatcher_id)
        select *, in_dispatcher from unnest(started, offsets, positions, webhooks, versions, durations, attempts, statuses, causes, outcomes, errors, bodies)
        returning a.position_id, posthorn.hash(a) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'attempt', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- Attempts one by one, after a flush was refused for its data: a row that PostgreSQL cannot store is kept with its texts emptied.
create function posthorn.record_carefully(started timestamptz[], offsets bigint[], positions int[], webhooks int[], versions int[], durations int[],
    attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher int)
returns void language plpgsql as $$
begin
    for i in 1 .. cardinality(offsets) loop
        begin
            perform posthorn.record(started[i:i], offsets[i:i], positions[i:i], webhooks[i:i], versions[i:i], durations[i:i], attempts[i:i], statuses[i:i],
                                    causes[i:i], outcomes[i:i], errors[i:i], bodies[i:i], in_dispatcher);
        exception when data_exception or integrity_constraint_violation then
            perform posthorn.record(array[now()], offsets[i:i], positions[i:i], webhooks[i:i], versions[i:i], array[0], attempts[i:i], null, causes[i:i],
                                    outcomes[i:i], array['unstorable'::bytea], null, in_dispatcher);
        end;
    end loop;
end $$;

-- Deliveries that are to wait in PostgreSQL. A row that is there already stays as it is.
create function posthorn.park(webhooks int[], positions int[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[],
    due timestamptz[], order_keys bigint[]) returns void language plpgsql as $$
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

create function posthorn.queue_due(webhooks int[], due timestamptz[]) returns void language sql as $$
    insert into posthorn.queue as q (webhook_id, next_due)
    select webhook_id, min(d) from unnest(webhooks, due) as u (webhook_id, d) group by webhook_id order by webhook_id
    on conflict (webhook_id) do update set next_due = greatest(excluded.next_due, q.held_until)
    where q.next_due > greatest(excluded.next_due, q.held_until)
$$;

-- Deliveries that waited and were attempted (or cancelled): over when `due` is null, else their next attempt.
create function posthorn.settle(webhooks int[], positions int[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamptz[])
returns void language plpgsql as $$
begin
    with gone as (
        delete from posthorn.pending p
        using unnest(webhooks, positions, offsets, causes, due) as u (webhook_id, position_id, "offset", cause, d)
        where u.d is null and p.position_id = u.position_id and p."offset" = u."offset" and p.webhook_id = u.webhook_id and p.cause = u.cause
        returning p.position_id, posthorn.hash(p) as hash
    )
    insert into posthorn.pending_digest select g.position_id, -count(*), -sum(g.hash) from gone g group by 1;
    -- What is to be changed is locked and taken out of the sum as it was, then added as it is. (A statement of its own: RETURNING knows only the new row.)
    with was as (
        select p.position_id, posthorn.hash(p) as hash
        from (select distinct on (1, 2, 3, 4) * from unnest(webhooks, positions, offsets, causes, attempts_made, due)
                  as u (webhook_id, position_id, "offset", cause, made, d)
              where d is not null order by 1, 2, 3, 4, made desc) u
        join posthorn.pending p on p.position_id = u.position_id and p."offset" = u."offset" and p.webhook_id = u.webhook_id and p.cause = u.cause
            and p.attempts <= u.made
        for no key update of p
    )
    insert into posthorn.pending_digest select w.position_id, -count(*), -sum(w.hash) from was w group by 1;
    with changed as (
        update posthorn.pending p set attempts = u.made, next_attempt_at = u.d
        from unnest(webhooks, positions, offsets, causes, attempts_made, due) as u (webhook_id, position_id, "offset", cause, made, d)
        where u.d is not null and p.position_id = u.position_id and p."offset" = u."offset" and p.webhook_id = u.webhook_id and p.cause = u.cause
          and p.attempts <= u.made
        returning p.position_id, posthorn.hash(p) as hash
    )
    insert into posthorn.pending_digest select c.position_id, count(*), sum(c.hash) from changed c group by 1;
    perform posthorn.queue_due(array_agg(w order by w), array_agg(d order by w)) from unnest(webhooks, due) as u (w, d) where d is not null having count(*) > 0;
end $$;

-- The end of a flush: move the positions, write the ledger. Raises PH001 unless every position was ours and stood where we left it: the fence
-- against a process that slept or lost its partition, and after a failover that went back in time. Positions are locked in one order.
create function posthorn.move(in_dispatcher int, seq bigint, positions int[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[],
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
        set next_offset = u.new_next, first_offset = coalesce(p.first_offset, u.first_offset), last_offset = u.last_offset, last_timestamp = u.last_timestamp, last_check = u.last_check
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
        returning l.position_id, posthorn.hash(l) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'ledger', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- Which positions are not as their holder knows them: claimed by another, or behind what was committed once (the database went back in time).
create function posthorn.positions_lost(positions int[], owners uuid[], offsets bigint[]) returns setof int language sql stable as $$
    select u.id from unnest(positions, owners, offsets) as u (id, owner, next) left join posthorn.position p on p.id = u.id
    where p.owner is distinct from u.owner or coalesce(p.next_offset, -1) < u.next
$$;

-- Retry ---------------------------------------------------------------------------------------------------------------------------

-- Lease up to `most` webhooks with something due, the longest due first.
create function posthorn.lease(in_dispatcher int, seconds int, most int)
returns table (webhook_id int, account_id int, failing_since timestamptz, gone int) language sql as $$
    with free as (
        select q.webhook_id from posthorn.queue q
        where q.next_due <= now() and q.lease_until < now()
        order by q.next_due limit most for update skip locked
    ), leased as (
        update posthorn.queue q set lease = in_dispatcher, lease_until = now() + make_interval(secs => seconds)
        from free where q.webhook_id = free.webhook_id
        returning q.webhook_id, q.failing_since, q.gone)
    select l.webhook_id, w.account_id, l.failing_since, l.gone from leased l join posthorn.webhook w on w.id = l.webhook_id
$$;

-- Due deliveries of leased webhooks, at most so many of each, with all that is needed to send them. Renews the leases.
-- payload is null when it was dropped, or its key destroyed.
create function posthorn.due(in_dispatcher int, seconds int, webhooks int[], most int[])
returns table (webhook_id int, position_id int, "offset" bigint, cause "char", period date, attempts smallint, order_key bigint, account_id int, event_type text,
               event_id text, source text, occurred_at timestamptz, traceparent text, sealed bool, payload bytea)
language plpgsql
-- The planner cannot know how little "limit" lets through and would rather read all events than look up a window of them.
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
    update posthorn.queue q set lease_until = now() + make_interval(secs => seconds)
    where q.webhook_id = any (webhooks) and q.lease = in_dispatcher;
    return query
    select p.webhook_id, p.position_id, p."offset", p.cause, p.period, p.attempts, p.order_key, e.account_id, e.event_type, e.event_id, e.source,
           e.occurred_at, e.traceparent, l.sealed, l.body
    from unnest(webhooks, most) as u (id, n)
    join posthorn.queue q on q.webhook_id = u.id and q.lease = in_dispatcher
    cross join lateral (select * from posthorn.pending d where d.webhook_id = u.id and d.next_attempt_at <= now()
                        order by d.next_attempt_at limit u.n) p
    join posthorn.event e on e.position_id = p.position_id and e."offset" = p."offset" and e.period = p.period
    left join posthorn.payload l on l.position_id = e.position_id and l."offset" = e."offset" and l.recorded_at = e.received_at;
end $$;

-- Give leases back. Nothing of these webhooks is taken before `held`. Rows are locked first, so that a delivery parked at the same time is
-- either seen by the second statement or moves next_due itself afterwards.
create function posthorn.release(in_dispatcher int, webhooks int[], held timestamptz[]) returns void language plpgsql as $$
begin
    perform from posthorn.queue q where q.webhook_id = any (webhooks) order by q.webhook_id for update;
    update posthorn.queue q
    set lease = null, lease_until = '-infinity', held_until = u.held,
        -- A dispatcher that has not heard yet that the webhook was disabled finds nothing due: what waits is to be cancelled all the same, and at once.
        next_due = case when exists (select from posthorn.webhook w where w.id = u.id and w.status <> 'enabled')
                             and exists (select from posthorn.pending p where p.webhook_id = u.id) then now()
                        else greatest(u.held, coalesce((select min(p.next_attempt_at) from posthorn.pending p where p.webhook_id = u.id), 'infinity')) end
    from unnest(webhooks, held) as u (id, held)
    where q.webhook_id = u.id and q.lease = in_dispatcher;
end $$;

-- The health of webhooks as a dispatcher saw it change: failing or not, and answers 410 in a row.
create function posthorn.health(webhooks int[], failing bool[], gone_count int[]) returns void language sql as $$
    insert into posthorn.queue as q (webhook_id, failing_since, gone)
    select distinct on (w) w, case when f then now() end, g            -- a webhook may stand here several times: the last word counts
    from unnest(webhooks, failing, gone_count) with ordinality as u (w, f, g, i) order by w, i desc
    on conflict (webhook_id) do update
    set failing_since = case when excluded.failing_since is null then null else coalesce(q.failing_since, excluded.failing_since) end, gone = excluded.gone
$$;

-- Disable a webhook that has failed for so many microseconds; an event webhook.disabled is published through the outbox. False when it was not
-- enabled any more, or did well meanwhile.
create function posthorn.disable(in_webhook int, reason text, failed_for bigint) returns bool language plpgsql as $$
declare
    hook record;
begin
    update posthorn.webhook set status = 'disabled', disabled_reason = reason where id = in_webhook and status = 'enabled'
        and exists (select from posthorn.queue q where q.webhook_id = in_webhook and q.failing_since <= now() - failed_for * interval '1 microsecond')
    returning account_id, public_id, url, uuid into hook;
    if not found then
        return false;
    end if;
    insert into posthorn.outbox (event_id, event_type, account, data)
    select 'whd_' || replace(gen_random_uuid()::text, '-', ''), 'webhook.disabled', a.key,
           json_build_object('webhook_id', hook.public_id, 'url', posthorn.url_shown(hook.url), 'reason', reason, 'disabled_at', now())::text
    from posthorn.account a where a.id = hook.account_id;
    return true;
end $$;

-- Whoever disables or deletes a webhook makes its pending deliveries due, so that a dispatcher cancels them at once; whoever enables it, or gives it
-- another URL, ends the pause that an open breaker imposed.
create function posthorn.webhook_turned() returns trigger language plpgsql as $$
begin
    update posthorn.queue set held_until = '-infinity', next_due = now() where webhook_id = new.id and next_due > now();
    if new.status = 'enabled' then
        update posthorn.queue set failing_since = null, gone = 0 where webhook_id = new.id;
    end if;
    return null;
end $$;
create trigger webhook_turned after update of status, url on posthorn.webhook
    for each row when (old.status is distinct from new.status or old.url is distinct from new.url) execute function posthorn.webhook_turned();

-- All pending deliveries of a leased webhook that is disabled or deleted, at most so many: cancelled. Returns how many.
create function posthorn.cancel_due(in_dispatcher int, in_webhook int, in_reason text, most int) returns int language plpgsql as $$
declare
    n int;
begin
    with gone as (
        delete from posthorn.pending p using (
            select d.position_id, d."offset", d.webhook_id, d.cause from posthorn.pending d where d.webhook_id = in_webhook limit most) taken
        where p.position_id = taken.position_id and p."offset" = taken."offset" and p.webhook_id = taken.webhook_id and p.cause = taken.cause
          and exists (select from posthorn.queue q where q.webhook_id = in_webhook and q.lease = in_dispatcher)
        returning p.position_id, p."offset", p.webhook_id, p.cause, posthorn.hash(p) as hash
    ), taken as (
        insert into posthorn.pending_digest select position_id, -count(*), -sum(hash) from gone group by 1
    ), cancelled as (
        insert into posthorn.cancellation as c (position_id, "offset", webhook_id, cause, reason)
        select position_id, "offset", webhook_id, cause, in_reason from gone
        returning c.position_id, posthorn.hash(c) as hash
    ), summed as (
        insert into posthorn.digest (kind, position_id, row_count, hash_sum)
        select 'cancellation', position_id, count(*), sum(hash) from cancelled group by 2
    )
    select count(*) into n from gone;
    return n;
end $$;

-- Events of our own to publish, leased so that one dispatcher at a time tries.
create function posthorn.outbox_take(most int) returns setof posthorn.outbox language sql as $$
    update posthorn.outbox o set lease_until = now() + interval '30 seconds'
    from (select id from posthorn.outbox where lease_until < now() order by id limit most for update skip locked) t
    where o.id = t.id returning o.*
$$;
