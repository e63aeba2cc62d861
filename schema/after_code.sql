-- After schema/code/*.sql, in the same transaction.

do $$
declare
    old record;
    operator_grant text;
begin
    -- What no file has made or replaced in this transaction is of an older version.
    for old in
        select format('drop view %s', c.oid::regclass) as statement, c.oid from pg_class c
        where c.relkind = 'v' and c.relnamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and c.xmin <> pg_current_xact_id()::xid
        union all
        select format('drop routine %s', p.oid::regprocedure), p.oid from pg_proc p
        where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and p.xmin <> pg_current_xact_id()::xid
        order by oid desc
    loop
        execute old.statement;
    end loop;

    for operator_grant in select g from string_to_table(current_setting('posthorn.operator_grants'), E'\n') as g where g <> '' loop
        begin
            execute operator_grant;
        exception when undefined_table then null;   -- a view that is no more
        end;
    end loop;

    perform posthorn.secure();
end $$;

set local check_function_bodies = on;
select case l.lanname when 'sql' then fmgr_sql_validator(p.oid)::text else plpgsql_validator(p.oid)::text end
from pg_proc p join pg_language l on l.oid = p.prolang where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace);
