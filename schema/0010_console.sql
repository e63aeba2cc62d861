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

-- What became of each webhook's attempts -------------------------------------------------------------------------------------------

-- An index on attempts by webhook would cost every delivery (4 µs of CPU, measured; the whole row takes 3). Instead a dispatcher counts, every two seconds,
-- what was recorded since the last time: once for each attempt, by one pass over the newest rows. An attempt whose flush takes more than two seconds
-- from its beginning to its commit may be left out: this is for looking at; the books are audit.reconciliation.

insert into posthorn.setting values
    ('activity_keep_days', '14', 'how far back the console''s charts and its lists of deliveries reach, in days');

-- By minute and by length: two buckets to an octave of microseconds, so that percentiles are known to a fifth, and better where a bucket is uniform.
create table posthorn.activity (
    webhook_id int not null,
    minute     timestamptz not null,
    bucket     smallint not null,
    delivered  int not null,
    failed     int not null,
    total_us   bigint not null,
    max_us     int not null,
    primary key (webhook_id, minute, bucket)
) with (fillfactor = 80);
create index on posthorn.activity using brin (minute);

create table posthorn.activity_last (
    webhook_id      int primary key,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_error      bytea,
    last_status     smallint        -- of the failure
) with (fillfactor = 50);

create table posthorn.activity_clock (
    only_row   bool primary key default true check (only_row),
    counted_to timestamptz not null default now()
) with (fillfactor = 10);
insert into posthorn.activity_clock default values;

create function posthorn.count_activity_between(first timestamptz, past timestamptz) returns bigint language sql as $$
    with fresh as materialized (
        select t.webhook_id, date_trunc('minute', t.recorded_at, 'UTC') as minute, floor(2 * ln(greatest(t.duration_us, 1)) / ln(2))::smallint as bucket,
               t.outcome = 'd' as good, t.duration_us, t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, t.error, t.http_status
        from posthorn.attempt t where t.recorded_at >= first and t.recorded_at < past
    ), counted as (
        insert into posthorn.activity as a
        select webhook_id, minute, bucket, count(*) filter (where good), count(*) filter (where not good), sum(duration_us), max(duration_us)
        from fresh group by 1, 2, 3 order by 1, 2, 3
        on conflict (webhook_id, minute, bucket) do update set delivered = a.delivered + excluded.delivered, failed = a.failed + excluded.failed,
            total_us = a.total_us + excluded.total_us, max_us = greatest(a.max_us, excluded.max_us)
    ), last as (
        insert into posthorn.activity_last as l
        select webhook_id, max(ended_at) filter (where good), max(ended_at) filter (where not good),
               (array_agg(error order by ended_at desc) filter (where not good))[1], (array_agg(http_status order by ended_at desc) filter (where not good))[1]
        from fresh group by 1 order by 1
        on conflict (webhook_id) do update set last_success_at = greatest(l.last_success_at, excluded.last_success_at),
            last_failure_at = greatest(l.last_failure_at, excluded.last_failure_at),
            last_error = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_error else excluded.last_error end,
            last_status = case when excluded.last_failure_at is null or excluded.last_failure_at < l.last_failure_at then l.last_status else excluded.last_status end
    )
    select count(*) from fresh
$$;

-- By any dispatcher, one at a time. What has piled up is counted in pieces of ten minutes, and the rest another time when it is much.
create function posthorn.count_activity() returns bigint language plpgsql security definer set search_path = pg_catalog as $$
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
    end if;
    while first < upto and n < 100000 loop
        past := least(upto, first + interval '10 minutes');
        n := n + posthorn.count_activity_between(first, past);
        first := past;
    end loop;
    update posthorn.activity_clock set counted_to = first where counted_to < first;
    return n;
end $$;

-- What the console shows --------------------------------------------------------------------------------------------------------

create function posthorn.shown_time(at timestamptz) returns text language sql immutable as $$
    select case when isfinite(at) then to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end
$$;

-- Health at a glance. The numbers of a thousand mean a thousand or more.
create function posthorn.webhook_health(in_webhook int) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'state', case when w.status <> 'enabled' then 'disabled'
                      when q.failing_since is not null or l.last_failure_at > coalesce(l.last_success_at, '-infinity') then 'failing'
                      when l.last_success_at > now() - interval '24 hours' then 'ok' else 'idle' end,
        'last_success_at', posthorn.shown_time(l.last_success_at), 'last_failure_at', posthorn.shown_time(l.last_failure_at),
        'last_error', coalesce(audit.show(l.last_error), 'HTTP ' || l.last_status),
        'failing_since', posthorn.shown_time(q.failing_since),
        'next_attempt_at', posthorn.shown_time((select greatest(p.next_attempt_at, q.held_until) from posthorn.pending p
                                                where p.webhook_id = w.id order by p.next_attempt_at limit 1)),
        'pending', (select count(*) from (select from posthorn.pending p where p.webhook_id = w.id limit 1000) p),
        'successes_24h', coalesce(a.delivered, 0), 'failures_24h', coalesce(a.failed, 0))
    from posthorn.webhook w
    left join posthorn.queue q on q.webhook_id = w.id
    left join posthorn.activity_last l on l.webhook_id = w.id
    cross join lateral (select sum(delivered) as delivered, sum(failed) as failed from posthorn.activity a
                        where a.webhook_id = w.id and a.minute >= now() - interval '24 hours') a
    where w.id = in_webhook
$$;

