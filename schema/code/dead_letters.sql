-- Dead letters: invalid records.

-- Stores dead letters. A dispatcher of an older version calls this without `timestamps`.
create or replace function posthorn.bury(positions int[], offsets bigint[], reasons text[], details text[], digests bytea[], keys bytea[], bodies bytea[],
    headers bytea[], copied bool[], timestamps bigint[] default null) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with inserted as (
        insert into posthorn.dead_letter as d (position_id, "offset", reason, detail, record_sha256, key, value, headers, copied, record_timestamp)
        select * from unnest(positions, offsets, reasons, details, digests, keys, bodies, bury.headers, bury.copied, bury.timestamps)
        returning d.position_id, posthorn.hash(d) as hash
    )
    insert into posthorn.digest (kind, position_id, row_count, hash_sum)
    select 'dead_letter', i.position_id, count(*), sum(i.hash) from inserted i group by 2;
end $$;

-- Records that this dead letter was published again.
create or replace function posthorn.dead_letter_replayed(in_position int, in_offset bigint) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with was as (
        select d.recorded_at, d.position_id, posthorn.hash(d) as hash from posthorn.dead_letter d
        where d.position_id = in_position and d."offset" = in_offset for no key update)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, -1, -hash::numeric from was;
    with changed as (
        update posthorn.dead_letter d set replayed_at = now() where d.position_id = in_position and d."offset" = in_offset
        returning d.recorded_at, d.position_id, posthorn.hash(d) as hash)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, 1, hash from changed;
end $$;

-- For posthorn-admin rekey: stores the same dead letter sealed with another master key. Null values stay null.
create or replace function posthorn.dead_letter_resealed(in_recorded_at timestamptz, in_position int, in_offset bigint, row_at tid, in_value bytea, in_headers bytea)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with was as (
        select d.recorded_at, d.position_id, posthorn.hash(d) as hash from posthorn.dead_letter d
        where d.recorded_at = in_recorded_at and d.position_id = in_position and d."offset" = in_offset and d.ctid = row_at)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, -1, -hash from was;
    with changed as (
        update posthorn.dead_letter d set value = coalesce(in_value, d.value), headers = coalesce(in_headers, d.headers)
        where d.recorded_at = in_recorded_at and d.position_id = in_position and d."offset" = in_offset and d.ctid = row_at
        returning d.recorded_at, d.position_id, posthorn.hash(d) as hash)
    insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum) select 'dead_letter', recorded_at, position_id, 1, hash from changed;
end $$;
