"""Handling of responses: the schedule and its end, Retry-After, 429 and 410, webhooks that fail for too long."""
import datetime
import json

import psycopg

from support.kafka import binary_record
from support.receiver import answer, hang
from support.waiting import wait_until


def wait_attempts(system, count, **equal):
    wait_until(lambda: system.audit.count("attempts", **equal) >= count, 60, f"{count} attempts {equal}", every=0.1)


def due_after(delivery):
    """Seconds from the first attempt to the next."""
    return (delivery["next_attempt_at"] - delivery["first_attempt_at"]).total_seconds()


def test_schedule_ends(system, receiver):
    account = system.account(dialect="penny")
    receiver.behave("/bad", answer(500))
    receiver.behave("/late", answer(503), answer(503), answer(204))
    bad, late = system.webhooks(account, [receiver.url("/bad"), receiver.url("/late")])
    system.dispatcher(retry_schedule="50ms,50ms,50ms")
    event = system.event(account)
    system.publish(event)
    wait_until(lambda: system.audit.books()["pending"] == 0 and system.audit.count("attempts") >= 7, 60, "the end", every=0.1)

    attempts = {hook["id"]: [a for a in system.audit.attempts(event["id"]) if a["webhook_id"] == hook["id"]] for hook in (bad, late)}
    assert [(a["attempt"], a["outcome"], a["http_status"]) for a in attempts[bad["id"]]] == [
        (1, "retry", 500), (2, "retry", 500), (3, "retry", 500), (4, "gave_up", 500)]
    assert [(a["attempt"], a["outcome"], a["http_status"]) for a in attempts[late["id"]]] == [
        (1, "retry", 503), (2, "retry", 503), (3, "delivered", 204)]
    assert all(a["cause"] == "event" for rows in attempts.values() for a in rows)
    states = {d["webhook_id"]: d for d in system.audit.deliveries(event["id"])}
    assert (states[bad["id"]]["state"], states[bad["id"]]["attempts"], states[bad["id"]]["last_error"]) == ("failed", 4, "answered 500")
    assert (states[late["id"]]["state"], states[late["id"]]["attempts"]) == ("delivered", 3)
    assert receiver.count("/bad") == 4 and receiver.count("/late") == 3
    ids = {r.headers["webhook-id"] for r in receiver.requests()}
    assert ids == {event["id"]}, "the id stays over all attempts"
    books = system.audit.books()
    assert (books["failed"], books["delivered"]) == (1, 1)
    system.assert_balanced(records=1)


def test_retry_after_and_429(system, receiver):
    """Retry-After is honoured up to the limit, with 429 and other statuses; meanwhile, new events for that webhook wait, too."""
    account = system.account(dialect="penny")
    tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    receiver.behave("/429", answer(429, headers={"Retry-After": "600"}))
    receiver.behave("/503", answer(503, headers={"Retry-After": tomorrow}))
    receiver.behave("/200", answer(200, headers={"Retry-After": "600"}))
    receiver.behave("/broken", answer(503, headers={"Retry-After": "soon"}))
    hooks = dict(zip(("429", "503", "200", "broken"), system.webhooks(account, [receiver.url(f"/{p}") for p in ("429", "503", "200", "broken")]), strict=True))
    system.dispatcher(retry_after_max="1h", retry_schedule="5m,5m,1d,3d")
    first, second = system.event(account), system.event(account)

    def deliveries(event):
        by_id = {d["webhook_id"]: d for d in system.audit.deliveries(event["id"])}
        return {name: by_id.get(hook["id"]) for name, hook in hooks.items()}

    system.publish(first)
    wait_attempts(system, 4)
    found = wait_until(lambda: (d := deliveries(first)) and all(d[n]["next_attempt_at"] for n in ("429", "503", "broken")) and d, 30, "pending rows")
    assert 600 <= due_after(found["429"]) <= 660
    assert 3600 <= due_after(found["503"]) <= 3660, "capped"
    assert 240 <= due_after(found["broken"]) <= 420, "as the schedule says: 5 minutes, jittered by a fifth"
    assert found["200"]["state"] == "delivered"

    system.publish(second)
    system.wait_consumed()
    wait_attempts(system, 6)  # the two that may receive requests
    later = wait_until(lambda: (d := deliveries(second)) and all(d.values()) and d["broken"]["next_attempt_at"] and d, 30, "all deliveries")
    assert (later["200"]["state"], later["broken"]["attempts"]) == ("delivered", 1)
    for name in ("429", "503"):
        assert (later[name]["state"], later[name]["attempts"]) == ("pending", 0), "a webhook that asked for a pause was called"
        held = later[name]["next_attempt_at"] - found[name]["next_attempt_at"]
        assert abs(held.total_seconds()) < 60, "it waits as long as the webhook asked for"
    assert (receiver.count("/429"), receiver.count("/503")) == (1, 1)
    system.assert_balanced(records=2)