-- Successes, failures and length of attempts over time, in buckets of whole minutes.
create function posthorn.webhook_statistics(in_webhook int, in_from timestamptz, in_to timestamptz, wanted int) returns jsonb language sql stable as $$
    with span as (
        select date_trunc('minute', in_from, 'UTC') as first, in_to as past,
               greatest(60, 60 * ceil(extract(epoch from in_to - in_from) / 60 / wanted))::int as seconds
    ), part as (
        select floor(extract(epoch from a.minute - s.first) / s.seconds)::int as i, a.bucket, sum(a.delivered) as delivered, sum(a.failed) as failed,
               sum(a.total_us) as us, max(a.max_us) as max_us
        from span s join posthorn.activity a on a.webhook_id = in_webhook and a.minute >= s.first and a.minute < s.past
        group by 1, 2
    ), ranked as (
        select *, sum(delivered + failed) over (partition by i order by bucket) as reached, sum(delivered + failed) over (partition by i) as total from part
    ), slot as (
        select i, sum(delivered) as delivered, sum(failed) as failed, max(max_us) as max_us,
               min(us / (delivered + failed)) filter (where reached >= total * 0.5) as p50, min(us / (delivered + failed)) filter (where reached >= total * 0.95) as p95
        from ranked group by i
    )
    select jsonb_build_object('from', posthorn.shown_time(s.first), 'to', posthorn.shown_time(s.past), 'bucket_seconds', s.seconds, 'buckets',
        (select coalesce(jsonb_agg(jsonb_build_object('at', posthorn.shown_time(s.first + make_interval(secs => g.i * s.seconds)),
             'delivered', coalesce(x.delivered, 0), 'failed', coalesce(x.failed, 0), 'p50_ms', round(x.p50 / 1000, 1), 'p95_ms', round(x.p95 / 1000, 1),
             'max_ms', round(x.max_us / 1000.0, 1)) order by g.i), '[]')
         from generate_series(0, ceil(extract(epoch from s.past - s.first) / s.seconds)::int - 1) as g (i) left join slot x on x.i = g.i))
    from span s
$$;

-- One delivery, tests included, as audit.deliveries has it. No row when the webhook has nothing to do with the event. `last_at`: when something last became of it,
-- of what was recorded before `hi`.
create function posthorn.webhook_delivery(in_webhook int, in_position int, in_offset bigint, hi timestamptz)
returns table (event_id text, event_type text, state text, last_at timestamptz, shown jsonb) language sql stable as $$
    select e.event_id, e.event_type, d.state, d.last_at,
           jsonb_build_object('event_id', e.event_id, 'event_type', e.event_type, 'test', d.test, 'state', d.state, 'attempts', d.attempts,
               'first_attempt_at', posthorn.shown_time(d.first_attempt_at), 'last_attempt_at', posthorn.shown_time(d.last_attempt_at),
               'delivered_at', posthorn.shown_time(d.delivered_at), 'next_attempt_at', posthorn.shown_time(d.next_attempt_at),
               'last_http_status', d.last_http_status, 'last_error', d.last_error)
    from posthorn.event e
    cross join lateral (
        select case when bool_or(x.rank = 4) then 'delivered' when bool_or(x.rank = 1) then 'pending' when bool_or(x.rank = 3) then 'failed'
                    when bool_or(x.rank = 2) then 'cancelled' else 'pending' end as state,
               bool_or(x.cause = 't') as test, count(x.started_at) as attempts, min(x.started_at) as first_attempt_at, max(x.started_at) as last_attempt_at,
               min(x.ended_at) filter (where x.rank = 4) as delivered_at, min(x.next_attempt_at) as next_attempt_at,
               max(x.at) filter (where x.at < hi) as last_at, count(*) as n,
               (array_agg(x.http_status order by x.started_at desc) filter (where x.started_at is not null))[1] as last_http_status,
               audit.show((array_agg(x.error order by x.at desc, x.started_at desc) filter (where x.rank <> 1))[1]) as last_error
        from (select t.cause, case t.outcome when 'd' then 4 when 'g' then 3 else 0 end as rank, t.recorded_at as at, t.started_at,
                     t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, null::timestamptz as next_attempt_at, t.http_status, t.error
              from posthorn.attempt t
              where t.position_id = in_position and t."offset" = in_offset and t.webhook_id = in_webhook and t.recorded_at >= e.received_at
              union all
              select n.cause, 1, n.created_at, null, null, n.next_attempt_at, null, null
              from posthorn.pending n where n.position_id = in_position and n."offset" = in_offset and n.webhook_id = in_webhook
              union all
              select c.cause, 2, c.recorded_at, null, null, null, null, convert_to(c.reason, 'UTF8')
              from posthorn.cancellation c where c.position_id = in_position and c."offset" = in_offset and c.webhook_id = in_webhook) x) d
    where e.position_id = in_position and e."offset" = in_offset and d.n > 0
$$;

-- The deliveries of a webhook of which something became between `lo` and `hi`, and before the cursor; newest first. It goes from minute to minute in which there was
-- something, and gives up after a second: the page is shorter then, and its cursor leads on. Of what waits, the ten thousand that are due first are seen.
create function posthorn.webhook_deliveries(in_webhook int, lo timestamptz, hi timestamptz, c_at timestamptz, c_position int, c_offset bigint,
    in_state text, in_type text, most int) returns jsonb language plpgsql stable as $$
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

create index cancellation_of_webhook on posthorn.cancellation (webhook_id, recorded_at);    -- in the place of that on webhook_id alone
drop index posthorn.cancellation_webhook;

revoke execute on function posthorn.count_activity() from public;
grant execute on function posthorn.count_activity() to posthorn_dispatcher;
grant select on posthorn.activity, posthorn.activity_last, posthorn.activity_clock to posthorn_api;
