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

grant select, insert, update, delete on posthorn.console_session to posthorn_api;
grant select, insert, update (used_at) on posthorn.recovery_code to posthorn_api;
grant update (totp_secret, second_factor_at) on posthorn.api_user to posthorn_api;

-- What became of each webhook's attempts (schema/code/activity.sql) ---------------------------------------------------------------

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

create index cancellation_of_webhook on posthorn.cancellation (webhook_id, recorded_at);    -- in the place of that on webhook_id alone
drop index posthorn.cancellation_webhook;

grant select on posthorn.activity, posthorn.activity_last, posthorn.activity_clock to posthorn_api;

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 68fd1bd0341d800ddaf795335edbe1ffcdc1d119d1cc55555b5976cfaacca6c9
