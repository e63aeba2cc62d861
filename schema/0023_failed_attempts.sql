-- Attempts that failed are few, and are asked for by webhook and day. Partitions of later days have this index; it would take long to make it for those that are
-- filled. The condition is the one of posthorn.attempt_shown, so that the planner recognizes it.
create index attempt_failed on only posthorn.attempt (webhook_id, recorded_at)
    where case outcome when 'd' then 'delivered' when 'r' then 'retry' else 'gave_up' end <> 'delivered';
do $$
declare
    child name;
begin
    for child in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'posthorn.attempt'::regclass and c.relname > to_char(now() at time zone 'UTC', '"attempt_"YYYYMMDD')
    loop
        execute format('create index %I on posthorn.%I (webhook_id, recorded_at)
                        where case outcome when ''d'' then ''delivered'' when ''r'' then ''retry'' else ''gave_up'' end <> ''delivered''', child || '_failed', child);
        execute format('alter index posthorn.attempt_failed attach partition posthorn.%I', child || '_failed');
    end loop;
end $$;
