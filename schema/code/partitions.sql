-- Partitions of the growing tables: made ahead by the database's clock (there is no DEFAULT partition, which would block detaching), dropped when they have
-- expired.

create or replace function posthorn.setting_int(wanted text) returns int language sql stable
begin atomic
    select value::int from posthorn.setting where name = wanted;
end;

-- The first day of the period that contains an instant.
create or replace function posthorn.period_of(at timestamptz) returns date language sql stable
begin atomic
    select date '2000-01-01' + ((at at time zone 'UTC')::date - date '2000-01-01') / days * days
    from (select posthorn.setting_int('event_period_days') as days) s;
end;

-- Returns false if there is one, or if another covers these days: the first partition of posthorn.change has all changes up to the day of its migration.
create or replace function posthorn.make_partition(parent text, first date, past_last date) returns bool language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    child text := parent || '_' || to_char(first, 'YYYYMMDD');
    brin regclass;
begin
    if to_regclass('posthorn.' || child) is not null or exists (
        select from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('posthorn.%I', parent)::regclass and pg_get_expr(c.relpartbound, c.oid) like 'FOR VALUES FROM (MINVALUE)%' and c.relname > child
    ) then
        return false;
    end if;
    -- Attached, not made as PARTITION OF, which would block every dispatcher while it waits for an auditor's long query.
    execute format('create table posthorn.%I (like posthorn.%I including all)', child, parent);
    for brin in
        select i.indexrelid from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
        where i.indrelid = format('posthorn.%I', child)::regclass and a.amname = 'brin'
    loop
        execute format('alter index %s set (autosummarize = on)', brin);     -- every query reads the block ranges that have no summary
    end loop;
    if parent = 'event' then
        execute format('alter table posthorn.%I attach partition posthorn.%I for values from (%L) to (%L)', parent, child, first, past_last);
    else
        execute format('alter table posthorn.%I attach partition posthorn.%I for values from (%L) to (%L)', parent, child,
                       first::timestamp at time zone 'UTC', past_last::timestamp at time zone 'UTC');
    end if;
    perform posthorn.watch_partition(parent, child);
    return true;
end $$;

-- Makes the partitions from today on, as far ahead as the settings say. Safe to call at any time, by any number of programs. Returns how many it made.
create or replace function posthorn.make_partitions() returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    today date := (now() at time zone 'UTC')::date;
    ahead int := posthorn.setting_int('partitions_ahead_days');
    days int := posthorn.setting_int('event_period_days');
    made int := 0;
    parent text;
    first date;
begin
    perform pg_advisory_xact_lock(hashtext('posthorn.make_partitions'));
    foreach parent in array array['payload', 'attempt', 'cancellation', 'repeat', 'dead_letter', 'ledger', 'digest', 'change'] loop
        for first in select d::date from generate_series(today, today + ahead, interval '1 day') as d loop
            made := made + posthorn.make_partition(parent, first, first + 1)::int;
        end loop;
    end loop;
    first := posthorn.period_of(now());
    while first <= today + ahead loop
        made := made + posthorn.make_partition('event', first, first + days)::int;
        first := first + days;
    end loop;
    return made;
end $$;

-- Adds what was recorded since the last call to the BRIN indexes: a query by time reads all block ranges that have no summary, and autovacuum makes one about once a
-- minute. Goes from the newest range down to those of the last call; what an interrupted call left out is made by autovacuum. A table that is locked, for example
-- by a vacuum, is left out: autovacuum would be cancelled if we waited for a second. The last range, which is not full, has no summary: otherwise each row that is
-- added would have to change it.
create or replace function posthorn.summarize() returns void language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '10ms' as $$
declare
    range_pages constant int := 128;    -- PostgreSQL's default
    names text[];
    newest record;
    range bigint;
    known int;      -- ranges that had a summary
