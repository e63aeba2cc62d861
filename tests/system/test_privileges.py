"""No role gains another role's rights: each role calls every function that it may call, while every name that a function could look up is shadowed."""
import itertools
import re

import psycopg
import pytest

from support.database import with_login
from support.system import API, DISPATCHER, OWNER

PLAIN = "test_plain"
TYPES = ("bool", "int2", "int4", "int8", "numeric", "float8", "text", "name", "bytea", "uuid", "date", "timestamp", "timestamptz", "interval", "json", "jsonb",
         "regclass", "regproc", "regprocedure", "regtype", "regnamespace", "oid", "inet", "tid", "varchar", "record_id")
ARGUMENTS = {"boolean": "true", "smallint": "1", "integer": "1", "bigint": "1", "numeric": "1", "text": "x", '"char"': "e", "uuid": "6f1c1c0e-0000-4000-8000-000000000001",
             "date": "2026-01-02", "timestamp with time zone": "2026-01-02T03:04:05Z", "bytea": "\\x01", "jsonb": "{}", "tid": "(0,1)"}
OPERATORS = ("=", "<>", "<", ">", "<=", ">=", "||", "+", "-", "*")

CANARY = """
    create function pg_temp.canary() returns pg_catalog.bool language plpgsql set search_path = pg_catalog as $$
    begin
        if current_user <> session_user then
            raise warning 'canary: %', current_user;
        end if;
        return true;
    end $$;
    create function pg_temp.trip() returns trigger language plpgsql set search_path = pg_catalog as $$
    begin
        perform pg_temp.canary();
        return null;
    end $$"""


class Intruder:
    """A session of one role that shadows everything that a function could look up, and detects if any of it runs as another role."""

    def __init__(self, system, login, password=None):
        self.system, self.login = system, login
        self.connection = psycopg.connect(with_login(system.url, login, password), autocommit=True)
        self.became = set()
        self.connection.add_notice_handler(self.notice)
        system.db.query(f"grant temporary on database {system.database} to {login}")
        system.db.query(f"create schema if not exists shadow; grant all on schema shadow to {login}")
        self.connection.execute("set default_transaction_read_only = off; set client_min_messages = warning; set statement_timeout = '20s'")
        self.connection.execute(CANARY)
        self.shadow_functions()
        self.shadow_relations()
        self.shadow_types()

    def notice(self, diagnostic):
        if (found := re.match("canary: (.*)", diagnostic.message_primary or "")):
            self.became.add(found.group(1))

    def attempt(self, statement):
        """Success or failure does not matter."""
        try:
            self.connection.execute(statement)
        except psycopg.Error:
            pass

    def shadow_types(self):
        for name in TYPES:
            self.attempt(f'create domain pg_temp."{name}" as pg_catalog."{name}" check (pg_temp.canary())')

    def shadow_relations(self):
        """Views with the same columns: reading from one or writing to it runs the canary."""
        rows = self.system.db.query("""
            select c.relname as name, string_agg(format('null::%s as %I', case when t.typtype = 'b' then format_type(a.atttypid, null) else 'text' end, a.attname), ', '
                                                 order by a.attnum) as columns
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid
            where c.relkind in ('r', 'p', 'v') and (c.relnamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and not c.relispartition
                or c.relname in ('pg_class', 'pg_inherits', 'pg_partitioned_table', 'pg_namespace', 'pg_proc', 'pg_roles', 'pg_language', 'pg_settings', 'pg_type'))
            group by 1, c.oid""")
        for row in rows:
            self.attempt(f'create view pg_temp."{row["name"]}" as select {row["columns"]} from pg_temp.canary() as c where c')
            self.attempt(f'create trigger trip instead of insert or update or delete on pg_temp."{row["name"]}" for each row execute function pg_temp.trip()')

    def shadow_functions(self):
        """Creates, in a schema that is first in search_path and in the temporary one, functions and operators with the same names and types as those of pg_catalog that
        the functions use."""
        rows = self.system.db.query("""
            select p.proname as name, pg_get_function_identity_arguments(p.oid) as arguments, format_type(p.prorettype, null) as result
            from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and not p.proretset and p.provariadic = 0
              and not exists (select from unnest(p.proargtypes::oid[] || p.prorettype) a join pg_type t on t.oid = a where t.typtype = 'p')
              and exists (select from pg_proc f where f.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace)
                          and f.prosrc ~ ('\\y' || p.proname || '\\('))""")
        for row, schema in itertools.product(rows, ("shadow", "pg_temp")):
            self.attempt(f'create function {schema}."{row["name"]}"({row["arguments"]}) returns {row["result"]} language plpgsql as '
                         "'begin perform pg_temp.canary(); return null; end'")
        rows = self.system.db.query("""
            select o.oprname as name, format_type(o.oprleft, null) as left, format_type(o.oprright, null) as right, format_type(o.oprresult, null) as result,
                   o.oid as id
            from pg_operator o where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprname = any (%s::text[])
              and array[o.oprleft, o.oprright] <@ (select array_agg(t.oid) from pg_type t where t.typnamespace = 'pg_catalog'::regnamespace and t.typname = any (%s::text[]))
            """, list(OPERATORS), list(TYPES))
        for row in rows:
            self.attempt(f'create function shadow.operator_{row["id"]}({row["left"]}, {row["right"]}) returns {row["result"]} language plpgsql as '
                         "'begin perform pg_temp.canary(); return null; end'")
            self.attempt(f'create operator shadow.{row["name"]} (leftarg = {row["left"]}, rightarg = {row["right"]}, function = shadow.operator_{row["id"]})')

    def functions(self):
        """Calls with a value for each argument and with nulls; first functions with the caller's rights: what a session has cached of them is used in the others."""
        rows = self.system.db.query("""
            select p.oid::regprocedure::text as name, p.pronamespace::regnamespace || '.' || quote_ident(p.proname) as call,
                   array(select format_type(t, null) from unnest(p.proargtypes) t) as types
            from pg_proc p where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and p.prorettype <> 'trigger'::regtype
              and has_function_privilege(%s, p.oid, 'execute') order by p.prosecdef, 1""", self.login)
        for row in rows:
            for value in (given, absent):
                yield f"select * from {row['call']}({', '.join(value(type) for type in row['types'])})"

    def try_everything(self, statements):
        for path in ("shadow, pg_catalog", "pg_temp, shadow, pg_catalog", "pg_catalog", '""'):
            self.attempt(f"set search_path = {path}")
            for statement in itertools.chain(self.functions(), statements):
                self.attempt(statement)
        return self.became - {self.login}

    def close(self):
        self.connection.close()