def test_429_without_retry_after(system, receiver):
    """No request starts for a second. (The clock of the rows has microseconds; the pause is never shorter.)"""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(429), answer(200))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(window_max=1, retry_schedule="1h")
    first, second = system.event(account), system.event(account)
    system.topics.produce(system.topic, [binary_record(event) | {"partition": 0} for event in (first, second)])
    wait_until(lambda: system.audit.count("attempts") == 2, 60, "both were attempted", every=0.1)
    (slowed,), (delivered,) = system.audit.attempts(first["id"]), system.audit.attempts(second["id"])
    assert (slowed["http_status"], delivered["http_status"]) == (429, 200)
    assert (delivered["started_at"] - slowed["started_at"]).total_seconds() >= 0.9


def test_gone_disables(system, receiver):
    """410 repeatedly: the webhook is disabled, its owner can see the reason, and webhook.disabled is published and delivered. Pending deliveries are
    cancelled, with a record."""
    account = system.account(dialect="penny")
    receiver.behave("/gone", answer(410))
    gone = system.webhook(account, receiver.url("/gone"), events="transaction.*")
    system.webhook(account, receiver.url("/watch"), events="webhook.disabled")
    system.dispatcher(system_events="yes", gone_after="0s", retry_schedule="50ms,50ms,50ms,50ms,3d")
    event = system.event(account)
    system.publish(event)
    (request,) = receiver.wait_for(1, "/watch")
    body = json.loads(request.body)
    assert body["event_identifier"] == "webhook.disabled" and body["data"]["webhook_id"] == gone["id"]
    assert "410" in body["data"]["reason"]
    shown = system.admin("webhook", "show", gone["id"], "--json")
    assert shown["status"] == "disabled" and "410" in shown["disabled_reason"]
    wait_until(lambda: system.audit.books()["pending"] == 0, 30, "nothing pending")
    (delivery,) = system.audit.deliveries(event["id"])
    assert delivery["state"] == "cancelled" and 3 <= delivery["attempts"] <= 5
    system.wait_delivered(1)
    system.assert_balanced(records=2)

    count = receiver.count("/gone")
    later = system.event(account)
    system.publish(later)
    system.wait_consumed()
    (delivery,) = wait_until(lambda: system.audit.deliveries(later["id"]), 30, "a record of the event for the disabled webhook")
    assert (delivery["state"], delivery["attempts"], receiver.count("/gone")) == ("cancelled", 0, count)
    system.assert_balanced(records=3)


def test_disabling_a_webhook_delays_nothing(system, receiver):
    """Another change of webhooks that does not commit holds the subscription clock: the dispatcher's background connection, on which claims run, does not wait for it.
    The webhook is disabled after a later failure."""
    account = system.account(dialect="penny")
    receiver.behave("/gone", answer(410))
    gone = system.webhook(account, receiver.url("/gone"), events="transaction.*")
    system.dispatcher(gone_after="0s", retry_schedule="50ms,50ms,50ms,50ms,3d")
    with psycopg.connect(system.url) as other:
        other.execute("select from posthorn.subscription_clock for update")
        system.publish(system.event(account))
        receiver.wait_for(5, "/gone")
        system.db.query("insert into posthorn.outbox (event_id, event_type, account, data) values ('whd_1', 'webhook.disabled', %s, '{}')", account)
        wait_until(lambda: system.db.value("select count(*) from posthorn.outbox") == 0, 30, "the outbox published")
        assert system.admin("webhook", "show", gone["id"], "--json")["status"] == "enabled"

    def failed_again():
        system.publish(system.event(account))
        return system.admin("webhook", "show", gone["id"], "--json")["status"] == "disabled"
    wait_until(failed_again, 60, "disabled", every=0.5)


def test_one_410_does_not_disable(system, receiver):
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(410), answer(410), answer(500), answer(410), answer(410), answer(200))
    hook = system.webhook(account, receiver.url("/hook"))
    system.dispatcher(gone_after="0s", retry_schedule="50ms,50ms,50ms,50ms,50ms,3d")
    system.publish(system.event(account))
    system.wait_delivered(1)
    assert system.admin("webhook", "show", hook["id"], "--json")["status"] == "enabled"
    system.assert_balanced(records=1)


