"""posthorn-admin replay: failed or missed deliveries are sent again, as attempts with a separate cause that the ledger does not count."""
import json

from support.receiver import answer
from support.waiting import wait_until


def test_failed_deliveries_are_replayed(system, receiver):
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(500))
    hook = system.webhook(account, receiver.url("/hook"))
    system.dispatcher(retry_schedule="50ms", store_payload="sealed")
    events = [system.event(account, data={"n": n}) for n in range(3)]
    system.publish(*events)
    wait_until(lambda: system.audit.books()["failed"] == 3, 60, "three failed", every=0.1)
    books = system.audit.books()
    receiver.behave("/hook", answer(200))
    receiver.forget()

    system.admin("replay", "--webhook", hook["id"], "--state", "failed")
    receiver.wait_for(3, "/hook")
    wait_until(lambda: system.audit.count("attempts", cause="replay", outcome="delivered") == 3, 30, "three replays recorded")
    assert sorted(json.loads(r.body)["data"]["n"] for r in receiver.requests("/hook")) == [0, 1, 2]
    assert {r.headers["webhook-id"] for r in receiver.requests("/hook")} == {event["id"] for event in events}
    assert {d["state"] for d in system.audit.deliveries()} == {"delivered"}
    assert system.audit.books() == books, "a replay changed the books"
    system.assert_balanced(records=3)


def test_replay_that_fails_is_retried(system, receiver):
    account = system.account(dialect="penny")
    hook = system.webhook(account, receiver.url("/hook"))
    system.dispatcher(retry_schedule="50ms,50ms,3d")
    event = system.event(account)
    system.publish(event)
    system.wait_delivered(1)
    receiver.behave("/hook", answer(503), answer(200))
    system.admin("replay", "--webhook", hook["id"], "--event-id", event["id"])
    wait_until(lambda: system.audit.count("attempts", cause="replay", outcome="delivered") == 1, 30, "the replay delivered")
    found = [(a["cause"], a["attempt"], a["outcome"]) for a in system.audit.attempts(event["id"])]
    assert found == [("event", 1, "delivered"), ("replay", 1, "retry"), ("replay", 2, "delivered")]
    system.assert_balanced(records=1)


def test_what_was_missed_while_disabled(system, receiver):
    account = system.account(dialect="penny")
    hook = system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    system.admin("webhook", "disable", hook["id"])
    events = [system.event(account) for _ in range(5)]
    system.publish(*events)
    wait_until(lambda: system.audit.books()["cancelled"] == 5, 60, "five cancelled", every=0.1)
    system.admin("webhook", "enable", hook["id"])
    system.admin("replay", "--webhook", hook["id"], "--state", "cancelled")
    receiver.wait_for(5, "/hook")
    wait_until(lambda: system.audit.count("deliveries", state="delivered") == 5, 30, "five delivered")
    assert system.audit.books()["cancelled"] == 5
    system.assert_balanced(records=5)
