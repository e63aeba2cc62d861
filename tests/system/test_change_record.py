"""The record of changes (audit.changes): number of rows, actors, rate, expiry; and other data that callers could make grow."""
import datetime

import psycopg
import pytest

from support.api import problem
from support.database import Database, with_login
from support.receiver import answer
from support.system import DISPATCHER, OWNER
from support.waiting import wait_until

HOOK = {"url": "https://example.com/hook"}
PREFIXES = "abcdefghij"


def patterns(first):
    """A thousand patterns, none of them in the set of another letter."""
    return [f"{first}{n:03}.*" for n in range(1000)]


def changes(system, **wanted):
    rows = system.audit.query("select * from audit.changes order by changed_at")
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


@pytest.fixture
def penny(system, api):
    return api.caller(system.account(dialect="penny"))


# Rows --------------------------------------------------------------------------------------------------------------


def test_a_change_of_a_thousand_patterns_is_a_few_rows(system, penny):
    made = penny.post("/v1/webhooks", HOOK | {"events": patterns("a")})
    assert made.status_code == 201, made.text
    webhook = made.json()["id"]
    (before,) = changes(system, object="subscription")
    assert before["action"] == "insert" and before["before"] is None and before["after"]["patterns"] == patterns("a")
    count = len(changes(system))
    assert penny.patch(f"/v1/webhooks/{webhook}", {"events": patterns("b")[:999] + ["a000.*"]}).status_code == 200
    assert len(changes(system)) - count <= 3
    gone, new = changes(system, object="subscription")[1:]
    assert (gone["action"], gone["after"], gone["before"]["patterns"]) == ("delete", None, patterns("a")[1:])
    assert (new["action"], new["before"], new["after"]["patterns"]) == ("insert", None, patterns("b")[:999])
    row = system.db.value("select id from posthorn.webhook")
    for change in (before, gone, new):
        assert change["object_id"] == str(row) and change["actor"].startswith("key:phk_") and str(change["address"]) == "127.0.0.1"
        assert change["program"] == "posthorn-api" and (change["before"] or change["after"])["webhook_id"] == row
    count = len(changes(system, object="subscription"))
    assert penny.patch(f"/v1/webhooks/{webhook}", {"events": patterns("b")[:999] + ["a000.*"]}).status_code == 200
    assert len(changes(system, object="subscription")) == count, "nothing changed"


def test_a_statement_on_many_rows_is_a_row_for_each_object(one, hooks):
    one.query("update posthorn.webhook set label = 'new' where id = any (%s)", hooks)
    rows = one.query("select * from audit.changes where object = 'webhook' and action = 'update' order by object_id::int")
    assert [row["object_id"] for row in rows] == [str(hook) for hook in hooks]
    assert all((row["before"]["id"], row["before"]["label"], row["after"]["label"]) == (int(row["object_id"]), "", "new") for row in rows)
    one.query("delete from posthorn.subscription")
    rows = one.query("select * from audit.changes where object = 'subscription' and action = 'delete' order by object_id::int")
    assert [row["object_id"] for row in rows] == [str(hook) for hook in hooks]
    assert {tuple(row["before"]) for row in rows} == {("patterns", "webhook_id")}


# Rate --------------------------------------------------------------------------------------------------------------


def test_an_account_has_a_share_of_changes(system, start_api):
    api = start_api(change_limit=2)
    account, other = system.account(dialect="penny"), system.account(dialect="penny")
    first, second = api.caller(account), api.caller(account)
    webhook = first.post("/v1/webhooks", HOOK | {"events": ["a.*"]}).json()["id"]
    answers = [caller.patch(f"/v1/webhooks/{webhook}", {"events": [f"a.{n}.*"]}) for n, caller in enumerate([first, second] * 11)]
    taken = [answer.status_code for answer in answers]
    assert taken == sorted(taken) and set(taken) == {200, 429}, taken
    assert 19 <= taken.count(200) <= 21, "the burst is twenty; a minute gives two back"
    refused = answers[-1]
    assert "too many changes of this account" in problem(refused, 429)["detail"] and 0 < int(refused.headers["Retry-After"]) <= 60
    count = len(changes(system))
    for method, path in (("POST", "/v1/webhooks"), ("PUT", f"/v1/webhooks/{webhook}"), ("DELETE", f"/v1/webhooks/{webhook}"),
                         ("POST", f"/v1/webhooks/{webhook}/disable"), ("POST", f"/v1/webhooks/{webhook}/enable"), ("POST", f"/v1/webhooks/{webhook}/secret")):
        problem(first.call(method, path, HOOK | {"events": ["a.*"]} if method in ("PUT",) or path == "/v1/webhooks" else None), 429)
    assert len(changes(system)) == count
    assert first.get(f"/v1/webhooks/{webhook}").status_code == 200, "reading goes on"
    assert api.caller(other).post("/v1/webhooks", HOOK | {"events": ["a.*"]}).status_code == 201, "and so do other accounts"
    system.db.query("update posthorn.api_rate set since = since - interval '5 minutes'")
    assert [first.patch(f"/v1/webhooks/{webhook}", {"events": [f"b.{n}.*"]}).status_code for n in range(8)] == [200] * 8, "what comes back with time"


def test_a_large_body_takes_more_of_the_share(system, start_api):
    caller = start_api(change_limit=2).caller(system.account(dialect="penny"))
    webhook = caller.post("/v1/webhooks", HOOK | {"events": ["a.*"]}).json()["id"]
    answers = [caller.patch(f"/v1/webhooks/{webhook}", {"events": patterns(letter)}).status_code for letter in PREFIXES]
    assert answers == sorted(answers) and 4 <= answers.count(200) <= 7, answers  # each has 10 kB: three units of twenty


