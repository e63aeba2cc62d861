"""posthorn-admin migrate on databases of earlier versions with rows, and on its own: what it applies, what it keeps, and what it drops."""
import hashlib
import re
import subprocess

import psycopg
import pytest

from support.database import Database
from support.programs import Failed
from support.ports import ROOT
from support.system import DISPATCHER, OWNER
from support.waiting import wait_until

FIXTURES = ROOT / "tests/system/upgrade"


def load(system, version):
    """The test's database, as created by that version."""
    system.db.close()
    system.audit.close()
    system.servers.postgres.execute(f"drop database {system.database} with (force)")
    system.servers.postgres.execute(f"create database {system.database} owner {OWNER}")
    with psycopg.connect(system.url_of(OWNER), autocommit=True) as session:
        session.execute((FIXTURES / version).with_suffix(".sql").read_text())


@pytest.fixture(params=["0013", "0019"])
def old(request, system):
    load(system, request.param)
    return system


def states(output):
    return {row["name"]: row["state"] for row in output}


def schema(url):
    """What pg_dump says of a schema, an object at a time. Partitions differ by their days; a CHECK that was dumped and restored has other parentheses."""
    dump = subprocess.run(["pg_dump", "--schema-only", "--no-comments", "-d", url], capture_output=True, text=True, check=True).stdout
    dump = "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))
    objects = [re.sub(r"[()]", "", text) if " CHECK " in text else text for text in re.split(r"\n--\n-- Name: ", dump)[1:]]
    return {re.sub(r"\s+", " ", text).strip() for text in objects if not re.search(r"_\d{8}(?!\d)", text.partition("\n--\n")[0])}


def partitions(url):
    """The partitions of each table, with their triggers and whether their owner may change them."""
    with psycopg.connect(url) as session:
        return session.execute("""
            select distinct p.relname, has_table_privilege(%s, i.inhrelid, 'delete'), (
                select array_agg(t.tgname || ' ' || t.tgfoid::regproc order by t.tgname) from pg_trigger t where t.tgrelid = i.inhrelid and not t.tgisinternal)
            from pg_inherits i join pg_class p on p.oid = i.inhparent where p.relkind = 'p' order by 1""", [OWNER]).fetchall()


# Databases of earlier versions ---------------------------------------------------------------------------------------------------------------------------


def test_an_old_database_becomes_as_a_new_one(old, servers, template):
    before = old.admin("migrate", "--dry-run", "--json")
    assert states(before)["code"] == "would be applied" and states(before)["0013_fence.sql"] == "was there"
    assert states(old.admin("migrate", "--json")) == {name: state.replace("would be ", "") for name, state in states(before).items()}
    assert set(states(old.admin("migrate", "--json")).values()) == {"was there"}
    upgraded, fresh = schema(old.url), schema(servers.postgres.url(template))
    assert len(fresh) > 300 and sorted(upgraded - fresh) == [] and sorted(fresh - upgraded) == []
    assert partitions(old.url) == partitions(servers.postgres.url(template))


def test_an_old_database_works_on(old, receiver):
    old.admin("migrate")
    # recorded rows are read as before
    assert {row["event_id"]: (row["state"], row["attempts"]) for row in old.audit.deliveries() if row["event_id"].startswith("old")} == {
        "old-0": ("delivered", 1), "old-1": ("pending", 1), "old-2": ("failed", 1), "old-3": ("cancelled", 0), "old-4": ("delivered", 2)}
    assert [(row["attempt"], row["outcome"], row["http_status"], row["error"], row["response_body"], row["response_sealed"]) for row in old.audit.attempts("old-4")] == [
        (1, "retry", None, "refused", None, False), (2, "delivered", 204, None, None, False)]
    assert [row["payload"] for row in old.audit.events("old-3")] == ['{"n":3.0}']
    assert [row["reason"] for row in old.audit.dead_letters()] == ["not_json"]
    assert {("webhook", "insert"), ("webhook", "update"), ("subscription", "insert"), ("api_user", "insert")} <= {
        (row["object"], row["action"]) for row in old.audit.query("select distinct object, action from audit.changes")}
    assert old.audit.value("select count(*) from audit.changes where coalesce(before, after) ? 'secret' or before::text || after::text ~ 'token=secret'") == 0
    assert old.db.value("select secret from posthorn.webhook where public_id = 'wbh_2'") is None
    old.assert_balanced(records=10)
    old.admin("audit", "verify")

    # pending deliveries are made, and so are new ones
    old.db.query("update posthorn.webhook set url = %s where id = 1", receiver.url("/hook"))
    old.dispatcher()
    event = old.event("acme")
    old.publish(event)
    old.wait_delivered(3 + 4)
    assert {request.headers["webhook-id"] for request in receiver.wait_for(3, "/hook")} == {"old-1", "test-1", event["id"]}
    wait_until(lambda: old.db.value("select count(*) from posthorn.outbox") == 0, 60, "its own events are published")
    old.dispatchers[0].stop()
    old.assert_balanced(records=11)
    old.admin("audit", "verify")

    # and the reconciliation detects a manual change, also in rows from before
    old.db.query("update posthorn.cancellation set reason = 'none'")
    with pytest.raises(Failed):
        old.admin("audit", "verify")


