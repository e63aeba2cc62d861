"""The share of one account in a dispatcher's memory, and accounts that a dispatcher cannot load: they do not delay other accounts."""
import concurrent.futures
import json
import re

import psycopg
import pytest

from support.api import problem
from support.programs import Failed
from support.receiver import answer, hang
from support.waiting import wait_until

MOST = 8 << 20
LONG = 255


def pattern(n, size=LONG):
    """The n-th of many patterns, `size` bytes long, none of which fits an event of the tests."""
    number = f"{n}."
    return number + "x" * (size - len(number) - 2) + ".*"


def bytes_of(system, account):
    return system.db.value("select posthorn.account_bytes(id) from posthorn.account where key = %s", account)


def fill(system, account, webhooks, patterns, url, past_triggers=False):
    """Inserts webhooks with SQL, each with '*' and this many long patterns."""
    with psycopg.connect(system.url) as db:
        if past_triggers:
            db.execute("set session_replication_role = replica")
            db.execute("alter table posthorn.subscription drop constraint if exists subscription_pattern_check")  # half a millisecond a row
        db.execute("insert into posthorn.webhook (public_id, account_id, url, format, signature) select 'filled-' || n, a.id, %s || n, 'standard', 'none' "
                   "from generate_series(1, %s) n, posthorn.account a where a.key = %s", (url, webhooks, account))
        db.execute("insert into posthorn.webhook_version (webhook_id, version, url) select id, 1, url from posthorn.webhook on conflict do nothing")
        db.execute("insert into posthorn.subscription select w.id, p from posthorn.webhook w, unnest(%s::text[] || '*'::text) p "
                   "where public_id like 'filled-%%'", ([pattern(n) for n in range(patterns)],))


# The bound ---------------------------------------------------------------------------------------------------------


def test_an_accounts_subscriptions_are_bounded(system, start_api, receiver):
    """975 webhooks with 253 patterns of 255 bytes: refused at the bound, and the dispatchers continue."""
    account, other = system.account(dialect="penny"), system.account(dialect="penny")
    api = start_api(rate_limit=1000000)
    caller = api.caller(account)
    patterns = [pattern(n) for n in range(253)]
    created = 0
    for _ in range(975):
        answered = caller.call("POST", "/v1/webhooks", data=json.dumps({"url": receiver.url("/greedy"), "events": patterns}, separators=",:"),
                               headers={"Content-Type": "application/json"})  # 253: what fits into a body
        if answered.status_code != 201:
            break
        created += 1
    found = problem(answered, 409)
    assert re.search(rf"{account} would take \d+ bytes; the limit is {MOST}; Remove", found["detail"]), found
    assert 0.9 * MOST < bytes_of(system, account) <= MOST
    system.webhook(other, receiver.url("/other"))
    dispatcher = system.dispatcher()
    greedy = system.event(account, "y")
    system.publish(greedy, system.event(other))
    receiver.wait_for(1, "/other")
    system.wait_consumed()
    assert dispatcher.running() and dispatcher.metrics()["posthorn_accounts_faulty"] == 0
    # all patterns that fit are there
    event = system.event(account, pattern(252)[:-1] + "y")
    system.publish(event)
    receiver.wait_for(created, "/greedy", deadline=120)
    system.wait_delivered(created + 1)
    system.assert_balanced(records=3)


