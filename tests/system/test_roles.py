"""Each program's database role may do what the program needs and nothing else. All other tests prove that the grants are sufficient: their programs log
in with these roles (support/system.py)."""
import re

import psycopg
import pytest

from support.database import Database, with_login
from support.ports import ROOT
from support.system import API, DISPATCHER, OWNER

ROLES = ("posthorn_dispatcher", "posthorn_api", "posthorn_audit")
PRIVILEGES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")

# The privileges of a role on a table, or on some of its columns if it has none on the whole table.
GRANTED = """
    select n.nspname || '.' || c.relname as name, p.privilege,
           has_table_privilege(%(role)s, c.oid, p.privilege) as whole,
           (select array_agg(a.attname::text order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and p.privilege in ('select', 'insert', 'update', 'references') and has_column_privilege(%(role)s, c.oid, a.attnum, p.privilege)) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join unnest(%(privileges)s::text[]) with ordinality as p (privilege, i)
    where n.nspname in ('posthorn', 'audit') and c.relkind in ('r', 'p', 'v') and not c.relispartition
    order by 1, p.i"""


@pytest.fixture
def as_role(system):
    """Connections to the test's database with the logins of the programs."""
    opened = []

    def connect(login):
        opened.append(Database(with_login(system.url, login, "audit" if login == "posthorn_audit" else None)))
        return opened[-1]
    yield connect
    for one in opened:
        one.close()


def granted(system, role):
    """{table: "select, update (a, b)"}"""
    with psycopg.connect(system.url) as connection:
        rows = connection.execute(GRANTED, {"role": role, "privileges": list(PRIVILEGES)}).fetchall()
    tables = {}
    for name, privilege, whole, columns in rows:
        if whole or columns:
            tables.setdefault(name, []).append(privilege if whole else f"{privilege} ({', '.join(columns)})")
    return {name: ", ".join(words) for name, words in tables.items()}


def matrix(system):
    """The table of docs/security.md."""
    of = {role: granted(system, role) for role in ROLES}
    lines = [f"| table | {' | '.join(f'`{role}`' for role in ROLES)} |", "| --- | --- | --- | --- |"]
    for table in sorted({table for tables in of.values() for table in tables}):
        lines.append(f"| `{table}` | {' | '.join(of[role].get(table, '') for role in ROLES)} |")
    return [re.sub(r"\|  (?=\|)", "| ", line) for line in lines]


def test_the_matrix_in_the_docs_is_what_is_granted(system):
    page = (ROOT / "docs/security.md").read_text()
    wanted = matrix(system)
    assert [line for line in page.splitlines() if line.startswith(("| `posthorn.", "| `audit.", "| table | `posthorn"))] == \
        [line for line in wanted if not line.startswith("| ---")], "docs/security.md should say:\n" + "\n".join(wanted)


