-- BRIN indexes follow the newest rows closely (schema/code/partitions.sql).
insert into posthorn.chore (name, period) values ('summarize', '2 seconds');

-- How often each value of these columns of audit.attempts occurs: without it, the planner expects a few rows of a day. New partitions get their own from the
-- parent's.
create statistics posthorn.attempt_words on (case cause when 'e' then 'event' when 'r' then 'replay' when 'd' then 'redeliver' else 'test' end),
    (case outcome when 'd' then 'delivered' when 'r' then 'retry' else 'gave_up' end) from posthorn.attempt;
do $$
declare
    child name;
begin
    for child in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'posthorn.attempt'::regclass and c.relname >= to_char(now() at time zone 'UTC', '"attempt_"YYYYMMDD')
    loop
        execute format('create statistics posthorn.%I on (case cause when ''e'' then ''event'' when ''r'' then ''replay'' when ''d'' then ''redeliver'' else ''test'' end),
                        (case outcome when ''d'' then ''delivered'' when ''r'' then ''retry'' else ''gave_up'' end) from posthorn.%I', child || '_words', child);
    end loop;
end $$;