def test_every_way_to_grow_is_bounded(system, start_api, receiver):
    """Each dialect's API, posthorn-admin, and SQL; a change that makes nothing larger is allowed at the bound, too."""
    api = start_api()
    account = system.account(dialect="penny")
    fill(system, account, 110, 253, receiver.url("/"))
    hook = system.webhook(account, receiver.url("/last"), events="ach.*")
    caller = api.caller(account)
    room = MOST - bytes_of(system, account)
    assert 0 < room < 600_000
    big = ",".join(pattern(n) for n in range(100, 500))
    with pytest.raises(Failed) as refused:
        for _ in range(10):
            system.webhook(account, receiver.url("/more"), events=big)
    assert f"the limit is {MOST}" in refused.value.stderr and "Remove webhooks or patterns" in refused.value.stderr
    with pytest.raises(Failed):
        system.admin("webhook", "update", hook["id"], "--events", ",".join(pattern(n, 120) for n in range(900)))
    problem(caller.patch(f"/v1/webhooks/{hook['id']}", {"events": [pattern(n, 60) for n in range(1000)]}), 409)
    with pytest.raises(psycopg.errors.Error, match=f"the limit is {MOST}"):
        system.db.query("update posthorn.webhook set auth_username = repeat('x', %s) where public_id = %s", MOST, hook["id"])
    assert bytes_of(system, account) <= MOST

    # an account beyond the bound, from an earlier version without it: it can shrink, and change what does not grow
    fill_more = "insert into posthorn.subscription select w.id, 'z.' || n || '.*' from posthorn.webhook w, generate_series(1, 300) n where w.public_id like 'filled-%'"
    with psycopg.connect(system.url) as db:
        db.execute("alter table posthorn.subscription disable trigger user")
        db.execute(fill_more)
        db.execute("alter table posthorn.subscription enable trigger user")
    assert bytes_of(system, account) > MOST
    problem(caller.post("/v1/webhooks", {"url": receiver.url("/new"), "events": ["*"]}), 409)
    assert caller.patch(f"/v1/webhooks/{hook['id']}", {"status": "disabled"}).status_code == 200
    assert caller.patch(f"/v1/webhooks/{hook['id']}", {"events": []}).status_code == 200
    assert caller.delete(f"/v1/webhooks/{hook['id']}").status_code == 204
    system.db.query("update posthorn.webhook set status = 'disabled' where public_id = 'filled-1'")
    system.db.query("update posthorn.webhook set status = 'deleted' where public_id like 'filled-%%' and id % 2 = 0")
    assert bytes_of(system, account) < MOST
    assert caller.post("/v1/webhooks", {"url": receiver.url("/new"), "events": ["*"]}).status_code == 201


@pytest.mark.parametrize("dialect, path, body", [
    ("penny", "/v1/webhooks", {"events": ["*"]}), ("devengo", "/v1/webhooks", {"listened_events": ["*"]}),
    ("payconex", "/api/v4/accounts/{account}/webhooks", {"event": "ACCOUNT_UPDATER_BATCH_UPDATES"})])
def test_the_bound_in_each_dialect(system, api, receiver, dialect, path, body):
    account = system.account(dialect=dialect)
    caller = api.caller(account)
    path = path.format(account=account)
    body |= {"url": receiver.url("/hook")}
    assert caller.post(path, body).status_code in (200, 201)
    with psycopg.connect(system.url) as db:
        db.execute("alter table posthorn.subscription disable trigger user")
        db.execute("insert into posthorn.subscription select id, repeat('x', 240) || '.' || n || '.*' from posthorn.webhook, generate_series(1, 32000) n")
        db.execute("alter table posthorn.subscription enable trigger user")
    found = problem(caller.post(path, body), 409)
    assert f"the limit is {MOST}" in found["detail"]


def test_concurrent_changes_do_not_pass_a_bound_together(system, start_api, receiver):
    """Returns the bytes of an account, and the number of its webhooks."""
    full, many = system.account(dialect="penny"), system.account(dialect="penny")
    api = start_api(webhooks_max=10)
    fill(system, full, 9, 253, receiver.url("/"))
    system.db.query("insert into posthorn.subscription select w.id, repeat('y', 240) || '.' || n || '.*' from posthorn.webhook w, generate_series(1, 3040) n "
                    "where w.public_id like 'filled-%%'")
    assert MOST - 200_000 < bytes_of(system, full) < MOST
    events = [pattern(n) for n in range(200)]
    caller, other = api.caller(full), api.caller(many)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(caller.post, "/v1/webhooks", {"url": receiver.url("/hook"), "events": events}) for _ in range(16)]
        asked += [pool.submit(other.post, "/v1/webhooks", {"url": receiver.url("/hook"), "events": ["*"]}) for _ in range(40)]
        statuses = [a.result().status_code for a in asked]
    assert set(statuses) == {201, 409}
    assert bytes_of(system, full) <= MOST
    assert system.db.value("select count(*) from posthorn.webhook w join posthorn.account a on a.id = w.account_id where a.key = %s", many) == 10


# Accounts that cannot be loaded ------------------------------------------------------------------------------------


