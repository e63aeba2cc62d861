-- Sign-in, sessions and the record of changes: what a caller can make grow has a bound, and what locks one caller out does not lock out others.

-- All that this migration locks, before it holds anything for which a writer of these tables waits.
lock table posthorn.account, posthorn.source_key, posthorn.event_type, posthorn.webhook, posthorn.subscription, posthorn.setting, posthorn.api_key,
           posthorn.api_user, posthorn.recovery_code in access exclusive mode;

-- Sign-in -------------------------------------------------------------------------------------------------------------------------

-- Where a caller comes from: an IPv4 address, or the /64 network of an IPv6 address, since whoever has one address of such a network has all of them.
create function posthorn.login_network(address text) returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when address !~ ':' then address
                when address::inet <<= '::ffff:0:0/96' then host('0.0.0.0'::inet + (address::inet - '::ffff:0:0'::inet))
                else network(set_masklen(address::inet, 64))::text end
$$;

-- One more attempt of this subject. A count ends a quarter of an hour after its first attempt. Returns the seconds to wait when it is beyond the limit, else 0.
create function posthorn.count_login(in_subject text, most int) returns int language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.api_login as l (subject) values (in_subject)
    on conflict (subject) do update set
        attempts = case when l.since < now() - interval '15 minutes' then 1 else l.attempts + 1 end,
        since = case when l.since < now() - interval '15 minutes' then now() else l.since end
    returning case when attempts > most then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end
$$;

-- Count an attempt to log in before the password is looked at. Returns how many seconds to wait, 0: go on. At most 5 attempts for an e-mail address from one
-- network, 100 from a network, 50 for an e-mail address from all networks together. What one count refuses goes into no other: so one network alone cannot
-- exhaust an e-mail address. A network from which the user has signed in lately, and still has a session, has the first two limits only.
create or replace function posthorn.api_login_attempt(email text, address text) returns int language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    hash text := posthorn.api_login_hash(email);
    network text := posthorn.login_network(address);
    pair text := 'pair:' || hash || ' ' || network;
    wait int;
begin
    select max(ceil(extract(epoch from l.since + interval '15 minutes' - now())))::int into wait from posthorn.api_login l
    where l.subject = pair and l.attempts >= 5 and l.since > now() - interval '15 minutes';
    if wait is not null then
        return greatest(1, wait);
    end if;
    wait := posthorn.count_login('address:' || network, 100);
    if wait = 0 then
        wait := posthorn.count_login(pair, 5);
    end if;
    if wait = 0 and not exists (
        select from posthorn.api_user u
        where u.email = email and exists (
            select from posthorn.api_session s where s.user_id = u.id and s.expires_at > now() and posthorn.login_network(host(s.address)) = network
            union all
            select from posthorn.console_session s where s.user_id = u.id and s.verified and s.expires_at > now() and posthorn.login_network(host(s.address)) = network))
    then
        wait := posthorn.count_login('email:' || hash, 50);
    end if;
    return wait;
end $$;

-- The password was right. In the order of api_login_attempt(), so that two of them cannot wait for each other.
create or replace function posthorn.api_login_succeeded(email text, address text) returns void language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.api_login set attempts = attempts - 1 where subject = 'address:' || posthorn.login_network(address) and attempts > 0;
    delete from posthorn.api_login where subject = 'pair:' || posthorn.api_login_hash(email) || ' ' || posthorn.login_network(address);
    delete from posthorn.api_login where subject = 'email:' || posthorn.api_login_hash(email);
$$;

-- Count a guess at a user's second factor before it is looked at, whichever way it comes (session tokens, the console, a recovery code, setting one up).
-- Returns how many seconds to wait, 0: go on. Only a right code ends the count, or a quarter of an hour after the last guess that was looked at: so no quarter of
-- an hour has more than five. Whoever guesses here knows the password already.
create or replace function posthorn.console_guess(in_user uuid) returns int language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.api_login as l (subject) values ('code:' || in_user)
    on conflict (subject) do update set
        attempts = case when l.since < now() - interval '15 minutes' then 1 else l.attempts + 1 end,
        since = case when l.since < now() - interval '15 minutes' or l.attempts < 5 then now() else l.since end
    returning case when attempts > 5 then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end
