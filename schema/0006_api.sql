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

-- Test events have coordinates of their own, on a position that no log stands behind and that no book counts.
create sequence posthorn.test_offset;

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 0f1bf874214dce5d1ce7003459ad5fce39b14fba32eb1c0505605e2927ca8b59
