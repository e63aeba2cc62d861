-- Retry: pending deliveries, the leases of their webhooks, and the health of webhooks.

-- Leases up to `most` webhooks with deliveries due, the longest due first.
create or replace function posthorn.lease(in_dispatcher int, seconds int, most int)
returns table (webhook_id int, account_id int, failing_since timestamptz, gone int) language sql set search_path = pg_catalog, pg_temp as $$
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

-- Returns due deliveries of leased webhooks, at most a given number of each, with all that is needed to send them. Renews the leases. payload is null if it was
-- dropped, or its key was destroyed. The last statement is planned for the periods of these deliveries, so that its cost does not depend on the number of
-- partitions. Whatever the statistics of a new partition say, each event and payload is looked up by its coordinates: "offset 0" keeps the order of the joins, and
-- payloads are not looked up by their time, which needs a bitmap scan of block ranges.
create or replace function posthorn.due(in_dispatcher int, seconds int, webhooks int[], most int[])
returns table (webhook_id int, position_id int, "offset" bigint, cause "char", period date, attempts smallint, order_key bigint, account_id int, event_type text,
               event_id text, source text, occurred_at timestamptz, traceparent text, sealed bool, payload bytea, extensions bytea)
language plpgsql
-- The planner does not know how few rows "limit" lets through, and would read all of a webhook's pending deliveries.
set search_path = pg_catalog, pg_temp set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
    taken posthorn.pending[];
begin
    update posthorn.queue q set lease_until = now() + make_interval(secs => seconds)
    where q.webhook_id = any (webhooks) and q.lease = in_dispatcher;
    select array_agg(p::posthorn.pending) into taken
    from unnest(webhooks, most) as u (id, n)
    join posthorn.queue q on q.webhook_id = u.id and q.lease = in_dispatcher
    cross join lateral (select d.* from posthorn.pending d where d.webhook_id::bigint = u.id and d.next_attempt_at <= now() order by d.next_attempt_at limit u.n) p;
    if taken is null then
        return;
    end if;
    return query execute $q$
        select p.webhook_id, p.position_id, p."offset", p.cause, p.period, p.attempts, p.order_key, e.account_id, e.event_type, e.event_id, e.source,
               e.occurred_at, e.traceparent, l.sealed, l.body, l.extensions
        from unnest($1) p
        cross join lateral (select * from posthorn.event e where e.position_id = p.position_id and e."offset" = p."offset" and e.period = p.period
                                                             and e.period = any ($2) offset 0) e
        left join lateral (select * from posthorn.payload l where l.position_id = e.position_id and l."offset" = e."offset" and l.recorded_at = e.received_at
                           offset 0) l on true $q$
    using taken, array(select distinct t.period from unnest(taken) t);
end $$;

-- Releases leases. No delivery of these webhooks is taken before `held`. Rows are locked first, so that a delivery parked at the same time is either seen by
-- the second statement or moves next_due itself afterwards.
create or replace function posthorn.release(in_dispatcher int, webhooks int[], held timestamptz[]) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform from posthorn.queue q where q.webhook_id = any (webhooks) order by q.webhook_id for update;
    update posthorn.queue q
    set lease = null, lease_until = '-infinity', held_until = u.held,
        -- A dispatcher that does not know yet that the webhook was disabled finds nothing due; its pending deliveries must be cancelled at once nevertheless.
        next_due = case when p.next is not null and exists (select from posthorn.webhook w where w.id = u.id and w.status <> 'enabled') then now()
                        else greatest(u.held, coalesce(p.next, 'infinity')) end
    from unnest(webhooks, held) as u (id, held)
    cross join lateral (select min(d.next_attempt_at) as next from posthorn.pending d where d.webhook_id::bigint = u.id) p -- min, not exists: it is read from the index
    where q.webhook_id = u.id and q.lease = in_dispatcher;
end $$;

-- Stores the health of webhooks as a dispatcher saw it change: failing or not, and the number of 410 answers in a row.
create or replace function posthorn.health(webhooks int[], failing bool[], gone_count int[]) returns void language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.queue as q (webhook_id, failing_since, gone)
    select distinct on (w) w, case when f then now() end, g            -- if a webhook occurs several times, the last row counts
    from unnest(webhooks, failing, gone_count) with ordinality as u (w, f, g, i) order by w, i desc
    on conflict (webhook_id) do update
    set failing_since = case when excluded.failing_since is null then null else coalesce(q.failing_since, excluded.failing_since) end, gone = excluded.gone
$$;

-- Disables a webhook that has failed for this many microseconds, and adds an event webhook.disabled to the outbox. Returns false if the webhook was not enabled
-- any more, or has succeeded meanwhile; null if a change of another webhook takes long to commit (it holds the subscription clock): the dispatcher, whose claims
-- wait for this statement, tries again after the next failure. A dispatcher may do this, and change nothing else of a webhook.
create or replace function posthorn.disable(in_webhook int, reason text, failed_for bigint) returns bool language plpgsql security definer set search_path = pg_catalog, pg_temp
set lock_timeout = '500ms' as $$
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
exception when lock_not_available then
    return null;
end $$;
grant execute on function posthorn.disable(int, text, bigint) to posthorn_dispatcher;

-- Cancels pending deliveries of a leased webhook that is disabled or deleted, at most the given number. Returns how many.
create or replace function posthorn.cancel_due(in_dispatcher int, in_webhook int, in_reason text, most int) returns int language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    n int;
begin
    with gone as (
        delete from posthorn.pending p
        where p.ctid = any (array(select d.ctid from posthorn.pending d where d.webhook_id::bigint = in_webhook order by d.next_attempt_at limit most))
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

-- Returns our own events to publish, leased so that one dispatcher at a time tries.
create or replace function posthorn.outbox_take(most int) returns setof posthorn.outbox language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.outbox o set lease_until = now() + interval '30 seconds'
    from (select id from posthorn.outbox where lease_until < now() order by id limit most for update skip locked) t
    where o.id = t.id returning o.*
$$;