$$;

-- As in 0010, and the guesses at the old second factor are forgotten.
create or replace function posthorn.second_factor_reset(in_user int) returns void language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.api_user set totp_secret = null, totp_step = 0, second_factor_at = null where id = in_user;
    delete from posthorn.recovery_code where user_id = in_user;
    delete from posthorn.console_session where user_id = in_user;
    update posthorn.api_session set ended_at = now(), end_reason = 'the second factor was reset' where user_id = in_user and ended_at is null;
    delete from posthorn.api_login where subject = (select 'code:' || u.uuid from posthorn.api_user u where u.id = in_user);
$$;

-- Sessions ------------------------------------------------------------------------------------------------------------------------

-- As in 0010, but a sign-in that has shown a password only takes the place of others of its kind: a user has at most 10 of them.
create or replace function posthorn.console_begin(in_user int, in_hash bytea, old_hash bytea, in_address text, seconds bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from posthorn.console_session where token_hash = old_hash or (user_id = in_user and expires_at < now());
    delete from posthorn.console_session where uuid in (
        select uuid from posthorn.console_session where user_id = in_user and not verified order by created_at desc offset 9);
    insert into posthorn.console_session (user_id, token_hash, address, expires_at)
    values (in_user, in_hash, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;

-- As in 0010. A user has at most 20 verified sessions: the one that was not used for the longest time makes room.
create or replace function posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.console_session set token_hash = in_hash, verified = true, totp_pending = null, used_at = now() where uuid = in_session;
    delete from posthorn.console_session where uuid in (
        select s.uuid from posthorn.console_session s join posthorn.api_user u on u.id = s.user_id
        where u.uuid = in_user and s.verified order by s.used_at desc offset 20);
    delete from posthorn.api_login where subject = 'code:' || in_user;
$$;

-- A session of session tokens. A user has at most 100: those that are over go first, then the oldest.
create function posthorn.api_session_begin(in_user int, in_session uuid, in_address text, seconds bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from posthorn.api_session where uuid in (
        select uuid from posthorn.api_session where user_id = in_user order by (ended_at is null and expires_at > now()) desc, created_at desc offset 99);
    insert into posthorn.api_session (uuid, user_id, address, expires_at)
    values (in_session, in_user, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;

-- As in 0006, and of a session's used tokens the last 100 are known. An older one is refused, too, but does not end the session.
create or replace function posthorn.api_refresh_use(in_refresh uuid, in_session uuid, out session uuid, out stolen bool)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    token record;
begin
    stolen := false;
    select s.uuid, r.used_at into token from posthorn.api_refresh r join posthorn.api_session s on s.uuid = r.session
    join posthorn.api_user u on u.id = s.user_id join posthorn.account a on a.id = u.account_id
    where r.uuid = in_refresh and s.uuid = in_session and s.ended_at is null and s.expires_at > now() and u.status = 'active' and a.status = 'active'
    for update of r, s;
    if not found then
        return;
    end if;
    if token.used_at is not null then
        stolen := true;
        update posthorn.api_session set ended_at = now(), end_reason = 'a refresh token was used twice' where uuid = in_session;
        return;
    end if;
    update posthorn.api_refresh set used_at = now() where uuid = in_refresh;
    delete from posthorn.api_refresh where uuid in (
        select o.uuid from posthorn.api_refresh o where o.session = in_session and o.used_at is not null order by o.used_at desc offset 100);
    session := token.uuid;
end $$;

-- Changes of an account's webhooks take from a bucket: `cost` units each, of which `burst` are there at most and `per_minute` come back. The row's time is when the
-- bucket will be full again. Returns how many seconds to wait, 0: go on.
create function posthorn.api_change(in_account uuid, cost int, per_minute int, burst int) returns int language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    unit interval := interval '1 minute' / per_minute;
    wait int;
begin
    cost := least(cost, burst);
    perform set_config('synchronous_commit', 'off', true);
    insert into posthorn.api_rate as r (credential, since, used) values (in_account, now() + cost * unit, 0)
    on conflict (credential) do update set since = greatest(r.since, now()) + cost * unit
        where greatest(r.since, now()) + cost * unit <= now() + burst * unit;
    if found then
        return 0;
    end if;
    select greatest(1, ceil(extract(epoch from r.since + (cost - burst) * unit - now())))::int into wait from posthorn.api_rate r where r.credential = in_account;
    return wait;
end $$;

-- Secrets of what is deleted ------------------------------------------------------------------------------------------------------

-- As in 0001, and a webhook that is deleted keeps no secret: nothing is sent to it any more.
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

-- The record of changes -----------------------------------------------------------------------------------------------------------

-- Partitioned by day, so that it can expire. What was recorded so far is the partition up to the end of today.
insert into posthorn.setting values ('change_keep_days', '400', 'the record of changes (audit.changes) is dropped after this many days');

do $$
declare
    today date := (now() at time zone 'UTC')::date;
    old_name text := 'change_' || to_char(today, 'YYYYMMDD');
begin
    execute format('alter table posthorn.change rename to %I', old_name);
    execute format('alter table posthorn.%I drop column id', old_name);
    execute format('create table posthorn.change (like posthorn.%I including defaults) partition by range (changed_at)', old_name);
    create index change_changed_at on posthorn.change (changed_at);
    create or replace view audit.changes as
    select changed_at, actor, address, program, object, object_id, action, before, after from posthorn.change;
    execute format('alter table posthorn.change attach partition posthorn.%I for values from (minvalue) to (%L)', old_name,
                   (today + 1)::timestamp at time zone 'UTC');
end $$;
select posthorn.keep_as_recorded('change');

-- As in 0009, and the record of changes, which belongs to no book.
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
    perform posthorn.watch_digest(parent, child);
    if parent in ('payload', 'digest') then
        return;
    end if;
    execute format('create trigger unseal_update after update on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create trigger unseal_delete after delete on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create trigger unseal_truncate after truncate on posthorn.%I for each statement execute function posthorn.unseal()', child);
end $$;

-- As in 0002, and the record of changes.
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

-- Writes one row. Where no dispatcher has run for days, there may be no partition yet.
create function posthorn.record_change(object text, object_id text, action text, before jsonb, after jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if to_regclass('posthorn.change_' || to_char(now() at time zone 'UTC', 'YYYYMMDD')) is null then
        perform posthorn.make_partitions();
    end if;
    insert into posthorn.change (actor, address, program, object, object_id, action, before, after)
    values (coalesce(nullif(current_setting('posthorn.actor', true), ''), session_user),
            coalesce(nullif(current_setting('posthorn.address', true), '')::inet, inet_client_addr()),
            current_setting('application_name', true), object, object_id, action, before, after);
end $$;

create or replace function posthorn.remember_act(object text, object_id text, action text, after jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select posthorn.record_change(object, object_id, action, null, after)
$$;

-- A row as the record of changes shows it: no secrets, a certificate by its facts, a URL without its secret parts.
create function posthorn.change_shown(object text, changed jsonb) returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
    select changed - array['data_key', 'signature_key', 'secret', 'previous_secret', 'auth_secret', 'hash', 'password_hash', 'totp_secret', 'totp_step',
                           'client_key', 'client_certificate', 'ca']
           || case when object = 'webhook' then jsonb_build_object('url', posthorn.url_shown(changed->>'url')) else '{}' end
$$;

-- As in 0008, a statement at a time: one row for each object that it changed.
create or replace function posthorn.remember_change() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    old_ jsonb[];
    new_ jsonb[];
begin
    if tg_op <> 'INSERT' then
        old_ := array(select to_jsonb(o) from old_rows o);
    end if;
    if tg_op <> 'DELETE' then
        new_ := array(select to_jsonb(n) from new_rows n);
    end if;
    perform posthorn.record_change(tg_table_name, id, lower(tg_op), posthorn.change_shown(tg_table_name, was.row_), posthorn.change_shown(tg_table_name, now_.row_))
    from (select coalesce(r->>'id', r->>'name') as id, r as row_ from unnest(old_) as r) was
    full join (select coalesce(r->>'id', r->>'name') as id, r as row_ from unnest(new_) as r) now_ using (id)
    where was.row_ - 'totp_step' is distinct from now_.row_ - 'totp_step';
    return null;
end $$;

-- The same of subscriptions: one row for each webhook, with the patterns that it gained or lost.
create function posthorn.remember_subscriptions() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    old_ jsonb := '{}';
    new_ jsonb := '{}';
begin
    if tg_op <> 'INSERT' then
        old_ := coalesce((select jsonb_object_agg(g.webhook_id, g.patterns)
                          from (select o.webhook_id, jsonb_agg(o.pattern order by o.pattern) as patterns from old_rows o group by 1) g), '{}');
    end if;
    if tg_op <> 'DELETE' then
        new_ := coalesce((select jsonb_object_agg(g.webhook_id, g.patterns)
                          from (select n.webhook_id, jsonb_agg(n.pattern order by n.pattern) as patterns from new_rows n group by 1) g), '{}');
    end if;
    perform posthorn.record_change(tg_table_name, id, lower(tg_op),
        case when old_ ? id then jsonb_build_object('webhook_id', id::int, 'patterns', old_->id) end,
        case when new_ ? id then jsonb_build_object('webhook_id', id::int, 'patterns', new_->id) end)
    from jsonb_object_keys(old_ || new_) as id
    where old_->id is distinct from new_->id;
    return null;
end $$;

do $$
declare
    watched text;
    function text;
begin
    foreach watched in array array['account', 'source_key', 'event_type', 'webhook', 'subscription', 'setting', 'api_key', 'api_user', 'recovery_code'] loop
        function := case when watched = 'subscription' then 'remember_subscriptions' else 'remember_change' end;
        execute format('drop trigger remember_change on posthorn.%I', watched);
        execute format('create trigger remember_update after update on posthorn.%I referencing old table as old_rows new table as new_rows
                        for each statement execute function posthorn.%I()', watched, function);
        continue when watched = 'recovery_code';       -- used ones only
        execute format('create trigger remember_insert after insert on posthorn.%I referencing new table as new_rows
                        for each statement execute function posthorn.%I()', watched, function);
        execute format('create trigger remember_delete after delete on posthorn.%I referencing old table as old_rows
                        for each statement execute function posthorn.%I()', watched, function);
    end loop;
end $$;

-- As in 0007.
create or replace function posthorn.accept_changes(why text) returns bigint language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    accepted bigint;
begin
    lock table posthorn.seal in share row exclusive mode;
    with wrong as (
        select * from posthorn.difference
    ), written as (
        insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
        select kind, at, position_id, row_count, hash_sum from wrong where kind <> 'pending'
    ), waiting as (
        insert into posthorn.pending_digest (position_id, row_count, hash_sum)
        select position_id, row_count, hash_sum from wrong where kind = 'pending'
    )
    select count(*) into accepted from wrong;
    if accepted > 0 then
        perform posthorn.record_change('digest', 'all', 'accept', null, jsonb_build_object('why', why, 'sums', accepted));
    end if;
    return accepted;
end $$;

-- What is deleted already keeps no secret either.
update posthorn.webhook set updated_at = updated_at
where status = 'deleted' and coalesce(auth_secret, secret, previous_secret, client_key) is not null;

-- Expiry --------------------------------------------------------------------------------------------------------------------------

-- What callers have made and nothing refers to any more. Attempts refer to webhooks and to their versions: those are kept until the attempts that were
-- made before, and a week of late ones, have expired.
create function posthorn.expire_rows() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    unused timestamptz := (select x.before from posthorn.expired x where x.kind = 'attempt') - interval '7 days';
    old_webhooks int[] := array(select w.id from posthorn.webhook w where w.status = 'deleted' and w.updated_at < unused
                                and not exists (select from posthorn.pending p where p.webhook_id = w.id) order by w.id limit 1000);
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

-- As in 0002. The record of changes has a time of its own, and no book waits for it.
create or replace function posthorn.drop_partitions() returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    dropped int := 0;
    old record;
    days int := posthorn.setting_int('event_period_days');
    today date := (now() at time zone 'UTC')::date;
    oldest_pending date := (select min(period) from posthorn.pending);
begin
    if not pg_try_advisory_xact_lock(hashtext('posthorn.make_partitions')) then
        return 0;
    end if;
    for old in
        select p.relname as parent, c.relname as child, to_date(right(c.relname, 8), 'YYYYMMDD') as first
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.relnamespace = 'posthorn'::regnamespace and c.relkind = 'r' order by 3
    loop
        continue when old.first + days >= today - posthorn.setting_int(case old.parent when 'payload' then 'payload_keep_days'
                                                                       when 'change' then 'change_keep_days' else 'attempt_keep_days' end)
            or (old.parent <> 'change' and old.first >= oldest_pending)
            or (old.parent not in ('payload', 'change') and posthorn.unsealed_before((old.first + days + 1)::timestamp at time zone 'UTC'));
        begin
            execute format('drop table posthorn.%I', old.child);
            -- An event that was taken over (posthorn.take_over) may have been received as late as in the period after its own.
            insert into posthorn.expired as e (kind, before)
            values (old.parent, (old.first + case when old.parent = 'event' then 2 * days else 1 end)::timestamp at time zone 'UTC')
            on conflict (kind) do update set before = greatest(e.before, excluded.before);
            dropped := dropped + 1;
        exception when lock_not_available then null;
        end;
    end loop;
    begin
        with was as (
            select d.recorded_at, d.position_id, d."offset", posthorn.hash(d) as hash from posthorn.dead_letter d
            where d.erased_at is null and d.recorded_at < now() - make_interval(days => posthorn.setting_int('payload_keep_days')) for no key update)
        insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
        select 'dead_letter', recorded_at, position_id, -count(*), -sum(hash) from was group by 2, 3;
        with erased as (
            update posthorn.dead_letter d set key = null, value = null, headers = null, erased_at = now()
            where d.erased_at is null and d.recorded_at < now() - make_interval(days => posthorn.setting_int('payload_keep_days'))
            returning d.recorded_at, d.position_id, posthorn.hash(d) as hash)
        insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)
        select 'dead_letter', recorded_at, position_id, count(*), sum(hash) from erased group by 2, 3;
    exception when lock_not_available then null;
    end;
    begin
        perform posthorn.expire_rows();
    exception when lock_not_available then null;
    end;
    return dropped;
end $$;

-- Rights --------------------------------------------------------------------------------------------------------------------------

revoke execute on function posthorn.record_change(text, text, text, jsonb, jsonb), posthorn.remember_subscriptions(), posthorn.expire_rows() from public;
grant execute on function posthorn.login_network(text), posthorn.count_login(text, int), posthorn.api_session_begin(int, uuid, text, bigint),
    posthorn.api_change(uuid, int, int, int) to posthorn_api;
grant delete on posthorn.api_refresh to posthorn_api;

select posthorn.make_partitions();
