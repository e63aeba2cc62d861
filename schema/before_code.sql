-- Before schema/code/*.sql: what an older version of these files has made is dropped, in the same transaction, so that each of them may give a function or
-- view another shape. What something else depends on stays and is replaced: trigger functions, and what an operator's own views use.

set local check_function_bodies = off;  -- bodies may name what a later file makes; after_code.sql checks them

do $$
declare
    made record;
    progress bool := true;
begin
    -- What an operator has granted to other roles; after_code.sql grants it again.
    perform set_config('posthorn.operator_grants', coalesce((
        select string_agg(format('grant %s on %s to %s%s', a.privilege_type, c.oid::regclass, coalesce(quote_ident(r.rolname), 'public'),
                                 case when a.is_grantable then ' with grant option' end), E'\n')
        from pg_class c cross join aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
        where c.relkind = 'v' and c.relnamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and a.grantee <> c.relowner
          and coalesce(r.rolname, '') <> all (array['posthorn_dispatcher', 'posthorn_api', 'posthorn_audit'])), ''), true);
    while progress loop
        progress := false;
        for made in
            select format('drop view %s', c.oid::regclass) as statement, c.oid from pg_class c
            where c.relkind = 'v' and c.relnamespace in ('posthorn'::regnamespace, 'audit'::regnamespace)
            union all
            select format('drop routine %s', p.oid::regprocedure), p.oid from pg_proc p
            where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace)
            order by oid desc
        loop
            begin
                execute made.statement;
                progress := true;
            exception when dependent_objects_still_exist then null;
            end;
        end loop;
    end loop;
end $$;
