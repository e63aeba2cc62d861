-- Sign-in and sessions: everything that callers can make grow is bounded, and locking out one caller does not lock out others.

-- E-mail addresses are counted by their hash, because a user may type a password into the wrong field.
create or replace function posthorn.api_login_hash(email text) returns text language sql immutable
begin atomic
    select encode(sha256(convert_to(email, 'UTF8')), 'hex');
end;

-- The network of a caller: an IPv4 address, or the /64 network of an IPv6 address, since a host with one address of such a network can use all of them.
create or replace function posthorn.login_network(address text) returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when address !~ ':' then address
                when address::inet <<= '::ffff:0:0/96' then host('0.0.0.0'::inet + (address::inet - '::ffff:0:0'::inet))
                else network(set_masklen(address::inet, 64))::text end
$$;

-- Counts an attempt of this subject. A count ends a quarter of an hour after its first attempt. Returns the seconds to wait if the limit is exceeded, else 0.
create or replace function posthorn.count_login(in_subject text, most int) returns int language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.api_login as l (subject) values (in_subject)
    on conflict (subject) do update set
        attempts = case when l.since < now() - interval '15 minutes' then 1 else l.attempts + 1 end,
        since = case when l.since < now() - interval '15 minutes' then now() else l.since end
    returning case when attempts > most then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end
$$;

-- Counts an attempt to log in, before the password is checked. Returns the number of seconds to wait, 0: go on. The limits are 5 attempts for an e-mail address
-- from one network, 100 from a network, and 50 for an e-mail address from all networks together. An attempt refused by one count is not added to the others, so
-- that one network alone cannot exhaust an e-mail address. For a network from which the user has signed in lately and still has a session, only the first two
-- limits apply.
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

-- The password was correct. Same order as in api_login_attempt(), so that two of them cannot wait for each other.
create or replace function posthorn.api_login_succeeded(email text, address text) returns void language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.api_login set attempts = attempts - 1 where subject = 'address:' || posthorn.login_network(address) and attempts > 0;
    delete from posthorn.api_login where subject = 'pair:' || posthorn.api_login_hash(email) || ' ' || posthorn.login_network(address);
    delete from posthorn.api_login where subject = 'email:' || posthorn.api_login_hash(email);
$$;

-- Begins a session of session tokens. A user has at most 100: ended sessions are removed first, then the oldest.
create or replace function posthorn.api_session_begin(in_user int, in_session uuid, in_address text, seconds bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from posthorn.api_session where uuid in (
        select uuid from posthorn.api_session where user_id = in_user order by (ended_at is null and expires_at > now()) desc, created_at desc offset 99);
    insert into posthorn.api_session (uuid, user_id, address, expires_at)
    values (in_session, in_user, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;

-- Uses a refresh token. NULL: the session does not exist any more. A token that was used before ends the session. The last 100 used tokens of a session are
-- known; an older one is refused, but does not end the session.
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

-- As posthorn.api_enter() (api.sql), for the console's cookie.
create or replace function posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute int, cost int default 1)
returns table (account_id int, account text, account_uuid uuid, dialect text, actor text, scopes text, user_id int, remaining int, reset int,
               session uuid, verified bool, credential uuid)
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
    -- Not with every request: an open page sends one every two seconds.
    if caller.used_at < now() - make_interval(secs => least(idle_seconds / 10.0, 30)) then
        update posthorn.console_session set used_at = now() where uuid = caller.session;
    end if;
    cost := least(cost, per_minute);       -- a request that costs more could never be made
    insert into posthorn.api_rate as r (credential, since, used) values (caller.credential, minute, cost)
    on conflict (credential) do update set used = case when r.since = minute then r.used + cost else cost end, since = minute
    returning r.used into n;
    return query select caller.id, caller.key, caller.uuid, caller.dialect, caller.actor, '*', caller.user_id, per_minute - n,
                        ceil(extract(epoch from minute + interval '1 minute' - now()))::int, caller.session, caller.verified, caller.credential;
end $$;

-- Begins a new session after the password was checked, and ends the session that the same browser had. A session without the second factor replaces only others
-- of its kind: a user has at most 10 of them.
create or replace function posthorn.console_begin(in_user int, in_hash bytea, old_hash bytea, in_address text, seconds bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from posthorn.console_session where token_hash = old_hash or (user_id = in_user and expires_at < now());
    delete from posthorn.console_session where uuid in (
        select uuid from posthorn.console_session where user_id = in_user and not verified order by created_at desc offset 9);
    insert into posthorn.console_session (user_id, token_hash, address, expires_at)
    values (in_user, in_hash, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;

-- Counts a guess at a user's second factor before it is checked, whatever it is for (session tokens, the console, a recovery code, setting one up). Returns the
-- number of seconds to wait, 0: go on. The count ends with a correct code, or a quarter of an hour after the last guess that was checked, so that no quarter of
-- an hour has more than five. The guessing caller already knows the password.
create or replace function posthorn.console_guess(in_user uuid) returns int language sql set search_path = pg_catalog, pg_temp as $$
    insert into posthorn.api_login as l (subject) values ('code:' || in_user)
    on conflict (subject) do update set
        attempts = case when l.since < now() - interval '15 minutes' then 1 else l.attempts + 1 end,
        since = case when l.since < now() - interval '15 minutes' or l.attempts < 5 then now() else l.since end
    returning case when attempts > 5 then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end
$$;

-- The second factor was given: sets another cookie and ends the count of guesses. A user has at most 20 verified sessions: the one unused for the longest time
-- is removed.
create or replace function posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.console_session set token_hash = in_hash, verified = true, totp_pending = null, used_at = now() where uuid = in_session;
    delete from posthorn.console_session where uuid in (
        select s.uuid from posthorn.console_session s join posthorn.api_user u on u.id = s.user_id
        where u.uuid = in_user and s.verified order by s.used_at desc offset 20);
    delete from posthorn.api_login where subject = 'code:' || in_user;
$$;

-- Removes the second factor, ends all sessions of the user, and ends the count of guesses.
create or replace function posthorn.second_factor_reset(in_user int) returns void language sql set search_path = pg_catalog, pg_temp as $$
    update posthorn.api_user set totp_secret = null, totp_step = 0, second_factor_at = null where id = in_user;
    delete from posthorn.recovery_code where user_id = in_user;
    delete from posthorn.console_session where user_id = in_user;
    update posthorn.api_session set ended_at = now(), end_reason = 'the second factor was reset' where user_id = in_user and ended_at is null;
    delete from posthorn.api_login where subject = (select 'code:' || u.uuid from posthorn.api_user u where u.id = in_user);
$$;
