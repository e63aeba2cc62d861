SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA audit;
CREATE SCHEMA posthorn;
CREATE FUNCTION audit.published(bytes bytea) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return convert_from(bytes, 'UTF8');
exception when others then
    return encode(bytes, 'escape');
end $$;
CREATE FUNCTION audit.show(bytes bytea) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $$
begin
    return regexp_replace(convert_from(bytes, 'UTF8'), '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]', U&'\FFFD', 'g');
exception when others then
    return encode(bytes, 'escape');
end $$;
CREATE FUNCTION posthorn.accept_changes(why text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.webhook_bytes(texts text[], secrets bytea[]) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT ((256 + COALESCE(( SELECT sum(octet_length(t.t)) AS sum
            FROM unnest(webhook_bytes.texts) t(t)), (0)::bigint)) + COALESCE(( SELECT sum(octet_length(s.s)) AS sum
            FROM unnest(webhook_bytes.secrets) s(s)), (0)::bigint));
END;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE posthorn.subscription (
    webhook_id integer NOT NULL,
    pattern text NOT NULL,
    CONSTRAINT subscription_pattern_check CHECK (((pattern ~ '^[\x21-\x7e]{1,255}$'::text) AND (pattern ~ '^(\*|[^*]+|[^*]+\.\*)$'::text)))
);
CREATE TABLE posthorn.webhook (
    id integer NOT NULL,
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    public_id text NOT NULL,
    account_id integer NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    url text NOT NULL,
    format text NOT NULL,
    status text DEFAULT 'enabled'::text NOT NULL,
    disabled_reason text,
    auth_type text DEFAULT 'none'::text NOT NULL,
    auth_username text,
    auth_secret bytea,
    signature text DEFAULT 'standard'::text NOT NULL,
    source_key_id integer,
    secret bytea,
    previous_secret bytea,
    previous_secret_until timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    client_certificate text,
    client_key bytea,
    ca text,
    client_certificate_about jsonb,
    ca_about jsonb,
    CONSTRAINT webhook_auth_type_check CHECK ((auth_type = ANY (ARRAY['none'::text, 'basic'::text, 'bearer'::text]))),
    CONSTRAINT webhook_ca_check CHECK ((octet_length(ca) <= 16384)),
    CONSTRAINT webhook_check CHECK (((signature <> 'source_key'::text) OR (source_key_id IS NOT NULL))),
    CONSTRAINT webhook_check1 CHECK (((client_certificate IS NULL) = (client_key IS NULL))),
    CONSTRAINT webhook_check2 CHECK (((client_certificate IS NULL) = (client_certificate_about IS NULL))),
    CONSTRAINT webhook_check3 CHECK (((ca IS NULL) = (ca_about IS NULL))),
    CONSTRAINT webhook_client_certificate_check CHECK ((octet_length(client_certificate) <= 16384)),
    CONSTRAINT webhook_client_key_check CHECK ((octet_length(client_key) <= 8400)),
    CONSTRAINT webhook_format_check CHECK ((format = ANY (ARRAY['penny'::text, 'merchant'::text, 'payconex'::text, 'devengo'::text, 'cloudevents'::text, 'standard'::text]))),
    CONSTRAINT webhook_signature_check CHECK ((signature = ANY (ARRAY['standard'::text, 'source_key'::text, 'signature_key'::text, 'none'::text]))),
    CONSTRAINT webhook_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'disabled'::text, 'deleted'::text]))),
    CONSTRAINT webhook_url_check CHECK ((octet_length(url) <= 2048))
);
CREATE FUNCTION posthorn.account_bytes(in_account integer) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (COALESCE(sum((posthorn.webhook_bytes(ARRAY[w.url, w.auth_username, w.client_certificate, w.ca], ARRAY[w.auth_secret, w.secret, w.previous_secret, w.client_key]) + p.bytes)), (0)::numeric))::bigint AS "coalesce"
    FROM (posthorn.webhook w
      CROSS JOIN LATERAL ( SELECT COALESCE(sum((octet_length(s.pattern) + 32)), (0)::bigint) AS bytes
            FROM posthorn.subscription s
           WHERE (s.webhook_id = w.id)) p)
   WHERE ((w.account_id = account_bytes.in_account) AND (w.status <> 'deleted'::text));
