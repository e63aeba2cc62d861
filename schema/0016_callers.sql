-- Sign-in, sessions and the record of changes: what a caller can make grow has a bound, and what locks one caller out does not lock out others.

-- All that this migration locks, before it holds anything for which a writer of these tables waits.
lock table posthorn.account, posthorn.source_key, posthorn.event_type, posthorn.webhook, posthorn.subscription, posthorn.setting, posthorn.api_key,
           posthorn.api_user, posthorn.recovery_code in access exclusive mode;

-- What is deleted keeps no secret.
update posthorn.webhook set auth_secret = null, secret = null, previous_secret = null, previous_secret_until = null, client_certificate = null,
    client_certificate_about = null, client_key = null
where status = 'deleted' and coalesce(auth_secret, secret, previous_secret, client_key) is not null;

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
    execute format('alter table posthorn.change attach partition posthorn.%I for values from (minvalue) to (%L)', old_name,
                   (today + 1)::timestamp at time zone 'UTC');
    execute format('revoke update, delete, truncate on posthorn.change, posthorn.%I from current_user', old_name);
end $$;

-- The triggers that recorded changes row by row; schema/code/changes.sql makes others.
do $$
declare
    watched text;
begin
    foreach watched in array array['account', 'source_key', 'event_type', 'webhook', 'subscription', 'setting', 'api_key', 'api_user', 'recovery_code'] loop
        execute format('drop trigger if exists remember_change on posthorn.%I', watched);
    end loop;
end $$;

grant delete on posthorn.api_refresh to posthorn_api;

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 3a16339a278d658ccafd746e3e47aaea480d0f743218b173e0b6733ef135c207