def test_an_account_that_cannot_be_loaded_holds_back_its_own_events(system, receiver):
    """Its rows were written in spite of the bound. All its events are still matched; they wait, other accounts do not wait, and
    nothing is missing. After the repair, the events arrive."""
    large, other = system.account(dialect="merchant"), system.account(dialect="merchant")
    system.webhook(other, receiver.url("/other"))
    narrow = system.webhook(large, receiver.url("/narrow"), events="ach.*")["id"]
    disabled = system.webhook(large, receiver.url("/disabled"), events="*")["id"]
    system.admin("webhook", "disable", disabled)
    fill(system, large, 975, 253, receiver.url("/filled/"), past_triggers=True)
    dispatcher = system.dispatcher()
    events = [system.event(large, type) for type in ("ach.settled", "other.type")]
    system.publish(*events, *[system.event(other) for _ in range(20)])
    receiver.wait_for(20, "/other")
    system.wait_consumed()
    assert dispatcher.running() and dispatcher.metrics()["posthorn_accounts_faulty"] == 1
    assert f"event=account_unloaded account={large} " in dispatcher.log()
    books = wait_until(lambda: (books := system.audit.books())["pending"] == 2 * 975 + 1 and books, 60, "all of it waits")
    assert (books["delivered"], books["cancelled"]) == (20, 2)
    states = {(d["webhook_id"], d["state"]) for d in system.audit.deliveries(events[0]["id"])}
    assert (narrow, "pending") in states and (disabled, "cancelled") in states and len(states) == 977
    assert narrow not in {d["webhook_id"] for d in system.audit.deliveries(events[1]["id"])}
    system.assert_balanced(records=22)
    dispatcher.stop()  # after a restart, the same
    dispatcher.start()
    system.publish(system.event(other))
    receiver.wait_for(21, "/other")
    assert not [r for r in receiver.requests() if not r.path.startswith("/other")]

    system.db.query("delete from posthorn.subscription where pattern <> '*' and pattern <> 'ach.*'")
    system.wait_delivered(21 + 2 * 975 + 1)
    assert receiver.count("/narrow") == 1 and receiver.count("/filled/975") == 2 and receiver.count("/disabled") == 0
    wait_until(lambda: dispatcher.metrics()["posthorn_accounts_faulty"] == 0, 30, "the account is loaded")
    system.publish(system.event(large))
    system.wait_delivered(21 + 3 * 975 + 1)
    system.assert_balanced(records=24)