def test_the_record_of_changes_of_an_old_database_goes_on(old):
    before = old.db.query("select * from audit.changes order by changed_at, object, object_id, action")
    assert len(before) > 2
    old.admin("migrate")
    rows = old.db.query("select * from audit.changes order by changed_at, object, object_id, action")
    assert [row for row in rows if row in before] == before
    owner = Database(old.url_of(OWNER))
    owner.query("update posthorn.account set name = 'new' where key = 'acme'")
    assert owner.query("select after from audit.changes order by changed_at")[-1]["after"]["name"] == "new"
    assert owner.value("select posthorn.make_partitions()") == 0
    for statement in ("update posthorn.change set actor = ''", "delete from posthorn.change", "truncate posthorn.change", "delete from posthorn.attempt"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.query(statement)
    owner.close()


# Functions, views and triggers ---------------------------------------------------------------------------------------------------------------------------


def other_code(system):
    """Makes the database look as if a program with other functions and views had migrated it."""
    system.db.query("update public.posthorn_migration set sha256 = 'other' where version = 0")


def test_the_checksum_covers_every_code_file(system):
    """The programs and this test read the same files. A checksum that did not depend on one of them would leave its changes unapplied."""
    schema = ROOT / "schema"
    files = [schema / "before_code.sql", *sorted((schema / "code").glob("*.sql")), schema / "after_code.sql"]
    lines = "".join(f"{file.relative_to(schema)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files)
    stored = system.db.value("select sha256 from public.posthorn_migration where version = 0")
    assert stored == hashlib.sha256(lines.encode()).hexdigest()


def test_code_is_applied_when_it_differs(system, servers, template):
    fresh = schema(servers.postgres.url(template))
    assert system.admin("status", "--json")["code_current"] is True
    other_code(system)
    system.db.query("""create function posthorn.old_helper(n int) returns int language sql immutable begin atomic select n; end;
        create view posthorn.old_view as select posthorn.old_helper(id) as id from posthorn.webhook;
        create function posthorn.old_trigger() returns trigger language plpgsql as 'begin return null; end';
        drop function posthorn.claim; create function posthorn.claim() returns void language sql as 'select';
        drop view audit.events; create view audit.events as select 1 as another;
        drop trigger tick_insert on posthorn.webhook""")
    assert system.admin("status", "--json")["code_current"] is False
    assert states(system.admin("migrate", "--dry-run", "--json"))["code"] == "would be applied"
    assert states(system.admin("migrate", "--json"))["code"] == "applied"
    assert system.admin("status", "--json")["code_current"] is True
    assert schema(system.url) == fresh


def test_applying_code_keeps_what_an_operator_has_granted_and_made(system):
    other_code(system)
    system.db.query(f"""create role "An auditor"; grant select on audit.attempts, audit.changes to "An auditor"; grant select on audit.events to {DISPATCHER} with grant option;
        grant select on posthorn.chunk to public; create schema tools; create view tools.recent as select event_id, http_status from audit.attempts""")
    try:
        granted = """select c.oid::regclass::text as view, a.grantee, a.privilege_type, a.is_grantable from pg_class c, aclexplode(c.relacl) a
            where c.relkind = 'v' and c.relnamespace in ('posthorn'::regnamespace, 'audit'::regnamespace) and a.grantee <> c.relowner order by 1, 2, 3"""
        before = system.db.query(granted)
        assert states(system.admin("migrate", "--json"))["code"] == "applied"
        assert len(before) >= 15 and system.db.query(granted) == before
        assert system.db.query("select * from tools.recent") == []
    finally:
        system.db.query('drop owned by "An auditor"; drop role "An auditor"')


def test_what_an_operators_view_needs_is_not_dropped_under_it(system):
    """The error names the view that depends on it, and nothing is changed."""
    other_code(system)
    system.db.query("create view posthorn.old_view as select 1 as n; create schema tools; create view tools.mine as select n from posthorn.old_view")
    before = schema(system.url)
    with pytest.raises(Failed) as caught:
        system.admin("migrate")
    assert "tools.mine" in caught.value.stderr and "posthorn.old_view" in caught.value.stderr
    assert schema(system.url) == before and system.admin("status", "--json")["code_current"] is False


def test_code_that_is_current_needs_no_lock(system):
    with psycopg.connect(system.url) as other:
        other.execute("lock table posthorn.webhook, posthorn.attempt, posthorn.event in access exclusive mode; alter view audit.attempts rename to locked")
        assert states(system.admin("migrate", "--json"))["code"] == "was there"
        other.rollback()


def test_an_older_program_leaves_the_code_of_a_newer_one(system):
    other_code(system)
    system.db.query("insert into public.posthorn_migration (version, name, sha256) values (9999, '9999_future.sql', ''); create function posthorn.new_one() returns int language sql as 'select 1'; "
                    f"alter function posthorn.new_one() owner to {OWNER}")
    system.admin("migrate")
    assert system.db.value("select posthorn.new_one()") == 1
    assert system.db.value("select sha256 from public.posthorn_migration where version = 0") == "other"


def test_dispatchers_work_while_code_is_applied(system, receiver):
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    events = []
    for _ in range(5):
        batch = [system.event(account) for _ in range(20)]
        system.publish(*batch)
        events += batch
        other_code(system)
        assert states(system.admin("migrate", "--json"))["code"] == "applied"
    system.wait_delivered(len(events))
    assert {request.headers["webhook-id"] for request in receiver.requests("/hook")} == {event["id"] for event in events}
    system.assert_balanced(records=len(events))