begin
    select array_agg(distinct parent || to_char(case parent when 'event' then at.period else at.day end, '_YYYYMMDD')) into names
    from (select posthorn.period_of(t) as period, (t at time zone 'UTC')::date as day from unnest(array[now(), now() - interval '2 minutes']) as t) at
    cross join unnest(array['payload', 'event', 'attempt', 'cancellation', 'repeat', 'dead_letter', 'ledger', 'digest']) as parent;
    for newest in
        select c.oid::regclass as child, x.oid::regclass as brin
        from pg_class c join pg_index i on i.indrelid = c.oid join pg_class x on x.oid = i.indexrelid join pg_am a on a.oid = x.relam
        where c.relnamespace = 'posthorn'::regnamespace and c.relname = any (names) and a.amname = 'brin'
    loop
        begin
            range := pg_relation_size(newest.child) / current_setting('block_size')::int / range_pages - 1;
            known := 0;
            while range >= 0 and known < 8 and clock_timestamp() < now() + interval '300 ms' loop
                known := known + (brin_summarize_range(newest.brin, range * range_pages) = 0)::int;
                range := range - 1;
            end loop;
        exception when lock_not_available then null;
        end;
    end loop;
end $$;

-- Partitions were made ahead with the old length. While there are no events, they are made again; later the length cannot be changed.
create or replace function posthorn.period_changed() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    child regclass;
begin
    if exists (select from posthorn.event) then
        raise exception 'event_period_days can no longer be changed: there are events, which would not be found by their periods';
    end if;
    for child in select inhrelid::regclass from pg_inherits where inhparent = 'posthorn.event'::regclass loop
        execute format('drop table %s', child);
    end loop;
    perform posthorn.make_partitions();
    return null;
end $$;

create or replace trigger period_changed after update of value on posthorn.setting
    for each row when (new.name = 'event_period_days' and new.value is distinct from old.value) execute function posthorn.period_changed();

-- True if rows of the ledger that were recorded before an instant are not closed.
create or replace function posthorn.unsealed_before(instant timestamptz) returns bool language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    found bool;
begin
    execute 'select exists (select from posthorn.open_ledger l where l.recorded_at < $1)' into found using instant;
    return found;
end $$;

-- Deletes rows that callers have created and that are not referenced any more. Attempts refer to webhooks and their versions: those are kept until the attempts
-- made before, plus a week for late ones, have expired.
create or replace function posthorn.expire_rows() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    unused timestamptz := (select x.before from posthorn.expired x where x.kind = 'attempt') - interval '7 days';
    old_webhooks int[] := array(select w.id from posthorn.webhook w where w.status = 'deleted' and w.updated_at < unused
                                and not exists (select from posthorn.pending p where p.webhook_id::bigint = w.id) order by w.id limit 1000);
begin
    delete from posthorn.webhook_version v using posthorn.webhook_version next
    where next.webhook_id = v.webhook_id and next.version = v.version + 1 and next.created_at < unused;
    delete from posthorn.webhook_version where webhook_id = any (old_webhooks);
    delete from posthorn.activity_last where webhook_id = any (old_webhooks);
    delete from posthorn.queue where webhook_id = any (old_webhooks);
    delete from posthorn.webhook where id = any (old_webhooks);
    delete from posthorn.api_session where expires_at < now() - interval '1 day';
    delete from posthorn.console_session where expires_at < now();
    delete from posthorn.api_login where since < now() - interval '15 minutes';
    delete from posthorn.api_rate where since < now() - interval '1 day';
    delete from posthorn.subscription_change where changed_at < now() - interval '1 day' and v < (select c.v from posthorn.subscription_clock c) - 1000;
end $$;
revoke execute on function posthorn.expire_rows() from public;