@pytest.mark.parametrize("login, statements", [
    (DISPATCHER, [
        "update posthorn.attempt set outcome = 'd'", "delete from posthorn.attempt", "truncate posthorn.attempt",
        "update posthorn.ledger set events = 0", "delete from posthorn.cancellation", "delete from posthorn.event", "update posthorn.event set event_id = ''",
        "select password_hash from posthorn.api_user", "select totp_secret from posthorn.api_user", "select hash from posthorn.api_key",
        "select secret from posthorn.server_key", "select uuid from posthorn.api_session", "select * from posthorn.change", "delete from posthorn.change",
        "insert into posthorn.change (actor, object, object_id, action) values ('me', 'webhook', '1', 'update')",
        "update posthorn.webhook set url = 'http://evil.example'", "insert into posthorn.subscription values (1, '*')",
        "update posthorn.account set data_key = null", "update posthorn.setting set value = '1'", "delete from posthorn.seal",
        "select posthorn.tick(array[1], null)", "select * from audit.attempts", "create table posthorn.mine ()", "create schema mine",
        "drop table posthorn.attempt", "select pg_read_file('/etc/passwd')", "copy posthorn.setting to program 'true'",
    ]),
    (API, [
        "update posthorn.position set next_offset = 0", "select * from posthorn.position", "select * from posthorn.dead_letter",
        "insert into posthorn.attempt (started_at) values (now())", "update posthorn.attempt set outcome = 'd'", "delete from posthorn.attempt",
        "update posthorn.event set event_id = ''", "insert into posthorn.event (event_id) values ('')", "delete from posthorn.pending",
        "update posthorn.queue set lease = 1", "insert into posthorn.ledger (records) values (1)", "insert into posthorn.outbox (event_id) values ('')",
        "insert into posthorn.api_key (name) values ('')", "update posthorn.api_key set scopes = '*'", "update posthorn.api_user set password_hash = ''",
        "update posthorn.account set data_key = null", "update posthorn.source_key set secret = ''", "update posthorn.server_key set secret = ''",
        "update posthorn.change set actor = ''", "delete from posthorn.change", "delete from posthorn.webhook", "update posthorn.setting set value = '1'",
        "select posthorn.drop_partitions()", "select posthorn.disable(1, '', 0)", "select posthorn.tick(array[1], null)", "create table posthorn.mine ()",
        "drop table posthorn.attempt",
    ]),
    ("posthorn_audit", [
        "select * from posthorn.webhook", "select * from posthorn.attempt", "select posthorn.make_partitions()", "set default_transaction_read_only = off", "create table audit.mine ()",
        "insert into posthorn.change (actor, object, object_id, action) values ('me', 'webhook', '1', 'update')",
    ]),
    (OWNER, [
        "update posthorn.attempt set outcome = 'd'", "delete from posthorn.attempt", "truncate posthorn.attempt", "delete from posthorn.ledger",
        "update posthorn.change set actor = ''", "truncate posthorn.change", "select pg_read_file('/etc/passwd')",
    ]),
])
def test_what_each_role_may_not_do(as_role, login, statements):
    database = as_role(login)
    for statement in statements:
        if statement.startswith("set "):
            database.query(statement)
            continue
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.query(statement)
            pytest.fail(f"{login} may: {statement}")


def test_new_partitions_of_attempts_are_kept_too(system, as_role):
    """Each partition has its own privileges."""
    before = partitions(system)
    system.db.query("update posthorn.setting set value = '6' where name = 'partitions_ahead_days'")
    as_role(DISPATCHER).query("select posthorn.make_partitions()")
    made = partitions(system)
    assert len(made) == len(before) + 9, made
    owner = as_role(OWNER)
    for partition in made:
        for statement in (f"delete from {partition}", f"truncate {partition}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.query(statement)


def partitions(system):
    return [row["name"] for row in system.db.query(
        "select 'posthorn.' || relname as name from pg_inherits join pg_class c on c.oid = inhrelid where inhparent in ('posthorn.attempt'::regclass, 'posthorn.ledger'::regclass, 'posthorn.digest'::regclass)")]


def test_functions_with_their_owners_rights(system):
    """The roles to which they were granted can call them. test_privileges.py tests whether they can be misused."""
    rows = system.db.query("select oid::regprocedure::text as name, proconfig as settings, has_function_privilege('public', oid, 'execute') as anybody "
                           "from pg_proc where pronamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and prosecdef")
    assert len(rows) >= 10
    assert [row["name"] for row in rows if row["anybody"] or "search_path=pg_catalog, pg_temp" not in (row["settings"] or [])] == []


def test_whoever_may_not_create_roles_is_told_what_to_do(system, as_role):
    """Existing roles are used unchanged."""
    block = re.search(r"^do \$\$.*?\$\$;", (ROOT / "schema/0009_roles.sql").read_text(), re.M | re.S).group(0)
    system.db.query("create role no_creator login password 'no_creator'")
    try:
        nobody = as_role("no_creator")
        nobody.query(block)
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
            nobody.query(block.replace("'posthorn_api'", "'posthorn_missing'"))
        assert "posthorn_missing is missing" in str(caught.value)
        assert "create role posthorn_missing nologin" in caught.value.diag.message_hint
        nobody.close()
    finally:
        system.db.query("drop role no_creator")
