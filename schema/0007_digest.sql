-- Digests (schema/code/digest.sql): what the programs wrote, summed up.

create table posthorn.digest (
    recorded_at   timestamptz not null default now(),     -- recorded_at (of events: received_at) of the rows that it sums up
    kind          text not null,                          -- the table
    position_id   int not null,
    row_count     int not null,                           -- negative: taken away
    hash_sum      numeric not null
) partition by range (recorded_at);
create index digest_recorded on posthorn.digest using brin (recorded_at);
create index event_received on posthorn.event using brin (received_at);

-- The same for pending deliveries, which come and go: what is there now is what all rows here add up to. Summed up to one row a position now and then.
create table posthorn.pending_digest (
    position_id int not null,
    row_count   bigint not null,
    hash_sum    numeric not null
);

-- Partitions of these tables that were dropped for their age: what was recorded before is neither there nor missed (posthorn.drop_partitions).
create table posthorn.expired (
    kind   text primary key,
    before timestamptz not null
);

-- Hours of a kind that were counted and added up, so that audit.reconciliation need not count them again; `posthorn-admin audit verify` does.
create table posthorn.digest_seal (
    kind text,
    hour timestamptz,
    primary key (kind, hour)
);

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 281e40bfb283604a1949bd547da29fb8fca911904aac180dcab3727db9d89afe
