-- Intake: stores a batch of events from Kafka, and tells the dispatcher which of its accounts are older than the subscription clock.

-- Inserts the event ids of a batch and reads the subscription clock, which must be read after the batch was read from Kafka. The rows can be made again from
-- Kafka, so this commit does not wait for the disk; the commit of the flush that passes them does.
--   v         the clock;   changed: accounts changed after `known_v`, null if none;   forget: the log of changes does not reach back to `known_v`
--   period    of the events inserted now
--   again     indexes (from 1) of events that exist with the same coordinates: read again after a crash; again_period has their periods
--   repeated  indexes of events whose id exists with other coordinates, which are in of_position, of_offset
-- A dispatcher of an older version calls this without `extensions`.
create or replace function posthorn.intake(known_v bigint, keys uuid[], positions int[], offsets bigint[], accounts int[], types text[], ids text[], sources text[],
    occurred timestamptz[], digests bytea[], traceparents text[], order_keys bigint[], sealed bool, bodies bytea[], extensions bytea[] default null,
    out v bigint, out changed int[], out forget bool, out period date, out again int[], out again_period date[],
    out repeated int[], out of_position int[], out of_offset bigint[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
                select unnest(keys), intake.period, unnest(positions), unnest(offsets), unnest(accounts), unnest(types), unnest(ids), unnest(sources),
                       unnest(occurred), unnest(digests), unnest(traceparents), unnest(order_keys)
                returning e.position_id, posthorn.hash(e) as hash
            ), paid as (
                insert into posthorn.payload as l (position_id, "offset", sealed, body, extensions)
                select unnest(positions), unnest(offsets), intake.sealed, unnest(bodies), unnest(intake.extensions)
                returning l.position_id, posthorn.hash(l) as hash
            )
            insert into posthorn.digest (kind, position_id, row_count, hash_sum)
            select 'event', i.position_id, count(*), sum(i.hash) from inserted i group by 2
            union all
            select 'payload', i.position_id, count(*), sum(i.hash) from paid i group by 2;
        exception when unique_violation or deadlock_detected then     -- deadlock: another dispatcher inserts the same ids in another order
            seen := true;
        end;
    end if;
    if seen then
        with given as (
            select * from unnest(keys, positions, offsets, accounts, types, ids, sources, occurred, digests, traceparents, order_keys, bodies, intake.extensions)
                with ordinality as g (key, position_id, "offset", account, type, id, source, occurred, digest, traceparent, order_key, body, extensions, i)
        ), inserted as (
            insert into posthorn.event as e (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at,
                                             payload_sha256, traceparent, order_key)
            select g.key, intake.period, g.position_id, g."offset", g.account, g.type, g.id, g.source, g.occurred, g.digest, g.traceparent, g.order_key
            from given g
            where not exists (select from posthorn.event e where e.event_key = g.key and e.period = previous)
            order by g.key, g.position_id, g."offset"         -- the same order for all, so that two dispatchers cannot wait for each other
            on conflict (event_key, period) do nothing
            returning e.position_id, e."offset", posthorn.hash(e) as hash
        ), paid as (
            insert into posthorn.payload as l (position_id, "offset", sealed, body, extensions)
            select position_id, "offset", intake.sealed, g.body, g.extensions from given g join inserted using (position_id, "offset")
            returning l.position_id, posthorn.hash(l) as hash
        ), summed as (
            insert into posthorn.digest (kind, position_id, row_count, hash_sum)
            select 'event', i.position_id, count(*), sum(i.hash) from inserted i group by 2
            union all
            select 'payload', i.position_id, count(*), sum(i.hash) from paid i group by 2
        )
        select array_agg(g.i) into fresh from given g join inserted using (position_id, "offset");
        perform posthorn.take_over(keys, positions, offsets, array[previous, intake.period], sealed, bodies, extensions);

        -- An id can exist twice, once in each period, if two dispatchers inserted it while the period changed: then the row with our coordinates counts.
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

-- Events that were stored in an earlier epoch of the same partition (before a position reset) and never passed. Nothing accounts for them, and they would make
-- the same record, when read again, a repeat, which is not delivered. They are taken over as ours: read again.
create or replace function posthorn.take_over(keys uuid[], positions int[], offsets bigint[], periods date[], sealed bool, bodies bytea[],
    extensions bytea[] default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    old record;
begin
    for old in
        select distinct on (e.event_key, e.period) e.event_key, e.period, e.position_id, e."offset", g.position_id as new_position, g."offset" as new_offset, g.body, g.extensions
        from unnest(keys, positions, offsets, bodies, take_over.extensions) as g (key, position_id, "offset", body, extensions)
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
            insert into posthorn.payload as l (position_id, "offset", sealed, body, extensions)
            values (old.new_position, old.new_offset, sealed, old.body, old.extensions)
            returning posthorn.hash(l) as hash
        )
        insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
        select 'payload', recorded_at, old.position_id, -1, -hash::numeric from dropped union all select 'payload', now(), old.new_position, 1, hash from paid;
    end loop;
end $$;

create or replace function posthorn.changes_since(known_v bigint, out v bigint, out changed int[], out forget bool) language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    select c.v into v from posthorn.subscription_clock c;
    forget := false;
    if v <> known_v then
        select array_agg(distinct s.account_id) into changed from posthorn.subscription_change s where s.v > known_v and s.v <= changes_since.v;
        forget := not exists (select from posthorn.subscription_change s where s.v = known_v + 1);
    end if;
end $$;

-- The webhooks of an account that changed after `since`, where a dispatcher loaded it; null: it must load the whole account, because the account itself changed,
-- or very many of its webhooks, or the log does not reach back.
create or replace function posthorn.changed_webhooks(in_account int, since bigint) returns int[] language sql stable
begin atomic
    select case
        when since = 0 then null
        when since = c.v then '{}'
        when since between c.v - 1000 and c.v and exists (select from posthorn.subscription_change s where s.v = since + 1)
            and (select coalesce(bool_and(s.webhooks is not null), true) and coalesce(sum(cardinality(s.webhooks)), 0) <= 1000
                 from posthorn.subscription_change s where s.v > since and s.account_id = in_account)
        then array(select distinct u.id from posthorn.subscription_change s cross join unnest(s.webhooks) as u (id)
                   where s.v > since and s.account_id = in_account)
        end
    from posthorn.subscription_clock c;
end;

-- The webhooks that each of these events reaches, for accounts that do not fit into a dispatcher's memory; `i` is the event's index, from 1. Only these
-- patterns can match a type: the type itself, '*', and one for each dot in it.
create or replace function posthorn.match(accounts int[], types text[]) returns table (i int, webhook_id int, enabled bool) language sql stable
begin atomic
    with wanted as materialized (
        select d.account, d.type,
               array['*', d.type] || array(select left(d.type, k) || '*' from generate_series(2, length(d.type) - 1) as k where substr(d.type, k, 1) = '.')
                   as patterns
        from (select distinct account, type from unnest(accounts, types) as u (account, type)) d
    ), found as materialized (
        select d.account, d.type, w.id, w.status = 'enabled' as enabled
        from wanted d join posthorn.webhook w on w.account_id = d.account and w.status <> 'deleted'
        where exists (select from posthorn.subscription s where s.webhook_id = w.id and s.pattern = any (d.patterns))
    )
    select u.i::int, f.id, f.enabled
    from unnest(accounts, types) with ordinality as u (account, type, i) join found f on (f.account, f.type) = (u.account, u.type);
end;
