-- Who may call the management API, and what its copies share: they keep no state of their own.

-- Random 256 bits, so that a plain SHA-256 is enough (lib/auth/apikey.h).
create table posthorn.api_key (
    id         int generated always as identity primary key,
    uuid       uuid not null unique default gen_random_uuid(),
    account_id int not null references posthorn.account,
    name       text not null default '',
    prefix     text not null,           -- what may be shown of it
    hash       bytea not null unique,
    scopes     text not null,           -- as lib/auth/scope.h reads them
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index on posthorn.api_key (account_id);

create table posthorn.api_user (
    id            int generated always as identity primary key,
    uuid          uuid not null unique default gen_random_uuid(),
    account_id    int not null references posthorn.account,
    email         text not null check (octet_length(email) between 3 and 254 and email = lower(email)),
    password_hash text not null,        -- argon2id
    totp_secret   bytea,                -- sealed; null: no second factor
    totp_step     bigint not null default 0,    -- of the last code taken: each is good once
    status        text not null default 'active' check (status in ('active', 'closed')),
    created_at    timestamptz not null default now(),
    unique (email)
);
create index on posthorn.api_user (account_id);

-- A session begins with e-mail and password. Its refresh tokens are used once each; a second use of one means that it was stolen, and ends the session.
create table posthorn.api_session (
    uuid       uuid primary key,
    user_id    int not null references posthorn.api_user,
    address    inet,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at   timestamptz,
    end_reason text
);
create index on posthorn.api_session (user_id);
create index on posthorn.api_session (expires_at);
create table posthorn.api_refresh (
    uuid    uuid primary key,
    session uuid not null references posthorn.api_session on delete cascade,
    used_at timestamptz
);
create index on posthorn.api_refresh (session);

-- Keys of the program itself, shared by its copies: "token" signs session tokens.
create table posthorn.server_key (
    name       text primary key,
    uuid       uuid not null,
    secret     bytea not null,          -- sealed
    created_at timestamptz not null default now()
);

-- Log-in attempts of the last quarter of an hour: for (e-mail, address), for an e-mail, for an address.
create table posthorn.api_login (
    subject  text primary key,
    since    timestamptz not null default now(),
    attempts int not null default 1
);
create index on posthorn.api_login (since);

-- Requests of each credential in the minute that began at `since`. A crash may forget it.
create unlogged table posthorn.api_rate (
    credential uuid primary key,
    since      timestamptz not null,
    used       int not null
) with (fillfactor = 20);

-- Who calls, and may he go on? One round trip a request. No row: nobody whom we know (any more).
--   remaining   requests left in this minute; negative: too many;   reset   seconds until it is over
create function posthorn.api_enter(in_hash bytea, in_session uuid, per_minute int)
returns table (account_id int, account text, account_uuid uuid, dialect text, actor text, scopes text, user_id int, remaining int, reset int)
language plpgsql as $$
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

-- E-mail addresses are counted by their hash: what stands in that field may be a password, typed into the wrong one.
create function posthorn.api_login_hash(email text) returns text language sql immutable as $$
    select encode(sha256(convert_to(email, 'UTF8')), 'hex')
$$;

-- Count a log-in attempt before it is looked at. Returns how many seconds to wait, 0: go on. (A guesser does not lock the owner out, who comes from elsewhere,
-- unless he guesses fifty times.)
create function posthorn.api_login_attempt(email text, address text) returns int language plpgsql as $$
declare
    hash text := posthorn.api_login_hash(email);
    wait int;
begin
    delete from posthorn.api_login where since < now() - interval '15 minutes';
    with counted as (
        insert into posthorn.api_login as l (subject)
        select s from unnest(array['pair:' || hash || ' ' || address, 'email:' || hash, 'address:' || address]) as s order by s
        on conflict (subject) do update set attempts = l.attempts + 1
        returning l.subject, l.since, l.attempts)
    select max(ceil(extract(epoch from since + interval '15 minutes' - now())))::int into wait from counted
    where attempts > case when subject like 'pair:%' then 5 when subject like 'email:%' then 50 else 100 end;
    return coalesce(wait, 0);
end $$;

create function posthorn.api_login_succeeded(email text, address text) returns void language sql as $$
    delete from posthorn.api_login where subject in ('pair:' || posthorn.api_login_hash(email) || ' ' || address, 'email:' || posthorn.api_login_hash(email));
    update posthorn.api_login set attempts = attempts - 1 where subject = 'address:' || address;
    delete from posthorn.api_session where expires_at < now() - interval '1 day';
$$;

-- Use a refresh token. NULL: there is no such session any more. A token used before ends the session.
create function posthorn.api_refresh_use(in_refresh uuid, in_session uuid, out session uuid, out stolen bool) language plpgsql as $$
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
    session := token.uuid;
end $$;

-- Test events have coordinates of their own, on a position that no log stands behind and that no book counts.
create sequence posthorn.test_offset;
create function posthorn.api_test(in_account int, in_webhook int, key uuid, id text, type text, digest bytea, body bytea) returns void
language plpgsql as $$
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

-- As in 0001, with the new secret columns, and without what only counts.
create or replace function posthorn.remember_change() returns trigger language plpgsql as $$
declare
    secret constant text[] := array['data_key', 'signature_key', 'secret', 'previous_secret', 'auth_secret', 'hash', 'password_hash', 'totp_secret', 'totp_step'];
    was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    is_ jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    row_id text := coalesce(coalesce(is_, was)->>'id', coalesce(is_, was)->>'name', coalesce(is_, was)->>'webhook_id');
begin
    if was = is_ or was - 'totp_step' = is_ - 'totp_step' then
        return null;
    end if;
    if tg_table_name = 'webhook' then
        was := was || jsonb_build_object('url', posthorn.url_shown(was->>'url'));
        is_ := is_ || jsonb_build_object('url', posthorn.url_shown(is_->>'url'));
    end if;
    insert into posthorn.change (actor, address, program, object, object_id, action, before, after)
    values (coalesce(nullif(current_setting('posthorn.actor', true), ''), session_user),
            coalesce(nullif(current_setting('posthorn.address', true), '')::inet, inet_client_addr()),
            current_setting('application_name', true), tg_table_name, row_id, lower(tg_op), was - secret, is_ - secret);
    return null;
end $$;
create trigger remember_change after insert or update or delete on posthorn.api_key
    for each row execute function posthorn.remember_change();
create trigger remember_change after insert or update or delete on posthorn.api_user
    for each row execute function posthorn.remember_change();
