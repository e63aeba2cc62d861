-- For posthorn-admin rekey: the same dead letter, sealed under another master key. What is null stays as it was.
create function posthorn.dead_letter_resealed(in_recorded_at timestamptz, in_position int, in_offset bigint, row_at tid, in_value bytea, in_headers bytea)
returns void language plpgsql as $$
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