-- Erases the bytes of some dead letters that are older than payloads are kept, the oldest first. Returns true if there are more.
create or replace function posthorn.erase_dead_letters(most int) returns bool language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    kept timestamptz := now() - make_interval(days => posthorn.setting_int('payload_keep_days'));
    past timestamptz := (select d.recorded_at from posthorn.dead_letter d where d.erased_at is null and d.recorded_at < kept
                         order by d.recorded_at offset most limit 1);
begin
    with was as (
        select d.recorded_at, d.position_id, posthorn.hash(d) as hash from posthorn.dead_letter d
        where d.erased_at is null and d.recorded_at < coalesce(past, kept) for no key update)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
    select 'dead_letter', recorded_at, position_id, -count(*), -sum(hash) from was group by 2, 3;
    with erased as (
        update posthorn.dead_letter d set key = null, value = null, headers = null, erased_at = now()
        where d.erased_at is null and d.recorded_at < coalesce(past, kept)
        returning d.recorded_at, d.position_id, posthorn.hash(d) as hash)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
    select 'dead_letter', recorded_at, position_id, count(*), sum(hash) from erased group by 2, 3;
    return past is not null;
end $$;

-- Drops the oldest partition that is older than the settings allow, and returns false if there is none. A partition is kept while a pending delivery refers to it;
-- while the ledger up to the day after it is not closed (missing rows must remain visible); and if it cannot be locked at once, because waiting for that lock
-- would block every dispatcher. A later call drops it. The lock of the whole table ends with the transaction: so a call drops one partition, and is the last
-- statement. Dead letters are kept as long as attempts, their bytes as long as payloads. The record of changes has its own retention time and does not depend
-- on the ledger.
create or replace function posthorn.drop_partition() returns bool language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    old record;
    days int := posthorn.setting_int('event_period_days');
    today date := (now() at time zone 'UTC')::date;
    oldest_pending date := (select min(period) from posthorn.pending);
    busy text[] := '{}';        -- tables that someone reads
begin
    for old in
        select p.relname as parent, c.relname as child, to_date(right(c.relname, 8), 'YYYYMMDD') as first
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.relnamespace = 'posthorn'::regnamespace and c.relkind = 'r' order by 3
    loop
        continue when old.first + days >= today - posthorn.setting_int(case old.parent when 'payload' then 'payload_keep_days'
                                                                       when 'change' then 'change_keep_days' else 'attempt_keep_days' end);
        continue when old.parent <> 'change' and old.first >= oldest_pending or old.parent = any (busy);
        continue when old.parent not in ('payload', 'change') and posthorn.unsealed_before((old.first + days + 1)::timestamp at time zone 'UTC');
        begin
            execute format('drop table posthorn.%I', old.child);
            -- An event that was taken over (posthorn.take_over) may have been received as late as in the period after its own.
            insert into posthorn.expired as e (kind, before)
            values (old.parent, (old.first + case when old.parent = 'event' then 2 * days else 1 end)::timestamp at time zone 'UTC')
            on conflict (kind) do update set before = greatest(e.before, excluded.before);
            return true;
        exception when lock_not_available then busy := busy || old.parent;
        end;
    end loop;
    return false;
end $$;

-- Erases and deletes what is older than the settings allow, some of it in each call, and drops one partition. Returns true if there is more to do; null if another
-- program is at it.
create or replace function posthorn.expire() returns bool language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    more bool := false;
begin
    if not pg_try_advisory_xact_lock(hashtext('posthorn.make_partitions')) then
        return null;
    end if;
    begin
        more := posthorn.erase_dead_letters(1000);
    exception when lock_not_available then null;
    end;
    begin
        perform posthorn.expire_rows();
    exception when lock_not_available then null;
    end;
    return posthorn.drop_partition() or more;
end $$;
grant execute on function posthorn.make_partitions() to posthorn_dispatcher;

-- For dispatchers of an older version.
create or replace function posthorn.drop_partitions() returns int language sql security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(posthorn.expire(), false)::int
$$;
grant execute on function posthorn.drop_partitions() to posthorn_dispatcher;