def qualified(type):
    """The name of a type, independent of search_path; names of more than one word belong to the grammar."""
    bare = type.removesuffix("[]")
    return type if " " in bare or "." in bare or bare in ("boolean", "smallint", "integer", "bigint", "numeric") else f"pg_catalog.{type}"


def given(type):
    bare = type.removesuffix("[]")
    if bare not in ARGUMENTS:
        return absent(type)
    return f"'{{{ARGUMENTS[bare]}}}'::{qualified(type)}" if type.endswith("[]") else f"'{ARGUMENTS[bare]}'::{qualified(type)}"


def absent(type):
    return f"null::{qualified(type)}"


@pytest.fixture
def intrude(system):
    """Sessions of Intruder; afterwards, the objects that a test created for them in the cluster are removed."""
    made = []
    system.db.query(f"create role {PLAIN} login password '{PLAIN}'")

    def start(login):
        made.append(Intruder(system, login, "audit" if login == "posthorn_audit" else None))
        return made[-1]
    yield start
    for one in made:
        one.close()
    system.db.query("drop schema if exists shadow cascade")
    system.db.query(f"drop owned by {PLAIN}; drop role {PLAIN}")


AUDIT_VIEWS = [f"select * from audit.{view}" for view in ("attempts", "deliveries", "events", "dead_letters", "changes", "reconciliation")]
STATEMENTS = {  # tables whose triggers run with their owner's rights, and functions that read views
    DISPATCHER: ["select posthorn.disable(1, 'a test', 0)"],
    API: ["insert into posthorn.webhook (public_id, account_id, url, format) values (pg_catalog.gen_random_uuid(), 1, 'https://a.example/', 'penny')",
          "update posthorn.webhook set url = url || 'x', status = 'enabled' where id = 1", "update posthorn.webhook set status = 'disabled' where id = 1",
          "insert into posthorn.subscription values (1, 'a.b')", "delete from posthorn.subscription where pattern = 'a.b'",
          "update posthorn.api_user set totp_step = totp_step + 1", *AUDIT_VIEWS],
    "posthorn_audit": AUDIT_VIEWS,
    PLAIN: AUDIT_VIEWS,
}


def prepare(system):
    """A webhook in each state, and work for housekeeping."""
    account = system.account()
    hook = system.webhook(account, "http://127.0.0.1:9/", label="intruder")["id"]
    system.db.query("update posthorn.webhook set status = 'enabled' where public_id = %s", hook)
    system.db.query("insert into posthorn.queue (webhook_id, failing_since) select id, now() - interval '9 days' from posthorn.webhook on conflict do nothing")
    system.db.query("update posthorn.setting set value = '9' where name = 'partitions_ahead_days'")


@pytest.mark.parametrize("login", [DISPATCHER, API, "posthorn_audit", PLAIN])
def test_no_role_becomes_another(system, intrude, login):
    prepare(system)
    intruder = intrude(login)
    assert intruder.try_everything(STATEMENTS[login]) == set(), f"what {login} shadowed was run as this role"


def test_the_intruder_notices_a_careless_function(system, intrude):
    """Shows that the test above can fail, with a function as all functions were in an earlier version."""
    for body, path in (("select now()::date", "pg_catalog"), ("select count(*) from setting", "pg_catalog"), ("select 1 + 1", "shadow, pg_catalog")):
        system.db.query(f"create or replace function posthorn.careless() returns void language plpgsql security definer set search_path = {path} as "
                        f"'begin perform ({body}); end'; grant execute on function posthorn.careless() to {DISPATCHER}")
        intruder = intrude(DISPATCHER)
        assert "posthorn" in intruder.try_everything([]), body
        intruder.close()
        system.db.query("drop schema shadow cascade")


