"""Which webhook receives which event: patterns, and changes that are effective from the next event on."""
import json
import random

import pytest

from support.receiver import answer, hang
from support.waiting import wait_until


def wait_settled(system):
    """Waits until everything that was published is consumed, and nothing is open."""
    system.wait_consumed()
    wait_until(lambda: system.audit.books()["pending"] == 0, 60, "nothing pending", every=0.1)


def reached(system, event):
    """{webhook id: state} of an event."""
    return {d["webhook_id"]: d["state"] for d in system.audit.deliveries(event["id"])}


def test_patterns(system, receiver):
    account, other = system.account(dialect="merchant"), system.account(dialect="merchant")
    patterns = {"all": "*", "ach": "ach.*", "sale": "transaction.sale.*", "one": "ach.settled", "two": "ach.failed,transaction.sale.voided",
                "both": "ach.*,ach.settled,*"}
    hooks = {name: system.webhook(account, receiver.url(f"/{name}"), events=events)["id"] for name, events in patterns.items()}
    hooks["other"] = system.webhook(other, receiver.url("/other"), events="*")["id"]
    system.dispatcher()
    expected = {
        "ach.settled": {"all", "ach", "one", "both"},
        "ach.failed": {"all", "ach", "two", "both"},
        "ach": {"all", "both"},
        "ach.": {"all", "both"},
        "achx.settled": {"all", "both"},
        "ACH.settled": {"all", "both"},
        "transaction.sale.voided": {"all", "sale", "two", "both"},
        "transaction.sale": {"all", "both"},
        "not.in.the.catalogue": {"all", "both"},
        "*": {"all", "both"},
    }
    events = {type: system.event(account, type) for type in expected}
    system.publish(*events.values())
    system.wait_delivered(sum(map(len, expected.values())))
    for type, names in expected.items():
        assert reached(system, events[type]) == {hooks[name]: "delivered" for name in names}, type
    assert receiver.count("/other") == 0
    system.assert_balanced(records=len(expected))


def test_an_event_published_after_a_change_is_treated_by_it(system, receiver):
    """Repeatedly: change, then publish at once. The dispatcher has the account in its cache all the time."""
    account = system.account(dialect="merchant")
    hook = system.webhook(account, receiver.url("/hook"), events="ach.settled")
    system.dispatcher()
    expected = []

    def publish(wanted):
        event = system.event(account, "ach.settled")
        system.publish(event)
        expected.append((event, wanted))
        wait_settled(system)  # otherwise the next change may be visible before this event is processed

    publish("delivered")
    for _ in range(4):
        system.admin("webhook", "update", hook["id"], "--events", "ach.failed")
        publish(None)
        system.admin("webhook", "update", hook["id"], "--events", "ach.*")
        publish("delivered")
        system.admin("webhook", "disable", hook["id"])
        publish("cancelled")
        system.admin("webhook", "enable", hook["id"])
        publish("delivered")
    wait_settled(system)
    for number, (event, wanted) in enumerate(expected):
        assert reached(system, event) == ({hook["id"]: wanted} if wanted else {}), f"event {number}, {wanted}"
    assert receiver.count("/hook") == sum(wanted == "delivered" for _, wanted in expected)

    # a new webhook, another URL, the end of one
    new = system.webhook(account, receiver.url("/new"))
    system.admin("webhook", "update", hook["id"], "--url", receiver.url("/moved"))
    both = system.event(account, "ach.settled")
    system.publish(both)
    system.admin("webhook", "delete", hook["id"])
    alone = system.event(account, "ach.settled")
    system.publish(alone)
    wait_settled(system)
    assert reached(system, both) in ({new["id"]: "delivered", hook["id"]: "delivered"}, {new["id"]: "delivered", hook["id"]: "cancelled"})
    assert reached(system, alone) == {new["id"]: "delivered"}
    count = receiver.count("/hook")
    assert count == sum(wanted == "delivered" for _, wanted in expected), "something went to the old URL"
    assert {a["url"] for a in system.audit.attempts(both["id"])} <= {receiver.url("/moved"), receiver.url("/new")}
    system.assert_balanced(records=len(expected) + 2)


