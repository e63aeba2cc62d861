-- What the console needs: its sessions, recovery codes, and views of one webhook that stay cheap while somebody looks at them.

alter table posthorn.api_user add column second_factor_at timestamptz;  -- when it was set up; a change of it shows in audit.changes

-- A sign-in in the console. The cookie changes with each rise of privilege (password, second factor); only its hash is kept. What is over is deleted.
create table posthorn.console_session (
    uuid         uuid primary key default gen_random_uuid(),
    user_id      int not null references posthorn.api_user,
    token_hash   bytea not null unique,         -- SHA-256 of 256 random bits
    verified     bool not null default false,   -- the second factor was given
    totp_pending bytea,                         -- one that is being set up, sealed for api_user.totp_secret
    address      inet,
    created_at   timestamptz not null default now(),
    used_at      timestamptz not null default now(),
    expires_at   timestamptz not null
);
create index on posthorn.console_session (user_id, created_at);
create index on posthorn.console_session (expires_at);

-- Each stands once for the second factor. 80 random bits, so that a plain SHA-256 is enough.
create table posthorn.recovery_code (
    id         bigint generated always as identity primary key,
    user_id    int not null references posthorn.api_user,
    hash       bytea not null,
    created_at timestamptz not null default now(),
    used_at    timestamptz,
    unique (user_id, hash)
);
create trigger remember_change after update on posthorn.recovery_code for each row execute function posthorn.remember_change();

-- An act that changes no watched row, for audit.changes.
create function posthorn.remember_act(object text, object_id text, action text, after jsonb) returns void language sql as $$
    insert into posthorn.change (actor, address, program, object, object_id, action, after)
    values (coalesce(nullif(current_setting('posthorn.actor', true), ''), session_user),
            coalesce(nullif(current_setting('posthorn.address', true), '')::inet, inet_client_addr()),
            current_setting('application_name', true), object, object_id, action, after)
$$;

-- As posthorn.api_enter(), for the holder of a cookie.
create function posthorn.console_enter(in_hash bytea, idle_seconds bigint, per_minute int)
returns table (account_id int, account text, account_uuid uuid, dialect text, actor text, scopes text, user_id int, remaining int, reset int,
               session uuid, verified bool)
language plpgsql as $$
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

-- A new session, for whom the password was right. The one that the same browser had before is over, and so are the oldest of many.
create function posthorn.console_begin(in_user int, in_hash bytea, old_hash bytea, in_address text, seconds bigint) returns void language sql as $$
    delete from posthorn.console_session where token_hash = old_hash or expires_at < now();
    delete from posthorn.console_session where uuid in (
        select uuid from posthorn.console_session where user_id = in_user order by created_at desc offset 19);
    insert into posthorn.console_session (user_id, token_hash, address, expires_at)
    values (in_user, in_hash, nullif(in_address, '')::inet, now() + make_interval(secs => seconds));
$$;

-- Count a guess at a user's second factor before it is looked at. Returns how many seconds to wait, 0: go on. Five in a quarter of an hour, from wherever:
-- who guesses here knows the password already.
create function posthorn.console_guess(in_user uuid) returns int language sql as $$
    delete from posthorn.api_login where since < now() - interval '15 minutes';
    insert into posthorn.api_login as l (subject) values ('code:' || in_user)
    on conflict (subject) do update set attempts = l.attempts + 1
    returning case when attempts > 5 then greatest(1, ceil(extract(epoch from since + interval '15 minutes' - now())))::int else 0 end;
$$;

-- The second factor was given: another cookie, and the guesses are forgotten.
create function posthorn.console_verified(in_session uuid, in_user uuid, in_hash bytea) returns void language sql as $$
    update posthorn.console_session set token_hash = in_hash, verified = true, totp_pending = null where uuid = in_session;
    delete from posthorn.api_login where subject = 'code:' || in_user;
$$;

-- Nobody signs in with the old second factor, nor is still signed in by it.
create function posthorn.second_factor_reset(in_user int) returns void language sql as $$
    update posthorn.api_user set totp_secret = null, totp_step = 0, second_factor_at = null where id = in_user;
    delete from posthorn.recovery_code where user_id = in_user;
    delete from posthorn.console_session where user_id = in_user;
    update posthorn.api_session set ended_at = now(), end_reason = 'the second factor was reset' where user_id = in_user and ended_at is null;
$$;

alter function posthorn.remember_act(text, text, text, jsonb) security definer set search_path = pg_catalog;
revoke execute on function posthorn.remember_act(text, text, text, jsonb) from public;
grant execute on function posthorn.remember_act(text, text, text, jsonb) to posthorn_api;
grant select, insert, update, delete on posthorn.console_session to posthorn_api;
grant select, insert, update (used_at) on posthorn.recovery_code to posthorn_api;
grant update (totp_secret, second_factor_at) on posthorn.api_user to posthorn_api;