# Expiry ------------------------------------------------------------------------------------------------------------


def housekeep(system):
    """As a dispatcher does. Returns how many partitions were dropped."""
    keeper = Database(with_login(system.url, DISPATCHER))
    try:
        return sum(1 for _ in iter(lambda: keeper.value("select posthorn.run_chore('expire', true)"), False))
    finally:
        keeper.close()


def test_changes_expire_by_their_own_setting(system):
    today = system.db.value("select (now() at time zone 'UTC')::date")
    system.account("an-account")
    for age in (10, 30):
        day = today - datetime.timedelta(days=age)
        system.db.query("insert into posthorn.setting values (%s, '1', 'a mark')", f"mark-{age}")
        partition = f"change_{day:%Y%m%d}"
        system.db.query(f"alter table posthorn.change detach partition posthorn.change_{today:%Y%m%d}")
        system.db.query("select posthorn.make_partition('change', %s, %s)", day, day + datetime.timedelta(days=1))
        system.db.query(f"insert into posthorn.change select changed_at - make_interval(days => %s), actor, address, program, object, object_id, action, before, after "
                        f"from posthorn.change_{today:%Y%m%d} where object_id = %s", age, f"mark-{age}")
        system.db.query(f"alter table posthorn.change attach partition posthorn.change_{today:%Y%m%d} for values from ('{today}'::timestamp at time zone 'UTC') "
                        f"to ('{today + datetime.timedelta(days=1)}'::timestamp at time zone 'UTC')")
        assert system.db.value(f"select count(*) from posthorn.{partition}") == 1
    system.db.query("update posthorn.setting set value = '20' where name = 'change_keep_days'")
    assert housekeep(system) == 1
    marks = {row["object_id"] for row in system.audit.query("select object_id from audit.changes where changed_at < now() - interval '1 day'")}
    assert marks == {"mark-10"}
    assert changes(system, object="account", object_id=str(system.db.value("select id from posthorn.account")))


def test_without_a_dispatcher_changes_are_recorded_all_the_same(system):
    """Dispatchers create partitions in advance; a change on a day without a partition creates it."""
    today = system.db.value("select (now() at time zone 'UTC')::date")
    system.db.query(f"drop table posthorn.change_{today:%Y%m%d}")
    system.account("an-account")
    (change,) = changes(system, object="account")
    assert change["after"]["key"] == "an-account"
    owner = Database(with_login(system.url, OWNER))
    try:
        for statement in ("delete from", "truncate"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.query(f"{statement} posthorn.change_{today:%Y%m%d}")
    finally:
        owner.close()


def test_what_callers_made_goes_when_nothing_refers_to_it(system, penny):
    """Deleted webhooks and old versions of URLs are kept as long as attempts that refer to them."""
    for n in range(3):
        webhook = penny.post("/v1/webhooks", HOOK | {"events": ["a.*"]}).json()["id"]
        penny.patch(f"/v1/webhooks/{webhook}", {"url": f"https://example.com/{n}"})
        if n < 2:
            assert penny.delete(f"/v1/webhooks/{webhook}").status_code in (200, 204)
    system.db.query("update posthorn.webhook_version set created_at = created_at - interval '30 days'")
    system.db.query("alter table posthorn.webhook disable trigger user")
    system.db.query("update posthorn.webhook set updated_at = updated_at - interval '30 days' where id <> (select max(id) from posthorn.webhook where status = 'deleted')")
    system.db.query("alter table posthorn.webhook enable trigger user")
    counts = "select (select count(*) from posthorn.webhook) as webhooks, (select count(*) from posthorn.webhook_version) as versions"
    housekeep(system)
    assert system.db.query(counts) == [{"webhooks": 3, "versions": 6}], "no attempt has expired yet"
    system.db.query("insert into posthorn.expired values ('attempt', now() - interval '10 days')")
    housekeep(system)
    assert system.db.query(counts) == [{"webhooks": 2, "versions": 2}], "the newest version of what is left"
    system.db.query("insert into posthorn.api_rate select gen_random_uuid(), now() - interval '2 days', 1 from generate_series(1, 10)")
    system.db.query("insert into posthorn.api_login select 'address:' || n, now() - interval '1 hour', 1 from generate_series(1, 10) n")
    housekeep(system)
    assert system.db.value("select count(*) from posthorn.api_rate where since < now() - interval '1 day'") == 0
    assert system.db.value("select count(*) from posthorn.api_login") == 0


# What is deleted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["api", "admin"])
def test_a_deleted_webhook_keeps_no_secret(system, api, receiver, by):
    account = system.account(dialect="penny")
    hook = system.webhook(account, receiver.url("/gone"), auth="bearer", token="a-token")
    system.admin("webhook", "rotate-secret", hook["id"])
    sealed = ("auth_secret", "secret", "previous_secret", "client_key")
    (row,) = system.db.query("select * from posthorn.webhook")
    assert all(row[column] is not None for column in sealed[:3])
    dispatcher = system.dispatcher()
    event = system.event(account)
    receiver.behave("/gone", answer(500))
    system.publish(event)
    wait_until(lambda: system.audit.attempts(event["id"]), 60, "a first attempt, so that another is pending")
    if by == "api":
        assert api.caller(account).delete(f"/v1/webhooks/{hook['id']}").status_code in (200, 204)
    else:
        system.admin("webhook", "delete", hook["id"])
    (row,) = system.db.query("select * from posthorn.webhook")
    assert row["status"] == "deleted" and [row[column] for column in (*sealed, "client_certificate")] == [None] * 5
    wait_until(lambda: system.audit.books()["cancelled"] == 1, 60, "what was pending is cancelled")
    dispatcher.stop()
    system.assert_balanced()