def test_what_changed_is_named(system):
    """posthorn.changed_webhooks() is the basis of a load of the changes alone."""
    account, other = system.account(dialect="merchant"), system.account(dialect="merchant")
    hooks = system.webhooks(account, ["https://example.com/1", "https://example.com/2"])
    one, two = sorted(system.db.value("select id from posthorn.webhook where public_id = %s", hook["id"]) for hook in hooks)
    number, other_number = (system.db.value("select id from posthorn.account where key = %s", key) for key in (account, other))
    system.db.query("insert into posthorn.source_key (account_id, name, secret) values (%s, 'k', 'x')", number)

    def changed(*statements, of=number):
        since = system.db.value("select v from posthorn.subscription_clock")
        for statement in statements:
            system.db.query(statement)
        found = system.db.value("select posthorn.changed_webhooks(%s, %s)", of, since)
        return found if found is None else sorted(found)

    assert changed() == []
    assert changed(f"update posthorn.webhook set label = 'x' where id = {one}") == [one]
    assert changed(f"update posthorn.webhook set label = 'y' where id in ({one}, {two})", f"update posthorn.webhook set label = 'z' where id = {one}") == [one, two]
    assert changed(f"delete from posthorn.subscription where webhook_id = {one}") == [one]
    assert changed(f"insert into posthorn.subscription values ({one}, 'a'), ({one}, 'b'), ({two}, 'c')") == [one, two]
    assert changed(f"update posthorn.subscription set pattern = 'd' where webhook_id = {one} and pattern = 'a'") == [one]
    assert changed(f"update posthorn.subscription set webhook_id = {two} where webhook_id = {one} and pattern = 'd'") == [one, two]
    assert changed(f"update posthorn.webhook set label = 'x' where id = {one}", of=other_number) == []
    added = changed(f"insert into posthorn.webhook (public_id, account_id, url, format) values ('added', {number}, 'https://example.com/', 'standard')")
    assert added == [system.db.value("select id from posthorn.webhook where public_id = 'added'")]
    assert changed(f"update posthorn.webhook set status = 'deleted' where id = {added[0]}") == added
    # everything of the account
    assert changed(f"update posthorn.account set name = 'x' where id = {number}") is None
    assert changed("update posthorn.source_key set name = 'l'") is None
    many = (f"insert into posthorn.webhook (public_id, account_id, url, format) select 'many-' || n, {number}, 'https://example.com/', 'standard' "
            "from generate_series(1, 1001) n")
    assert changed(many) is None
    moves = f"update posthorn.webhook set account_id = {other_number} where id = {two}", f"update posthorn.webhook set account_id = {number} where id = {two}"
    assert changed(moves[0]) is None and changed(moves[1]) == [two]
    assert changed(moves[0], of=other_number) == [two] and changed(moves[1], of=other_number) is None
    assert changed("delete from posthorn.webhook_version where webhook_id = " + str(added[0]), f"delete from posthorn.webhook where id = {added[0]}") is None
    assert system.db.value("select posthorn.changed_webhooks(%s, 0)", number) is None
    assert changed(f"update posthorn.webhook set label = 'a' where id = {one}", "delete from posthorn.subscription_change") is None


def test_changes_of_all_kinds_one_after_the_other(system, receiver):
    """Each event reaches what SQL says that it reaches, whatever has changed before it, among webhooks that did not."""
    account = system.account(dialect="merchant")
    rest = system.webhooks(account, [receiver.url(f"/rest/{n}") for n in range(20)])
    system.dispatcher()
    chance = random.Random(20)
    types, patterns = ["ach.settled", "ach.failed", "transaction.sale.voided"], ["*", "ach.*", "ach.settled", "ach.failed", "transaction.sale.*", "transaction.sale.voided"]
    known = [hook["id"] for hook in rest]

    def change():
        hook = chance.choice(known)
        kind = chance.randrange(7)
        if kind == 0:
            known.append(system.webhook(account, receiver.url(f"/new/{len(known)}"), events=chance.choice(patterns))["id"])
        elif kind == 1 and len(known) > 10:
            known.remove(hook)
            system.admin("webhook", "delete", hook)
        elif kind == 2:
            system.admin("webhook", chance.choice(["enable", "disable"]), hook)
        elif kind == 3:
            system.db.query("update posthorn.account set name = %s where key = %s", str(chance.random()), account)
        elif kind == 4:
            system.db.query("delete from posthorn.subscription where webhook_id in (select id from posthorn.webhook where public_id = %s)", hook)
        else:
            system.admin("webhook", "update", hook, "--events", ",".join(chance.sample(patterns, chance.randrange(1, 4))))

    events = 0
    for number in range(60):
        change()
        event = system.event(account, chance.choice(types))
        wanted = system.db.query(
            "select w.public_id, w.status from posthorn.match(array[(select id from posthorn.account where key = %s)], array[%s]) m "
            "join posthorn.webhook w on w.id = m.webhook_id", account, event["type"])
        system.publish(event)
        wait_settled(system)
        events += 1
        states = {"enabled": "delivered", "disabled": "cancelled"}
        assert reached(system, event) == {row["public_id"]: states[row["status"]] for row in wanted}, f"event {number}"
    system.assert_balanced(records=events)


