-- Protection of functions against their callers: no caller can make a function use other objects, or gain another role's rights through it.
--
-- A function looks names up through search_path, which its caller sets. PostgreSQL searches the caller's temporary schema first for types and tables, unless
-- search_path names pg_temp. So each function has one of two forms:
--   * it sets search_path to "pg_catalog, pg_temp", and names everything outside pg_catalog with its schema; or
--   * it is an SQL function whose body was parsed when it was created (BEGIN ATOMIC), so that nothing is looked up later. The planner can inline such
--     a function, which it cannot do with one that has settings; posthorn.hash() is called for each row.
-- This also holds for functions that run with their caller's rights, because functions with their owner's rights call them, and PL/pgSQL keeps the types of
-- variables that it found at the first call in a session.

-- `posthorn-admin migrate` calls this after the last migration, so that no migration can omit it. posthorn.insecure() lists what this function may not do
-- because another role owns the database or the schema public.
create or replace function posthorn.secure() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    f record;
begin
    for f in
        select p.oid, p.prosrc from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and l.lanname = 'sql' and p.provolatile <> 'v' and not p.prosecdef
          and p.proconfig is null and p.prosqlbody is null
    loop
        execute split_part(pg_get_functiondef(f.oid), E'\nAS $', 1) || E'\nbegin atomic\n' || f.prosrc || E';\nend';
    end loop;
    for f in
        select p.oid::regprocedure as name, p.prosecdef, p.prorettype = 'trigger'::regtype as is_trigger, p.pronamespace = 'posthorn'::regnamespace as is_internal,
               p.prosqlbody is not null and not p.prosecdef or coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false) as is_bound,
               p.prosqlbody is null and strpos(p.prosrc, chr(92)) > 0           -- a backslash: the caller could change the meaning of a literal
                   and not coalesce(p.proconfig @> array['standard_conforming_strings=on'], false) as has_loose_literal,
               has_function_privilege('public', p.oid, 'execute') as is_public
        from pg_proc p where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace)
    loop
        if not f.is_bound then
            execute format('alter function %s set search_path = pg_catalog, pg_temp', f.name);
        end if;
        if f.has_loose_literal then
            execute format('alter function %s set standard_conforming_strings = on', f.name);
        end if;
        if f.is_public and f.is_internal then
            execute format('revoke execute on function %s from public', f.name);
            if not f.prosecdef and not f.is_trigger then
                execute format('grant execute on function %s to posthorn_dispatcher, posthorn_api, posthorn_audit', f.name);
            end if;
        end if;
    end loop;
    begin
        if has_database_privilege('public', current_database(), 'temporary') then
            execute format('revoke temporary on database %I from public', current_database());
        end if;
    exception when insufficient_privilege then null;
    end;
    begin
        if exists (select from pg_namespace n where n.nspname = 'public' and has_schema_privilege('public', n.oid, 'create')) then
            revoke create on schema public from public;
        end if;
    exception when insufficient_privilege then null;
    end;
    -- PostgreSQL 17 has a right of its own for VACUUM, ANALYZE and REINDEX. A dump of an older server lists the rights of a table's owner without it.
    if current_setting('server_version_num')::int >= 170000 then
        for f in
            select c.oid::regclass as name, c.relowner::regrole as owner from pg_class c
            where c.relnamespace = 'posthorn'::regnamespace and c.relkind in ('r', 'p') and c.relacl is not null and c.relowner::regrole::text = quote_ident(current_user)
              and not exists (select from aclexplode(c.relacl) a where a.grantee = c.relowner and a.privilege_type = 'MAINTAIN')
        loop
            execute format('grant maintain on %s to %s', f.name, f.owner);
        end loop;
    end if;
end $$;

-- Lists what gives a role more rights than its program needs, and the remedy. `posthorn-admin migrate` and `status` show it.
create or replace function posthorn.insecure() returns table (what text, remedy text) language sql stable
begin atomic
    select format(case when r.rolsuper then 'the superuser %s owns functions that run with its rights'
                       else 'the role %s owns functions that run with its rights, and can create roles' end, r.rolname),
           case when r.rolsuper then 'transfer the schemas posthorn and audit with all objects in them to a role that is not a superuser (docs/security.md)'
                else format('alter role %I nocreaterole', r.rolname) end
    from pg_roles r where (r.rolcreaterole or r.rolsuper)
        and exists (select from pg_proc p where p.proowner = r.oid and p.prosecdef and p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace))
    union all
    select 'every role can create temporary tables and types in this database', format('revoke temporary on database %I from public', current_database())
    where has_database_privilege('public', current_database(), 'temporary')
    union all
    select 'every role can create objects in the schema public', 'revoke create on schema public from public'
    where exists (select from pg_namespace n where n.nspname = 'public' and has_schema_privilege('public', n.oid, 'create'))
    union all
    select format('the function %s depends on its caller''s search_path', p.oid::regprocedure), 'posthorn-admin migrate'
    from pg_proc p
    where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and (p.prosqlbody is null or p.prosecdef)
      and not coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false);
end;