def test_no_function_depends_on_its_callers_search_path(system):
    """Also for a function that a later migration adds or replaces: migrate ensures it."""
    careless = """select p.oid::regprocedure::text as name from pg_proc p where p.pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace)
        and (p.prosqlbody is null or p.prosecdef) and not coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false)"""
    public = "select p.oid::regprocedure::text as name from pg_proc p where p.pronamespace = 'posthorn'::regnamespace and has_function_privilege('public', p.oid, 'execute')"
    assert system.db.query(careless) == [] and system.db.query(public) == []
    system.db.query("""create function posthorn.a() returns date language plpgsql as 'begin return now(); end';
        create function posthorn.b() returns date language sql security definer as 'select now()::date';
        create function posthorn.c(n int) returns text language sql immutable as $$ select n || '\\n' -- as text
        $$;
        create function posthorn.d(n int) returns table (m int) language sql as 'select n';
        create function posthorn.e() returns trigger language plpgsql as 'begin return new; end';
        create function audit.f() returns text language plpgsql as $$ begin return '\\n'; end $$""")
    assert len(system.db.query(careless)) == 6
    system.db.query("alter schema posthorn owner to posthorn_admin")
    for row in system.db.query(careless):
        system.db.query(f"alter function {row['name']} owner to {OWNER}")
    system.admin("migrate")
    assert system.db.query(careless) == [] and system.db.query(public) == []
    assert system.db.value("select posthorn.c(1)") == "1\\n" and system.db.value("select proconfig is null from pg_proc where proname = 'c' and pronamespace = 'posthorn'::regnamespace")
    may = "select array(select p.proname::text from pg_proc p where p.pronamespace = 'posthorn'::regnamespace and length(p.proname) = 1 and has_function_privilege(%s, p.oid, 'execute') order by 1)"
    assert system.db.value(may, DISPATCHER) == ["a", "c", "d"] and system.db.value(may, "posthorn_audit") == ["a", "c", "d"]


def test_hashes_are_inlined(system):
    """They are computed for each row: a function with its own settings would be called each time."""
    plan = system.db.query("explain (verbose, costs off) select posthorn.hash(a) from posthorn.attempt a")
    assert any("hash_record_extended" in row["QUERY PLAN"] for row in plan) and not any("posthorn.hash" in row["QUERY PLAN"] for row in plan)


def test_no_role_attaches_a_trigger_function_to_a_table_of_its_own(system, intrude):
    definers = system.db.query("select 'posthorn.' || proname || '()' as name from pg_proc where pronamespace = 'posthorn'::regnamespace and prorettype = 'trigger'::regtype")
    assert len(definers) >= 8
    session = intrude(DISPATCHER).connection
    session.execute("create table pg_temp.mine (id pg_catalog.int4)")
    for row in definers:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"create trigger t after insert on pg_temp.mine referencing new table as new_rows for each statement execute function {row['name']}")


# What migrate revokes and reports ------------------------------------------------------------------------------------------------------------------------


def insecure(system):
    return {(row["what"], row["remedy"]) for row in system.admin("status", "--json")["insecure"]}


def test_migrate_revokes_what_no_program_needs(system):
    """Privileges on a database are not part of a copy or dump of it: migrate revokes them again."""
    system.db.query(f"grant temporary on database {system.database} to public; alter schema public owner to {OWNER}; grant create on schema public to public")
    assert {what for what, _ in insecure(system)} >= {"every role can create temporary tables and types in this database", "every role can create objects in the schema public"}
    system.admin("migrate")
    assert insecure(system) == set()
    for login in (DISPATCHER, API):
        with psycopg.connect(with_login(system.url, login), autocommit=True) as session:
            for statement in ("create temp table t ()", "create domain pg_temp.date as int", "create table public.t ()", "create schema s"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(statement)


def test_migrate_says_what_an_operator_must_revoke(system):
    """Another role owns database and schema, and the owner of the functions may create roles. migrate succeeds nevertheless."""
    system.db.query(f"alter database {system.database} owner to current_user; alter schema public owner to current_user; grant temporary on database {system.database} to public;"
                    f" grant create on schema public to public; grant create on database {system.database} to {OWNER}; alter role {OWNER} createrole")
    try:
        wanted = {("every role can create temporary tables and types in this database", f"revoke temporary on database {system.database} from public"),
                  ("every role can create objects in the schema public", "revoke create on schema public from public"),
                  (f"the role {OWNER} owns functions that run with its rights, and can create roles", f"alter role {OWNER} nocreaterole")}
        system.admin("migrate")
        assert insecure(system) == wanted
        for _, remedy in wanted:
            system.db.query(remedy)
        assert insecure(system) == set()
        system.admin("migrate")
    finally:
        system.db.query(f"alter role {OWNER} nocreaterole")
