-- Triggers and functions for changes of webhooks, accounts and subscriptions.

-- A URL without userinfo, fragment and the values of a query (and without parameters that have no "=", which may be tokens).
create or replace function posthorn.url_shown(url text) returns text language sql immutable
begin atomic
    select regexp_replace(regexp_replace(regexp_replace(url, '#.*$', ''), '^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@', '\1'),
                          '([?&])([^=&]*=)?[^&]*', '\1\2…', 'g');
end;

-- Another URL makes another version; a deleted webhook keeps no secret, because nothing is sent to it any more.
create or replace function posthorn.webhook_versioned() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if new.url is distinct from old.url then
            new.version := old.version + 1;
        end if;
        new.updated_at := now();
    end if;
    if new.status = 'deleted' then
        new.auth_secret := null;
        new.secret := null;
        new.previous_secret := null;
        new.previous_secret_until := null;
        new.client_certificate := null;
        new.client_certificate_about := null;
        new.client_key := null;
    end if;
    return new;
end $$;
create or replace trigger webhook_versioned before insert or update on posthorn.webhook
    for each row execute function posthorn.webhook_versioned();

create or replace function posthorn.webhook_remember() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into posthorn.webhook_version (webhook_id, version, url)
        values (new.id, new.version, posthorn.url_shown(new.url)) on conflict do nothing;
    return null;
end $$;
create or replace trigger webhook_remember after insert or update of url on posthorn.webhook
    for each row execute function posthorn.webhook_remember();

-- Disabling or deleting a webhook makes its pending deliveries due, so that a dispatcher cancels them at once; enabling it, or changing its URL, ends the pause
-- of an open breaker.
create or replace function posthorn.webhook_turned() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update posthorn.queue set held_until = '-infinity', next_due = now() where webhook_id = new.id and next_due > now();
    if new.status = 'enabled' then
        update posthorn.queue set failing_since = null, gone = 0 where webhook_id = new.id;
    end if;
    return null;
end $$;
create or replace trigger webhook_turned after update of status, url on posthorn.webhook
    for each row when (old.status is distinct from new.status or old.url is distinct from new.url) execute function posthorn.webhook_turned();

-- The subscription clock. Every change of what is delivered to whom advances it by one in the same transaction, and records the accounts, and which of their
-- webhooks; a webhook null stands for everything of the account. Its row lock makes commit order equal to the order of v, which a sequence would not: a
-- dispatcher that read v = 7 and loads afterwards misses no change up to 7.
create or replace function posthorn.tick(accounts int[], webhooks int[]) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    tick bigint;
begin
    if accounts is null then
        return;
    end if;
    update posthorn.subscription_clock set v = v + 1 returning v into tick;
    insert into posthorn.subscription_change (v, account_id, webhooks)
    select tick, u.account, case when bool_and(u.webhook is not null) then array_agg(distinct u.webhook) end
    from unnest(accounts, webhooks) as u (account, webhook)
    group by u.account;
end $$;

create or replace function posthorn.tick_account() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform posthorn.tick((select array_agg(id) from new_rows), null);
    else
        perform posthorn.tick((select array_agg(id) from old_rows), null);
    end if;
    return null;
end $$;

-- Of webhooks and source keys. A row that is gone, or belongs to another account now, changes its account as a whole; so does a source key.
create or replace function posthorn.tick_owned() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform posthorn.tick(array_agg(n.account_id), array_agg(w.id))
        from new_rows n left join posthorn.webhook w on (w.id, w.account_id) = (n.id, n.account_id) and tg_table_name = 'webhook';
    elsif tg_op = 'UPDATE' then
        perform posthorn.tick(array_agg(o.account_id), array_agg(w.id))
        from (select id, account_id from old_rows union select id, account_id from new_rows) o
        left join posthorn.webhook w on (w.id, w.account_id) = (o.id, o.account_id) and tg_table_name = 'webhook';
    else
        perform posthorn.tick(array_agg(o.account_id), array_agg(w.id))
        from old_rows o left join posthorn.webhook w on (w.id, w.account_id) = (o.id, o.account_id) and tg_table_name = 'webhook';
    end if;
    return null;
end $$;

create or replace function posthorn.tick_subscription() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform posthorn.tick(array_agg(w.account_id), array_agg(w.id)) from posthorn.webhook w where w.id in (select webhook_id from new_rows);
    elsif tg_op = 'UPDATE' then
        perform posthorn.tick(array_agg(w.account_id), array_agg(w.id)) from posthorn.webhook w
        where w.id in (select webhook_id from old_rows union select webhook_id from new_rows);
    else
        perform posthorn.tick(array_agg(w.account_id), array_agg(w.id)) from posthorn.webhook w where w.id in (select webhook_id from old_rows);
    end if;
    return null;