def test_an_account_that_becomes_too_large(system, receiver):
    """It was loaded, and a request to it hangs and others wait while it grows beyond the bound: nothing is cancelled."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"))
    receiver.behave("/hook", answer(500), answer(200))
    dispatcher = system.dispatcher()
    event = system.event(account)
    system.publish(event)
    receiver.wait_for(1, "/hook")
    fill(system, account, 600, 253, receiver.url("/filled/"), past_triggers=True)
    system.db.query("update posthorn.account set name = 'moves the clock' where key = %s", account)
    wait_until(lambda: dispatcher.metrics()["posthorn_accounts_faulty"] == 1, 30, "unloaded")
    later = system.event(account)
    system.publish(later)
    system.wait_consumed()
    wait_until(lambda: len(system.audit.deliveries(later["id"])) == 601, 30, "matched")
    with psycopg.connect(system.url) as db:  # without the triggers again: it is still detected
        db.execute("alter table posthorn.subscription disable trigger user")
        db.execute("delete from posthorn.subscription where pattern <> '*'")
        db.execute("alter table posthorn.subscription enable trigger user")
    system.wait_delivered(602)
    assert {d["state"] for d in system.audit.deliveries(event["id"]) + system.audit.deliveries(later["id"])} == {"delivered"}
    assert system.audit.books()["cancelled"] == 0
    system.assert_balanced(records=2)


def test_changes_that_make_an_account_too_large(system, receiver):
    """Only the changed webhooks are loaded, among them one for which deliveries wait: nothing more is sent to it, also after it was disabled."""
    account = system.account(dialect="merchant")
    hook = system.webhook(account, receiver.url("/hook"))["id"]
    receiver.behave("/hook", hang())
    fill(system, account, 570, 253, receiver.url("/filled/"), past_triggers=True)
    with psycopg.connect(system.url) as db:
        db.execute("set session_replication_role = replica")
        db.execute("update posthorn.webhook set status = 'disabled' where public_id like 'filled-%'")
        db.execute("create temporary table later as select s.* from posthorn.subscription s join posthorn.webhook w on w.id = s.webhook_id "
                   "where substr(w.public_id, 8)::int > 300 and w.public_id like 'filled-%'")
        db.execute("delete from posthorn.subscription s using later l where s = l")
        db.commit()
        dispatcher = system.dispatcher(request_timeout="300s", park_after="60s")
        system.publish(*(system.event(account) for _ in range(60)))
        wait_until(lambda: dispatcher.metrics()["posthorn_waiting"] > 0 and receiver.held() > 0, 30, "some hang, and some wait")
        db.execute("insert into posthorn.subscription select * from later")
    with psycopg.connect(system.url) as db:
        for first in range(301, 571, 90):
            names = [f"filled-{n}" for n in range(first, first + 90)]
            db.execute("update posthorn.webhook set label = 'moves the clock' where public_id = any (%s) or public_id = %s", (names, hook))
    wait_until(lambda: dispatcher.metrics()["posthorn_accounts_faulty"] == 1, 30, "unloaded")
    system.admin("webhook", "disable", hook)
    started = receiver.count("/hook")
    receiver.behave("/hook", answer(200))
    receiver.release()
    wait_until(lambda: dispatcher.metrics()["posthorn_in_flight"] == 0, 30, "nothing in flight")
    assert receiver.count("/hook") == started


def test_a_data_key_that_changed_past_the_triggers(system, receiver):
    """It is noticed when something else of the account changes."""
    account = system.account()
    hook = system.webhook(account, receiver.url("/hook"))["id"]
    dispatcher = system.dispatcher(store_payload="sealed")
    system.publish(system.event(account))
    system.wait_delivered(1)
    with psycopg.connect(system.url) as db:
        db.execute("set session_replication_role = replica")
        db.execute("update posthorn.account set data_key = set_byte(data_key, 20, get_byte(data_key, 20) # 1) where key = %s", (account,))
    system.db.query("update posthorn.webhook set label = 'x' where public_id = %s", hook)
    wait_until(lambda: dispatcher.metrics()["posthorn_accounts_faulty"] == 1, 30, "seen")
    system.publish(system.event(account))
    system.wait_delivered(2)


def test_a_data_key_that_does_not_open(system, start_api, receiver):
    """The data key of one account is damaged: its events are delivered, and what is stored of them can be read, before the repair and after; other accounts
    are not affected."""
    broken, other = system.account(dialect="penny"), system.account(dialect="penny")
    for account in (broken, other):
        system.webhook(account, receiver.url(f"/{account}"))
    receiver.behave(f"/{broken}", answer(500), answer(500), answer(200))
    dispatcher = system.dispatcher(store_payload="sealed", retry_schedule="3s,1s,3d")
    before = system.event(broken, data={"kept": "under its own key"})
    system.publish(before)
    receiver.wait_for(1, f"/{broken}")
    wait_until(lambda: system.audit.count("attempts") == 1, 30, "recorded")
    key = system.db.value("select data_key from posthorn.account where key = %s", broken)
    system.db.query("update posthorn.account set data_key = set_byte(data_key, 20, get_byte(data_key, 20) # 1) where key = %s", broken)
    wait_until(lambda: dispatcher.metrics()["posthorn_accounts_faulty"] == 1, 30, "seen")
    assert f"event=data_key account={broken} " in dispatcher.log()
    event = system.event(broken, data={"kept": "under the master key"})
    system.publish(event, system.event(other))
    receiver.wait_for(1, f"/{other}")
    receiver.wait_for(3, f"/{broken}")  # the second attempt of the new event has decrypted its payload; that of the old one waits
    assert dispatcher.running()
    shown = start_api().caller(broken).get(f"/v1/events/{event['id']}").json()
    assert shown["data"] == {"kept": "under the master key"}
    wait_until(lambda: [d["state"] for d in system.audit.deliveries(event["id"])] == ["delivered"], 30, "delivered")
    assert [d["state"] for d in system.audit.deliveries(before["id"])] == ["pending"]
    system.db.query("update posthorn.account set data_key = %s where key = %s", key, broken)
    system.wait_delivered(3)
    system.assert_balanced(records=3)


def test_another_master_key_ends_the_dispatcher_before_it_keeps_anything(system, receiver):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.account(dialect="penny")
    dispatcher = system.dispatcher(store_payload="sealed", master_key="ab" * 32)
    system.publish(system.event(account))
    assert dispatcher.wait(60) == 1
    assert "event=master_key" in dispatcher.log() and "the master key that the database was made with" in dispatcher.log()
    assert system.db.value("select count(*) from posthorn.payload") == 0 and receiver.count("/hook") == 0
    dispatcher.start(master_key=system.master_key)
    system.wait_delivered(1)
    system.assert_balanced(records=1)