END;
CREATE FUNCTION posthorn.account_bytes_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT 8388608;
END;
CREATE FUNCTION posthorn.add_quarters() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        insert into posthorn.activity_quarter as q
        select n.webhook_id, date_bin('15 minutes', n.minute, 'epoch'), sum(n.delivered)::int, sum(n.failed)::int from new_rows n group by 1, 2 order by 1, 2
        on conflict (webhook_id, quarter) do update set delivered = q.delivered + excluded.delivered, failed = q.failed + excluded.failed;
    else
        insert into posthorn.activity_quarter as q
        select n.webhook_id, date_bin('15 minutes', n.minute, 'epoch'), sum(n.delivered - o.delivered)::int, sum(n.failed - o.failed)::int
        from new_rows n join old_rows o using (webhook_id, minute, bucket) group by 1, 2 order by 1, 2
        on conflict (webhook_id, quarter) do update set delivered = q.delivered + excluded.delivered, failed = q.failed + excluded.failed;
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.api_change(in_account uuid, cost integer, per_minute integer, burst integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.api_enter(in_hash bytea, in_session uuid, per_minute integer) RETURNS TABLE(account_id integer, account text, account_uuid uuid, dialect text, actor text, scopes text, user_id integer, remaining integer, reset integer)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    caller record;
    minute timestamptz := date_trunc('minute', now());
    n int;
begin
    perform set_config('synchronous_commit', 'off', true);
    if in_hash is not null then
        select k.uuid as credential, a.id, a.key, a.uuid, a.dialect, 'key:' || k.prefix as actor, k.scopes, null::int as user_id into caller
        from posthorn.api_key k join posthorn.account a on a.id = k.account_id
        where k.hash = in_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and a.status = 'active';
    else
        select u.uuid as credential, a.id, a.key, a.uuid, a.dialect, 'user:' || u.email as actor, '*' as scopes, u.id as user_id into caller
        from posthorn.api_session s join posthorn.api_user u on u.id = s.user_id join posthorn.account a on a.id = u.account_id
        where s.uuid = in_session and s.ended_at is null and s.expires_at > now() and u.status = 'active' and a.status = 'active';
    end if;
    if caller.id is null then
        return;
    end if;
    insert into posthorn.api_rate as r (credential, since, used) values (caller.credential, minute, 1)
    on conflict (credential) do update set used = case when r.since = minute then r.used + 1 else 1 end, since = minute
    returning r.used into n;
    return query select caller.id, caller.key, caller.uuid, caller.dialect, caller.actor, caller.scopes, caller.user_id, per_minute - n,
                        ceil(extract(epoch from minute + interval '1 minute' - now()))::int;
end $$;
CREATE FUNCTION posthorn.api_login_attempt(email text, address text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.api_login_hash(email text) RETURNS text
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT encode(sha256(convert_to(email, 'UTF8'::name)), 'hex'::text) AS encode;
END;
CREATE FUNCTION posthorn.api_login_succeeded(email text, address text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    update posthorn.api_login set attempts = attempts - 1 where subject = 'address:' || posthorn.login_network(address) and attempts > 0;
    delete from posthorn.api_login where subject = 'pair:' || posthorn.api_login_hash(email) || ' ' || posthorn.login_network(address);
    delete from posthorn.api_login where subject = 'email:' || posthorn.api_login_hash(email);
$$;
CREATE FUNCTION posthorn.api_refresh_use(in_refresh uuid, in_session uuid, OUT session uuid, OUT stolen boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.api_session_begin(in_user integer, in_session uuid, in_address text, seconds bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    delete from posthorn.api_session where uuid in (
        select uuid from posthorn.api_session where user_id = in_user order by (ended_at is null and expires_at > now()) desc, created_at desc offset 99);
    insert into posthorn.api_session (uuid, user_id, address, expires_at)
    values (in_session, in_user, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;
CREATE FUNCTION posthorn.api_test(in_account integer, in_webhook integer, key uuid, id text, type text, digest bytea, body bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    test_position int;
    at bigint := nextval('posthorn.test_offset');
    day date := posthorn.period_of(now());
begin
    insert into posthorn.position (source, topic, partition) values ('posthorn-api', 'posthorn.test', 0) on conflict do nothing;
    select p.id into test_position from posthorn.position p where p.source = 'posthorn-api' and p.topic = 'posthorn.test' and p.partition = 0;
    with e as (
        insert into posthorn.event as r (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
        values (key, day, test_position, at, in_account, type, id, '/posthorn-api', now(), digest) returning posthorn.hash(r) as hash
    ), l as (
        insert into posthorn.payload as r (position_id, "offset", sealed, body) values (test_position, at, false, body) returning posthorn.hash(r) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'event', test_position, 1, hash from e union all select 'payload', test_position, 1, hash from l;
    perform posthorn.park(array[in_webhook], array[test_position], array[at], array['t'::"char"], array[day], array[0::smallint], array[now()],
                          array[null::bigint]);
end $$;
CREATE FUNCTION posthorn.bring_forward(in_position integer, from_offset bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.bury(positions integer[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[], headers bytea[], copied boolean[], timestamps bigint[] DEFAULT NULL::bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with inserted as (
        insert into posthorn.dead_letter as d (position_id, "offset", reason, detail, record_sha256, key, value, headers, copied, record_timestamp)
        select * from unnest(positions, offsets, reasons, details, digests, keys, bodies, bury.headers, bury.copied, bury.timestamps)
        returning d.position_id, posthorn.hash(d) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'dead_letter', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;
CREATE FUNCTION posthorn.cancel(positions integer[], offsets bigint[], webhooks integer[], causes "char"[], reasons text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with inserted as (
        insert into posthorn.cancellation as c (position_id, "offset", webhook_id, cause, reason)
        select * from unnest(positions, offsets, webhooks, causes, reasons)
        returning c.position_id, posthorn.hash(c) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'cancellation', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;
CREATE FUNCTION posthorn.cancel_due(in_dispatcher integer, in_webhook integer, in_reason text, most integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.change_shown(object text, changed jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select changed - array['data_key', 'signature_key', 'secret', 'previous_secret', 'auth_secret', 'hash', 'password_hash', 'totp_secret', 'totp_step',
                           'client_key', 'client_certificate', 'ca']
           || case when object = 'webhook' then jsonb_build_object('url', posthorn.url_shown(changed->>'url')) else '{}' end
$$;
CREATE FUNCTION posthorn.changes_since(known_v bigint, OUT v bigint, OUT changed integer[], OUT forget boolean) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select c.v into v from posthorn.subscription_clock c;
    forget := false;
    if v <> known_v then
        select array_agg(distinct s.account_id) into changed from posthorn.subscription_change s where s.v > known_v and s.v <= changes_since.v;
        forget := not exists (select from posthorn.subscription_change s where s.v = known_v + 1);
    end if;
end $$;
CREATE FUNCTION posthorn.claim(in_source text, in_topic text, in_partition integer, new_owner uuid, in_dispatcher integer, in_partitions integer DEFAULT 0, OUT position_id integer, OUT next_offset bigint, OUT last_offset bigint, OUT last_timestamp bigint, OUT last_check bigint, OUT stopped text, OUT known boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.console_begin(in_user integer, in_hash bytea, old_hash bytea, in_address text, seconds bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    delete from posthorn.console_session where token_hash = old_hash or (user_id = in_user and expires_at < now());
    delete from posthorn.console_session where uuid in (
        select uuid from posthorn.console_session where user_id = in_user and not verified order by created_at desc offset 9);
    insert into posthorn.console_session (user_id, token_hash, address, expires_at)
    values (in_user, in_hash, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;
CREATE FUNCTION posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute integer) RETURNS TABLE(account_id integer, account text, account_uuid uuid, dialect text, actor text, scopes text, user_id integer, remaining integer, reset integer, session uuid, verified boolean)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    caller record;
    minute timestamptz := date_trunc('minute', now());
    n int;
begin
    perform set_config('synchronous_commit', 'off', true);
    select u.uuid as credential, a.id, a.key, a.uuid, a.dialect, 'user:' || u.email as actor, u.id as user_id, s.uuid as session, s.verified, s.used_at
    into caller
    from posthorn.console_session s join posthorn.api_user u on u.id = s.user_id join posthorn.account a on a.id = u.account_id
    where s.token_hash = in_hash and s.expires_at > now() and s.used_at > now() - make_interval(secs => idle_seconds)
      and u.status = 'active' and a.status = 'active';
    if caller.id is null then
        return;
    end if;
    -- Not with every request: a page that is open asks every other second.
    if caller.used_at < now() - make_interval(secs => least(idle_seconds / 10.0, 30)) then
        update posthorn.console_session set used_at = now() where uuid = caller.session;
    end if;
    insert into posthorn.api_rate as r (credential, since, used) values (caller.credential, minute, 1)
    on conflict (credential) do update set used = case when r.since = minute then r.used + 1 else 1 end, since = minute
    returning r.used into n;
    return query select caller.id, caller.key, caller.uuid, caller.dialect, caller.actor, '*', caller.user_id, per_minute - n,
                        ceil(extract(epoch from minute + interval '1 minute' - now()))::int, caller.session, caller.verified;
end $$;
CREATE FUNCTION posthorn.console_guess(in_user uuid) RETURNS integer
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into posthorn.api_login as l (subject) values ('code:' || in_user)
    on conflict (subject) do update set
        attempts = case when l.since < now() - interval '15 minutes' then 1 else l.attempts + 1 end,
        since = case when l.since < now() - interval '15 minutes' or l.attempts < 5 then now() else l.since end
    returning case when attempts > 5 then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end
$$;
CREATE FUNCTION posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    update posthorn.console_session set token_hash = in_hash, verified = true, totp_pending = null, used_at = now() where uuid = in_session;
    delete from posthorn.console_session where uuid in (
        select s.uuid from posthorn.console_session s join posthorn.api_user u on u.id = s.user_id
        where u.uuid = in_user and s.verified order by s.used_at desc offset 20);
    delete from posthorn.api_login where subject = 'code:' || in_user;
$$;
CREATE FUNCTION posthorn.count_activity() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    first timestamptz := (select counted_to from posthorn.activity_clock for update skip locked);
    upto timestamptz := now() - interval '2 seconds';
    past timestamptz;
    n bigint := 0;
begin
    if first is null then
        return 0;
    end if;
    if date_trunc('hour', first) <> date_trunc('hour', upto) then
        delete from posthorn.activity where minute < now() - make_interval(days => posthorn.setting_int('activity_keep_days'));
        delete from posthorn.activity_quarter where quarter < now() - interval '25 hours';
    end if;
    while first < upto and n < 100000 loop
        past := least(upto, first + interval '10 minutes');
        n := n + posthorn.count_activity_between(first, past);
        first := past;
    end loop;
    update posthorn.activity_clock set counted_to = first where counted_to < first;
    return n;
end $$;
CREATE FUNCTION posthorn.count_activity_between(first timestamp with time zone, past timestamp with time zone) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    with counted as materialized (
        select t.webhook_id, date_bin('1 minute', t.recorded_at, 'epoch') as minute, floor(2 * ln(greatest(t.duration_us, 1)) / ln(2))::smallint as bucket,
               count(*) filter (where t.outcome = 'd') as delivered, count(*) filter (where t.outcome <> 'd') as failed,
               sum(t.duration_us) as total_us, max(t.duration_us) as max_us,
               max(t.started_at + make_interval(secs => t.duration_us / 1e6)) filter (where t.outcome = 'd') as last_success_at
        from posthorn.attempt t where t.recorded_at >= first and t.recorded_at < past group by 1, 2, 3
    ), failure as (
        select distinct on (webhook_id) webhook_id, ended_at, error, http_status
        from (select t.webhook_id, t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at,
                     posthorn.response_bytes(t.error, t.sealed) as error, t.http_status
              from posthorn.attempt t where t.recorded_at >= first and t.recorded_at < past and t.outcome <> 'd') t
        order by webhook_id, ended_at desc
    ), added as (
        insert into posthorn.activity as a select webhook_id, minute, bucket, delivered, failed, total_us, max_us from counted order by 1, 2, 3
        on conflict (webhook_id, minute, bucket) do update set delivered = a.delivered + excluded.delivered, failed = a.failed + excluded.failed,
            total_us = a.total_us + excluded.total_us, max_us = greatest(a.max_us, excluded.max_us)
    ), last as (
        insert into posthorn.activity_last as l
        select c.webhook_id, c.last_success_at, f.ended_at, f.error, f.http_status
        from (select webhook_id, max(last_success_at) as last_success_at from counted group by 1) c left join failure f using (webhook_id) order by 1
        on conflict (webhook_id) do update set last_success_at = greatest(l.last_success_at, excluded.last_success_at),
            last_failure_at = greatest(l.last_failure_at, excluded.last_failure_at),
            last_error = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_error else excluded.last_error end,
            last_status = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_status else excluded.last_status end
    )
    select coalesce(sum(delivered + failed), 0)::bigint from counted
$$;
CREATE FUNCTION posthorn.count_chunk(in_position integer, first bigint, past bigint, l_records bigint, l_events bigint, l_repeated bigint, l_dead bigint, l_matched bigint, OUT events bigint, OUT repeated bigint, OUT dead_lettered bigint, OUT delivered bigint, OUT pending bigint, OUT failed bigint, OUT cancelled bigint, OUT missing bigint) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
    with pairs as (
        select max(rank) as rank from (
            select t."offset", t.webhook_id, case t.outcome when 'd' then 4 else 3 end as rank from posthorn.attempt t
            where t.position_id = in_position and t."offset" >= first and t."offset" < past and t.cause = 'e' and t.outcome <> 'r'
            union all
            select c."offset", c.webhook_id, 2 from posthorn.cancellation c
            where c.position_id = in_position and c."offset" >= first and c."offset" < past and c.cause = 'e'
            union all
            select p."offset", p.webhook_id, 1 from posthorn.pending p
            where p.position_id = in_position and p."offset" >= first and p."offset" < past and p.cause = 'e') x
        group by x."offset", x.webhook_id
    ), counted as (
        select (select count(*) from posthorn.event e where e.position_id = in_position and e."offset" >= first and e."offset" < past) as events,
               (select count(distinct r."offset") from posthorn.repeat r
                where r.position_id = in_position and r."offset" >= first and r."offset" < past) as repeated,
               (select count(distinct d."offset") from posthorn.dead_letter d
                where d.position_id = in_position and d."offset" >= first and d."offset" < past) as dead_lettered,
               (select count(*) from pairs where rank = 4) as delivered, (select count(*) from pairs where rank = 1) as pending,
               (select count(*) from pairs where rank = 3) as failed, (select count(*) from pairs where rank = 2) as cancelled)
    select c.*, abs(l_records - l_events - l_repeated - l_dead) + greatest(l_records - (past - first), 0)
                + abs(l_events - c.events) + abs(l_repeated - c.repeated) + abs(l_dead - c.dead_lettered)
                + abs(l_matched - c.delivered - c.pending - c.failed - c.cancelled)
    from counted c
$$;
CREATE FUNCTION posthorn.count_digest(in_kind text, since timestamp with time zone, until timestamp with time zone) RETURNS TABLE(hour timestamp with time zone, position_id integer, row_count bigint, hash_sum numeric)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
    select hour, position_id, sum(n)::bigint, sum(h) from (
        select date_trunc('hour', r.at, 'UTC') as hour, r.position_id, count(*) as n, sum(r.hash) as h from posthorn.row_hash r
        where r.kind = in_kind and r.at >= since and r.at < until
          -- an event that was taken over was received in a later period than its own (posthorn.take_over); one that was brought forward, in any before
          and (r.period is null or r.period >= since::date - 3 * posthorn.setting_int('event_period_days') - 1)
        group by 1, 2
        union all
        select date_trunc('hour', d.recorded_at, 'UTC'), d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.digest_kept d
        where d.kind = in_kind and d.recorded_at >= since and d.recorded_at < until
        group by 1, 2) as both_sides
    group by 1, 2 having sum(n) <> 0 or sum(h) <> 0
$$;
CREATE FUNCTION posthorn.count_login(in_subject text, most integer) RETURNS integer
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into posthorn.api_login as l (subject) values (in_subject)
    on conflict (subject) do update set
        attempts = case when l.since < now() - interval '15 minutes' then 1 else l.attempts + 1 end,
        since = case when l.since < now() - interval '15 minutes' then now() else l.since end
    returning case when attempts > most then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end
$$;
CREATE FUNCTION posthorn.dead_letter_replayed(in_position integer, in_offset bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with was as (
        select d.recorded_at, d.position_id, posthorn.hash(d) as hash from posthorn.dead_letter d
        where d.position_id = in_position and d."offset" = in_offset for no key update)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, -1, -hash::numeric from was;
    with changed as (
        update posthorn.dead_letter d set replayed_at = now() where d.position_id = in_position and d."offset" = in_offset
        returning d.recorded_at, d.position_id, posthorn.hash(d) as hash)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, 1, hash from changed;
end $$;
CREATE FUNCTION posthorn.dead_letter_resealed(in_recorded_at timestamp with time zone, in_position integer, in_offset bigint, row_at tid, in_value bytea, in_headers bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with was as (
        select d.recorded_at, d.position_id, posthorn.hash(d) as hash from posthorn.dead_letter d
        where d.recorded_at = in_recorded_at and d.position_id = in_position and d."offset" = in_offset and d.ctid = row_at)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, -1, -hash from was;
    with changed as (
        update posthorn.dead_letter d set value = coalesce(in_value, d.value), headers = coalesce(in_headers, d.headers)
        where d.recorded_at = in_recorded_at and d.position_id = in_position and d."offset" = in_offset and d.ctid = row_at
        returning d.recorded_at, d.position_id, posthorn.hash(d) as hash)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, 1, hash from changed;
end $$;
CREATE FUNCTION posthorn.difference_said(kind text, row_count bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (row_count = 0) THEN (('a row of '::text || kind) || ' was changed'::text)
             ELSE format('%s row%s of %s %s'::text, abs(row_count),
             CASE
                 WHEN (abs(row_count) > 1) THEN 's'::text
                 ELSE NULL::text
             END, kind,
             CASE
                 WHEN (row_count < 0) THEN 'missing'::text
                 ELSE 'too many'::text
             END)
         END AS format;
END;
CREATE FUNCTION posthorn.differing() RETURNS TABLE(kind text, hour timestamp with time zone, position_id integer, row_count bigint, hash_sum numeric)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
    select s.kind, d.hour, d.position_id, d.row_count, d.hash_sum
    from (select kind, min(hour) as since, max(until) as until
          from (select *, hour - row_number() over (partition by kind order by hour) * interval '1 hour' as stretch from posthorn.open_hour) h
          group by kind, stretch) s
    cross join lateral posthorn.count_digest(s.kind, s.since, s.until) d
    union all
    select 'pending', date_trunc('hour', now(), 'UTC'), position_id, sum(n)::bigint, sum(h) from (
        select p.position_id, count(*) as n, sum(posthorn.hash(p)) as h from posthorn.pending p group by 1
        union all
        select d.position_id, -sum(d.row_count), -sum(d.hash_sum) from posthorn.pending_digest d group by 1) as both_sides
    group by 3 having sum(n) <> 0 or sum(h) <> 0
$$;
CREATE FUNCTION posthorn.digest_event(in_key uuid, in_period date, sign integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with locked as (select e.received_at, e.position_id, posthorn.hash(e) as hash from posthorn.event e
                    where e.event_key = in_key and e.period = in_period for no key update)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'event', received_at, position_id, sign, sign * hash::numeric from locked;
end $$;
CREATE FUNCTION posthorn.digest_pending(in_position integer, in_offset bigint, sign integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with locked as (select p.position_id, posthorn.hash(p) as hash from posthorn.pending p
                    where p.position_id = in_position and p."offset" = in_offset for no key update)
    insert into posthorn.pending_digest select position_id, sign * count(*), sign * sum(hash) from locked group by 1;
end $$;
CREATE FUNCTION posthorn.disable(in_webhook integer, reason text, failed_for bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.dispatcher_started(name text) RETURNS integer
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into posthorn.dispatcher (name) values (name) returning id
$$;
CREATE FUNCTION posthorn.drop_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '200ms'
    AS $$
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
CREATE FUNCTION posthorn.due(in_dispatcher integer, seconds integer, webhooks integer[], most integer[]) RETURNS TABLE(webhook_id integer, position_id integer, "offset" bigint, cause "char", period date, attempts smallint, order_key bigint, account_id integer, event_type text, event_id text, source text, occurred_at timestamp with time zone, traceparent text, sealed boolean, payload bytea, extensions bytea)
    LANGUAGE plpgsql
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.expire_rows() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE TABLE posthorn.attempt (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone NOT NULL,
    "offset" bigint NOT NULL,
    position_id integer NOT NULL,
    webhook_id integer NOT NULL,
    version integer NOT NULL,
    duration_us integer NOT NULL,
    dispatcher_id integer NOT NULL,
    attempt smallint NOT NULL,
    http_status smallint,
    cause "char" NOT NULL,
    outcome "char" NOT NULL,
    error bytea,
    response_body bytea,
    order_key bigint,
    sealed boolean,
    CONSTRAINT attempt_cause_check CHECK ((cause = ANY (ARRAY['e'::"char", 'r'::"char", 'd'::"char", 't'::"char"]))),
    CONSTRAINT attempt_outcome_check CHECK ((outcome = ANY (ARRAY['d'::"char", 'r'::"char", 'g'::"char"])))
)
PARTITION BY RANGE (recorded_at);
CREATE FUNCTION posthorn.hash(r posthorn.attempt) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT hash_record_extended(ROW((r).recorded_at, (r).started_at, (r)."offset", (r).position_id, (r).webhook_id, (r).version, (r).duration_us, (r).dispatcher_id, (r).attempt, (r).http_status, (r).cause, (r).outcome, (r).error, (r).response_body, (r).order_key), (
         CASE
             WHEN ((r).sealed IS NULL) THEN 0
             WHEN (r).sealed THEN 1
             ELSE 2
         END)::bigint) AS hash_record_extended;
END;
CREATE TABLE posthorn.cancellation (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    webhook_id integer NOT NULL,
    cause "char" NOT NULL,
    reason text NOT NULL
)
PARTITION BY RANGE (recorded_at);
CREATE FUNCTION posthorn.hash(r posthorn.cancellation) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT hash_record_extended(ROW((r).recorded_at, (r).position_id, (r)."offset", (r).webhook_id, (r).cause, (r).reason), (0)::bigint) AS hash_record_extended;
END;
CREATE TABLE posthorn.dead_letter (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    record_sha256 bytea NOT NULL,
    key bytea,
    value bytea,
    headers bytea,
    copied boolean NOT NULL,
    replayed_at timestamp with time zone,
    erased_at timestamp with time zone,
    record_timestamp bigint
)
PARTITION BY RANGE (recorded_at);
CREATE FUNCTION posthorn.hash(r posthorn.dead_letter) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((r).record_timestamp IS NULL) THEN hash_record_extended(ROW((r).recorded_at, (r).position_id, (r)."offset", (r).reason, (r).detail, (r).record_sha256, (r).key, (r).value, (r).headers, (r).copied, (r).replayed_at, (r).erased_at), (0)::bigint)
             ELSE hash_record_extended(ROW((r).recorded_at, (r).position_id, (r)."offset", (r).reason, (r).detail, (r).record_sha256, (r).key, (r).value, (r).headers, (r).copied, (r).replayed_at, (r).erased_at, (r).record_timestamp), (0)::bigint)
         END AS hash_record_extended;
END;
CREATE TABLE posthorn.event (
    event_key uuid NOT NULL,
    period date NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    account_id integer NOT NULL,
    event_type text NOT NULL,
    event_id text NOT NULL,
    source text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    payload_sha256 bytea NOT NULL,
    traceparent text,
    order_key bigint
)
PARTITION BY RANGE (period);
CREATE FUNCTION posthorn.hash(r posthorn.event) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT hash_record_extended(ROW((r).received_at, (r).event_key, (r).period, (r).position_id, (r)."offset", (r).account_id, (r).event_type, (r).event_id, (r).source, (r).occurred_at, (r).payload_sha256, (r).traceparent, (r).order_key), (0)::bigint) AS hash_record_extended;
END;
CREATE TABLE posthorn.ledger (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    records integer NOT NULL,
    gaps integer NOT NULL,
    events integer NOT NULL,
    repeated integer NOT NULL,
    dead_lettered integer NOT NULL,
    matched integer NOT NULL,
    dispatcher_id integer NOT NULL
)
PARTITION BY RANGE (recorded_at);
CREATE FUNCTION posthorn.hash(r posthorn.ledger) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT hash_record_extended(ROW((r).recorded_at, (r).position_id, (r).first_offset, (r).next_offset, (r).records, (r).gaps, (r).events, (r).repeated, (r).dead_lettered, (r).matched, (r).dispatcher_id), (0)::bigint) AS hash_record_extended;
END;
CREATE TABLE posthorn.payload (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    sealed boolean NOT NULL,
    body bytea NOT NULL,
    extensions bytea
)
PARTITION BY RANGE (recorded_at);
CREATE FUNCTION posthorn.hash(r posthorn.payload) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((r).extensions IS NULL) THEN hash_record_extended(ROW((r).recorded_at, (r).position_id, (r)."offset", (r).sealed, (r).body), (0)::bigint)
             ELSE hash_record_extended(ROW((r).recorded_at, (r).position_id, (r)."offset", (r).sealed, (r).body, (r).extensions), (0)::bigint)
         END AS hash_record_extended;
END;
CREATE TABLE posthorn.pending (
    webhook_id integer NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    cause "char" NOT NULL,
    period date NOT NULL,
    attempts smallint NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    order_key bigint
)
WITH (fillfactor='80');
CREATE FUNCTION posthorn.hash(r posthorn.pending) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT hash_record_extended(ROW((r).webhook_id, (r).position_id, (r)."offset", (r).cause, (r).period, (r).attempts, (r).next_attempt_at, (r).created_at, (r).order_key), (0)::bigint) AS hash_record_extended;
END;
CREATE TABLE posthorn.repeat (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    of_position_id integer NOT NULL,
    of_offset bigint NOT NULL
)
PARTITION BY RANGE (recorded_at);
CREATE FUNCTION posthorn.hash(r posthorn.repeat) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT hash_record_extended(ROW((r).recorded_at, (r).position_id, (r)."offset", (r).of_position_id, (r).of_offset), (0)::bigint) AS hash_record_extended;
END;
CREATE FUNCTION posthorn.health(webhooks integer[], failing boolean[], gone_count integer[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into posthorn.queue as q (webhook_id, failing_since, gone)
    select distinct on (w) w, case when f then now() end, g            -- a webhook may stand here several times: the last word counts
    from unnest(webhooks, failing, gone_count) with ordinality as u (w, f, g, i) order by w, i desc
    on conflict (webhook_id) do update
    set failing_since = case when excluded.failing_since is null then null else coalesce(q.failing_since, excluded.failing_since) end, gone = excluded.gone
$$;
CREATE FUNCTION posthorn.insecure() RETURNS TABLE(what text, remedy text)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT format(
         CASE
             WHEN r.rolsuper THEN 'the superuser %s owns functions that run with its rights'::text
             ELSE 'the role %s owns functions that run with its rights, and may create roles'::text
         END, r.rolname) AS format,
         CASE
             WHEN r.rolsuper THEN 'give the schemas posthorn and audit with all that is in them to a role that is no superuser (docs/security.md)'::text
             ELSE format('alter role %I nocreaterole'::text, r.rolname)
         END AS format
    FROM pg_roles r
   WHERE ((r.rolcreaterole OR r.rolsuper) AND (EXISTS ( SELECT
            FROM pg_proc p
           WHERE ((p.proowner = r.oid) AND p.prosecdef AND (p.pronamespace = ANY (ARRAY[('posthorn'::regnamespace)::oid, ('audit'::regnamespace)::oid]))))))
 UNION ALL
  SELECT 'every role may make temporary tables and types in this database'::text,
     format('revoke temporary on database %I from public'::text, current_database()) AS format
   WHERE has_database_privilege('public'::name, (current_database())::text, 'temporary'::text)
 UNION ALL
  SELECT 'every role may make objects in the schema public'::text,
     'revoke create on schema public from public'::text
   WHERE (EXISTS ( SELECT
            FROM pg_namespace n
           WHERE ((n.nspname = 'public'::name) AND has_schema_privilege('public'::name, n.oid, 'create'::text))))
 UNION ALL
  SELECT format('the function %s depends on its caller''s search_path'::text, (p.oid)::regprocedure) AS format,
     'posthorn-admin migrate'::text
    FROM pg_proc p
   WHERE ((p.pronamespace = ANY (ARRAY[('posthorn'::regnamespace)::oid, ('audit'::regnamespace)::oid])) AND ((p.prosqlbody IS NULL) OR p.prosecdef) AND (NOT COALESCE((p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'::text]), false)));
END;
CREATE FUNCTION posthorn.intake(known_v bigint, keys uuid[], positions integer[], offsets bigint[], accounts integer[], types text[], ids text[], sources text[], occurred timestamp with time zone[], digests bytea[], traceparents text[], order_keys bigint[], sealed boolean, bodies bytea[], extensions bytea[] DEFAULT NULL::bytea[], OUT v bigint, OUT changed integer[], OUT forget boolean, OUT period date, OUT again integer[], OUT again_period date[], OUT repeated integer[], OUT of_position integer[], OUT of_offset bigint[]) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.keep_as_recorded(recorded text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    execute format('revoke update, delete, truncate on posthorn.%I from %I', recorded, current_user);
end $$;
CREATE FUNCTION posthorn.kept_since(in_kind text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select coalesce(max(before), '-infinity') from posthorn.expired where kind in (in_kind, 'digest')
$$;
CREATE FUNCTION posthorn.lease(in_dispatcher integer, seconds integer, most integer) RETURNS TABLE(webhook_id integer, account_id integer, failing_since timestamp with time zone, gone integer)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.login_network(address text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select case when address !~ ':' then address
                when address::inet <<= '::ffff:0:0/96' then host('0.0.0.0'::inet + (address::inet - '::ffff:0:0'::inet))
                else network(set_masklen(address::inet, 64))::text end
$$;
CREATE FUNCTION posthorn.make_partition(parent text, first date, past_last date) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    child text := parent || '_' || to_char(first, 'YYYYMMDD');
begin
    if to_regclass('posthorn.' || child) is not null then
        return false;
    end if;
    -- Attached, not made as PARTITION OF: that would lock out every dispatcher while it waits for an auditor's long query.
    execute format('create table posthorn.%I (like posthorn.%I including all)', child, parent);
    if parent = 'event' then
        execute format('alter table posthorn.%I attach partition posthorn.%I for values from (%L) to (%L)', parent, child, first, past_last);
    else
        execute format('alter table posthorn.%I attach partition posthorn.%I for values from (%L) to (%L)', parent, child,
                       first::timestamp at time zone 'UTC', past_last::timestamp at time zone 'UTC');
    end if;
    perform posthorn.watch_partition(parent, child);
    return true;
end $$;
CREATE FUNCTION posthorn.make_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.match(accounts integer[], types text[]) RETURNS TABLE(i integer, webhook_id integer, enabled boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH wanted AS MATERIALIZED (
          SELECT d.account,
             d.type,
             (ARRAY['*'::text, d.type] || ARRAY( SELECT ("left"(d.type, k.k) || '*'::text)
                    FROM generate_series(2, (length(d.type) - 1)) k(k)
                   WHERE (substr(d.type, k.k, 1) = '.'::text))) AS patterns
            FROM ( SELECT DISTINCT u_1.account,
                     u_1.type
                    FROM UNNEST(match.accounts, match.types) u_1(account, type)) d
         ), found AS MATERIALIZED (
          SELECT d.account,
             d.type,
             w.id,
             (w.status = 'enabled'::text) AS enabled
            FROM (wanted d
              JOIN posthorn.webhook w ON (((w.account_id = d.account) AND (w.status <> 'deleted'::text))))
           WHERE (EXISTS ( SELECT
                    FROM posthorn.subscription s
                   WHERE ((s.webhook_id = w.id) AND (s.pattern = ANY (d.patterns)))))
         )
  SELECT (u.i)::integer AS i,
     f.id,
     f.enabled
    FROM (UNNEST(match.accounts, match.types) WITH ORDINALITY u(account, type, i)
      JOIN found f ON (((f.account = u.account) AND (f.type = u.type))));
END;
CREATE FUNCTION posthorn.move(in_dispatcher integer, seq bigint, positions integer[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[], last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records integer[], n_events integer[], n_repeated integer[], n_dead integer[], n_matched integer[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE TABLE posthorn.outbox (
    id bigint NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    account text NOT NULL,
    data text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);
CREATE FUNCTION posthorn.outbox_take(most integer) RETURNS SETOF posthorn.outbox
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    update posthorn.outbox o set lease_until = now() + interval '30 seconds'
    from (select id from posthorn.outbox where lease_until < now() order by id limit most for update skip locked) t
    where o.id = t.id returning o.*
$$;
CREATE FUNCTION posthorn.park(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[], due timestamp with time zone[], order_keys bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.period_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    child regclass;
begin
    if exists (select from posthorn.event) then
        raise exception 'event_period_days cannot change any more: there are events, and they would not be found by their periods';
    end if;
    for child in select inhrelid::regclass from pg_inherits where inhparent = 'posthorn.event'::regclass loop
        execute format('drop table %s', child);
    end loop;
    perform posthorn.make_partitions();
    return null;
end $$;
CREATE TABLE posthorn.setting (
    name text NOT NULL,
    value text NOT NULL,
    about text NOT NULL
);
CREATE FUNCTION posthorn.setting_int(wanted text) RETURNS integer
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (setting.value)::integer AS value
    FROM posthorn.setting
   WHERE (setting.name = setting_int.wanted);
END;
CREATE FUNCTION posthorn.period_of(at timestamp with time zone) RETURNS date
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ('2000-01-01'::date + (((((period_of.at AT TIME ZONE 'UTC'::text))::date - '2000-01-01'::date) / s.days) * s.days))
    FROM ( SELECT posthorn.setting_int('event_period_days'::text) AS days) s;
END;
CREATE TABLE posthorn."position" (
    id integer NOT NULL,
    source text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_epoch integer DEFAULT 1 NOT NULL,
    next_offset bigint,
    first_offset bigint,
    last_offset bigint,
    last_timestamp bigint,
    last_check bigint,
    owner uuid,
    dispatcher_id integer,
    claimed_at timestamp with time zone,
    stopped text
)
WITH (fillfactor='50');
CREATE FUNCTION posthorn.positions_lost(positions integer[], owners uuid[], offsets bigint[]) RETURNS SETOF integer
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT u.id
    FROM (UNNEST(positions_lost.positions, positions_lost.owners, positions_lost.offsets) u(id, owner, next)
      LEFT JOIN posthorn."position" p ON ((p.id = u.id)))
   WHERE ((p.owner IS DISTINCT FROM u.owner) OR (COALESCE(p.next_offset, ('-1'::integer)::bigint) < u.next));
END;
CREATE FUNCTION posthorn.queue_due(webhooks integer[], due timestamp with time zone[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into posthorn.queue as q (webhook_id, next_due)
    select webhook_id, min(d) from unnest(webhooks, due) as u (webhook_id, d) group by webhook_id order by webhook_id
    on conflict (webhook_id) do update set next_due = greatest(excluded.next_due, q.held_until)
    where q.next_due > greatest(excluded.next_due, q.held_until)
$$;
CREATE FUNCTION posthorn.record(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[] DEFAULT NULL::boolean[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with inserted as (
        insert into posthorn.attempt as a (started_at, "offset", position_id, webhook_id, version, duration_us, attempt, http_status, cause, outcome, error,
                                           response_body, sealed, dispatcher_id)
        select *, in_dispatcher
        from unnest(started, offsets, positions, webhooks, versions, durations, attempts, statuses, causes, outcomes, errors, bodies, record.sealed)
        returning a.position_id, posthorn.hash(a) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'attempt', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;
CREATE FUNCTION posthorn.record_carefully(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[] DEFAULT NULL::boolean[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    for i in 1 .. cardinality(offsets) loop
        begin
            perform posthorn.record(started[i:i], offsets[i:i], positions[i:i], webhooks[i:i], versions[i:i], durations[i:i], attempts[i:i], statuses[i:i],
                                    causes[i:i], outcomes[i:i], errors[i:i], bodies[i:i], in_dispatcher, sealed[i:i]);
        exception when data_exception or integrity_constraint_violation then
            perform posthorn.record(array[now()], offsets[i:i], positions[i:i], webhooks[i:i], versions[i:i], array[0], attempts[i:i], null, causes[i:i],
                                    outcomes[i:i], array['unstorable'::bytea], null, in_dispatcher);
        end;
    end loop;
end $$;
CREATE FUNCTION posthorn.record_change(object text, object_id text, action text, before jsonb, after jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if to_regclass('posthorn.change_' || to_char(now() at time zone 'UTC', 'YYYYMMDD')) is null then
        perform posthorn.make_partitions();
    end if;
    insert into posthorn.change (actor, address, program, object, object_id, action, before, after)
    values (coalesce(nullif(current_setting('posthorn.actor', true), ''), session_user),
            coalesce(nullif(current_setting('posthorn.address', true), '')::inet, inet_client_addr()),
            current_setting('application_name', true), object, object_id, action, before, after);
end $$;
CREATE FUNCTION posthorn.recorded(in_position integer, from_offset bigint) RETURNS TABLE("offset" bigint, webhook_id integer)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT a."offset",
     a.webhook_id
    FROM posthorn.attempt a
   WHERE ((a.position_id = recorded.in_position) AND (a."offset" >= recorded.from_offset) AND (a.cause = 'e'::"char") AND (a.outcome <> 'r'::"char"))
 UNION
  SELECT p."offset",
     p.webhook_id
    FROM posthorn.pending p
   WHERE ((p.position_id = recorded.in_position) AND (p."offset" >= recorded.from_offset) AND (p.cause = 'e'::"char"))
 UNION
  SELECT c."offset",
     c.webhook_id
    FROM posthorn.cancellation c
   WHERE ((c.position_id = recorded.in_position) AND (c."offset" >= recorded.from_offset) AND (c.cause = 'e'::"char"));
END;
CREATE FUNCTION posthorn.release(in_dispatcher integer, webhooks integer[], held timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.remember_act(object text, object_id text, action text, after jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select posthorn.record_change(object, object_id, action, null, after)
$$;
CREATE FUNCTION posthorn.remember_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.remember_subscriptions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.repeated(positions integer[], offsets bigint[], of_positions integer[], of_offsets bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with inserted as (
        insert into posthorn.repeat as r (position_id, "offset", of_position_id, of_offset)
        select * from unnest(positions, offsets, of_positions, of_offsets)
        returning r.position_id, posthorn.hash(r) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'repeat', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;
CREATE FUNCTION posthorn.response_bytes(kept bytea, sealed boolean) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN sealed THEN ('\x097365616c656409'::bytea || (encode(kept, 'hex'::text))::bytea) WHEN (substr(kept, 1, 8) = '\x097365616c656409'::bytea) THEN ('\xefbfbd'::bytea || kept) ELSE kept END;
CREATE FUNCTION posthorn.seal_chunks() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    n int;
begin
    lock table posthorn.seal in share row exclusive mode;
    insert into posthorn.seal (position_id, hour, first_offset, next_offset, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled)
    select c.position_id, c.hour, c.first_offset, c.next_offset, c.records, c.events, c.repeated, c.dead_lettered, c.matched, c.delivered, c.failed, c.cancelled
    from posthorn.chunk_count c
    where c.hour < date_trunc('hour', now() - interval '5 minutes', 'UTC') and c.pending = 0 and c.missing = 0
    on conflict do nothing;
    get diagnostics n = row_count;
    perform posthorn.seal_digests();
    return n;
end $$;
CREATE FUNCTION posthorn.seal_digests() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into posthorn.digest_seal (kind, hour)
    select o.kind, o.hour from posthorn.open_hour o
    where o.hour < date_trunc('hour', now() - interval '5 minutes', 'UTC')
      and (o.kind, o.hour) not in (select d.kind, d.hour from posthorn.differing() d)
    on conflict do nothing;
    delete from posthorn.digest_seal where hour < (select max(before) from posthorn.expired where kind = 'digest');
    with summed as (delete from posthorn.pending_digest returning *)
    insert into posthorn.pending_digest (position_id, row_count, hash_sum)
    select position_id, sum(row_count), sum(hash_sum) from summed group by 1 having sum(row_count) <> 0 or sum(hash_sum) <> 0;
end $$;
CREATE FUNCTION posthorn.second_factor_reset(in_user integer) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    update posthorn.api_user set totp_secret = null, totp_step = 0, second_factor_at = null where id = in_user;
    delete from posthorn.recovery_code where user_id = in_user;
    delete from posthorn.console_session where user_id = in_user;
    update posthorn.api_session set ended_at = now(), end_reason = 'the second factor was reset' where user_id = in_user and ended_at is null;
    delete from posthorn.api_login where subject = (select 'code:' || u.uuid from posthorn.api_user u where u.id = in_user);
$$;
CREATE FUNCTION posthorn.secure() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $_$
declare
    f record;
begin
    for f in
        select p.oid, p.prosrc from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and l.lanname = 'sql' and p.provolatile <> 'v' and not p.prosecdef
          and p.proconfig is null and p.prosqlbody is null
    loop
        execute split_part(pg_get_functiondef(f.oid), E'\nAS $', 1) || E'\nbegin atomic\n' || f.prosrc || E';\nend';
    end loop;
    for f in
        select p.oid::regprocedure as name, p.prosecdef, p.prorettype = 'trigger'::regtype as is_trigger, p.pronamespace = 'posthorn'::regnamespace as is_internal,
               p.prosqlbody is not null and not p.prosecdef or coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false) as is_bound,
               p.prosqlbody is null and strpos(p.prosrc, chr(92)) > 0           -- a backslash: the caller could change what a literal says
                   and not coalesce(p.proconfig @> array['standard_conforming_strings=on'], false) as has_loose_literal,
               has_function_privilege('public', p.oid, 'execute') as is_public
        from pg_proc p where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace)
    loop
        if not f.is_bound then
            execute format('alter function %s set search_path = pg_catalog, pg_temp', f.name);
        end if;
        if f.has_loose_literal then
            execute format('alter function %s set standard_conforming_strings = on', f.name);
        end if;
        if f.is_public and f.is_internal then
            execute format('revoke execute on function %s from public', f.name);
            if not f.prosecdef and not f.is_trigger then
                execute format('grant execute on function %s to posthorn_dispatcher, posthorn_api, posthorn_audit', f.name);
            end if;
        end if;
    end loop;
    begin
        if has_database_privilege('public', current_database(), 'temporary') then
            execute format('revoke temporary on database %I from public', current_database());
        end if;
    exception when insufficient_privilege then null;
    end;
    begin
        if exists (select from pg_namespace n where n.nspname = 'public' and has_schema_privilege('public', n.oid, 'create')) then
            revoke create on schema public from public;
        end if;
    exception when insufficient_privilege then null;
    end;
end $_$;
CREATE FUNCTION posthorn.settle(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.shown_time(at timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN isfinite(at) THEN to_char((at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text)
             ELSE NULL::text
         END AS "case";
END;
CREATE FUNCTION posthorn.start_at(in_position integer, in_owner uuid, start bigint) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    with started as (update posthorn.position set next_offset = start
                     where id = in_position and owner = in_owner and next_offset is null returning 1)
    select exists (select from started)
$$;
CREATE FUNCTION posthorn.take_over(keys uuid[], positions integer[], offsets bigint[], periods date[], sealed boolean, bodies bytea[], extensions bytea[] DEFAULT NULL::bytea[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.tick(account_ids integer[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    tick bigint;
begin
    if account_ids is null then
        return;
    end if;
    update posthorn.subscription_clock set v = v + 1 returning v into tick;
    insert into posthorn.subscription_change (v, account_id) select distinct tick, id from unnest(account_ids) as id;
end $$;
CREATE FUNCTION posthorn.tick_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        perform posthorn.tick((select array_agg(id) from new_rows));
    else
        perform posthorn.tick((select array_agg(id) from old_rows));
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.tick_owned() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        perform posthorn.tick((select array_agg(distinct account_id) from new_rows));
    else
        perform posthorn.tick((select array_agg(distinct account_id) from old_rows));
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.tick_subscription() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        perform posthorn.tick((select array_agg(distinct w.account_id) from new_rows join posthorn.webhook w on w.id = webhook_id));
    else
        perform posthorn.tick((select array_agg(distinct w.account_id) from old_rows join posthorn.webhook w on w.id = webhook_id));
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.unseal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'TRUNCATE' then
        delete from posthorn.seal;
    else
        delete from posthorn.seal s using (select distinct position_id, "offset" from old_rows) o
        where s.position_id = o.position_id and o."offset" >= s.first_offset and o."offset" < s.next_offset;
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.unseal_digest() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    lock table posthorn.seal in row exclusive mode;     -- in turn with posthorn.seal_chunks()
    if tg_op = 'TRUNCATE' then
        delete from posthorn.digest_seal where tg_argv[0] in (kind, 'digest');
    elsif tg_argv[0] = 'digest' then
        delete from posthorn.digest_seal s using (select distinct kind, date_trunc('hour', recorded_at, 'UTC') as hour from old_rows) o
        where (s.kind, s.hour) = (o.kind, o.hour);
    elsif tg_argv[0] = 'event' then
        delete from posthorn.digest_seal s using (select distinct date_trunc('hour', received_at, 'UTC') as hour from old_rows) o
        where s.kind = 'event' and s.hour = o.hour;
    else
        delete from posthorn.digest_seal s using (select distinct date_trunc('hour', recorded_at, 'UTC') as hour from old_rows) o
        where s.kind = tg_argv[0] and s.hour = o.hour;
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.unseal_ledger() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from posthorn.seal s using old_rows o
    where s.position_id = o.position_id and s.first_offset < o.next_offset and o.first_offset < s.next_offset;
    return null;
end $$;
CREATE TABLE posthorn.seal (
    position_id integer NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    records bigint NOT NULL,
    events bigint NOT NULL,
    repeated bigint NOT NULL,
    dead_lettered bigint NOT NULL,
    matched bigint NOT NULL,
    delivered bigint NOT NULL,
    failed bigint NOT NULL,
    cancelled bigint NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE FUNCTION posthorn.unsealed_before(instant timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (EXISTS ( SELECT
            FROM posthorn.ledger l
           WHERE ((l.recorded_at < unsealed_before.instant) AND (NOT (EXISTS ( SELECT
                    FROM posthorn.seal s
                   WHERE ((s.position_id = l.position_id) AND (s.first_offset <= l.first_offset) AND (l.first_offset < s.next_offset)))))))) AS "exists";
END;
CREATE FUNCTION posthorn.url_shown(url text) RETURNS text
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT regexp_replace(regexp_replace(regexp_replace(url, '#.*$'::text, ''::text), '^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@'::text, '\1'::text), '([?&])([^=&]*=)?[^&]*'::text, '\1\2…'::text, 'g'::text) AS regexp_replace;
END;
CREATE FUNCTION posthorn.watch_digest(parent text, child text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    execute format('create trigger unseal_digest_update after update on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.unseal_digest(%L)', child, parent);
    execute format('create trigger unseal_digest_delete after delete on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.unseal_digest(%L)', child, parent);
    execute format('create trigger unseal_digest_truncate after truncate on posthorn.%I
                    for each statement execute function posthorn.unseal_digest(%L)', child, parent);
end $$;
CREATE FUNCTION posthorn.watch_partition(parent text, child text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.webhook_deliveries(in_webhook integer, lo timestamp with time zone, hi timestamp with time zone, c_at timestamp with time zone, c_position integer, c_offset bigint, in_state text, in_type text, most integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    counted timestamptz := (select counted_to from posthorn.activity_clock);
    patient_until timestamptz := clock_timestamp() + interval '1 second';
    waits_position int[];
    waits_offset bigint[];
    waits_since timestamptz[];
    page jsonb[] := '{}';
    last_looked_at text;
    next_cursor text;
    upto timestamptz := least(hi, c_at + interval '1 microsecond');
    past timestamptz;
    at_minute timestamptz;
    touched record;
    found_one record;
begin
    select array_agg(position_id), array_agg("offset"), array_agg(created_at) into waits_position, waits_offset, waits_since
    from (select * from posthorn.pending where webhook_id = in_webhook order by next_attempt_at limit 10000) p;
    <<minutes>>
    for at_minute in
        select m from (
            select a.minute as m from posthorn.activity a where a.webhook_id = in_webhook and a.minute > lo - interval '1 minute' and a.minute < upto
            union
            select date_trunc('minute', s, 'UTC') from unnest(waits_since) as s where s >= lo and s < upto
            union
            select date_trunc('minute', c.recorded_at, 'UTC') from (
                select recorded_at from posthorn.cancellation where webhook_id = in_webhook and recorded_at >= lo and recorded_at < upto
                order by recorded_at desc limit 10000) c
            union
            select g from generate_series(date_trunc('minute', greatest(counted, lo, now() - interval '2 hours'), 'UTC'), now(), interval '1 minute') as g
            where g < upto) x
        order by m desc
    loop
        past := least(at_minute + interval '1 minute', upto);
        for touched in
            select x.position_id, x."offset", max(x.at) as at from (
                select t.position_id, t."offset", t.recorded_at as at from posthorn.attempt t
                where t.webhook_id = in_webhook and t.recorded_at >= greatest(at_minute, lo) and t.recorded_at < past
                union all
                select c.position_id, c."offset", c.recorded_at from posthorn.cancellation c
                where c.webhook_id = in_webhook and c.recorded_at >= greatest(at_minute, lo) and c.recorded_at < past
                union all
                select * from unnest(waits_position, waits_offset, waits_since) as w (p, o, s) where w.s >= greatest(at_minute, lo) and w.s < past) x
            group by 1, 2
            having c_at is null or (max(x.at), x.position_id, x."offset") < (c_at, c_position, c_offset)
            order by 3 desc, 1 desc, 2 desc
        loop
            select d.* into found_one from posthorn.webhook_delivery(in_webhook, touched.position_id, touched."offset", hi) d;
            if found_one.last_at = touched.at and (in_state is null or found_one.state = in_state) and (in_type is null or found_one.event_type = in_type) then
                if cardinality(page) = most then
                    next_cursor := last_looked_at;      -- one more than fits: another page comes after the last of this one
                    exit minutes;
                end if;
                page := array_append(page, found_one.shown);
            end if;
            last_looked_at := posthorn.shown_time(touched.at) || '/' || touched.position_id || '/' || touched."offset";
            if clock_timestamp() > patient_until then
                next_cursor := last_looked_at;
                exit minutes;
            end if;
        end loop;
        if clock_timestamp() > patient_until then
            next_cursor := posthorn.shown_time(at_minute) || '/0/0';
            exit;
        end if;
    end loop;
    return jsonb_build_object('deliveries', to_jsonb(page), 'next_cursor', next_cursor);
end $$;
CREATE FUNCTION posthorn.webhook_delivery(in_webhook integer, in_position integer, in_offset bigint, hi timestamp with time zone) RETURNS TABLE(event_id text, event_type text, state text, last_at timestamp with time zone, shown jsonb)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT e.event_id,
     e.event_type,
     d.state,
     d.last_at,
     jsonb_build_object('event_id', e.event_id, 'event_type', e.event_type, 'test', d.test, 'state', d.state, 'attempts', d.attempts, 'first_attempt_at', posthorn.shown_time(d.first_attempt_at), 'last_attempt_at', posthorn.shown_time(d.last_attempt_at), 'delivered_at', posthorn.shown_time(d.delivered_at), 'next_attempt_at', posthorn.shown_time(d.next_attempt_at), 'last_http_status', d.last_http_status, 'last_error', d.last_error) AS jsonb_build_object
    FROM (posthorn.event e
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN bool_or((x.rank = 4)) THEN 'delivered'::text
                     WHEN bool_or((x.rank = 1)) THEN 'pending'::text
                     WHEN bool_or((x.rank = 3)) THEN 'failed'::text
                     WHEN bool_or((x.rank = 2)) THEN 'cancelled'::text
                     ELSE 'pending'::text
                 END AS state,
             bool_or((x.cause = 't'::"char")) AS test,
             count(x.started_at) AS attempts,
             min(x.started_at) AS first_attempt_at,
             max(x.started_at) AS last_attempt_at,
             min(x.ended_at) FILTER (WHERE (x.rank = 4)) AS delivered_at,
             min(x.next_attempt_at) AS next_attempt_at,
             max(x.at) FILTER (WHERE (x.at < webhook_delivery.hi)) AS last_at,
             count(*) AS n,
             (array_agg(x.http_status ORDER BY x.started_at DESC) FILTER (WHERE (x.started_at IS NOT NULL)))[1] AS last_http_status,
             audit.show((array_agg(x.error ORDER BY x.at DESC, x.started_at DESC) FILTER (WHERE (x.rank <> 1)))[1]) AS last_error
            FROM ( SELECT t.cause,
                         CASE t.outcome
                             WHEN 'd'::"char" THEN 4
                             WHEN 'g'::"char" THEN 3
                             ELSE 0
                         END AS rank,
                     t.recorded_at AS at,
                     t.started_at,
                     (t.started_at + make_interval(secs => (((t.duration_us)::numeric / '1000000'::numeric))::double precision)) AS ended_at,
                     NULL::timestamp with time zone AS next_attempt_at,
                     t.http_status,
                     posthorn.response_bytes(t.error, t.sealed) AS error
                    FROM posthorn.attempt t
                   WHERE ((t.position_id = webhook_delivery.in_position) AND (t."offset" = webhook_delivery.in_offset) AND (t.webhook_id = webhook_delivery.in_webhook) AND (t.recorded_at >= e.received_at))
                 UNION ALL
                  SELECT n.cause,
                     1,
                     n.created_at,
                     NULL::timestamp with time zone,
                     NULL::timestamp with time zone,
                     n.next_attempt_at,
                     NULL::smallint,
                     NULL::bytea
                    FROM posthorn.pending n
                   WHERE ((n.position_id = webhook_delivery.in_position) AND (n."offset" = webhook_delivery.in_offset) AND (n.webhook_id = webhook_delivery.in_webhook))
                 UNION ALL
                  SELECT c.cause,
                     2,
                     c.recorded_at,
                     NULL::timestamp with time zone,
                     NULL::timestamp with time zone,
                     NULL::timestamp with time zone,
                     NULL::smallint,
                     convert_to(c.reason, 'UTF8'::name) AS convert_to
                    FROM posthorn.cancellation c
                   WHERE ((c.position_id = webhook_delivery.in_position) AND (c."offset" = webhook_delivery.in_offset) AND (c.webhook_id = webhook_delivery.in_webhook))) x) d)
   WHERE ((e.position_id = webhook_delivery.in_position) AND (e."offset" = webhook_delivery.in_offset) AND (d.n > 0));
END;
CREATE TABLE posthorn.activity_last (
    webhook_id integer NOT NULL,
    last_success_at timestamp with time zone,
    last_failure_at timestamp with time zone,
    last_error bytea,
    last_status smallint
)
WITH (fillfactor='50');
CREATE TABLE posthorn.activity_quarter (
    webhook_id integer NOT NULL,
    quarter timestamp with time zone NOT NULL,
    delivered integer NOT NULL,
    failed integer NOT NULL
)
WITH (fillfactor='80');
CREATE TABLE posthorn.queue (
    webhook_id integer NOT NULL,
    next_due timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL,
    held_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    lease integer,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    failing_since timestamp with time zone,
    gone integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
CREATE FUNCTION posthorn.webhooks_health(in_webhooks integer[]) RETURNS TABLE(webhook_id integer, health jsonb)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH day AS (
          SELECT q_1.webhook_id,
             sum(q_1.delivered) AS delivered,
             sum(q_1.failed) AS failed
            FROM posthorn.activity_quarter q_1
           WHERE ((q_1.webhook_id = ANY (webhooks_health.in_webhooks)) AND (q_1.quarter >= date_bin('00:15:00'::interval, (now() - '24:00:00'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)))
           GROUP BY q_1.webhook_id
         )
  SELECT w.id,
     jsonb_build_object('state',
         CASE
             WHEN (w.status <> 'enabled'::text) THEN 'disabled'::text
             WHEN ((q.failing_since IS NOT NULL) OR (l.last_failure_at > COALESCE(l.last_success_at, '-infinity'::timestamp with time zone))) THEN 'failing'::text
             WHEN (l.last_success_at > (now() - '24:00:00'::interval)) THEN 'ok'::text
             ELSE 'idle'::text
         END, 'last_success_at', posthorn.shown_time(l.last_success_at), 'last_failure_at', posthorn.shown_time(l.last_failure_at), 'last_error', COALESCE(audit.show(l.last_error), ('HTTP '::text || l.last_status)), 'failing_since', posthorn.shown_time(q.failing_since), 'next_attempt_at', posthorn.shown_time(( SELECT GREATEST(p.next_attempt_at, q.held_until) AS "greatest"
            FROM posthorn.pending p
           WHERE (p.webhook_id = w.id)
           ORDER BY p.next_attempt_at
          LIMIT 1)), 'pending', ( SELECT count(*) AS count
            FROM ( SELECT
                    FROM posthorn.pending p_1
                   WHERE (p_1.webhook_id = w.id)
                  LIMIT 1000) p), 'successes_24h', COALESCE(d.delivered, (0)::bigint), 'failures_24h', COALESCE(d.failed, (0)::bigint)) AS jsonb_build_object
    FROM (((posthorn.webhook w
      LEFT JOIN posthorn.queue q ON ((q.webhook_id = w.id)))
      LEFT JOIN posthorn.activity_last l ON ((l.webhook_id = w.id)))
      LEFT JOIN day d ON ((d.webhook_id = w.id)))
   WHERE (w.id = ANY (webhooks_health.in_webhooks));
END;
CREATE FUNCTION posthorn.webhook_health(in_webhook integer) RETURNS jsonb
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT h.health
    FROM posthorn.webhooks_health(ARRAY[webhook_health.in_webhook]) h(webhook_id, health);
END;
CREATE FUNCTION posthorn.webhook_remember() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into posthorn.webhook_version (webhook_id, version, url)
        values (new.id, new.version, posthorn.url_shown(new.url)) on conflict do nothing;
    return null;
end $$;
CREATE TABLE posthorn.activity (
    webhook_id integer NOT NULL,
    minute timestamp with time zone NOT NULL,
    bucket smallint NOT NULL,
    delivered integer NOT NULL,
    failed integer NOT NULL,
    total_us bigint NOT NULL,
    max_us integer NOT NULL
)
WITH (fillfactor='80');
CREATE FUNCTION posthorn.webhook_statistics(in_webhook integer, in_from timestamp with time zone, in_to timestamp with time zone, wanted integer) RETURNS jsonb
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH span AS (
          SELECT date_trunc('minute'::text, webhook_statistics.in_from, 'UTC'::text) AS first,
             webhook_statistics.in_to AS past,
             (GREATEST((60)::numeric, ((60)::numeric * ceil(((EXTRACT(epoch FROM (webhook_statistics.in_to - webhook_statistics.in_from)) / (60)::numeric) / (webhook_statistics.wanted)::numeric)))))::bigint AS seconds
         ), part AS (
          SELECT (floor((EXTRACT(epoch FROM (a.minute - s_1.first)) / (s_1.seconds)::numeric)))::integer AS i,
             a.bucket,
             sum(a.delivered) AS delivered,
             sum(a.failed) AS failed,
             sum(a.total_us) AS us,
             max(a.max_us) AS max_us
            FROM (span s_1
              JOIN posthorn.activity a ON (((a.webhook_id = webhook_statistics.in_webhook) AND (a.minute >= s_1.first) AND (a.minute < s_1.past))))
           GROUP BY ((floor((EXTRACT(epoch FROM (a.minute - s_1.first)) / (s_1.seconds)::numeric)))::integer), a.bucket
         ), ranked AS (
          SELECT part.i,
             part.bucket,
             part.delivered,
             part.failed,
             part.us,
             part.max_us,
             sum((part.delivered + part.failed)) OVER (PARTITION BY part.i ORDER BY part.bucket) AS reached,
             sum((part.delivered + part.failed)) OVER (PARTITION BY part.i) AS total
            FROM part
         ), slot AS (
          SELECT ranked.i,
             sum(ranked.delivered) AS delivered,
             sum(ranked.failed) AS failed,
             max(ranked.max_us) AS max_us,
             min((ranked.us / ((ranked.delivered + ranked.failed))::numeric)) FILTER (WHERE (ranked.reached >= (ranked.total * 0.5))) AS p50,
             min((ranked.us / ((ranked.delivered + ranked.failed))::numeric)) FILTER (WHERE (ranked.reached >= (ranked.total * 0.95))) AS p95
            FROM ranked
           GROUP BY ranked.i
         )
  SELECT jsonb_build_object('from', posthorn.shown_time(s.first), 'to', posthorn.shown_time(s.past), 'bucket_seconds', s.seconds, 'buckets', ( SELECT COALESCE(jsonb_agg(jsonb_build_object('at', posthorn.shown_time((s.first + make_interval(secs => ((g.i * s.seconds))::double precision))), 'delivered', COALESCE(x.delivered, (0)::numeric), 'failed', COALESCE(x.failed, (0)::numeric), 'p50_ms', round((x.p50 / (1000)::numeric), 1), 'p95_ms', round((x.p95 / (1000)::numeric), 1), 'max_ms', round(((x.max_us)::numeric / 1000.0), 1)) ORDER BY g.i), '[]'::jsonb) AS "coalesce"
            FROM (generate_series(0, ((ceil((EXTRACT(epoch FROM (s.past - s.first)) / (s.seconds)::numeric)))::integer - 1)) g(i)
              LEFT JOIN slot x ON ((x.i = g.i))))) AS jsonb_build_object
    FROM span s;
END;
CREATE FUNCTION posthorn.webhook_turned() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update posthorn.queue set held_until = '-infinity', next_due = now() where webhook_id = new.id and next_due > now();
    if new.status = 'enabled' then
        update posthorn.queue set failing_since = null, gone = 0 where webhook_id = new.id;
    end if;
    return null;
end $$;
CREATE FUNCTION posthorn.webhook_versioned() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION posthorn.within_bounds() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
            raise exception 'the webhooks and event patterns of the account % would take % bytes, and may take %',
                (select a.key from posthorn.account a where a.id = one), bytes, posthorn.account_bytes_max()
                using errcode = 'PH004', hint = 'Remove webhooks or patterns; a pattern such as ach.* takes the place of many.';
        end if;
    end loop;
    return null;
end $$;
CREATE TABLE posthorn.account (
    id integer NOT NULL,
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    key text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    dialect text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    data_key bytea,
    signature_key bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    store_response text DEFAULT 'plain'::text NOT NULL,
    CONSTRAINT account_dialect_check CHECK ((dialect = ANY (ARRAY['penny'::text, 'merchant'::text, 'payconex'::text, 'devengo'::text]))),
    CONSTRAINT account_key_check CHECK ((key ~ '^[\x21-\x7e]{1,255}$'::text)),
    CONSTRAINT account_status_check CHECK ((status = ANY (ARRAY['active'::text, 'closed'::text]))),
    CONSTRAINT account_store_response_check CHECK ((store_response = ANY (ARRAY['plain'::text, 'sealed'::text, 'none'::text])))
);
CREATE TABLE posthorn.dispatcher (
    id integer NOT NULL,
    name text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    flush_seq bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE posthorn.webhook_version (
    webhook_id integer NOT NULL,
    version integer NOT NULL,
    url text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE VIEW posthorn.attempt_shown AS
 SELECT e.event_id,
    e.event_type,
    a.key AS account,
    w.public_id AS webhook_id,
    v.url,
    (t.attempt)::integer AS attempt,
        CASE t.cause
            WHEN 'e'::"char" THEN 'event'::text
            WHEN 'r'::"char" THEN 'replay'::text
            WHEN 'd'::"char" THEN 'redeliver'::text
            ELSE 'test'::text
        END AS cause,
    t.started_at,
    round(((t.duration_us)::numeric / 1000.0), 3) AS duration_ms,
        CASE t.outcome
            WHEN 'd'::"char" THEN 'delivered'::text
            WHEN 'r'::"char" THEN 'retry'::text
            ELSE 'gave_up'::text
        END AS outcome,
    (t.http_status)::integer AS http_status,
    audit.show(posthorn.response_bytes(t.error, t.sealed)) AS error,
    audit.show(posthorn.response_bytes(t.response_body, t.sealed)) AS response_body,
    d.name AS dispatcher,
    t.recorded_at,
    COALESCE(t.sealed, false) AS response_sealed
   FROM (((((posthorn.attempt t
     LEFT JOIN posthorn.event e ON (((e.position_id = t.position_id) AND (e."offset" = t."offset"))))
     JOIN posthorn.webhook w ON ((w.id = t.webhook_id)))
     JOIN posthorn.account a ON ((a.id = w.account_id)))
     LEFT JOIN posthorn.webhook_version v ON (((v.webhook_id = t.webhook_id) AND (v.version = t.version))))
     LEFT JOIN posthorn.dispatcher d ON ((d.id = t.dispatcher_id)));
CREATE VIEW audit.attempts AS
 SELECT attempt_shown.event_id,
    attempt_shown.event_type,
    attempt_shown.account,
    attempt_shown.webhook_id,
    attempt_shown.url,
    attempt_shown.attempt,
    attempt_shown.cause,
    attempt_shown.started_at,
    attempt_shown.duration_ms,
    attempt_shown.outcome,
    attempt_shown.http_status,
        CASE
            WHEN (NOT attempt_shown.response_sealed) THEN attempt_shown.error
            ELSE NULL::text
        END AS error,
        CASE
            WHEN (NOT attempt_shown.response_sealed) THEN attempt_shown.response_body
            ELSE NULL::text
        END AS response_body,
    attempt_shown.dispatcher,
    attempt_shown.recorded_at,
    attempt_shown.response_sealed
   FROM posthorn.attempt_shown;
CREATE TABLE posthorn.change (
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    address inet,
    program text,
    object text NOT NULL,
    object_id text NOT NULL,
    action text NOT NULL,
    before jsonb,
    after jsonb
)
PARTITION BY RANGE (changed_at);
CREATE VIEW audit.changes AS
 SELECT change.changed_at,
    change.actor,
    change.address,
    change.program,
    change.object,
    change.object_id,
    change.action,
    change.before,
    change.after
   FROM posthorn.change;
CREATE VIEW audit.dead_letters AS
 SELECT s.topic,
    s.partition,
    d."offset",
    d.reason,
    d.recorded_at AS received_at,
    encode(d.record_sha256, 'hex'::text) AS record_sha256,
    d.detail,
    d.copied,
    d.replayed_at,
    d.erased_at
   FROM (posthorn.dead_letter d
     JOIN posthorn."position" s ON ((s.id = d.position_id)));
CREATE VIEW posthorn.delivery_shown AS
 SELECT e.event_id,
    e.event_type,
    a.key AS account,
    w.public_id AS webhook_id,
    p.state,
    p.attempts,
    p.first_attempt_at,
    p.delivered_at,
    p.next_attempt_at,
    p.last_http_status,
    p.last_error,
    e.received_at,
    e.period,
    p.response_sealed
   FROM (((posthorn.event e
     CROSS JOIN LATERAL ( SELECT x.webhook_id,
                CASE
                    WHEN bool_or((x.rank = 4)) THEN 'delivered'::text
                    WHEN bool_or((x.rank = 1)) THEN 'pending'::text
                    WHEN bool_or((x.rank = 3)) THEN 'failed'::text
                    WHEN bool_or((x.rank = 2)) THEN 'cancelled'::text
                    ELSE 'pending'::text
                END AS state,
            (count(x.started_at))::integer AS attempts,
            min(x.started_at) AS first_attempt_at,
            min(x.ended_at) FILTER (WHERE (x.rank = 4)) AS delivered_at,
            min(x.next_attempt_at) AS next_attempt_at,
            ((array_agg(x.http_status ORDER BY x.started_at DESC) FILTER (WHERE (x.started_at IS NOT NULL)))[1])::integer AS last_http_status,
            audit.show((array_agg(x.error ORDER BY x.started_at DESC) FILTER (WHERE (x.started_at IS NOT NULL)))[1]) AS last_error,
            COALESCE((array_agg(x.sealed ORDER BY x.started_at DESC) FILTER (WHERE (x.started_at IS NOT NULL)))[1], false) AS response_sealed
           FROM ( SELECT t.webhook_id,
                        CASE t.outcome
                            WHEN 'd'::"char" THEN 4
                            WHEN 'g'::"char" THEN 3
                            ELSE 0
                        END AS rank,
                    t.started_at,
                    (t.started_at + make_interval(secs => (((t.duration_us)::numeric / '1000000'::numeric))::double precision)) AS ended_at,
                    NULL::timestamp with time zone AS next_attempt_at,
                    t.http_status,
                    posthorn.response_bytes(t.error, t.sealed) AS error,
                    t.sealed
                   FROM posthorn.attempt t
                  WHERE ((t.position_id = e.position_id) AND (t."offset" = e."offset") AND (t.cause <> 't'::"char"))
                UNION ALL
                 SELECT n.webhook_id,
                    1,
                    NULL::timestamp with time zone,
                    NULL::timestamp with time zone,
                    n.next_attempt_at,
                    NULL::smallint,
                    NULL::bytea,
                    NULL::boolean
                   FROM posthorn.pending n
                  WHERE ((n.position_id = e.position_id) AND (n."offset" = e."offset"))
                UNION ALL
                 SELECT c.webhook_id,
                    2,
                    NULL::timestamp with time zone,
                    NULL::timestamp with time zone,
                    NULL::timestamp with time zone,
                    NULL::smallint,
                    convert_to(c.reason, 'UTF8'::name) AS convert_to,
                    NULL::boolean
                   FROM posthorn.cancellation c
                  WHERE ((c.position_id = e.position_id) AND (c."offset" = e."offset"))) x
          GROUP BY x.webhook_id) p)
     JOIN posthorn.webhook w ON ((w.id = p.webhook_id)))
     JOIN posthorn.account a ON ((a.id = e.account_id)));
CREATE VIEW audit.deliveries AS
 SELECT delivery_shown.event_id,
    delivery_shown.event_type,
    delivery_shown.account,
    delivery_shown.webhook_id,
    delivery_shown.state,
    delivery_shown.attempts,
    delivery_shown.first_attempt_at,
    delivery_shown.delivered_at,
    delivery_shown.next_attempt_at,
    delivery_shown.last_http_status,
        CASE
            WHEN (NOT delivery_shown.response_sealed) THEN delivery_shown.last_error
            ELSE NULL::text
        END AS last_error,
    delivery_shown.received_at,
    delivery_shown.period,
    delivery_shown.response_sealed
   FROM posthorn.delivery_shown;
CREATE VIEW audit.events AS
 SELECT e.event_id,
    e.event_type,
    a.key AS account,
    e.occurred_at,
    e.received_at,
    s.topic,
    s.partition,
    e."offset",
        CASE
            WHEN (NOT l.sealed) THEN audit.published(l.body)
            ELSE NULL::text
        END AS payload,
    encode(e.payload_sha256, 'hex'::text) AS payload_sha256,
    s.source,
    s.log_epoch,
    e.period
   FROM (((posthorn.event e
     JOIN posthorn.account a ON ((a.id = e.account_id)))
     JOIN posthorn."position" s ON ((s.id = e.position_id)))
     LEFT JOIN posthorn.payload l ON (((l.position_id = e.position_id) AND (l."offset" = e."offset") AND (l.recorded_at = e.received_at))));
CREATE VIEW posthorn.sealed_to AS
 SELECT p.id AS position_id,
    p.topic,
    p.partition,
        CASE
            WHEN (EXISTS ( SELECT
               FROM posthorn.seal s
              WHERE ((s.position_id = p.id) AND (s.first_offset = p.first_offset)))) THEN ( SELECT min(s.next_offset) AS min
               FROM posthorn.seal s
              WHERE ((s.position_id = p.id) AND (NOT (EXISTS ( SELECT
                       FROM posthorn.seal n
                      WHERE ((n.position_id = s.position_id) AND (n.first_offset = s.next_offset)))))))
            ELSE p.first_offset
        END AS "offset"
   FROM posthorn."position" p
  WHERE (p.first_offset IS NOT NULL);
CREATE VIEW posthorn.chunk AS
 WITH open AS (
         SELECT l.recorded_at,
            l.position_id,
            l.first_offset,
            l.next_offset,
            l.records,
            l.gaps,
            l.events,
            l.repeated,
            l.dead_lettered,
            l.matched,
            l.dispatcher_id,
            date_trunc('hour'::text, l.recorded_at, 'UTC'::text) AS hour
           FROM (posthorn.sealed_to t
             JOIN posthorn.ledger l ON (((l.position_id = t.position_id) AND (l.first_offset >= t."offset"))))
          WHERE (NOT (EXISTS ( SELECT
                   FROM posthorn.seal s
                  WHERE ((s.position_id = l.position_id) AND (s.first_offset <= l.first_offset) AND (l.first_offset < s.next_offset)))))
        ), runs AS (
         SELECT o.recorded_at,
            o.position_id,
            o.first_offset,
            o.next_offset,
            o.records,
            o.gaps,
            o.events,
            o.repeated,
            o.dead_lettered,
            o.matched,
            o.dispatcher_id,
            o.hour,
            o.is_new,
            sum(o.is_new) OVER (PARTITION BY o.position_id ORDER BY o.first_offset, o.next_offset) AS run
           FROM ( SELECT p.recorded_at,
                    p.position_id,
                    p.first_offset,
                    p.next_offset,
                    p.records,
                    p.gaps,
                    p.events,
                    p.repeated,
                    p.dead_lettered,
                    p.matched,
                    p.dispatcher_id,
                    p.hour,
                    (((p.hour IS DISTINCT FROM lag(p.hour) OVER w) OR (p.first_offset > lag(p.next_offset) OVER w)))::integer AS is_new
                   FROM open p
                  WINDOW w AS (PARTITION BY p.position_id ORDER BY p.first_offset, p.next_offset)) o
        )
 SELECT runs.position_id,
    runs.hour,
    min(runs.first_offset) AS first_offset,
    max(runs.next_offset) AS next_offset,
    sum(runs.records) AS records,
    sum(runs.events) AS events,
    sum(runs.repeated) AS repeated,
    sum(runs.dead_lettered) AS dead_lettered,
    sum(runs.matched) AS matched
   FROM runs
  GROUP BY runs.position_id, runs.run, runs.hour;
CREATE VIEW posthorn.chunk_count AS
 SELECT k.position_id,
    k.hour,
    k.first_offset,
    k.next_offset,
    k.records,
    k.matched,
    c.events,
    c.repeated,
    c.dead_lettered,
    c.delivered,
    c.pending,
    c.failed,
    c.cancelled,
    c.missing
   FROM (posthorn.chunk k
     CROSS JOIN LATERAL posthorn.count_chunk(k.position_id, k.first_offset, k.next_offset, k.records, k.events, k.repeated, k.dead_lettered, k.matched) c(events, repeated, dead_lettered, delivered, pending, failed, cancelled, missing));
CREATE VIEW posthorn.hole AS
 SELECT h.position_id,
    h.hour,
    h.first_offset,
    h.next_offset
   FROM ( SELECT g.position_id,
            g.hour,
            COALESCE(lag(g.next_offset) OVER w, t."offset") AS first_offset,
            g.first_offset AS next_offset
           FROM (( SELECT l.position_id,
                    date_trunc('hour'::text, l.recorded_at, 'UTC'::text) AS hour,
                    l.first_offset,
                    l.next_offset
                   FROM (posthorn.sealed_to b
                     JOIN posthorn.ledger l ON (((l.position_id = b.position_id) AND (l.first_offset >= b."offset"))))
                  WHERE (NOT (EXISTS ( SELECT
                           FROM posthorn.seal s
                          WHERE ((s.position_id = l.position_id) AND (s.first_offset <= l.first_offset) AND (l.first_offset < s.next_offset)))))
                UNION ALL
                 SELECT s.position_id,
                    s.hour,
                    s.first_offset,
                    s.next_offset
                   FROM (posthorn.sealed_to b
                     JOIN posthorn.seal s ON (((s.position_id = b.position_id) AND (s.first_offset >= b."offset"))))
                UNION ALL
                 SELECT p.id,
                    date_trunc('hour'::text, COALESCE(p.claimed_at, now()), 'UTC'::text) AS date_trunc,
                    p.next_offset,
                    p.next_offset
                   FROM posthorn."position" p
                  WHERE (p.first_offset IS NOT NULL)) g
             JOIN posthorn.sealed_to t ON ((t.position_id = g.position_id)))
          WINDOW w AS (PARTITION BY g.position_id ORDER BY g.first_offset, g.next_offset)) h
  WHERE (h.first_offset <> h.next_offset);
CREATE VIEW audit.reconciliation AS
 SELECT p.topic,
    p.partition,
    c.first_offset,
    (c.next_offset - 1) AS last_offset,
    c.records,
    c.events,
    c.repeated,
    c.dead_lettered,
    c.matched,
    c.delivered,
    c.pending,
    c.failed,
    c.cancelled,
    c.missing,
    p.source,
    p.log_epoch,
    c.hour,
    c.sealed,
    c.what
   FROM (( SELECT seal.position_id,
            seal.hour,
            seal.first_offset,
            seal.next_offset,
            seal.records,
            seal.events,
            seal.repeated,
            seal.dead_lettered,
            seal.matched,
            seal.delivered,
            (0)::bigint AS pending,
            seal.failed,
            seal.cancelled,
            (0)::bigint AS missing,
            true AS sealed,
            NULL::text AS what
           FROM posthorn.seal
        UNION ALL
         SELECT chunk_count.position_id,
            chunk_count.hour,
            chunk_count.first_offset,
            chunk_count.next_offset,
            chunk_count.records,
            chunk_count.events,
            chunk_count.repeated,
            chunk_count.dead_lettered,
            chunk_count.matched,
            chunk_count.delivered,
            chunk_count.pending,
            chunk_count.failed,
            chunk_count.cancelled,
            chunk_count.missing,
            false,
                CASE
                    WHEN (chunk_count.missing <> 0) THEN 'the rows are not as many as the ledger says'::text
                    ELSE NULL::text
                END AS "case"
           FROM posthorn.chunk_count
        UNION ALL
         SELECT hole.position_id,
            hole.hour,
            hole.first_offset,
            hole.next_offset,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            abs((hole.next_offset - hole.first_offset)) AS abs,
            false,
                CASE
                    WHEN (hole.next_offset > hole.first_offset) THEN 'accounted for by nobody'::text
                    ELSE 'accounted for twice'::text
                END AS "case"
           FROM posthorn.hole
        UNION ALL
         SELECT differing.position_id,
            differing.hour,
            NULL::bigint,
            NULL::bigint,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            GREATEST((1)::bigint, abs(differing.row_count)) AS "greatest",
            false,
            posthorn.difference_said(differing.kind, differing.row_count) AS difference_said
           FROM posthorn.differing() differing(kind, hour, position_id, row_count, hash_sum)) c
     JOIN posthorn."position" p ON ((p.id = c.position_id)));
ALTER TABLE posthorn.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.activity_clock (
    only_row boolean DEFAULT true NOT NULL,
    counted_to timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT activity_clock_only_row_check CHECK (only_row)
)
WITH (fillfactor='10');
CREATE TABLE posthorn.api_key (
    id integer NOT NULL,
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    account_id integer NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scopes text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);
ALTER TABLE posthorn.api_key ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.api_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.api_login (
    subject text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 1 NOT NULL
);
CREATE UNLOGGED TABLE posthorn.api_rate (
    credential uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    used integer NOT NULL
)
WITH (fillfactor='20');
CREATE TABLE posthorn.api_refresh (
    uuid uuid NOT NULL,
    session uuid NOT NULL,
    used_at timestamp with time zone
);
CREATE TABLE posthorn.api_session (
    uuid uuid NOT NULL,
    user_id integer NOT NULL,
    address inet,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_reason text
);
CREATE TABLE posthorn.api_user (
    id integer NOT NULL,
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    account_id integer NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    totp_secret bytea,
    totp_step bigint DEFAULT 0 NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    second_factor_at timestamp with time zone,
    CONSTRAINT api_user_email_check CHECK ((((octet_length(email) >= 3) AND (octet_length(email) <= 254)) AND (email = lower(email)))),
    CONSTRAINT api_user_status_check CHECK ((status = ANY (ARRAY['active'::text, 'closed'::text])))
);
ALTER TABLE posthorn.api_user ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.api_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.attempt_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone NOT NULL,
    "offset" bigint NOT NULL,
    position_id integer NOT NULL,
    webhook_id integer NOT NULL,
    version integer NOT NULL,
    duration_us integer NOT NULL,
    dispatcher_id integer NOT NULL,
    attempt smallint NOT NULL,
    http_status smallint,
    cause "char" NOT NULL,
    outcome "char" NOT NULL,
    error bytea,
    response_body bytea,
    order_key bigint,
    sealed boolean,
    CONSTRAINT attempt_cause_check CHECK ((cause = ANY (ARRAY['e'::"char", 'r'::"char", 'd'::"char", 't'::"char"]))),
    CONSTRAINT attempt_outcome_check CHECK ((outcome = ANY (ARRAY['d'::"char", 'r'::"char", 'g'::"char"])))
);
CREATE TABLE posthorn.cancellation_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    webhook_id integer NOT NULL,
    cause "char" NOT NULL,
    reason text NOT NULL
);
CREATE TABLE posthorn.change_20261127 (
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    address inet,
    program text,
    object text NOT NULL,
    object_id text NOT NULL,
    action text NOT NULL,
    before jsonb,
    after jsonb
);
CREATE TABLE posthorn.console_session (
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id integer NOT NULL,
    token_hash bytea NOT NULL,
    verified boolean DEFAULT false NOT NULL,
    totp_pending bytea,
    address inet,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE posthorn.dead_letter_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    record_sha256 bytea NOT NULL,
    key bytea,
    value bytea,
    headers bytea,
    copied boolean NOT NULL,
    replayed_at timestamp with time zone,
    erased_at timestamp with time zone,
    record_timestamp bigint
);
CREATE TABLE posthorn.digest (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    position_id integer NOT NULL,
    row_count integer NOT NULL,
    hash_sum numeric NOT NULL
)
PARTITION BY RANGE (recorded_at);
CREATE TABLE posthorn.expired (
    kind text NOT NULL,
    before timestamp with time zone NOT NULL
);
CREATE VIEW posthorn.digest_kept AS
 SELECT d.recorded_at,
    d.kind,
    d.position_id,
    d.row_count,
    d.hash_sum
   FROM (posthorn.digest d
     LEFT JOIN posthorn.expired x ON ((x.kind = d.kind)))
  WHERE ((d.recorded_at >= ( SELECT posthorn.kept_since('digest'::text) AS kept_since)) AND (d.recorded_at >= COALESCE(x.before, '-infinity'::timestamp with time zone)));
CREATE VIEW posthorn.row_hash AS
 SELECT 'attempt'::text AS kind,
    r.recorded_at AS at,
    r.position_id,
    r."offset",
    r.webhook_id,
    r.dispatcher_id,
    NULL::date AS period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.attempt r
  WHERE (r.recorded_at >= ( SELECT posthorn.kept_since('attempt'::text) AS kept_since))
UNION ALL
 SELECT 'event'::text AS kind,
    r.received_at AS at,
    r.position_id,
    r."offset",
    NULL::integer AS webhook_id,
    NULL::integer AS dispatcher_id,
    r.period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.event r
  WHERE (r.received_at >= ( SELECT posthorn.kept_since('event'::text) AS kept_since))
UNION ALL
 SELECT 'payload'::text AS kind,
    r.recorded_at AS at,
    r.position_id,
    r."offset",
    NULL::integer AS webhook_id,
    NULL::integer AS dispatcher_id,
    NULL::date AS period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.payload r
  WHERE (r.recorded_at >= ( SELECT posthorn.kept_since('payload'::text) AS kept_since))
UNION ALL
 SELECT 'cancellation'::text AS kind,
    r.recorded_at AS at,
    r.position_id,
    r."offset",
    r.webhook_id,
    NULL::integer AS dispatcher_id,
    NULL::date AS period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.cancellation r
  WHERE (r.recorded_at >= ( SELECT posthorn.kept_since('cancellation'::text) AS kept_since))
UNION ALL
 SELECT 'repeat'::text AS kind,
    r.recorded_at AS at,
    r.position_id,
    r."offset",
    NULL::integer AS webhook_id,
    NULL::integer AS dispatcher_id,
    NULL::date AS period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.repeat r
  WHERE (r.recorded_at >= ( SELECT posthorn.kept_since('repeat'::text) AS kept_since))
UNION ALL
 SELECT 'dead_letter'::text AS kind,
    r.recorded_at AS at,
    r.position_id,
    r."offset",
    NULL::integer AS webhook_id,
    NULL::integer AS dispatcher_id,
    NULL::date AS period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.dead_letter r
  WHERE (r.recorded_at >= ( SELECT posthorn.kept_since('dead_letter'::text) AS kept_since))
UNION ALL
 SELECT 'ledger'::text AS kind,
    r.recorded_at AS at,
    r.position_id,
    r.first_offset AS "offset",
    NULL::integer AS webhook_id,
    r.dispatcher_id,
    NULL::date AS period,
    posthorn.hash(r.*) AS hash
   FROM posthorn.ledger r
  WHERE (r.recorded_at >= ( SELECT posthorn.kept_since('ledger'::text) AS kept_since));
CREATE VIEW posthorn.difference AS
 WITH hour AS MATERIALIZED (
         SELECT both_sides.kind,
            both_sides.hour,
            both_sides.position_id
           FROM ( SELECT r.kind,
                    date_trunc('hour'::text, r.at, 'UTC'::text) AS hour,
                    r.position_id,
                    count(*) AS n,
                    sum(r.hash) AS h
                   FROM posthorn.row_hash r
                  GROUP BY r.kind, (date_trunc('hour'::text, r.at, 'UTC'::text)), r.position_id
                UNION ALL
                 SELECT d.kind,
                    date_trunc('hour'::text, d.recorded_at, 'UTC'::text) AS date_trunc,
                    d.position_id,
                    (- sum(d.row_count)),
                    (- sum(d.hash_sum))
                   FROM posthorn.digest_kept d
                  GROUP BY d.kind, (date_trunc('hour'::text, d.recorded_at, 'UTC'::text)), d.position_id) both_sides
          GROUP BY both_sides.kind, both_sides.hour, both_sides.position_id
         HAVING ((sum(both_sides.n) <> (0)::numeric) OR (sum(both_sides.h) <> (0)::numeric))
        )
 SELECT both_sides.kind,
    both_sides.at,
    both_sides.position_id,
    (sum(both_sides.n))::bigint AS row_count,
    sum(both_sides.h) AS hash_sum,
    (sum(both_sides.there))::bigint AS there,
    min(both_sides.first_offset) AS first_offset,
    max(both_sides.last_offset) AS last_offset,
    min(both_sides.first_webhook) AS first_webhook,
    max(both_sides.last_webhook) AS last_webhook,
    max(both_sides.dispatcher_id) AS dispatcher_id
   FROM ( SELECT r.kind,
            r.at,
            r.position_id,
            count(*) AS n,
            sum(r.hash) AS h,
            count(*) AS there,
            min(r."offset") AS first_offset,
            max(r."offset") AS last_offset,
            min(r.webhook_id) AS first_webhook,
            max(r.webhook_id) AS last_webhook,
            max(r.dispatcher_id) AS dispatcher_id
           FROM (posthorn.row_hash r
             JOIN hour ON (((hour.kind = r.kind) AND (hour.hour = date_trunc('hour'::text, r.at, 'UTC'::text)) AND (hour.position_id = r.position_id))))
          GROUP BY r.kind, r.at, r.position_id
        UNION ALL
         SELECT d.kind,
            d.recorded_at,
            d.position_id,
            (- sum(d.row_count)),
            (- sum(d.hash_sum)),
            0,
            NULL::bigint,
            NULL::bigint,
            NULL::integer,
            NULL::integer,
            NULL::integer
           FROM (posthorn.digest_kept d
             JOIN hour ON (((hour.kind = d.kind) AND (hour.hour = date_trunc('hour'::text, d.recorded_at, 'UTC'::text)) AND (hour.position_id = d.position_id))))
          GROUP BY d.kind, d.recorded_at, d.position_id) both_sides
  GROUP BY both_sides.kind, both_sides.at, both_sides.position_id
 HAVING ((sum(both_sides.n) <> (0)::numeric) OR (sum(both_sides.h) <> (0)::numeric))
UNION ALL
 SELECT d.kind,
    NULL::timestamp with time zone AS at,
    d.position_id,
    d.row_count,
    d.hash_sum,
    0 AS there,
    NULL::bigint AS first_offset,
    NULL::bigint AS last_offset,
    NULL::integer AS first_webhook,
    NULL::integer AS last_webhook,
    NULL::integer AS dispatcher_id
   FROM posthorn.differing() d(kind, hour, position_id, row_count, hash_sum)
  WHERE (d.kind = 'pending'::text);
CREATE TABLE posthorn.digest_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    position_id integer NOT NULL,
    row_count integer NOT NULL,
    hash_sum numeric NOT NULL
);
CREATE TABLE posthorn.digest_seal (
    kind text NOT NULL,
    hour timestamp with time zone NOT NULL
);
ALTER TABLE posthorn.dispatcher ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.dispatcher_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.event_20261127 (
    event_key uuid NOT NULL,
    period date NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    account_id integer NOT NULL,
    event_type text NOT NULL,
    event_id text NOT NULL,
    source text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    payload_sha256 bytea NOT NULL,
    traceparent text,
    order_key bigint
);
CREATE TABLE posthorn.event_type (
    name text NOT NULL,
    description text NOT NULL,
    dialect text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_type_dialect_check CHECK ((dialect = ANY (ARRAY['penny'::text, 'merchant'::text, 'payconex'::text, 'devengo'::text]))),
    CONSTRAINT event_type_name_check CHECK ((name ~ '^[\x21-\x7e]{1,255}$'::text))
);
CREATE TABLE posthorn.ledger_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    records integer NOT NULL,
    gaps integer NOT NULL,
    events integer NOT NULL,
    repeated integer NOT NULL,
    dead_lettered integer NOT NULL,
    matched integer NOT NULL,
    dispatcher_id integer NOT NULL
);
CREATE VIEW posthorn.open_hour AS
 SELECT k.kind,
    s.hour,
        CASE
            WHEN (s.hour < date_trunc('hour'::text, now(), 'UTC'::text)) THEN (s.hour + '01:00:00'::interval)
            ELSE 'infinity'::timestamp with time zone
        END AS until
   FROM unnest(ARRAY['attempt'::text, 'event'::text, 'payload'::text, 'cancellation'::text, 'repeat'::text, 'dead_letter'::text, 'ledger'::text]) k(kind),
    generate_series(( SELECT ((min(to_date("right"((c.relname)::text, 8), 'YYYYMMDD'::text)))::timestamp without time zone AT TIME ZONE 'UTC'::text) AS timezone
           FROM (pg_inherits i
             JOIN pg_class c ON ((c.oid = i.inhrelid)))
          WHERE (i.inhparent = ('posthorn.digest'::regclass)::oid)), date_trunc('hour'::text, now(), 'UTC'::text), '01:00:00'::interval) s(hour)
  WHERE (NOT (EXISTS ( SELECT
           FROM posthorn.digest_seal x
          WHERE ((x.kind = k.kind) AND (x.hour = s.hour)))));
ALTER TABLE posthorn.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.payload_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    sealed boolean NOT NULL,
    body bytea NOT NULL,
    extensions bytea
);
CREATE TABLE posthorn.pending_digest (
    position_id integer NOT NULL,
    row_count bigint NOT NULL,
    hash_sum numeric NOT NULL
);
ALTER TABLE posthorn."position" ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.position_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.recovery_code (
    id bigint NOT NULL,
    user_id integer NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone
);
ALTER TABLE posthorn.recovery_code ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.recovery_code_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.repeat_20261127 (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    position_id integer NOT NULL,
    "offset" bigint NOT NULL,
    of_position_id integer NOT NULL,
    of_offset bigint NOT NULL
);
CREATE TABLE posthorn.server_key (
    name text NOT NULL,
    uuid uuid NOT NULL,
    secret bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE posthorn.source_key (
    id integer NOT NULL,
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    account_id integer NOT NULL,
    name text NOT NULL,
    secret bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE posthorn.source_key ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.source_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE posthorn.subscription_change (
    v bigint NOT NULL,
    account_id integer NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE posthorn.subscription_clock (
    only_row boolean DEFAULT true NOT NULL,
    v bigint NOT NULL,
    CONSTRAINT subscription_clock_only_row_check CHECK (only_row)
)
WITH (fillfactor='10');
CREATE SEQUENCE posthorn.test_offset
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE posthorn.topic (
    source text NOT NULL,
    topic text NOT NULL,
    partitions integer NOT NULL
);
ALTER TABLE posthorn.webhook ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.webhook_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.posthorn_migration (
    version integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY posthorn.attempt ATTACH PARTITION posthorn.attempt_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.cancellation ATTACH PARTITION posthorn.cancellation_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.change ATTACH PARTITION posthorn.change_20261127 FOR VALUES FROM (MINVALUE) TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.dead_letter ATTACH PARTITION posthorn.dead_letter_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.digest ATTACH PARTITION posthorn.digest_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.event ATTACH PARTITION posthorn.event_20261127 FOR VALUES FROM ('2026-11-27') TO ('2026-11-28');
ALTER TABLE ONLY posthorn.ledger ATTACH PARTITION posthorn.ledger_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.payload ATTACH PARTITION posthorn.payload_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
ALTER TABLE ONLY posthorn.repeat ATTACH PARTITION posthorn.repeat_20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');
INSERT INTO posthorn.account OVERRIDING SYSTEM VALUE VALUES
	(1, 'bfb4b3b1-2f4f-4d0b-a830-cc16f7b255b3', 'acme', '', 'penny', 'active', NULL, NULL, '2026-11-27 14:36:42.247173+00', 'plain'),
	(2, '01370bf1-e244-4f8a-a4af-5a1e8b8fc970', 'other', '', 'merchant', 'active', NULL, NULL, '2026-11-27 14:36:42.247173+00', 'plain');
INSERT INTO posthorn.activity VALUES
	(1, '2026-11-27 14:36:00+00', 19, 1, 0, 1000, 1000),
	(1, '2026-11-27 14:36:00+00', 21, 0, 1, 2000, 2000),
	(1, '2026-11-27 14:36:00+00', 23, 0, 2, 7000, 4000),
	(1, '2026-11-27 14:36:00+00', 24, 1, 0, 5000, 5000);
INSERT INTO posthorn.activity_clock VALUES
	(true, '2026-11-27 14:36:42.838196+00');
INSERT INTO posthorn.activity_last VALUES
	(1, '2026-11-27 14:36:42.313216+00', '2026-11-27 14:36:42.312216+00', '\x72656675736564', NULL);
INSERT INTO posthorn.activity_quarter VALUES
	(1, '2026-11-27 14:30:00+00', 2, 3);
INSERT INTO posthorn.api_key OVERRIDING SYSTEM VALUE VALUES
	(1, 'abd1ab1b-84ce-43d8-892c-ca4cf0ecab92', 1, 'key', 'phk_1', '\x02', '*', '2026-11-27 14:36:42.273353+00', NULL, NULL);
INSERT INTO posthorn.api_login VALUES
	('address:192.0.2.1', '2026-11-27 14:36:42.285536+00', 1);
INSERT INTO posthorn.api_rate VALUES
	('00000000-0000-4000-8000-000000000004', '2026-11-27 14:36:42.285961+00', 1);
INSERT INTO posthorn.api_refresh VALUES
	('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', NULL);
INSERT INTO posthorn.api_session VALUES
	('00000000-0000-4000-8000-000000000001', 1, '192.0.2.1', '2026-11-27 14:36:42.281189+00', 'infinity', NULL, NULL);
INSERT INTO posthorn.api_user OVERRIDING SYSTEM VALUE VALUES
	(1, '8a729cb0-1044-41a4-a784-1bad11f5cd41', 1, 'someone@example.com', 'none', '\x03', 0, 'active', '2026-11-27 14:36:42.277141+00', NULL);
INSERT INTO posthorn.attempt_20261127 VALUES
	('2026-11-27 14:36:42.308216+00', '2026-11-27 14:36:42.308216+00', 0, 1, 1, 2, 1000, 1, 1, 200, 'e', 'd', NULL, '\x6f6b', NULL, NULL),
	('2026-11-27 14:36:42.308216+00', '2026-11-27 14:36:42.308216+00', 1, 1, 1, 2, 2000, 1, 1, 503, 'e', 'r', NULL, '\x6c61746572', NULL, NULL),
	('2026-11-27 14:36:42.308216+00', '2026-11-27 14:36:42.308216+00', 2, 1, 1, 2, 3000, 1, 17, 500, 'e', 'g', NULL, NULL, NULL, NULL),
	('2026-11-27 14:36:42.308216+00', '2026-11-27 14:36:42.308216+00', 4, 1, 1, 2, 4000, 1, 1, NULL, 'e', 'r', '\x72656675736564', NULL, NULL, NULL),
	('2026-11-27 14:36:42.308216+00', '2026-11-27 14:36:42.308216+00', 4, 1, 1, 2, 5000, 1, 2, 204, 'e', 'd', NULL, NULL, NULL, NULL);
INSERT INTO posthorn.cancellation_20261127 VALUES
	('2026-11-27 14:36:42.31008+00', 1, 3, 1, 'e', 'webhook disabled');
INSERT INTO posthorn.change_20261127 OVERRIDING SYSTEM VALUE VALUES
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.authorized', 'insert', NULL, '{"name": "transaction.authorized", "dialect": "penny", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A transaction is authorized for one of your issued cards."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'cau.submitted', 'insert', NULL, '{"name": "cau.submitted", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "Card has been submitted to processor for update"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'cau.updated_expiration', 'insert', NULL, '{"name": "cau.updated_expiration", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An updated expiration data has been received"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'cau.updated_card', 'insert', NULL, '{"name": "cau.updated_card", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An updated card number has been received"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'cau.contact_customer', 'insert', NULL, '{"name": "cau.contact_customer", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "Received message from issuer to contact customer for a new card number"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'cau.account_closed', 'insert', NULL, '{"name": "cau.account_closed", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "Received notification of account closure"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'ach.submitted', 'insert', NULL, '{"name": "ach.submitted", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "ACH status updated to submitted."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'ach.settled', 'insert', NULL, '{"name": "ach.settled", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "ACH status updated to settled."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'ach.returned', 'insert', NULL, '{"name": "ach.returned", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "ACH status updated to returned."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'ach.failed', 'insert', NULL, '{"name": "ach.failed", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "ACH status updated to failed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'ach.note_added', 'insert', NULL, '{"name": "ach.note_added", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "Note added to ACH transaction."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'product.inventory.ordered', 'insert', NULL, '{"name": "product.inventory.ordered", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "The inventory has been adjusted after a sale."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'product.inventory.adjusted', 'insert', NULL, '{"name": "product.inventory.adjusted", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "The inventory has been adjusted in the Products Database."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.success', 'insert', NULL, '{"name": "transaction.sale.success", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A sale transaction has been approved"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.failure', 'insert', NULL, '{"name": "transaction.sale.failure", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A sale transaction failed - includes declines and errors"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.voided', 'insert', NULL, '{"name": "transaction.sale.voided", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A sale transaction was voided"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.captured', 'insert', NULL, '{"name": "transaction.sale.captured", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A sale transaction was captured"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.adjusted', 'insert', NULL, '{"name": "transaction.sale.adjusted", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A sale transaction was adjusted"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.queued', 'insert', NULL, '{"name": "transaction.sale.queued", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A sale transaction was queued"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.sale.unvoided', 'insert', NULL, '{"name": "transaction.sale.unvoided", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A voided sale transaction was unvoided"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.refund.success', 'insert', NULL, '{"name": "transaction.refund.success", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A refund transaction approved"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'transaction.refund.voided', 'insert', NULL, '{"name": "transaction.refund.voided", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A refund transaction voided"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'settlement.batch.success', 'insert', NULL, '{"name": "settlement.batch.success", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A batch settles successfully"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'settlement.batch.failure', 'insert', NULL, '{"name": "settlement.batch.failure", "dialect": "merchant", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A batch receives an error when attempting to settle"}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'ACCOUNT_UPDATER_BATCH_UPDATES', 'insert', NULL, '{"name": "ACCOUNT_UPDATER_BATCH_UPDATES", "dialect": "payconex", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "Receive a notification containing an updateId that can be used to fetch details about a batch of updates from the Account Updater service."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'PAYCONEX_BATCH_SETTLEMENT', 'insert', NULL, '{"name": "PAYCONEX_BATCH_SETTLEMENT", "dialect": "payconex", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "Receive a notification containing the details of a batch settlement."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'account.activated', 'insert', NULL, '{"name": "account.activated", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An account became activated."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'account.closed', 'insert', NULL, '{"name": "account.closed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An account became closed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'account.created', 'insert', NULL, '{"name": "account.created", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An account was created."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'account.deactivated', 'insert', NULL, '{"name": "account.deactivated", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An account became deactivated."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'account.delayed', 'insert', NULL, '{"name": "account.delayed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An account became delayed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'incoming_payment.confirmed', 'insert', NULL, '{"name": "incoming_payment.confirmed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An incoming payment became confirmed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'incoming_payment.created', 'insert', NULL, '{"name": "incoming_payment.created", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An incoming payment was created."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'incoming_payment.rejected', 'insert', NULL, '{"name": "incoming_payment.rejected", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An incoming payment became rejected."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.blocked', 'insert', NULL, '{"name": "outgoing_payment.blocked", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became blocked."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.confirmed', 'insert', NULL, '{"name": "outgoing_payment.confirmed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became confirmed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.created', 'insert', NULL, '{"name": "outgoing_payment.created", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment was created."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.delayed', 'insert', NULL, '{"name": "outgoing_payment.delayed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became delayed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.denied', 'insert', NULL, '{"name": "outgoing_payment.denied", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became denied."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.pending', 'insert', NULL, '{"name": "outgoing_payment.pending", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became pending."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.processing', 'insert', NULL, '{"name": "outgoing_payment.processing", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became processing."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.rejected', 'insert', NULL, '{"name": "outgoing_payment.rejected", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became rejected."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.retrying', 'insert', NULL, '{"name": "outgoing_payment.retrying", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became retrying."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.reversed', 'insert', NULL, '{"name": "outgoing_payment.reversed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became reversed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'outgoing_payment.validating', 'insert', NULL, '{"name": "outgoing_payment.validating", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "An outgoing payment became validating."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'verification.confirmed', 'insert', NULL, '{"name": "verification.confirmed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A verification became confirmed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'verification.created', 'insert', NULL, '{"name": "verification.created", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A verification was created."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'verification.delivered', 'insert', NULL, '{"name": "verification.delivered", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A verification became delivered."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'verification.expired', 'insert', NULL, '{"name": "verification.expired", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A verification became expired."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'verification.failed', 'insert', NULL, '{"name": "verification.failed", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A verification became failed."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'verification.rejected', 'insert', NULL, '{"name": "verification.rejected", "dialect": "devengo", "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A verification became rejected."}'),
	('2026-11-27 14:36:40.266948+00', 'posthorn_admin', NULL, 'psql', 'event_type', 'webhook.disabled', 'insert', NULL, '{"name": "webhook.disabled", "dialect": null, "created_at": "2026-11-27T14:36:40.266948+00:00", "description": "A webhook was disabled because it failed for days, or answered 410 Gone again and again."}'),
	('2026-11-27 14:36:41.258438+00', 'posthorn_admin', NULL, 'psql', 'setting', 'activity_keep_days', 'insert', NULL, '{"name": "activity_keep_days", "about": "how far back the console''s charts and its lists of deliveries reach, in days", "value": "14"}'),
	('2026-11-27 14:36:41.815416+00', 'posthorn_admin', NULL, 'psql', 'setting', 'change_keep_days', 'insert', NULL, '{"name": "change_keep_days", "about": "the record of changes (audit.changes) is dropped after this many days", "value": "400"}'),
	('2026-11-27 14:36:42.242714+00', 'posthorn_admin', NULL, 'psql', 'setting', 'payload_keep_days', 'update', '{"name": "payload_keep_days", "about": "payloads are dropped after this many days; never shorter than the retry schedule", "value": "7"}', '{"name": "payload_keep_days", "about": "payloads are dropped after this many days; never shorter than the retry schedule", "value": "36500"}'),
	('2026-11-27 14:36:42.242714+00', 'posthorn_admin', NULL, 'psql', 'setting', 'attempt_keep_days', 'update', '{"name": "attempt_keep_days", "about": "events, attempts and the ledger are dropped after this many days", "value": "400"}', '{"name": "attempt_keep_days", "about": "events, attempts and the ledger are dropped after this many days", "value": "36500"}'),
	('2026-11-27 14:36:42.242714+00', 'posthorn_admin', NULL, 'psql', 'setting', 'activity_keep_days', 'update', '{"name": "activity_keep_days", "about": "how far back the console''s charts and its lists of deliveries reach, in days", "value": "14"}', '{"name": "activity_keep_days", "about": "how far back the console''s charts and its lists of deliveries reach, in days", "value": "36500"}'),
	('2026-11-27 14:36:42.242714+00', 'posthorn_admin', NULL, 'psql', 'setting', 'change_keep_days', 'update', '{"name": "change_keep_days", "about": "the record of changes (audit.changes) is dropped after this many days", "value": "400"}', '{"name": "change_keep_days", "about": "the record of changes (audit.changes) is dropped after this many days", "value": "36500"}'),
	('2026-11-27 14:36:42.247173+00', 'posthorn_admin', NULL, 'psql', 'account', '1', 'insert', NULL, '{"id": 1, "key": "acme", "name": "", "uuid": "bfb4b3b1-2f4f-4d0b-a830-cc16f7b255b3", "status": "active", "dialect": "penny", "created_at": "2026-11-27T14:36:42.247173+00:00", "store_response": "plain"}'),
	('2026-11-27 14:36:42.247173+00', 'posthorn_admin', NULL, 'psql', 'account', '2', 'insert', NULL, '{"id": 2, "key": "other", "name": "", "uuid": "01370bf1-e244-4f8a-a4af-5a1e8b8fc970", "status": "active", "dialect": "merchant", "created_at": "2026-11-27T14:36:42.247173+00:00", "store_response": "plain"}'),
	('2026-11-27 14:36:42.252407+00', 'posthorn_admin', NULL, 'psql', 'source_key', '1', 'insert', NULL, '{"id": 1, "name": "first", "uuid": "93eabbbe-a517-40ee-aa72-9377e7149de3", "account_id": 1, "created_at": "2026-11-27T14:36:42.252407+00:00"}'),
	('2026-11-27 14:36:42.254884+00', 'posthorn_admin', NULL, 'psql', 'webhook', '1', 'insert', NULL, '{"id": 1, "url": "http://127.0.0.1:9/hook?token=…", "uuid": "007e8783-1264-4fd1-8fc0-d39c114f788e", "label": "the first", "format": "penny", "status": "enabled", "version": 1, "ca_about": null, "auth_type": "none", "public_id": "wbh_1", "signature": "none", "account_id": 1, "created_at": "2026-11-27T14:36:42.254884+00:00", "updated_at": "2026-11-27T14:36:42.254884+00:00", "auth_username": null, "source_key_id": null, "disabled_reason": null, "previous_secret_until": null, "client_certificate_about": null}'),
	('2026-11-27 14:36:42.261224+00', 'posthorn_admin', NULL, 'psql', 'webhook', '2', 'insert', NULL, '{"id": 2, "url": "http://127.0.0.1:9/deleted", "uuid": "446d141e-1d3a-44be-aba8-21c69a6a60c8", "label": "", "format": "penny", "status": "enabled", "version": 1, "ca_about": null, "auth_type": "none", "public_id": "wbh_2", "signature": "standard", "account_id": 1, "created_at": "2026-11-27T14:36:42.261224+00:00", "updated_at": "2026-11-27T14:36:42.261224+00:00", "auth_username": null, "source_key_id": null, "disabled_reason": null, "previous_secret_until": null, "client_certificate_about": null}'),
	('2026-11-27 14:36:42.263444+00', 'posthorn_admin', NULL, 'psql', 'subscription', '1', 'insert', NULL, '{"patterns": ["*"], "webhook_id": 1}'),
	('2026-11-27 14:36:42.263444+00', 'posthorn_admin', NULL, 'psql', 'subscription', '2', 'insert', NULL, '{"patterns": ["a.*"], "webhook_id": 2}'),
	('2026-11-27 14:36:42.266844+00', 'posthorn_admin', NULL, 'psql', 'webhook', '1', 'update', '{"id": 1, "url": "http://127.0.0.1:9/hook?token=…", "uuid": "007e8783-1264-4fd1-8fc0-d39c114f788e", "label": "the first", "format": "penny", "status": "enabled", "version": 1, "ca_about": null, "auth_type": "none", "public_id": "wbh_1", "signature": "none", "account_id": 1, "created_at": "2026-11-27T14:36:42.254884+00:00", "updated_at": "2026-11-27T14:36:42.254884+00:00", "auth_username": null, "source_key_id": null, "disabled_reason": null, "previous_secret_until": null, "client_certificate_about": null}', '{"id": 1, "url": "http://127.0.0.1:9/hook", "uuid": "007e8783-1264-4fd1-8fc0-d39c114f788e", "label": "the first", "format": "penny", "status": "enabled", "version": 2, "ca_about": null, "auth_type": "none", "public_id": "wbh_1", "signature": "none", "account_id": 1, "created_at": "2026-11-27T14:36:42.254884+00:00", "updated_at": "2026-11-27T14:36:42.266844+00:00", "auth_username": null, "source_key_id": null, "disabled_reason": null, "previous_secret_until": null, "client_certificate_about": null}'),
	('2026-11-27 14:36:42.271283+00', 'posthorn_admin', NULL, 'psql', 'webhook', '2', 'update', '{"id": 2, "url": "http://127.0.0.1:9/deleted", "uuid": "446d141e-1d3a-44be-aba8-21c69a6a60c8", "label": "", "format": "penny", "status": "enabled", "version": 1, "ca_about": null, "auth_type": "none", "public_id": "wbh_2", "signature": "standard", "account_id": 1, "created_at": "2026-11-27T14:36:42.261224+00:00", "updated_at": "2026-11-27T14:36:42.261224+00:00", "auth_username": null, "source_key_id": null, "disabled_reason": null, "previous_secret_until": null, "client_certificate_about": null}', '{"id": 2, "url": "http://127.0.0.1:9/deleted", "uuid": "446d141e-1d3a-44be-aba8-21c69a6a60c8", "label": "", "format": "penny", "status": "deleted", "version": 1, "ca_about": null, "auth_type": "none", "public_id": "wbh_2", "signature": "standard", "account_id": 1, "created_at": "2026-11-27T14:36:42.261224+00:00", "updated_at": "2026-11-27T14:36:42.271283+00:00", "auth_username": null, "source_key_id": null, "disabled_reason": null, "previous_secret_until": null, "client_certificate_about": null}'),
	('2026-11-27 14:36:42.273353+00', 'posthorn_admin', NULL, 'psql', 'api_key', '1', 'insert', NULL, '{"id": 1, "name": "key", "uuid": "abd1ab1b-84ce-43d8-892c-ca4cf0ecab92", "prefix": "phk_1", "scopes": "*", "account_id": 1, "created_at": "2026-11-27T14:36:42.273353+00:00", "expires_at": null, "revoked_at": null}'),
	('2026-11-27 14:36:42.277141+00', 'posthorn_admin', NULL, 'psql', 'api_user', '1', 'insert', NULL, '{"id": 1, "uuid": "8a729cb0-1044-41a4-a784-1bad11f5cd41", "email": "someone@example.com", "status": "active", "account_id": 1, "created_at": "2026-11-27T14:36:42.277141+00:00", "second_factor_at": null}');
INSERT INTO posthorn.console_session VALUES
	('a627592d-a9aa-442a-9865-ff17e567dbac', 1, '\x05', false, NULL, NULL, '2026-11-27 14:36:42.286314+00', '2026-11-27 14:36:42.286314+00', 'infinity');
INSERT INTO posthorn.dead_letter_20261127 VALUES
	('2026-11-27 14:36:42.312244+00', 1, 6, 'not_json', 'unexpected end', '\x07', NULL, '\x08', '\x09', true, NULL, NULL, NULL);
INSERT INTO posthorn.digest_20261127 VALUES
	('2026-11-27 14:36:42.300942+00', 'event', 1, 5, -5947984355405943271),
	('2026-11-27 14:36:42.300942+00', 'payload', 1, 5, 11949768623900318176),
	('2026-11-27 14:36:42.308216+00', 'attempt', 1, 5, 6014686996009166889),
	('2026-11-27 14:36:42.31008+00', 'cancellation', 1, 1, -6687357014650025030),
	('2026-11-27 14:36:42.311243+00', 'repeat', 1, 1, 8395464115575102393),
	('2026-11-27 14:36:42.312244+00', 'dead_letter', 1, 1, -6073945380252269496),
	('2026-11-27 14:36:42.315537+00', 'ledger', 1, 1, -6314478013113600090),
	('2026-11-27 14:36:42.319941+00', 'event', 2, 1, 2720682511287230927),
	('2026-11-27 14:36:42.319941+00', 'payload', 2, 1, 4593550609155256932);
INSERT INTO posthorn.digest_seal VALUES
	('attempt', '2026-01-01 00:00:00+00'),
	('event', '2026-01-01 00:00:00+00');
INSERT INTO posthorn.dispatcher OVERRIDING SYSTEM VALUE VALUES
	(1, 'old', '2026-11-27 14:36:42.288306+00', 1);
INSERT INTO posthorn.event_20261127 VALUES
	('6b99e935-6b96-7418-0bcf-00f0db51cbbb', '2026-11-27', 1, 0, 1, 'a.b', 'old-0', '/old', '2026-01-02 03:04:05+00', '2026-11-27 14:36:42.300942+00', '\x0d28d3cd77714ad63fcc1827274f09b04ecd51aaa513304f214e5aa9bb3c3219', NULL, NULL),
	('1f15485f-4b8a-bb91-e4cc-16e720e02c1e', '2026-11-27', 1, 1, 1, 'a.b', 'old-1', '/old', '2026-01-02 03:04:05+00', '2026-11-27 14:36:42.300942+00', '\x3b6b06ecd1c968c8e738e0f11c4bb361fca80a9a694de22fe66a05286afbd081', NULL, NULL),
	('280ceb2f-4794-2aeb-489e-16be0076db48', '2026-11-27', 1, 2, 1, 'a.b', 'old-2', '/old', '2026-01-02 03:04:05+00', '2026-11-27 14:36:42.300942+00', '\xca2d98237a036e2327d4dd4f318c5e217e00fffb9d3de70e43c4d61447b8fede', NULL, NULL),
	('7efeefa9-3280-c6b2-8753-c36e0f742c5d', '2026-11-27', 1, 3, 1, 'a.b', 'old-3', '/old', '2026-01-02 03:04:05+00', '2026-11-27 14:36:42.300942+00', '\x9ffc6f1e305b79614333900063793f13f862d8ce419dd3cf2098d3bf80ada02f', NULL, NULL),
	('80466b2b-706b-60eb-e5ca-c077dde98219', '2026-11-27', 1, 4, 1, 'a.b', 'old-4', '/old', '2026-01-02 03:04:05+00', '2026-11-27 14:36:42.300942+00', '\xfcb2fb66117079902241eac6880d822bdadfb917d9320378da415a20657d3c66', NULL, NULL),
	('00000000-0000-4000-8000-000000000006', '2026-11-27', 2, 1, 1, 'a.test', 'test-1', '/posthorn-api', '2026-11-27 14:36:42.319941+00', '2026-11-27 14:36:42.319941+00', '\x0a', NULL, NULL);
INSERT INTO posthorn.event_type VALUES
	('transaction.authorized', 'A transaction is authorized for one of your issued cards.', 'penny', '2026-11-27 14:36:40.266948+00'),
	('cau.submitted', 'Card has been submitted to processor for update', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('cau.updated_expiration', 'An updated expiration data has been received', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('cau.updated_card', 'An updated card number has been received', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('cau.contact_customer', 'Received message from issuer to contact customer for a new card number', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('cau.account_closed', 'Received notification of account closure', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('ach.submitted', 'ACH status updated to submitted.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('ach.settled', 'ACH status updated to settled.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('ach.returned', 'ACH status updated to returned.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('ach.failed', 'ACH status updated to failed.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('ach.note_added', 'Note added to ACH transaction.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('product.inventory.ordered', 'The inventory has been adjusted after a sale.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('product.inventory.adjusted', 'The inventory has been adjusted in the Products Database.', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.success', 'A sale transaction has been approved', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.failure', 'A sale transaction failed - includes declines and errors', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.voided', 'A sale transaction was voided', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.captured', 'A sale transaction was captured', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.adjusted', 'A sale transaction was adjusted', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.queued', 'A sale transaction was queued', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.sale.unvoided', 'A voided sale transaction was unvoided', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.refund.success', 'A refund transaction approved', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('transaction.refund.voided', 'A refund transaction voided', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('settlement.batch.success', 'A batch settles successfully', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('settlement.batch.failure', 'A batch receives an error when attempting to settle', 'merchant', '2026-11-27 14:36:40.266948+00'),
	('ACCOUNT_UPDATER_BATCH_UPDATES', 'Receive a notification containing an updateId that can be used to fetch details about a batch of updates from the Account Updater service.', 'payconex', '2026-11-27 14:36:40.266948+00'),
	('PAYCONEX_BATCH_SETTLEMENT', 'Receive a notification containing the details of a batch settlement.', 'payconex', '2026-11-27 14:36:40.266948+00'),
	('account.activated', 'An account became activated.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('account.closed', 'An account became closed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('account.created', 'An account was created.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('account.deactivated', 'An account became deactivated.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('account.delayed', 'An account became delayed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('incoming_payment.confirmed', 'An incoming payment became confirmed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('incoming_payment.created', 'An incoming payment was created.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('incoming_payment.rejected', 'An incoming payment became rejected.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.blocked', 'An outgoing payment became blocked.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.confirmed', 'An outgoing payment became confirmed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.created', 'An outgoing payment was created.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.delayed', 'An outgoing payment became delayed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.denied', 'An outgoing payment became denied.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.pending', 'An outgoing payment became pending.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.processing', 'An outgoing payment became processing.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.rejected', 'An outgoing payment became rejected.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.retrying', 'An outgoing payment became retrying.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.reversed', 'An outgoing payment became reversed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('outgoing_payment.validating', 'An outgoing payment became validating.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('verification.confirmed', 'A verification became confirmed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('verification.created', 'A verification was created.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('verification.delivered', 'A verification became delivered.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('verification.expired', 'A verification became expired.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('verification.failed', 'A verification became failed.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('verification.rejected', 'A verification became rejected.', 'devengo', '2026-11-27 14:36:40.266948+00'),
	('webhook.disabled', 'A webhook was disabled because it failed for days, or answered 410 Gone again and again.', NULL, '2026-11-27 14:36:40.266948+00');
INSERT INTO posthorn.expired VALUES
	('payload', '2026-01-01 00:00:00+00');
INSERT INTO posthorn.ledger_20261127 VALUES
	('2026-11-27 14:36:42.315537+00', 1, 0, 7, 7, 0, 5, 1, 1, 5, 1);
INSERT INTO posthorn.outbox OVERRIDING SYSTEM VALUE VALUES
	(1, 'whd_1', 'webhook.disabled', 'acme', '{}', '2026-11-27 14:36:42.287814+00', '-infinity');
INSERT INTO posthorn.payload_20261127 VALUES
	('2026-11-27 14:36:42.300942+00', 1, 0, false, '\x7b226e223a302e307d', NULL),
	('2026-11-27 14:36:42.300942+00', 1, 1, false, '\x7b226e223a312e307d', NULL),
	('2026-11-27 14:36:42.300942+00', 1, 2, false, '\x7b226e223a322e307d', NULL),
	('2026-11-27 14:36:42.300942+00', 1, 3, false, '\x7b226e223a332e307d', NULL),
	('2026-11-27 14:36:42.300942+00', 1, 4, false, '\x7b226e223a342e307d', NULL),
	('2026-11-27 14:36:42.319941+00', 2, 1, false, '\x7b7d', NULL);
INSERT INTO posthorn.pending VALUES
	(1, 1, 1, 'e', '2026-11-27', 1, '2026-11-27 14:36:42.313519+00', '2026-11-27 14:36:42.313519+00', NULL),
	(1, 2, 1, 't', '2026-11-27', 0, '2026-11-27 14:36:42.319941+00', '2026-11-27 14:36:42.319941+00', NULL);
INSERT INTO posthorn.pending_digest VALUES
	(1, 1, -1610683618269523382),
	(2, 1, -3381613191312046769);
INSERT INTO posthorn."position" OVERRIDING SYSTEM VALUE VALUES
	(1, 'kafka', 'old', 0, 1, 7, 0, 6, 0, 0, '00000000-0000-4000-8000-000000000005', 1, '2026-11-27 14:36:42.288937+00', NULL),
	(2, 'posthorn-api', 'posthorn.test', 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, 'kafka', 'old', 1, 1, 3, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO posthorn.queue VALUES
	(1, '2026-11-27 14:36:42.313519+00', '-infinity', NULL, '-infinity', '2026-11-27 14:36:42.319434+00', 0);
INSERT INTO posthorn.recovery_code OVERRIDING SYSTEM VALUE VALUES
	(1, 1, '\x06', '2026-11-27 14:36:42.287181+00', NULL);
INSERT INTO posthorn.repeat_20261127 VALUES
	('2026-11-27 14:36:42.311243+00', 1, 5, 1, 0);
INSERT INTO posthorn.seal VALUES
	(3, 0, 3, '2026-01-01 00:00:00+00', 3, 3, 0, 0, 3, 3, 0, 0, '2026-11-27 14:36:42.322363+00');
INSERT INTO posthorn.server_key VALUES
	('token', '00000000-0000-4000-8000-000000000003', '\x04', '2026-11-27 14:36:42.285166+00');
INSERT INTO posthorn.setting VALUES
	('event_period_days', '1', 'length of one period of event rows, in days: a repeated event id is recognised for at least this long and at most twice this long'),
	('partitions_ahead_days', '3', 'partitions are made this many days ahead'),
	('payload_keep_days', '36500', 'payloads are dropped after this many days; never shorter than the retry schedule'),
	('attempt_keep_days', '36500', 'events, attempts and the ledger are dropped after this many days'),
	('activity_keep_days', '36500', 'how far back the console''s charts and its lists of deliveries reach, in days'),
	('change_keep_days', '36500', 'the record of changes (audit.changes) is dropped after this many days');
INSERT INTO posthorn.source_key OVERRIDING SYSTEM VALUE VALUES
	(1, '93eabbbe-a517-40ee-aa72-9377e7149de3', 1, 'first', '\x00', '2026-11-27 14:36:42.252407+00');
INSERT INTO posthorn.subscription VALUES
	(1, '*'),
	(2, 'a.*');
INSERT INTO posthorn.subscription_change VALUES
	(2, 1, '2026-11-27 14:36:42.247173+00'),
	(2, 2, '2026-11-27 14:36:42.247173+00'),
	(3, 1, '2026-11-27 14:36:42.252407+00'),
	(4, 1, '2026-11-27 14:36:42.254884+00'),
	(5, 1, '2026-11-27 14:36:42.261224+00'),
	(6, 1, '2026-11-27 14:36:42.263444+00'),
	(7, 1, '2026-11-27 14:36:42.266844+00'),
	(8, 1, '2026-11-27 14:36:42.271283+00');
INSERT INTO posthorn.subscription_clock VALUES
	(true, 8);
INSERT INTO posthorn.topic VALUES
	('kafka', 'old', 1);
INSERT INTO posthorn.webhook OVERRIDING SYSTEM VALUE VALUES
	(1, '007e8783-1264-4fd1-8fc0-d39c114f788e', 'wbh_1', 1, 'the first', 'http://127.0.0.1:9/hook', 'penny', 'enabled', NULL, 'none', NULL, NULL, 'none', NULL, NULL, NULL, NULL, 2, '2026-11-27 14:36:42.254884+00', '2026-11-27 14:36:42.266844+00', NULL, NULL, NULL, NULL, NULL),
	(2, '446d141e-1d3a-44be-aba8-21c69a6a60c8', 'wbh_2', 1, '', 'http://127.0.0.1:9/deleted', 'penny', 'deleted', NULL, 'none', NULL, NULL, 'standard', NULL, NULL, NULL, NULL, 1, '2026-11-27 14:36:42.261224+00', '2026-11-27 14:36:42.271283+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO posthorn.webhook_version VALUES
	(1, 1, 'http://127.0.0.1:9/hook?token=…', '2026-11-27 14:36:42.254884+00'),
	(2, 1, 'http://127.0.0.1:9/deleted', '2026-11-27 14:36:42.261224+00'),
	(1, 2, 'http://127.0.0.1:9/hook', '2026-11-27 14:36:42.266844+00');
INSERT INTO public.posthorn_migration VALUES
	(1, '0001_accounts_and_webhooks.sql', '30b0334dfaa553dc2d191c31d1aed4b9bf4249e415c4f312bf4feb870b7a67c9', '2026-11-27 14:36:39.819507+00'),
	(2, '0002_events_and_attempts.sql', 'f3f4934e5ab8bda6f4eb4c652ae734e3dc6cd9e2241c4e8c1c9ff6ef22c424ee', '2026-11-27 14:36:40.027389+00'),
	(3, '0003_protocol.sql', 'a64a001da54932cf7eb9e5d5ba4951ba0c2506e2f55a83e9ce9dfc2c4ae1dd0b', '2026-11-27 14:36:40.127314+00'),
	(4, '0004_audit.sql', 'e60b8244e8e22974a31085c2b2b05dd21a9b3d19cbbfad1393b013408ae53e9b', '2026-11-27 14:36:40.238289+00'),
	(5, '0005_catalogue.sql', 'c6e5f56ef1ed24f70f6097c1f2b6bd50c0a647471e9f733fa438e271dbf733bb', '2026-11-27 14:36:40.7276+00'),
	(6, '0006_api.sql', '0f1bf874214dce5d1ce7003459ad5fce39b14fba32eb1c0505605e2927ca8b59', '2026-11-27 14:36:40.87703+00'),
	(7, '0007_digest.sql', '281e40bfb283604a1949bd547da29fb8fca911904aac180dcab3727db9d89afe', '2026-11-27 14:36:41.084571+00'),
	(8, '0008_tls.sql', '4740447612590c2ec44b954b173f06cd74ef7a501f717dc78b384fb237138783', '2026-11-27 14:36:41.15465+00'),
	(9, '0009_roles.sql', '09d1119b297b10acb3e71b055c1c89bc6d3c0a1ee3660751110a2d28efd579f9', '2026-11-27 14:36:41.231865+00'),
	(10, '0010_console.sql', '68fd1bd0341d800ddaf795335edbe1ffcdc1d119d1cc55555b5976cfaacca6c9', '2026-11-27 14:36:41.415396+00'),
	(11, '0011_rekey.sql', '4b7c807d98c125bca03dc3a7e7ae652540173e0aebced307923f9a69d6ff1875', '2026-11-27 14:36:41.483239+00'),
	(12, '0012_activity.sql', '86bebad47e619b6ac92a5ac69d1682a32a98c1aead9f72fc93d1e3ac66b6c4cb', '2026-11-27 14:36:41.547244+00'),
	(13, '0013_fence.sql', 'a9d4ca37ba72c03fa9305268377e26f46982560c06a52dae551198e685f17c9c', '2026-11-27 14:36:41.612167+00'),
	(14, '0014_bounds.sql', '0bfb6a9975b32477b999dc3f18fc2c57bee9583cc4a9e33f42bd82e25b297a4c', '2026-11-27 14:36:41.684186+00'),
	(15, '0015_activity_quarter.sql', '288476708b6dcb9f87292cfa092bafc490c921f2f67ade98d5f80803a0c871f6', '2026-11-27 14:36:41.792649+00'),
	(16, '0016_callers.sql', '3a16339a278d658ccafd746e3e47aaea480d0f743218b173e0b6733ef135c207', '2026-11-27 14:36:41.946762+00'),
	(17, '0017_responses.sql', '02002370052c93f14508132a96da31d00c28e9a34bcd9054431415121fa0d647', '2026-11-27 14:36:42.044298+00'),
	(18, '0018_privileges.sql', 'eb29db3415f7b83c8b08574a8bd33a3c7c71a97753c59d663479c964181f717b', '2026-11-27 14:36:42.162683+00'),
	(19, '0019_exactness.sql', 'ae291c69257695d34f401414cb668284cdba425bf0ed281bb01c0f93be307034', '2026-11-27 14:36:42.217261+00');
SELECT pg_catalog.setval('posthorn.account_id_seq', 2, true);
SELECT pg_catalog.setval('posthorn.api_key_id_seq', 1, true);
SELECT pg_catalog.setval('posthorn.api_user_id_seq', 1, true);
SELECT pg_catalog.setval('posthorn.dispatcher_id_seq', 1, true);
SELECT pg_catalog.setval('posthorn.outbox_id_seq', 1, true);
SELECT pg_catalog.setval('posthorn.position_id_seq', 3, true);
SELECT pg_catalog.setval('posthorn.recovery_code_id_seq', 1, true);
SELECT pg_catalog.setval('posthorn.source_key_id_seq', 1, true);
SELECT pg_catalog.setval('posthorn.test_offset', 1, true);
SELECT pg_catalog.setval('posthorn.webhook_id_seq', 2, true);
ALTER TABLE ONLY posthorn.account
    ADD CONSTRAINT account_key_key UNIQUE (key);
ALTER TABLE ONLY posthorn.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.account
    ADD CONSTRAINT account_uuid_key UNIQUE (uuid);
ALTER TABLE ONLY posthorn.activity_clock
    ADD CONSTRAINT activity_clock_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY posthorn.activity_last
    ADD CONSTRAINT activity_last_pkey PRIMARY KEY (webhook_id);
ALTER TABLE ONLY posthorn.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (webhook_id, minute, bucket);
ALTER TABLE ONLY posthorn.activity_quarter
    ADD CONSTRAINT activity_quarter_pkey PRIMARY KEY (webhook_id, quarter);
ALTER TABLE ONLY posthorn.api_key
    ADD CONSTRAINT api_key_hash_key UNIQUE (hash);
ALTER TABLE ONLY posthorn.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.api_key
    ADD CONSTRAINT api_key_uuid_key UNIQUE (uuid);
ALTER TABLE ONLY posthorn.api_login
    ADD CONSTRAINT api_login_pkey PRIMARY KEY (subject);
ALTER TABLE ONLY posthorn.api_rate
    ADD CONSTRAINT api_rate_pkey PRIMARY KEY (credential);
ALTER TABLE ONLY posthorn.api_refresh
    ADD CONSTRAINT api_refresh_pkey PRIMARY KEY (uuid);
ALTER TABLE ONLY posthorn.api_session
    ADD CONSTRAINT api_session_pkey PRIMARY KEY (uuid);
ALTER TABLE ONLY posthorn.api_user
    ADD CONSTRAINT api_user_email_key UNIQUE (email);
ALTER TABLE ONLY posthorn.api_user
    ADD CONSTRAINT api_user_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.api_user
    ADD CONSTRAINT api_user_uuid_key UNIQUE (uuid);
ALTER TABLE ONLY posthorn.console_session
    ADD CONSTRAINT console_session_pkey PRIMARY KEY (uuid);
ALTER TABLE ONLY posthorn.console_session
    ADD CONSTRAINT console_session_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY posthorn.digest_seal
    ADD CONSTRAINT digest_seal_pkey PRIMARY KEY (kind, hour);
ALTER TABLE ONLY posthorn.dispatcher
    ADD CONSTRAINT dispatcher_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_key, period);
ALTER TABLE ONLY posthorn.event_20261127
    ADD CONSTRAINT event_20261127_pkey PRIMARY KEY (event_key, period);
ALTER TABLE ONLY posthorn.event_type
    ADD CONSTRAINT event_type_pkey PRIMARY KEY (name);
ALTER TABLE ONLY posthorn.expired
    ADD CONSTRAINT expired_pkey PRIMARY KEY (kind);
ALTER TABLE ONLY posthorn.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.pending
    ADD CONSTRAINT pending_pkey PRIMARY KEY (position_id, "offset", webhook_id, cause);
ALTER TABLE ONLY posthorn."position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn."position"
    ADD CONSTRAINT position_source_topic_partition_log_epoch_key UNIQUE (source, topic, partition, log_epoch);
ALTER TABLE ONLY posthorn.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (webhook_id);
ALTER TABLE ONLY posthorn.recovery_code
    ADD CONSTRAINT recovery_code_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.recovery_code
    ADD CONSTRAINT recovery_code_user_id_hash_key UNIQUE (user_id, hash);
ALTER TABLE ONLY posthorn.seal
    ADD CONSTRAINT seal_pkey PRIMARY KEY (position_id, first_offset);
ALTER TABLE ONLY posthorn.server_key
    ADD CONSTRAINT server_key_pkey PRIMARY KEY (name);
ALTER TABLE ONLY posthorn.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name);
ALTER TABLE ONLY posthorn.source_key
    ADD CONSTRAINT source_key_account_id_name_key UNIQUE (account_id, name);
ALTER TABLE ONLY posthorn.source_key
    ADD CONSTRAINT source_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.source_key
    ADD CONSTRAINT source_key_uuid_key UNIQUE (uuid);
ALTER TABLE ONLY posthorn.subscription_change
    ADD CONSTRAINT subscription_change_pkey PRIMARY KEY (v, account_id);
ALTER TABLE ONLY posthorn.subscription_clock
    ADD CONSTRAINT subscription_clock_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY posthorn.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (webhook_id, pattern);
ALTER TABLE ONLY posthorn.topic
    ADD CONSTRAINT topic_pkey PRIMARY KEY (source, topic);
ALTER TABLE ONLY posthorn.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (id);
ALTER TABLE ONLY posthorn.webhook
    ADD CONSTRAINT webhook_public_id_key UNIQUE (public_id);
ALTER TABLE ONLY posthorn.webhook
    ADD CONSTRAINT webhook_uuid_key UNIQUE (uuid);
ALTER TABLE ONLY posthorn.webhook_version
    ADD CONSTRAINT webhook_version_pkey PRIMARY KEY (webhook_id, version);
ALTER TABLE ONLY public.posthorn_migration
    ADD CONSTRAINT posthorn_migration_pkey PRIMARY KEY (version);
CREATE INDEX activity_minute_idx ON posthorn.activity USING brin (minute);
CREATE INDEX activity_quarter_quarter_idx ON posthorn.activity_quarter USING brin (quarter);
CREATE INDEX api_key_account_id_idx ON posthorn.api_key USING btree (account_id);
CREATE INDEX api_login_since_idx ON posthorn.api_login USING btree (since);
CREATE INDEX api_refresh_session_idx ON posthorn.api_refresh USING btree (session);
CREATE INDEX api_session_expires_at_idx ON posthorn.api_session USING btree (expires_at);
CREATE INDEX api_session_user_id_idx ON posthorn.api_session USING btree (user_id);
CREATE INDEX api_user_account_id_idx ON posthorn.api_user USING btree (account_id);
CREATE INDEX attempt_coordinates ON ONLY posthorn.attempt USING btree (position_id, "offset");
CREATE INDEX attempt_20261127_position_id_offset_idx ON posthorn.attempt_20261127 USING btree (position_id, "offset");
CREATE INDEX attempt_recorded ON ONLY posthorn.attempt USING brin (recorded_at);
CREATE INDEX attempt_20261127_recorded_at_idx ON posthorn.attempt_20261127 USING brin (recorded_at);
CREATE INDEX cancellation_coordinates ON ONLY posthorn.cancellation USING btree (position_id, "offset");
CREATE INDEX cancellation_20261127_position_id_offset_idx ON posthorn.cancellation_20261127 USING btree (position_id, "offset");
CREATE INDEX cancellation_of_webhook ON ONLY posthorn.cancellation USING btree (webhook_id, recorded_at);
CREATE INDEX cancellation_20261127_webhook_id_recorded_at_idx ON posthorn.cancellation_20261127 USING btree (webhook_id, recorded_at);
CREATE INDEX change_changed_at ON ONLY posthorn.change USING btree (changed_at);
CREATE INDEX change_20261127_changed_at_idx ON posthorn.change_20261127 USING btree (changed_at);
CREATE INDEX console_session_expires_at_idx ON posthorn.console_session USING btree (expires_at);
CREATE INDEX console_session_user_id_created_at_idx ON posthorn.console_session USING btree (user_id, created_at);
CREATE INDEX dead_letter_coordinates ON ONLY posthorn.dead_letter USING btree (position_id, "offset");
CREATE INDEX dead_letter_20261127_position_id_offset_idx ON posthorn.dead_letter_20261127 USING btree (position_id, "offset");
CREATE INDEX dead_letter_kept ON ONLY posthorn.dead_letter USING btree (recorded_at) WHERE (erased_at IS NULL);
CREATE INDEX dead_letter_20261127_recorded_at_idx ON posthorn.dead_letter_20261127 USING btree (recorded_at) WHERE (erased_at IS NULL);
CREATE INDEX digest_recorded ON ONLY posthorn.digest USING brin (recorded_at);
CREATE INDEX digest_20261127_recorded_at_idx ON posthorn.digest_20261127 USING brin (recorded_at);
CREATE INDEX event_id ON ONLY posthorn.event USING hash (event_id);
CREATE INDEX event_20261127_event_id_idx ON posthorn.event_20261127 USING hash (event_id);
CREATE INDEX event_coordinates ON ONLY posthorn.event USING btree (position_id, "offset");
CREATE INDEX event_20261127_position_id_offset_idx ON posthorn.event_20261127 USING btree (position_id, "offset");
CREATE INDEX event_received ON ONLY posthorn.event USING brin (received_at);
CREATE INDEX event_20261127_received_at_idx ON posthorn.event_20261127 USING brin (received_at);
CREATE INDEX ledger_offsets ON ONLY posthorn.ledger USING btree (position_id, first_offset);
CREATE INDEX ledger_20261127_position_id_first_offset_idx ON posthorn.ledger_20261127 USING btree (position_id, first_offset);
CREATE INDEX payload_coordinates ON ONLY posthorn.payload USING btree (position_id, "offset");
CREATE INDEX payload_20261127_position_id_offset_idx ON posthorn.payload_20261127 USING btree (position_id, "offset");
CREATE INDEX pending_due ON posthorn.pending USING btree (webhook_id, next_attempt_at);
CREATE INDEX queue_due ON posthorn.queue USING btree (next_due);
CREATE INDEX repeat_coordinates ON ONLY posthorn.repeat USING btree (position_id, "offset");
CREATE INDEX repeat_20261127_position_id_offset_idx ON posthorn.repeat_20261127 USING btree (position_id, "offset");
CREATE INDEX webhook_of_account ON posthorn.webhook USING btree (account_id, id);
ALTER INDEX posthorn.attempt_coordinates ATTACH PARTITION posthorn.attempt_20261127_position_id_offset_idx;
ALTER INDEX posthorn.attempt_recorded ATTACH PARTITION posthorn.attempt_20261127_recorded_at_idx;
ALTER INDEX posthorn.cancellation_coordinates ATTACH PARTITION posthorn.cancellation_20261127_position_id_offset_idx;
ALTER INDEX posthorn.cancellation_of_webhook ATTACH PARTITION posthorn.cancellation_20261127_webhook_id_recorded_at_idx;
ALTER INDEX posthorn.change_changed_at ATTACH PARTITION posthorn.change_20261127_changed_at_idx;
ALTER INDEX posthorn.dead_letter_coordinates ATTACH PARTITION posthorn.dead_letter_20261127_position_id_offset_idx;
ALTER INDEX posthorn.dead_letter_kept ATTACH PARTITION posthorn.dead_letter_20261127_recorded_at_idx;
ALTER INDEX posthorn.digest_recorded ATTACH PARTITION posthorn.digest_20261127_recorded_at_idx;
ALTER INDEX posthorn.event_id ATTACH PARTITION posthorn.event_20261127_event_id_idx;
ALTER INDEX posthorn.event_pkey ATTACH PARTITION posthorn.event_20261127_pkey;
ALTER INDEX posthorn.event_coordinates ATTACH PARTITION posthorn.event_20261127_position_id_offset_idx;
ALTER INDEX posthorn.event_received ATTACH PARTITION posthorn.event_20261127_received_at_idx;
ALTER INDEX posthorn.ledger_offsets ATTACH PARTITION posthorn.ledger_20261127_position_id_first_offset_idx;
ALTER INDEX posthorn.payload_coordinates ATTACH PARTITION posthorn.payload_20261127_position_id_offset_idx;
ALTER INDEX posthorn.repeat_coordinates ATTACH PARTITION posthorn.repeat_20261127_position_id_offset_idx;
CREATE TRIGGER add_quarters_insert AFTER INSERT ON posthorn.activity REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.add_quarters();
CREATE TRIGGER add_quarters_update AFTER UPDATE ON posthorn.activity REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.add_quarters();
CREATE TRIGGER period_changed AFTER UPDATE OF value ON posthorn.setting FOR EACH ROW WHEN (((new.name = 'event_period_days'::text) AND (new.value IS DISTINCT FROM old.value))) EXECUTE FUNCTION posthorn.period_changed();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.account REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.api_key REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.api_user REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.event_type REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.setting REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.source_key REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.subscription REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_subscriptions();
CREATE TRIGGER remember_delete AFTER DELETE ON posthorn.webhook REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.account REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.api_key REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.api_user REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.event_type REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.setting REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.source_key REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.subscription REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_subscriptions();
CREATE TRIGGER remember_insert AFTER INSERT ON posthorn.webhook REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.account REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.api_key REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.api_user REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.event_type REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.recovery_code REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.setting REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.source_key REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.subscription REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_subscriptions();
CREATE TRIGGER remember_update AFTER UPDATE ON posthorn.webhook REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.remember_change();
CREATE TRIGGER tick_delete AFTER DELETE ON posthorn.account REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_account();
CREATE TRIGGER tick_delete AFTER DELETE ON posthorn.source_key REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_owned();
CREATE TRIGGER tick_delete AFTER DELETE ON posthorn.subscription REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_subscription();
CREATE TRIGGER tick_delete AFTER DELETE ON posthorn.webhook REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_owned();
CREATE TRIGGER tick_insert AFTER INSERT ON posthorn.account REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_account();
CREATE TRIGGER tick_insert AFTER INSERT ON posthorn.source_key REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_owned();
CREATE TRIGGER tick_insert AFTER INSERT ON posthorn.subscription REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_subscription();
CREATE TRIGGER tick_insert AFTER INSERT ON posthorn.webhook REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_owned();
CREATE TRIGGER tick_update AFTER UPDATE ON posthorn.account REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_account();
CREATE TRIGGER tick_update AFTER UPDATE ON posthorn.source_key REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_owned();
CREATE TRIGGER tick_update AFTER UPDATE ON posthorn.subscription REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_subscription();
CREATE TRIGGER tick_update AFTER UPDATE ON posthorn.webhook REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.tick_owned();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.attempt REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.attempt_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.cancellation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.cancellation_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.dead_letter REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.dead_letter_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.event REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.event_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.ledger REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_ledger();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.ledger_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_ledger();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.repeat REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_delete AFTER DELETE ON posthorn.repeat_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.attempt REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('attempt');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.attempt_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('attempt');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.cancellation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('cancellation');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.cancellation_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('cancellation');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.dead_letter REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('dead_letter');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.dead_letter_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('dead_letter');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.digest REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('digest');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.digest_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('digest');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.event REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('event');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.event_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('event');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.ledger REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('ledger');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.ledger_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('ledger');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.payload REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('payload');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.payload_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('payload');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.repeat REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('repeat');
CREATE TRIGGER unseal_digest_delete AFTER DELETE ON posthorn.repeat_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('repeat');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.attempt FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('attempt');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.attempt_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('attempt');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.cancellation FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('cancellation');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.cancellation_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('cancellation');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.dead_letter FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('dead_letter');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.dead_letter_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('dead_letter');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.digest FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('digest');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.digest_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('digest');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.event FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('event');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.event_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('event');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.ledger FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('ledger');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.ledger_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('ledger');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.payload FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('payload');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.payload_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('payload');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.repeat FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('repeat');
CREATE TRIGGER unseal_digest_truncate AFTER TRUNCATE ON posthorn.repeat_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('repeat');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.attempt REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('attempt');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.attempt_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('attempt');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.cancellation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('cancellation');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.cancellation_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('cancellation');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.dead_letter REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('dead_letter');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.dead_letter_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('dead_letter');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.digest REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('digest');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.digest_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('digest');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.event REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('event');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.event_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('event');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.ledger REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('ledger');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.ledger_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('ledger');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.payload REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('payload');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.payload_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('payload');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.repeat REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('repeat');
CREATE TRIGGER unseal_digest_update AFTER UPDATE ON posthorn.repeat_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_digest('repeat');
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.attempt FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.attempt_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.cancellation FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.cancellation_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.dead_letter FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.dead_letter_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.event FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.event_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.ledger FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.ledger_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.repeat FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_truncate AFTER TRUNCATE ON posthorn.repeat_20261127 FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.attempt REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.attempt_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.cancellation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.cancellation_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.dead_letter REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.dead_letter_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.event REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.event_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.ledger REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_ledger();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.ledger_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal_ledger();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.repeat REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER unseal_update AFTER UPDATE ON posthorn.repeat_20261127 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.unseal();
CREATE TRIGGER webhook_remember AFTER INSERT OR UPDATE OF url ON posthorn.webhook FOR EACH ROW EXECUTE FUNCTION posthorn.webhook_remember();
CREATE TRIGGER webhook_turned AFTER UPDATE OF status, url ON posthorn.webhook FOR EACH ROW WHEN (((old.status IS DISTINCT FROM new.status) OR (old.url IS DISTINCT FROM new.url))) EXECUTE FUNCTION posthorn.webhook_turned();
CREATE TRIGGER webhook_versioned BEFORE INSERT OR UPDATE ON posthorn.webhook FOR EACH ROW EXECUTE FUNCTION posthorn.webhook_versioned();
CREATE TRIGGER within_bounds_insert AFTER INSERT ON posthorn.subscription REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.within_bounds();
CREATE TRIGGER within_bounds_insert AFTER INSERT ON posthorn.webhook REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.within_bounds();
CREATE TRIGGER within_bounds_update AFTER UPDATE ON posthorn.subscription REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.within_bounds();
CREATE TRIGGER within_bounds_update AFTER UPDATE ON posthorn.webhook REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION posthorn.within_bounds();
ALTER TABLE ONLY posthorn.api_key
    ADD CONSTRAINT api_key_account_id_fkey FOREIGN KEY (account_id) REFERENCES posthorn.account(id);
ALTER TABLE ONLY posthorn.api_refresh
    ADD CONSTRAINT api_refresh_session_fkey FOREIGN KEY (session) REFERENCES posthorn.api_session(uuid) ON DELETE CASCADE;
ALTER TABLE ONLY posthorn.api_session
    ADD CONSTRAINT api_session_user_id_fkey FOREIGN KEY (user_id) REFERENCES posthorn.api_user(id);
ALTER TABLE ONLY posthorn.api_user
    ADD CONSTRAINT api_user_account_id_fkey FOREIGN KEY (account_id) REFERENCES posthorn.account(id);
ALTER TABLE ONLY posthorn.console_session
    ADD CONSTRAINT console_session_user_id_fkey FOREIGN KEY (user_id) REFERENCES posthorn.api_user(id);
ALTER TABLE ONLY posthorn."position"
    ADD CONSTRAINT position_dispatcher_id_fkey FOREIGN KEY (dispatcher_id) REFERENCES posthorn.dispatcher(id);
ALTER TABLE ONLY posthorn.recovery_code
    ADD CONSTRAINT recovery_code_user_id_fkey FOREIGN KEY (user_id) REFERENCES posthorn.api_user(id);
ALTER TABLE ONLY posthorn.source_key
    ADD CONSTRAINT source_key_account_id_fkey FOREIGN KEY (account_id) REFERENCES posthorn.account(id);
ALTER TABLE ONLY posthorn.subscription
    ADD CONSTRAINT subscription_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES posthorn.webhook(id) ON DELETE CASCADE;
ALTER TABLE ONLY posthorn.webhook
    ADD CONSTRAINT webhook_account_id_fkey FOREIGN KEY (account_id) REFERENCES posthorn.account(id);
ALTER TABLE ONLY posthorn.webhook
    ADD CONSTRAINT webhook_source_key_id_fkey FOREIGN KEY (source_key_id) REFERENCES posthorn.source_key(id);
ALTER TABLE ONLY posthorn.webhook_version
    ADD CONSTRAINT webhook_version_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES posthorn.webhook(id);
GRANT USAGE ON SCHEMA audit TO posthorn_audit;
GRANT USAGE ON SCHEMA audit TO posthorn_api;
GRANT USAGE ON SCHEMA posthorn TO posthorn_dispatcher;
GRANT USAGE ON SCHEMA posthorn TO posthorn_api;
GRANT ALL ON FUNCTION audit.show(bytes bytea) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.accept_changes(why text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.accept_changes(why text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.accept_changes(why text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.accept_changes(why text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.webhook_bytes(texts text[], secrets bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.webhook_bytes(texts text[], secrets bytea[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.webhook_bytes(texts text[], secrets bytea[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.webhook_bytes(texts text[], secrets bytea[]) TO posthorn_audit;
GRANT SELECT ON TABLE posthorn.subscription TO posthorn_dispatcher;
GRANT SELECT,INSERT,DELETE ON TABLE posthorn.subscription TO posthorn_api;
GRANT SELECT ON TABLE posthorn.webhook TO posthorn_dispatcher;
GRANT SELECT,INSERT,UPDATE ON TABLE posthorn.webhook TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.account_bytes(in_account integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.account_bytes(in_account integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.account_bytes(in_account integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.account_bytes(in_account integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.account_bytes_max() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.account_bytes_max() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.account_bytes_max() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.account_bytes_max() TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.add_quarters() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.api_change(in_account uuid, cost integer, per_minute integer, burst integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_change(in_account uuid, cost integer, per_minute integer, burst integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_change(in_account uuid, cost integer, per_minute integer, burst integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_change(in_account uuid, cost integer, per_minute integer, burst integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_enter(in_hash bytea, in_session uuid, per_minute integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_enter(in_hash bytea, in_session uuid, per_minute integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_enter(in_hash bytea, in_session uuid, per_minute integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_enter(in_hash bytea, in_session uuid, per_minute integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_login_attempt(email text, address text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_login_attempt(email text, address text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_login_attempt(email text, address text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_login_attempt(email text, address text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_login_hash(email text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_login_hash(email text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_login_hash(email text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_login_hash(email text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_login_succeeded(email text, address text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_login_succeeded(email text, address text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_login_succeeded(email text, address text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_login_succeeded(email text, address text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_refresh_use(in_refresh uuid, in_session uuid, OUT session uuid, OUT stolen boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_refresh_use(in_refresh uuid, in_session uuid, OUT session uuid, OUT stolen boolean) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_refresh_use(in_refresh uuid, in_session uuid, OUT session uuid, OUT stolen boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_refresh_use(in_refresh uuid, in_session uuid, OUT session uuid, OUT stolen boolean) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_session_begin(in_user integer, in_session uuid, in_address text, seconds bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_session_begin(in_user integer, in_session uuid, in_address text, seconds bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.api_session_begin(in_user integer, in_session uuid, in_address text, seconds bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.api_session_begin(in_user integer, in_session uuid, in_address text, seconds bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.api_test(in_account integer, in_webhook integer, key uuid, id text, type text, digest bytea, body bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.api_test(in_account integer, in_webhook integer, key uuid, id text, type text, digest bytea, body bytea) TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.bring_forward(in_position integer, from_offset bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.bring_forward(in_position integer, from_offset bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.bring_forward(in_position integer, from_offset bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.bring_forward(in_position integer, from_offset bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.bury(positions integer[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[], headers bytea[], copied boolean[], timestamps bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.bury(positions integer[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[], headers bytea[], copied boolean[], timestamps bigint[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.bury(positions integer[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[], headers bytea[], copied boolean[], timestamps bigint[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.bury(positions integer[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[], headers bytea[], copied boolean[], timestamps bigint[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.cancel(positions integer[], offsets bigint[], webhooks integer[], causes "char"[], reasons text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cancel(positions integer[], offsets bigint[], webhooks integer[], causes "char"[], reasons text[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.cancel(positions integer[], offsets bigint[], webhooks integer[], causes "char"[], reasons text[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.cancel(positions integer[], offsets bigint[], webhooks integer[], causes "char"[], reasons text[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.cancel_due(in_dispatcher integer, in_webhook integer, in_reason text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cancel_due(in_dispatcher integer, in_webhook integer, in_reason text, most integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.cancel_due(in_dispatcher integer, in_webhook integer, in_reason text, most integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.cancel_due(in_dispatcher integer, in_webhook integer, in_reason text, most integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.change_shown(object text, changed jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.change_shown(object text, changed jsonb) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.change_shown(object text, changed jsonb) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.change_shown(object text, changed jsonb) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.changes_since(known_v bigint, OUT v bigint, OUT changed integer[], OUT forget boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.changes_since(known_v bigint, OUT v bigint, OUT changed integer[], OUT forget boolean) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.changes_since(known_v bigint, OUT v bigint, OUT changed integer[], OUT forget boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.changes_since(known_v bigint, OUT v bigint, OUT changed integer[], OUT forget boolean) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.claim(in_source text, in_topic text, in_partition integer, new_owner uuid, in_dispatcher integer, in_partitions integer, OUT position_id integer, OUT next_offset bigint, OUT last_offset bigint, OUT last_timestamp bigint, OUT last_check bigint, OUT stopped text, OUT known boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.claim(in_source text, in_topic text, in_partition integer, new_owner uuid, in_dispatcher integer, in_partitions integer, OUT position_id integer, OUT next_offset bigint, OUT last_offset bigint, OUT last_timestamp bigint, OUT last_check bigint, OUT stopped text, OUT known boolean) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.claim(in_source text, in_topic text, in_partition integer, new_owner uuid, in_dispatcher integer, in_partitions integer, OUT position_id integer, OUT next_offset bigint, OUT last_offset bigint, OUT last_timestamp bigint, OUT last_check bigint, OUT stopped text, OUT known boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.claim(in_source text, in_topic text, in_partition integer, new_owner uuid, in_dispatcher integer, in_partitions integer, OUT position_id integer, OUT next_offset bigint, OUT last_offset bigint, OUT last_timestamp bigint, OUT last_check bigint, OUT stopped text, OUT known boolean) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.console_begin(in_user integer, in_hash bytea, old_hash bytea, in_address text, seconds bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.console_begin(in_user integer, in_hash bytea, old_hash bytea, in_address text, seconds bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.console_begin(in_user integer, in_hash bytea, old_hash bytea, in_address text, seconds bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.console_begin(in_user integer, in_hash bytea, old_hash bytea, in_address text, seconds bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.console_guess(in_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.console_guess(in_user uuid) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.console_guess(in_user uuid) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.console_guess(in_user uuid) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.count_activity() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.count_activity() TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.count_activity_between(first timestamp with time zone, past timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.count_activity_between(first timestamp with time zone, past timestamp with time zone) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.count_activity_between(first timestamp with time zone, past timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.count_activity_between(first timestamp with time zone, past timestamp with time zone) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.count_chunk(in_position integer, first bigint, past bigint, l_records bigint, l_events bigint, l_repeated bigint, l_dead bigint, l_matched bigint, OUT events bigint, OUT repeated bigint, OUT dead_lettered bigint, OUT delivered bigint, OUT pending bigint, OUT failed bigint, OUT cancelled bigint, OUT missing bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.count_chunk(in_position integer, first bigint, past bigint, l_records bigint, l_events bigint, l_repeated bigint, l_dead bigint, l_matched bigint, OUT events bigint, OUT repeated bigint, OUT dead_lettered bigint, OUT delivered bigint, OUT pending bigint, OUT failed bigint, OUT cancelled bigint, OUT missing bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.count_digest(in_kind text, since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.count_login(in_subject text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.count_login(in_subject text, most integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.count_login(in_subject text, most integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.count_login(in_subject text, most integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.dead_letter_replayed(in_position integer, in_offset bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.dead_letter_replayed(in_position integer, in_offset bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.dead_letter_replayed(in_position integer, in_offset bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.dead_letter_replayed(in_position integer, in_offset bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.dead_letter_resealed(in_recorded_at timestamp with time zone, in_position integer, in_offset bigint, row_at tid, in_value bytea, in_headers bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.dead_letter_resealed(in_recorded_at timestamp with time zone, in_position integer, in_offset bigint, row_at tid, in_value bytea, in_headers bytea) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.dead_letter_resealed(in_recorded_at timestamp with time zone, in_position integer, in_offset bigint, row_at tid, in_value bytea, in_headers bytea) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.dead_letter_resealed(in_recorded_at timestamp with time zone, in_position integer, in_offset bigint, row_at tid, in_value bytea, in_headers bytea) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.difference_said(kind text, row_count bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.difference_said(kind text, row_count bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.difference_said(kind text, row_count bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.difference_said(kind text, row_count bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.differing() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.differing() TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.digest_event(in_key uuid, in_period date, sign integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.digest_event(in_key uuid, in_period date, sign integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.digest_event(in_key uuid, in_period date, sign integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.digest_event(in_key uuid, in_period date, sign integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.digest_pending(in_position integer, in_offset bigint, sign integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.digest_pending(in_position integer, in_offset bigint, sign integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.digest_pending(in_position integer, in_offset bigint, sign integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.digest_pending(in_position integer, in_offset bigint, sign integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.disable(in_webhook integer, reason text, failed_for bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.disable(in_webhook integer, reason text, failed_for bigint) TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.dispatcher_started(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.dispatcher_started(name text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.dispatcher_started(name text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.dispatcher_started(name text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.drop_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.drop_partitions() TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.due(in_dispatcher integer, seconds integer, webhooks integer[], most integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.due(in_dispatcher integer, seconds integer, webhooks integer[], most integer[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.due(in_dispatcher integer, seconds integer, webhooks integer[], most integer[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.due(in_dispatcher integer, seconds integer, webhooks integer[], most integer[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.expire_rows() FROM PUBLIC;
REVOKE ALL ON TABLE posthorn.attempt FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.attempt TO posthorn_admin;
GRANT SELECT,INSERT ON TABLE posthorn.attempt TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.attempt TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.attempt) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.attempt) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.attempt) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.attempt) TO posthorn_audit;
GRANT SELECT,INSERT ON TABLE posthorn.cancellation TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.cancellation TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.cancellation) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.cancellation) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.cancellation) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.cancellation) TO posthorn_audit;
GRANT SELECT,INSERT ON TABLE posthorn.dead_letter TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.dead_letter) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.dead_letter) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.dead_letter) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.dead_letter) TO posthorn_audit;
GRANT SELECT,INSERT ON TABLE posthorn.event TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.event TO posthorn_api;
GRANT UPDATE(period) ON TABLE posthorn.event TO posthorn_dispatcher;
GRANT UPDATE(position_id) ON TABLE posthorn.event TO posthorn_dispatcher;
GRANT UPDATE("offset") ON TABLE posthorn.event TO posthorn_dispatcher;
GRANT UPDATE(received_at) ON TABLE posthorn.event TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.event) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.event) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.event) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.event) TO posthorn_audit;
REVOKE ALL ON TABLE posthorn.ledger FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.ledger TO posthorn_admin;
GRANT SELECT,INSERT ON TABLE posthorn.ledger TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.ledger) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.ledger) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.ledger) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.ledger) TO posthorn_audit;
GRANT SELECT,INSERT,DELETE ON TABLE posthorn.payload TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.payload TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.payload) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.payload) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.payload) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.payload) TO posthorn_audit;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE posthorn.pending TO posthorn_dispatcher;
GRANT SELECT,INSERT ON TABLE posthorn.pending TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.pending) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.pending) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.pending) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.pending) TO posthorn_audit;
GRANT SELECT,INSERT ON TABLE posthorn.repeat TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.hash(r posthorn.repeat) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.repeat) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.repeat) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hash(r posthorn.repeat) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.health(webhooks integer[], failing boolean[], gone_count integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.health(webhooks integer[], failing boolean[], gone_count integer[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.health(webhooks integer[], failing boolean[], gone_count integer[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.health(webhooks integer[], failing boolean[], gone_count integer[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.insecure() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.insecure() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.insecure() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.insecure() TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.intake(known_v bigint, keys uuid[], positions integer[], offsets bigint[], accounts integer[], types text[], ids text[], sources text[], occurred timestamp with time zone[], digests bytea[], traceparents text[], order_keys bigint[], sealed boolean, bodies bytea[], extensions bytea[], OUT v bigint, OUT changed integer[], OUT forget boolean, OUT period date, OUT again integer[], OUT again_period date[], OUT repeated integer[], OUT of_position integer[], OUT of_offset bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.intake(known_v bigint, keys uuid[], positions integer[], offsets bigint[], accounts integer[], types text[], ids text[], sources text[], occurred timestamp with time zone[], digests bytea[], traceparents text[], order_keys bigint[], sealed boolean, bodies bytea[], extensions bytea[], OUT v bigint, OUT changed integer[], OUT forget boolean, OUT period date, OUT again integer[], OUT again_period date[], OUT repeated integer[], OUT of_position integer[], OUT of_offset bigint[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.intake(known_v bigint, keys uuid[], positions integer[], offsets bigint[], accounts integer[], types text[], ids text[], sources text[], occurred timestamp with time zone[], digests bytea[], traceparents text[], order_keys bigint[], sealed boolean, bodies bytea[], extensions bytea[], OUT v bigint, OUT changed integer[], OUT forget boolean, OUT period date, OUT again integer[], OUT again_period date[], OUT repeated integer[], OUT of_position integer[], OUT of_offset bigint[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.intake(known_v bigint, keys uuid[], positions integer[], offsets bigint[], accounts integer[], types text[], ids text[], sources text[], occurred timestamp with time zone[], digests bytea[], traceparents text[], order_keys bigint[], sealed boolean, bodies bytea[], extensions bytea[], OUT v bigint, OUT changed integer[], OUT forget boolean, OUT period date, OUT again integer[], OUT again_period date[], OUT repeated integer[], OUT of_position integer[], OUT of_offset bigint[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.keep_as_recorded(recorded text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.keep_as_recorded(recorded text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.keep_as_recorded(recorded text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.keep_as_recorded(recorded text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.kept_since(in_kind text) FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.lease(in_dispatcher integer, seconds integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.lease(in_dispatcher integer, seconds integer, most integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.lease(in_dispatcher integer, seconds integer, most integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.lease(in_dispatcher integer, seconds integer, most integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.login_network(address text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.login_network(address text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.login_network(address text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.login_network(address text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.make_partition(parent text, first date, past_last date) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.make_partition(parent text, first date, past_last date) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.make_partition(parent text, first date, past_last date) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.make_partition(parent text, first date, past_last date) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.make_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.make_partitions() TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.match(accounts integer[], types text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.match(accounts integer[], types text[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.match(accounts integer[], types text[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.match(accounts integer[], types text[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.move(in_dispatcher integer, seq bigint, positions integer[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[], last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records integer[], n_events integer[], n_repeated integer[], n_dead integer[], n_matched integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.move(in_dispatcher integer, seq bigint, positions integer[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[], last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records integer[], n_events integer[], n_repeated integer[], n_dead integer[], n_matched integer[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.move(in_dispatcher integer, seq bigint, positions integer[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[], last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records integer[], n_events integer[], n_repeated integer[], n_dead integer[], n_matched integer[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.move(in_dispatcher integer, seq bigint, positions integer[], owners uuid[], old_next bigint[], new_next bigint[], last_offsets bigint[], last_timestamps bigint[], last_checks bigint[], first_offsets bigint[], n_records integer[], n_events integer[], n_repeated integer[], n_dead integer[], n_matched integer[]) TO posthorn_audit;
GRANT SELECT,DELETE ON TABLE posthorn.outbox TO posthorn_dispatcher;
GRANT UPDATE(lease_until) ON TABLE posthorn.outbox TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.outbox_take(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.outbox_take(most integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.outbox_take(most integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.outbox_take(most integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.park(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[], due timestamp with time zone[], order_keys bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.park(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[], due timestamp with time zone[], order_keys bigint[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.park(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[], due timestamp with time zone[], order_keys bigint[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.park(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], periods date[], attempts_made smallint[], due timestamp with time zone[], order_keys bigint[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.period_changed() FROM PUBLIC;
GRANT SELECT ON TABLE posthorn.setting TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.setting TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.setting_int(wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.setting_int(wanted text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.setting_int(wanted text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.setting_int(wanted text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.period_of(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.period_of(at timestamp with time zone) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.period_of(at timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.period_of(at timestamp with time zone) TO posthorn_audit;
GRANT SELECT,INSERT,UPDATE ON TABLE posthorn."position" TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.positions_lost(positions integer[], owners uuid[], offsets bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.positions_lost(positions integer[], owners uuid[], offsets bigint[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.positions_lost(positions integer[], owners uuid[], offsets bigint[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.positions_lost(positions integer[], owners uuid[], offsets bigint[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.queue_due(webhooks integer[], due timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.queue_due(webhooks integer[], due timestamp with time zone[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.queue_due(webhooks integer[], due timestamp with time zone[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.queue_due(webhooks integer[], due timestamp with time zone[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.record(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.record(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.record(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.record(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.record_carefully(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.record_carefully(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.record_carefully(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.record_carefully(started timestamp with time zone[], offsets bigint[], positions integer[], webhooks integer[], versions integer[], durations integer[], attempts smallint[], statuses smallint[], causes "char"[], outcomes "char"[], errors bytea[], bodies bytea[], in_dispatcher integer, sealed boolean[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.record_change(object text, object_id text, action text, before jsonb, after jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.recorded(in_position integer, from_offset bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.recorded(in_position integer, from_offset bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.recorded(in_position integer, from_offset bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.recorded(in_position integer, from_offset bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.release(in_dispatcher integer, webhooks integer[], held timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.release(in_dispatcher integer, webhooks integer[], held timestamp with time zone[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.release(in_dispatcher integer, webhooks integer[], held timestamp with time zone[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.release(in_dispatcher integer, webhooks integer[], held timestamp with time zone[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.remember_act(object text, object_id text, action text, after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.remember_act(object text, object_id text, action text, after jsonb) TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.remember_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.remember_subscriptions() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.repeated(positions integer[], offsets bigint[], of_positions integer[], of_offsets bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.repeated(positions integer[], offsets bigint[], of_positions integer[], of_offsets bigint[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.repeated(positions integer[], offsets bigint[], of_positions integer[], of_offsets bigint[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.repeated(positions integer[], offsets bigint[], of_positions integer[], of_offsets bigint[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.response_bytes(kept bytea, sealed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.response_bytes(kept bytea, sealed boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.response_bytes(kept bytea, sealed boolean) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.response_bytes(kept bytea, sealed boolean) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.seal_chunks() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.seal_chunks() TO posthorn_dispatcher;
REVOKE ALL ON FUNCTION posthorn.seal_digests() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.seal_digests() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.seal_digests() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.seal_digests() TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.second_factor_reset(in_user integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.second_factor_reset(in_user integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.second_factor_reset(in_user integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.second_factor_reset(in_user integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.secure() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.secure() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.secure() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.secure() TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.settle(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.settle(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamp with time zone[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.settle(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamp with time zone[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.settle(webhooks integer[], positions integer[], offsets bigint[], causes "char"[], attempts_made smallint[], due timestamp with time zone[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.shown_time(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.shown_time(at timestamp with time zone) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.shown_time(at timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.shown_time(at timestamp with time zone) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.start_at(in_position integer, in_owner uuid, start bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.start_at(in_position integer, in_owner uuid, start bigint) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.start_at(in_position integer, in_owner uuid, start bigint) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.start_at(in_position integer, in_owner uuid, start bigint) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.take_over(keys uuid[], positions integer[], offsets bigint[], periods date[], sealed boolean, bodies bytea[], extensions bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.take_over(keys uuid[], positions integer[], offsets bigint[], periods date[], sealed boolean, bodies bytea[], extensions bytea[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.take_over(keys uuid[], positions integer[], offsets bigint[], periods date[], sealed boolean, bodies bytea[], extensions bytea[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.take_over(keys uuid[], positions integer[], offsets bigint[], periods date[], sealed boolean, bodies bytea[], extensions bytea[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.tick(account_ids integer[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.tick_account() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.tick_owned() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.tick_subscription() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.unseal() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.unseal_digest() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.unseal_ledger() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.unsealed_before(instant timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.unsealed_before(instant timestamp with time zone) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.unsealed_before(instant timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.unsealed_before(instant timestamp with time zone) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.url_shown(url text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.url_shown(url text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.url_shown(url text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.url_shown(url text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.watch_digest(parent text, child text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.watch_digest(parent text, child text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.watch_digest(parent text, child text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.watch_digest(parent text, child text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.watch_partition(parent text, child text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.watch_partition(parent text, child text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.watch_partition(parent text, child text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.watch_partition(parent text, child text) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.webhook_deliveries(in_webhook integer, lo timestamp with time zone, hi timestamp with time zone, c_at timestamp with time zone, c_position integer, c_offset bigint, in_state text, in_type text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.webhook_deliveries(in_webhook integer, lo timestamp with time zone, hi timestamp with time zone, c_at timestamp with time zone, c_position integer, c_offset bigint, in_state text, in_type text, most integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.webhook_deliveries(in_webhook integer, lo timestamp with time zone, hi timestamp with time zone, c_at timestamp with time zone, c_position integer, c_offset bigint, in_state text, in_type text, most integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.webhook_deliveries(in_webhook integer, lo timestamp with time zone, hi timestamp with time zone, c_at timestamp with time zone, c_position integer, c_offset bigint, in_state text, in_type text, most integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.webhook_delivery(in_webhook integer, in_position integer, in_offset bigint, hi timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.webhook_delivery(in_webhook integer, in_position integer, in_offset bigint, hi timestamp with time zone) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.webhook_delivery(in_webhook integer, in_position integer, in_offset bigint, hi timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.webhook_delivery(in_webhook integer, in_position integer, in_offset bigint, hi timestamp with time zone) TO posthorn_audit;
GRANT SELECT ON TABLE posthorn.activity_last TO posthorn_api;
GRANT SELECT ON TABLE posthorn.activity_quarter TO posthorn_api;
GRANT SELECT,INSERT,UPDATE ON TABLE posthorn.queue TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.queue TO posthorn_api;
GRANT INSERT(webhook_id) ON TABLE posthorn.queue TO posthorn_api;
GRANT INSERT(next_due),UPDATE(next_due) ON TABLE posthorn.queue TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.webhooks_health(in_webhooks integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.webhooks_health(in_webhooks integer[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.webhooks_health(in_webhooks integer[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.webhooks_health(in_webhooks integer[]) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.webhook_health(in_webhook integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.webhook_health(in_webhook integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.webhook_health(in_webhook integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.webhook_health(in_webhook integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.webhook_remember() FROM PUBLIC;
GRANT SELECT ON TABLE posthorn.activity TO posthorn_api;
REVOKE ALL ON FUNCTION posthorn.webhook_statistics(in_webhook integer, in_from timestamp with time zone, in_to timestamp with time zone, wanted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.webhook_statistics(in_webhook integer, in_from timestamp with time zone, in_to timestamp with time zone, wanted integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.webhook_statistics(in_webhook integer, in_from timestamp with time zone, in_to timestamp with time zone, wanted integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.webhook_statistics(in_webhook integer, in_from timestamp with time zone, in_to timestamp with time zone, wanted integer) TO posthorn_audit;
REVOKE ALL ON FUNCTION posthorn.webhook_turned() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.webhook_versioned() FROM PUBLIC;
REVOKE ALL ON FUNCTION posthorn.within_bounds() FROM PUBLIC;
GRANT SELECT ON TABLE posthorn.account TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.account TO posthorn_api;
GRANT SELECT,INSERT ON TABLE posthorn.dispatcher TO posthorn_dispatcher;
GRANT UPDATE(flush_seq) ON TABLE posthorn.dispatcher TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.webhook_version TO posthorn_api;
GRANT SELECT ON TABLE posthorn.attempt_shown TO posthorn_api;
GRANT SELECT ON TABLE audit.attempts TO posthorn_audit;
GRANT SELECT ON TABLE audit.attempts TO posthorn_api;
REVOKE ALL ON TABLE posthorn.change FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.change TO posthorn_admin;
GRANT SELECT ON TABLE audit.changes TO posthorn_audit;
GRANT SELECT ON TABLE audit.dead_letters TO posthorn_audit;
GRANT SELECT ON TABLE posthorn.delivery_shown TO posthorn_api;
GRANT SELECT ON TABLE audit.deliveries TO posthorn_audit;
GRANT SELECT ON TABLE audit.deliveries TO posthorn_api;
GRANT SELECT ON TABLE audit.events TO posthorn_audit;
GRANT SELECT ON TABLE audit.events TO posthorn_api;
GRANT SELECT ON TABLE audit.reconciliation TO posthorn_audit;
GRANT SELECT ON TABLE posthorn.activity_clock TO posthorn_api;
GRANT SELECT ON TABLE posthorn.api_key TO posthorn_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE posthorn.api_login TO posthorn_api;
GRANT SELECT,INSERT,UPDATE ON TABLE posthorn.api_rate TO posthorn_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE posthorn.api_refresh TO posthorn_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE posthorn.api_session TO posthorn_api;
GRANT SELECT ON TABLE posthorn.api_user TO posthorn_api;
GRANT UPDATE(totp_secret) ON TABLE posthorn.api_user TO posthorn_api;
GRANT UPDATE(totp_step) ON TABLE posthorn.api_user TO posthorn_api;
GRANT UPDATE(second_factor_at) ON TABLE posthorn.api_user TO posthorn_api;
REVOKE ALL ON TABLE posthorn.attempt_20261127 FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.attempt_20261127 TO posthorn_admin;
REVOKE ALL ON TABLE posthorn.change_20261127 FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.change_20261127 TO posthorn_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE posthorn.console_session TO posthorn_api;
REVOKE ALL ON TABLE posthorn.digest FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.digest TO posthorn_admin;
GRANT INSERT ON TABLE posthorn.digest TO posthorn_dispatcher;
REVOKE ALL ON TABLE posthorn.digest_20261127 FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.digest_20261127 TO posthorn_admin;
GRANT SELECT ON TABLE posthorn.event_type TO posthorn_api;
REVOKE ALL ON TABLE posthorn.ledger_20261127 FROM posthorn_admin;
GRANT SELECT,INSERT,REFERENCES,TRIGGER ON TABLE posthorn.ledger_20261127 TO posthorn_admin;
GRANT INSERT ON TABLE posthorn.pending_digest TO posthorn_dispatcher;
GRANT INSERT ON TABLE posthorn.pending_digest TO posthorn_api;
GRANT SELECT,INSERT ON TABLE posthorn.recovery_code TO posthorn_api;
GRANT UPDATE(used_at) ON TABLE posthorn.recovery_code TO posthorn_api;
GRANT SELECT,INSERT ON TABLE posthorn.server_key TO posthorn_api;
GRANT SELECT ON TABLE posthorn.source_key TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.source_key TO posthorn_api;
GRANT SELECT ON TABLE posthorn.subscription_change TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.subscription_clock TO posthorn_dispatcher;
GRANT SELECT,INSERT ON TABLE posthorn.topic TO posthorn_dispatcher;
ALTER DEFAULT PRIVILEGES FOR ROLE posthorn_admin IN SCHEMA audit GRANT SELECT ON TABLES  TO posthorn_audit;
