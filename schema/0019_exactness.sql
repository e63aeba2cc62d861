-- Attributes of CloudEvents that Posthorn passes on (subject, dataschema, extensions, tracestate) are kept beside the payload, and dead letters keep the
-- timestamp of their record.
--
-- The functions that write them have one more parameter with a default: a dispatcher of the version before goes on working until it is restarted.

alter table posthorn.payload add column extensions bytea;         -- a JSON object, sealed as the body is; null: none
alter table posthorn.dead_letter add column record_timestamp bigint;  -- of the record, in milliseconds since 1970; null: not known

-- As in 0007: rows without the new columns have the hash that they had.
create or replace function posthorn.hash(r posthorn.payload) returns bigint language sql immutable as $$
    select case when r.extensions is null then hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.sealed, r.body), 0)
                else hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.sealed, r.body, r.extensions), 0) end $$;
create or replace function posthorn.hash(r posthorn.dead_letter) returns bigint language sql immutable as $$
    select case when r.record_timestamp is null
                then hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.reason, r.detail, r.record_sha256, r.key, r.value, r.headers, r.copied,
                                              r.replayed_at, r.erased_at), 0)
                else hash_record_extended(row(r.recorded_at, r.position_id, r."offset", r.reason, r.detail, r.record_sha256, r.key, r.value, r.headers, r.copied,
                                              r.replayed_at, r.erased_at, r.record_timestamp), 0) end $$;

-- As in 0003, and the extensions.
drop function posthorn.intake(bigint, uuid[], int[], bigint[], int[], text[], text[], text[], timestamptz[], bytea[], text[], bigint[], bool, bytea[]);
create function posthorn.intake(known_v bigint, keys uuid[], positions int[], offsets bigint[], accounts int[], types text[], ids text[], sources text[],
    occurred timestamptz[], digests bytea[], traceparents text[], order_keys bigint[], sealed bool, bodies bytea[], extensions bytea[] default null,
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
                insert into posthorn.payload as l (position_id, "offset", sealed, body, extensions)
                select g.position_id, g."offset", intake.sealed, g.body, g.extensions
                from unnest(positions, offsets, bodies, intake.extensions) as g (position_id, "offset", body, extensions)
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
            select * from unnest(keys, positions, offsets, accounts, types, ids, sources, occurred, digests, traceparents, order_keys, bodies, intake.extensions)
                with ordinality as g (key, position_id, "offset", account, type, id, source, occurred, digest, traceparent, order_key, body, extensions, i)
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

drop function posthorn.take_over(uuid[], int[], bigint[], date[], bool, bytea[]);
create function posthorn.take_over(keys uuid[], positions int[], offsets bigint[], periods date[], sealed bool, bodies bytea[],
    extensions bytea[] default null) returns void
language plpgsql as $$
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

drop function posthorn.due(int, int, int[], int[]);
create function posthorn.due(in_dispatcher int, seconds int, webhooks int[], most int[])
returns table (webhook_id int, position_id int, "offset" bigint, cause "char", period date, attempts smallint, order_key bigint, account_id int, event_type text,
               event_id text, source text, occurred_at timestamptz, traceparent text, sealed bool, payload bytea, extensions bytea)
language plpgsql
-- The planner cannot know how little "limit" lets through and would rather read all events than look up a window of them.
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
    update posthorn.queue q set lease_until = now() + make_interval(secs => seconds)
    where q.webhook_id = any (webhooks) and q.lease = in_dispatcher;
    return query
    select p.webhook_id, p.position_id, p."offset", p.cause, p.period, p.attempts, p.order_key, e.account_id, e.event_type, e.event_id, e.source,
           e.occurred_at, e.traceparent, l.sealed, l.body, l.extensions
    from unnest(webhooks, most) as u (id, n)
    join posthorn.queue q on q.webhook_id = u.id and q.lease = in_dispatcher
    cross join lateral (select * from posthorn.pending d where d.webhook_id = u.id and d.next_attempt_at <= now()
                        order by d.next_attempt_at limit u.n) p
    join posthorn.event e on e.position_id = p.position_id and e."offset" = p."offset" and e.period = p.period
    left join posthorn.payload l on l.position_id = e.position_id and l."offset" = e."offset" and l.recorded_at = e.received_at;
end $$;

-- As in 0007, and the records' timestamps.
drop function posthorn.bury(int[], bigint[], text[], text[], bytea[], bytea[], bytea[], bytea[], bool[]);
create function posthorn.bury(positions int[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[],
    headers bytea[], copied bool[], timestamps bigint[] default null) returns void language plpgsql as $$
begin
    with inserted as (
        insert into posthorn.dead_letter as d (position_id, "offset", reason, detail, record_sha256, key, value, headers, copied, record_timestamp)
        select * from unnest(positions, offsets, reasons, details, digests, keys, bodies, bury.headers, bury.copied, bury.timestamps)
        returning d.position_id, posthorn.hash(d) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'dead_letter', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- As in 0004, but the payload byte for byte: audit.show() changes control characters from U+007F on, which JSON texts may hold.
create function audit.published(bytes bytea) returns text language plpgsql immutable as $$
begin
    return convert_from(bytes, 'UTF8');
exception when others then
    return encode(bytes, 'escape');
end $$;
create or replace view audit.events as
select e.event_id, e.event_type, a.key as account, e.occurred_at, e.received_at, s.topic, s.partition, e."offset",
       case when not l.sealed then audit.published(l.body) end as payload, encode(e.payload_sha256, 'hex') as payload_sha256, s.source, s.log_epoch, e.period
from posthorn.event e
join posthorn.account a on a.id = e.account_id
join posthorn.position s on s.id = e.position_id
left join posthorn.payload l on l.position_id = e.position_id and l."offset" = e."offset" and l.recorded_at = e.received_at;