def test_failing_for_too_long_disables_and_enabling_starts_anew(system, receiver):
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(500))
    hook = system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher(disable_after="1s", retry_schedule="300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms,3d")

    def status():
        return system.admin("webhook", "show", hook["id"], "--json")

    first = system.event(account)
    system.publish(first)
    wait_until(lambda: status()["status"] == "disabled", 60, "disabled", every=0.3)
    assert "failed for" in status()["disabled_reason"]
    (published,) = system.topics.read(system.system_topic, 1)
    assert published.header("ce_type") == "webhook.disabled" and published.header("ce_account") == account
    assert json.loads(published.value)["webhook_id"] == hook["id"]
    wait_until(lambda: system.audit.books()["pending"] == 0, 30, "what waited is cancelled")
    assert dispatcher.metrics()["posthorn_webhooks_disabled_total"] == 1

    # after it is enabled, a further failure counts as the first: its time starts again
    receiver.behave("/hook", answer(500), answer(200))
    system.admin("webhook", "enable", hook["id"])
    second = system.event(account)
    system.publish(second)
    system.wait_delivered(1)
    assert [a["outcome"] for a in system.audit.attempts(second["id"])] == ["retry", "delivered"]
    assert status()["status"] == "enabled"
    assert {d["state"] for d in system.audit.deliveries(first["id"])} == {"cancelled"}
    system.assert_balanced(records=2)


def test_recovery_delivers_the_backlog(system, receiver):
    """A webhook that was unavailable receives the missed events, in portions of the window, without a new event as trigger."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(500))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(retry_schedule="100ms,100ms,100ms,100ms,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,3d")
    events = [system.event(account) for _ in range(300)]
    system.publish(*events)
    system.wait_consumed()
    wait_attempts(system, 10, outcome="retry")
    receiver.behave("/hook", answer(200))
    system.wait_delivered(300)
    assert {r.headers["webhook-id"] for r in receiver.requests("/hook")} == {event["id"] for event in events}
    assert system.audit.count("attempts", outcome="delivered") == 300
    system.assert_balanced(records=300)


def test_a_backlog_that_is_cancelled_takes_turns(system, receiver):
    """A webhook with many pending deliveries is disabled: meanwhile, another account's retry is made."""
    large, other = system.account(), system.account()
    hook = system.webhook(large, "http://127.0.0.1:9/")
    system.webhook(other, receiver.url("/hook"))
    receiver.behave("/hook", answer(500), answer(200))
    dispatcher = system.dispatcher(retry_schedule="1h,1h")
    event = system.event(other)
    system.publish(event)
    wait_attempts(system, 1, outcome="retry")
    dispatcher.stop()
    system.admin("webhook", "disable", hook["id"])
    webhook = system.db.value("select id from posthorn.webhook where public_id = %s", hook["id"])
    system.db.query("""
        insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
            select %s, position_id, n, 'r', period, 0, now() from posthorn.event, generate_series(1, 40000) n;
        update posthorn.pending set next_attempt_at = now();
        insert into posthorn.queue (webhook_id, next_due) select distinct webhook_id, now() from posthorn.pending on conflict (webhook_id) do update set next_due = now();
        select posthorn.accept_changes('a test')""" % webhook)
    dispatcher.start()
    system.wait_delivered(1)
    wait_until(lambda: system.audit.books()["pending"] == 0 and system.db.value("select count(*) from posthorn.pending") == 0, 120, "all is cancelled")
    assert system.db.value("select count(*) from posthorn.cancellation where webhook_id = %s", webhook) == 40000
    assert system.db.value("select (select recorded_at from posthorn.attempt where outcome = 'd') < (select max(recorded_at) from posthorn.cancellation)")
    system.assert_balanced(records=1)


def test_the_url_changes_while_requests_are_under_way(system, receiver):
    """After the breaker has opened: the response of the old URL is recorded, and has no other effect."""
    account = system.account(dialect="penny")
    receiver.behave("/old", *[answer(500)] * 10, answer(200), hang())
    hook = system.webhook(account, receiver.url("/old"))
    dispatcher = system.dispatcher(retry_schedule="50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,3d", request_timeout="300s")
    system.publish(system.event(account))
    system.wait_delivered(1)  # ten failures, a pause of the breaker, and the probe
    system.publish(system.event(account))
    wait_until(lambda: receiver.held() == 1, 60, "a request hangs")
    system.admin("webhook", "update", hook["id"], "--url", receiver.url("/new"))
    system.publish(system.event(account))
    receiver.wait_for(1, "/new")
    receiver.release()
    system.wait_delivered(3)
    assert dispatcher.running() and receiver.count("/old") == 12
    system.assert_balanced(records=3)
