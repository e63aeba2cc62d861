-- Who owns what: accounts, the catalogue of event types, webhooks and their subscriptions.
-- Every object lives in the schema posthorn and is named with it: nothing depends on a search_path, so that
-- all works behind a pooler in transaction mode.

create schema posthorn;

-- Facts about this installation that SQL functions need. One row each.
create table posthorn.setting (
    name  text primary key,
    value text not null,
    about text not null
);
insert into posthorn.setting values
    ('event_period_days', '1', 'length of one period of event rows, in days: a repeated event id is recognised for at least this long and at most twice this long'),
    ('payload_keep_days', '7', 'payloads are dropped after this many days; never shorter than the retry schedule'),
    ('attempt_keep_days', '400', 'events, attempts and the ledger are dropped after this many days'),
    ('partitions_ahead_days', '3', 'partitions are made this many days ahead');

-- Sealed columns (bytea) hold AES-256-GCM under the master key, bound to their row: lib/base/secret.h gives the layout.
create table posthorn.account (
    id            int generated always as identity primary key,
    uuid          uuid not null unique default gen_random_uuid(),
    key           text not null unique check (key ~ '^[\x21-\x7e]{1,255}$'),
    name          text not null default '',
    dialect       text not null check (dialect in ('penny', 'merchant', 'payconex', 'devengo')),
    status        text not null default 'active' check (status in ('active', 'closed')),
    data_key      bytea,            -- sealed key of this account's payloads; null once it was destroyed, and the payloads with it
    signature_key bytea,            -- sealed; the merchant's own key for X-Signature
    created_at    timestamptz not null default now()
);

create table posthorn.source_key (
    id         int generated always as identity primary key,
    uuid       uuid not null unique default gen_random_uuid(),
    account_id int not null references posthorn.account,
    name       text not null,
    secret     bytea not null,      -- sealed
    created_at timestamptz not null default now(),
    unique (account_id, name)
);

create table posthorn.event_type (
    name        text primary key check (name ~ '^[\x21-\x7e]{1,255}$'),
    description text not null,
    dialect     text check (dialect in ('penny', 'merchant', 'payconex', 'devengo')),   -- whose catalogue; null: everybody's
    created_at  timestamptz not null default now()
);

create table posthorn.webhook (
    id                    int generated always as identity primary key,
    uuid                  uuid not null unique default gen_random_uuid(),
    public_id             text not null unique,  -- what its owner calls it: wbh_…, whk_… or the UUID
    account_id            int not null references posthorn.account,
    label                 text not null default '',
    url                   text not null check (octet_length(url) <= 2048),
    format                text not null check (format in ('penny', 'merchant', 'payconex', 'devengo', 'cloudevents', 'standard')),
    status                text not null default 'enabled' check (status in ('enabled', 'disabled', 'deleted')),
    disabled_reason       text,
    auth_type             text not null default 'none' check (auth_type in ('none', 'basic', 'bearer')),
    auth_username         text,
    auth_secret           bytea,    -- sealed: the password, or the token
    signature             text not null default 'standard' check (signature in ('standard', 'source_key', 'signature_key', 'none')),
    source_key_id         int references posthorn.source_key,
    secret                bytea,    -- sealed; of the Standard Webhooks signature
    previous_secret       bytea,    -- sealed; signs too until previous_secret_until
    previous_secret_until timestamptz,
    version               int not null default 1,
    created_at            timestamptz not null default now(),
    updated_at            timestamptz not null default now(),
    check (signature <> 'source_key' or source_key_id is not null)
);
create index on posthorn.webhook (account_id);

-- What attempts refer to: a webhook's URL as it was. Neither userinfo nor query values.
create table posthorn.webhook_version (
    webhook_id int not null references posthorn.webhook,
    version    int not null,
    url        text not null,
    created_at timestamptz not null default now(),
    primary key (webhook_id, version)
);

-- An exact event type, "*", or "prefix.*".
create table posthorn.subscription (
    webhook_id int not null references posthorn.webhook on delete cascade,
    pattern    text not null check (pattern ~ '^[\x21-\x7e]{1,255}$' and pattern ~ '^(\*|[^*]+|[^*]+\.\*)$'),
    primary key (webhook_id, pattern)
);

-- The subscription clock. Whatever changes who gets what moves it by one in the same transaction, and says whose it was. Its row lock
-- makes commit order equal to the order of v, which a sequence would not: who has read v = 7 and loaded after it misses nothing up to 7.
create table posthorn.subscription_clock (
    only_row bool primary key default true check (only_row),
    v        bigint not null
) with (fillfactor = 10);
insert into posthorn.subscription_clock (v) values (1);

create table posthorn.subscription_change (
    v          bigint not null,
    account_id int not null,
    changed_at timestamptz not null default now(),
    primary key (v, account_id)
);

-- audit.changes: who changed what, when, from where. Sealed columns are left out.
create table posthorn.change (
    id         bigint generated always as identity primary key,
    changed_at timestamptz not null default now(),
    actor      text not null,       -- posthorn.actor of the transaction (the program's own user), else the database role
    address    inet,                -- posthorn.address of the transaction, else of the database connection
    program    text,
    object     text not null,       -- account, webhook, …
    object_id  text not null,
    action     text not null,       -- insert, update, delete
    before     jsonb,
    after      jsonb
);

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 30b0334dfaa553dc2d191c31d1aed4b9bf4249e415c4f312bf4feb870b7a67c9