end $$;

do $$
declare
    watched record;
begin
    for watched in select * from (values ('account', 'tick_account'), ('webhook', 'tick_owned'), ('source_key', 'tick_owned'),
                                         ('subscription', 'tick_subscription')) as w (name, function) loop
        execute format('create or replace trigger tick_insert after insert on posthorn.%I referencing new table as new_rows
                        for each statement execute function posthorn.%I()', watched.name, watched.function);
        execute format('create or replace trigger tick_update after update on posthorn.%I referencing old table as old_rows new table as new_rows
                        for each statement execute function posthorn.%I()', watched.name, watched.function);
        execute format('create or replace trigger tick_delete after delete on posthorn.%I referencing old table as old_rows
                        for each statement execute function posthorn.%I()', watched.name, watched.function);
    end loop;
end $$;

-- The bytes that webhooks and subscriptions of one account may take in a dispatcher's memory. A dispatcher loads an account completely, up to four times this
-- size (ACCOUNT_MAX, dispatcher/accounts.c). Only SQL that bypasses the triggers can make a larger one; posthorn.match() then finds what its events reach.
create or replace function posthorn.account_bytes_max() returns int language sql immutable
begin atomic
    select 8388608;
end;

-- One webhook without its patterns. 256: what the dispatcher keeps for each webhook in any case.
create or replace function posthorn.webhook_bytes(texts text[], secrets bytea[]) returns bigint language sql immutable
begin atomic
    select 256 + coalesce((select sum(octet_length(t)) from unnest(texts) as t), 0) + coalesce((select sum(octet_length(s)) from unnest(secrets) as s), 0);
end;

-- Of all webhooks of the account, or of those with these ids.
create or replace function posthorn.account_bytes(in_account int, ids int[] default null) returns bigint language sql stable
begin atomic
    select coalesce(sum(posthorn.webhook_bytes(array[w.url, w.auth_username, w.client_certificate, w.ca],
                                               array[w.auth_secret, w.secret, w.previous_secret, w.client_key]) + p.bytes), 0)::bigint
    from (
        select w.* from posthorn.webhook w where ids is null and w.account_id = in_account and w.status <> 'deleted'
        union all
        select w.* from posthorn.webhook w where w.id = any (ids) and w.account_id = in_account and w.status <> 'deleted') w
    cross join lateral (select coalesce(sum(octet_length(s.pattern) + 32), 0) as bytes from posthorn.subscription s where s.webhook_id = w.id) p;
end;

-- Refuses changes that make an account larger than that. A change that makes none of its webhooks larger is never refused. The triggers' names sort after
-- tick_…: the transaction already holds the row of the subscription clock, and this function's statements see all that others have committed before. So two
-- simultaneous changes cannot exceed the limit together.
create or replace function posthorn.within_bounds() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    grown int[];
    one int;
    bytes bigint;
begin
    if tg_table_name = 'subscription' then
        grown := array(select distinct w.account_id from new_rows n join posthorn.webhook w on w.id = n.webhook_id);
    elsif tg_op = 'INSERT' then
        grown := array(select distinct n.account_id from new_rows n);
    else
        grown := array(select distinct n.account_id from new_rows n join old_rows o on o.id = n.id
                       where n.status <> 'deleted'
                         and (o.status = 'deleted'
                              or posthorn.webhook_bytes(array[n.url, n.auth_username, n.client_certificate, n.ca],
                                                        array[n.auth_secret, n.secret, n.previous_secret, n.client_key])
                                 > posthorn.webhook_bytes(array[o.url, o.auth_username, o.client_certificate, o.ca],
                                                          array[o.auth_secret, o.secret, o.previous_secret, o.client_key])));
    end if;
    foreach one in array grown loop
        bytes := posthorn.account_bytes(one);
        if bytes > posthorn.account_bytes_max() then
            raise exception 'the webhooks and event patterns of the account % would take % bytes; the limit is %',
                (select a.key from posthorn.account a where a.id = one), bytes, posthorn.account_bytes_max()
                using errcode = 'PH004', hint = 'Remove webhooks or patterns; a pattern such as ach.* can replace many.';
        end if;
    end loop;
    return null;
end $$;

create or replace trigger within_bounds_insert after insert on posthorn.webhook referencing new table as new_rows
    for each statement execute function posthorn.within_bounds();
create or replace trigger within_bounds_update after update on posthorn.webhook referencing old table as old_rows new table as new_rows
    for each statement execute function posthorn.within_bounds();
create or replace trigger within_bounds_insert after insert on posthorn.subscription referencing new table as new_rows
    for each statement execute function posthorn.within_bounds();
create or replace trigger within_bounds_update after update on posthorn.subscription referencing new table as new_rows
    for each statement execute function posthorn.within_bounds();
