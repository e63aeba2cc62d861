-- The reconciliation is closed piece by piece while events flow, instead of by the hour, and deliveries may be pending in what is closed
-- (schema/code/reconciliation.sql, schema/code/digest.sql).

alter table posthorn.seal add column pending bigint not null default 0;     -- pairs in posthorn.open_pair

-- Pairs that were pending when their offsets were closed, until their outcome is counted in the row of posthorn.seal.
create table posthorn.open_pair (
    position_id  int not null,
    "offset"     bigint not null,
    webhook_id   int not null,
    first_offset bigint not null,           -- of the row of posthorn.seal
    primary key (position_id, "offset", webhook_id)
);
create index open_pair_seal on posthorn.open_pair (position_id, first_offset);

-- The times of a kind in which rows and digests agreed, so that audit.reconciliation need not count these rows again; `posthorn-admin audit verify` does.
create table posthorn.closed (
    kind      text primary key,
    times     tstzmultirange not null,
    new_from  timestamptz not null default '-infinity',     -- what is newer was not looked at yet
    looked_to timestamptz,                                  -- how far older times that are open were looked at; null: all were
    looked_at timestamptz not null default '-infinity'
);

-- Times that were closed when a row was changed; taken out of posthorn.closed by the next call that closes.
create table posthorn.opened (
    kind  text not null,
    times tstzrange not null
);

-- The same for the offsets of a position.
create table posthorn.closing (
    position_id int primary key,
    new_from    bigint not null default 0,
    looked_to   bigint,
    looked_at   timestamptz not null default '-infinity'
);
insert into posthorn.closed (kind, times)
select k.kind, coalesce(range_agg(tstzrange(s.hour, s.hour + interval '1 hour')) filter (where s.hour is not null), '{}')
from unnest(array['attempt', 'event', 'payload', 'cancellation', 'repeat', 'dead_letter', 'ledger']) as k (kind)
left join posthorn.digest_seal s on s.kind = k.kind group by 1;
drop table posthorn.digest_seal cascade;    -- what depends on it is made again by schema/code

-- Rows are found by their time without reading the whole day.
create index payload_recorded on posthorn.payload using brin (recorded_at);
create index cancellation_recorded on posthorn.cancellation using brin (recorded_at);
create index repeat_recorded on posthorn.repeat using brin (recorded_at);
create index dead_letter_recorded on posthorn.dead_letter using brin (recorded_at);
create index ledger_recorded on posthorn.ledger using brin (recorded_at);

-- A block range that has no summary is read by every query. posthorn.make_partition() sets this for later partitions.
do $$
declare
    brin regclass;
begin
    for brin in
        select c.oid from pg_class c join pg_am a on a.oid = c.relam
        where c.relnamespace = 'posthorn'::regnamespace and c.relkind = 'i' and a.amname = 'brin'
    loop
        execute format('alter index %s set (autosummarize = on)', brin);
    end loop;
end $$;

-- Work that is done now and then by one dispatcher at a time, whichever looks first (posthorn.run_chore). The row is locked meanwhile.
create table posthorn.chore (
    name   text primary key,
    period interval not null,
    ran_at timestamptz not null default '-infinity'     -- start of the last run; -infinity: there is more to do
);
insert into posthorn.chore (name, period)
values ('make_partitions', '10 minutes'), ('close_new', '2 seconds'), ('count_activity', '2 seconds'), ('close_old', '10 seconds'), ('expire', '10 minutes');