@pytest.mark.parametrize("verb", ["disable", "delete"])
def test_what_waits_is_cancelled_with_a_record(system, receiver, verb):
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(500))
    hook = system.webhook(account, receiver.url("/hook"))
    system.dispatcher(retry_schedule="1h,1d,3d")
    events = [system.event(account) for _ in range(30)]
    system.publish(*events)
    system.wait_consumed()
    wait_until(lambda: system.audit.count("deliveries", state="pending") == 30, 30, "30 pending")
    system.admin("webhook", verb, hook["id"])
    after = system.event(account)
    system.publish(after)
    wait_settled(system)
    books = system.audit.books()
    assert (books["cancelled"], books["delivered"]) == ((31, 0) if verb == "disable" else (30, 0))
    assert reached(system, after) == ({hook["id"]: "cancelled"} if verb == "disable" else {})
    reasons = {row["reason"] for row in system.db.query("select reason from posthorn.cancellation")}
    assert reasons == {f"webhook {verb}d"}
    count = receiver.count("/hook")
    if verb == "disable":  # a cancelled delivery stays cancelled: only events after enabling are delivered
        receiver.behave("/hook", answer(200))
        system.admin("webhook", "enable", hook["id"])
        system.publish(system.event(account))
        system.wait_delivered(1)
        assert receiver.count("/hook") == count + 1
    system.assert_balanced(records=len(events) + (2 if verb == "disable" else 1))


def test_disabled_while_requests_hang(system, receiver):
    """Requests in flight may still be answered; all other deliveries of the webhook are cancelled."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", hang())
    hook = system.webhook(account, receiver.url("/hook"))
    system.dispatcher(request_timeout="30s")
    events = [system.event(account) for _ in range(200)]
    system.publish(*events)
    wait_until(lambda: receiver.held() > 0, 30, "requests on the wire")
    system.wait_consumed()
    system.admin("webhook", "disable", hook["id"])
    wait_until(lambda: system.audit.books()["cancelled"] > 0, 60, "something cancelled", every=0.1)
    receiver.behave("/hook", answer(200))
    released = receiver.release()
    wait_until(lambda: system.audit.count("attempts", outcome="delivered") >= released, 60, "the answers recorded", every=0.1)
    wait_until(lambda: system.audit.books()["pending"] == 0, 60, "nothing pending", every=0.1)
    books = system.audit.books()
    assert books["delivered"] == released and books["cancelled"] == 200 - released
    assert receiver.count("/hook") == released
    system.assert_balanced(records=200)


def test_closed_account(system, receiver):
    """Nothing more is delivered for a closed account; its records become dead letters as soon as the dispatcher knows that it is closed."""
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    system.publish(system.event(account, data={"n": 1}))
    system.wait_delivered(1)
    system.admin("account", "close", account)

    def becomes_a_dead_letter():
        system.publish(system.event(account, data={"n": 2}))
        system.wait_consumed()
        return system.audit.dead_letters()

    dead = wait_until(becomes_a_dead_letter, 60, "a dead letter")
    assert {(row["reason"], row["detail"]) for row in dead} == {("unknown_account", f"the account '{account}' is closed")}
    assert [json.loads(r.body)["data"] for r in receiver.requests("/hook")] == [{"n": 1}]
    system.assert_balanced()
