-- Functions that the management API calls with each request, and test events.

-- Authenticates the caller and counts the request as `cost` requests, in one round trip per request. No row: the credential is unknown or no longer valid.
--   remaining   requests that remain in this minute; negative: too many;   reset   seconds until it is over
create or replace function posthorn.api_enter(in_hash bytea, in_session uuid, per_minute int, cost int default 1)
returns table (account_id int, account text, account_uuid uuid, dialect text, actor text, scopes text, user_id int, remaining int, reset int, credential uuid)
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
    cost := least(cost, per_minute);       -- a request that costs more could never be made
    insert into posthorn.api_rate as r (credential, since, used) values (caller.credential, minute, cost)
    on conflict (credential) do update set used = case when r.since = minute then r.used + cost else cost end, since = minute
    returning r.used into n;
    return query select caller.id, caller.key, caller.uuid, caller.dialect, caller.actor, caller.scopes, caller.user_id, per_minute - n,
                        ceil(extract(epoch from minute + interval '1 minute' - now()))::int, caller.credential;
end $$;

-- Counts further requests of a credential, for a body whose size was not known before it was read.
create or replace function posthorn.api_count(in_credential uuid, cost int) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    update posthorn.api_rate r set used = r.used + cost where r.credential = in_credential and r.since = date_trunc('minute', now());
end $$;

-- Changes of an account's webhooks take from a bucket: `cost` units each. The bucket holds at most `burst` units and refills by `per_minute`. The row's time is
-- when the bucket will be full again. Returns the number of seconds to wait, 0: go on.
create or replace function posthorn.api_change(in_account uuid, cost int, per_minute int, burst int) returns int language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- Test events have coordinates of their own, on a position without a log, which the reconciliation does not count. The API may create these events and no
-- others.
create or replace function posthorn.api_test(in_account int, in_webhook int, key uuid, id text, type text, digest bytea, body bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
grant execute on function posthorn.api_test(int, int, uuid, text, text, bytea, bytea) to posthorn_api;
