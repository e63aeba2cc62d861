"""Webhooks that misbehave: they are retried, recorded with a clear error, and do not affect other webhooks."""
import json
import re

import pytest

from support.kafka import binary_record
from support.receiver import answer, close, drip, hang, raw, redirect, refused_url, reset, stream
from support.waiting import wait_until

pytestmark = pytest.mark.malformed

# path: (what it does, status in the audit, error in the audit as a regular expression)
BAD = {
    "/500": (answer(500, b"oops"), 500, "answered 500"),
    "/404": (answer(404), 404, "answered 404"),
    "/hang": (hang(), None, "timed out: .*"),
    "/drip": (drip(), 200, "timed out: .*"),
    "/close": (close(), None, "the connection was (reset|closed) .*"),
    "/reset": (reset(), None, "the connection was (reset|closed) .*"),
    "/stream": (stream(), 200, r"the response is too long \(status 200\)"),
    "/ssh": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "the response is not HTTP(; if the port speaks TLS, the URL must begin with https)?"),
    "/broken": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n"), 200, "the response is not HTTP"),
    "/cut": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"), 200, "the connection was closed in the middle of the response"),
}


def test_every_failure_is_retried_and_explained(system, receiver):
    account = system.account(dialect="penny")
    for path, (behaviour, _, _) in BAD.items():
        receiver.behave(path, behaviour)
    receiver.behave("/redirect", redirect(receiver.url("/elsewhere")))
    nobody, holder = refused_url("/refused")
    expected = {receiver.url(path): (status, error) for path, (_, status, error) in BAD.items()}
    expected[receiver.url("/redirect")] = (302, "answered 302: redirects are not followed")
    expected[nobody] = (None, "cannot connect: Connection refused")
    hooks = dict(zip([*expected, receiver.url("/good")], system.webhooks(account, [*expected, receiver.url("/good")]), strict=True))
    system.dispatcher(request_timeout="1s")
    events = [system.event(account) for _ in range(2)]
    system.publish(*events)

    def failures():
        """{url: the attempts that failed}"""
        found = {url: [] for url in expected}
        for attempt in system.audit.attempts():
            if attempt["outcome"] == "retry":
                found[attempt["url"]].append(attempt)
        return found

    receiver.wait_for(2, "/good")
    wait_until(lambda: all(max([a["attempt"] for a in rows], default=0) >= 2 for rows in failures().values()), 60,
               "two attempts at every bad webhook", every=0.3)
    for url, attempts in failures().items():
        status, error = expected[url]
        for attempt in attempts:
            assert re.fullmatch(error, attempt["error"]), f"{url}: {attempt}"
            if not url.endswith("/reset"):  # the RST may overtake the head
                assert attempt["http_status"] == status, f"{url}: {attempt}"
    assert {a["response_body"] for a in failures()[receiver.url("/500")]} == {"oops"}
    assert all(len(a["response_body"]) <= 2048 for a in failures()[receiver.url("/stream")])
    assert receiver.count("/elsewhere") == 0, "a redirect was followed"
    assert len(receiver.requests("/good")) == 2, "a healthy webhook got something twice"

    # all recover except one, which its owner disables
    for path in (*BAD, "/redirect"):
        receiver.behave(path, answer(200))
    receiver.release()
    system.admin("webhook", "disable", hooks[nobody]["id"])
    wait_until(lambda: system.audit.books()["pending"] == 0, 90, "nothing pending", every=0.3)
    books = system.audit.books()
    assert (books["delivered"], books["cancelled"]) == (2 * len(BAD) + 4, 2)
    states = {(d["webhook_id"], d["state"], d["attempts"] > 1) for d in system.audit.deliveries()}
    assert {state for state in states if state[0] == hooks[nobody]["id"]} == {(hooks[nobody]["id"], "cancelled", True)}
    assert (hooks[receiver.url("/hang")]["id"], "delivered", True) in states
    assert (hooks[receiver.url("/good")]["id"], "delivered", False) in states
    holder.close()
    system.assert_balanced(records=2)


def test_hanging_webhooks_delay_nobody(system, receiver):
    """A healthy webhook gets everything, and positions move past it, while hanging ones hold as much as they can."""
    account = system.account(dialect="penny")
    for n in range(3):
        receiver.behave(f"/hang/{n}", hang())
    system.webhooks(account, [receiver.url(f"/hang/{n}") for n in range(3)] + [receiver.url("/good")])
    dispatcher = system.dispatcher(request_timeout="60s")
    events = [system.event(account) for _ in range(200)]
    system.publish(*events)
    receiver.wait_for(200, "/good")
    system.wait_consumed()
    assert receiver.held() >= 3 * 16, "they should hold a window of requests each"
    assert system.audit.count("attempts", outcome="retry") == 0, "the hanging ones have timed out: this test proves nothing"
    books = wait_until(lambda: (b := system.audit.books())["delivered"] == 200 and b, 30, "200 recorded")
    assert (books["pending"], books["missing"]) == (600, 0)
    assert dispatcher.metrics()["posthorn_waiting"] <= 3 * 16 * 8

    for n in range(3):
        receiver.behave(f"/hang/{n}", answer(200))
    receiver.release()
    system.wait_delivered(800)
    assert len(receiver.requests("/good")) == 200
    assert [receiver.count(f"/hang/{n}") for n in range(3)] == [200] * 3, "what hung and was answered is not sent again"
    system.assert_balanced(records=200)


def test_bytes_that_databases_refuse(system, receiver):
    """A response with NUL and invalid UTF-8, and an event with an escaped NUL, are handled and recorded."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(200, b"a\x00b\xff\xfe\xc3(\x1b[31m"))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    event = system.event(account, data={"text": "before\u0000after", "lone": "\ud800"}, source="/tests/grüße")
    after = system.event(account)
    system.publish(event, form="structured")
    system.publish(after)
    system.wait_delivered(2)
    bodies = {r.headers["webhook-id"]: r.body for r in receiver.requests("/hook")}
    assert b"before\\u0000after" in bodies[event["id"]] and b"\\ud800" in bodies[event["id"]]
    (attempt,) = system.audit.attempts(event["id"])
    assert (attempt["outcome"], attempt["error"]) == ("delivered", None)
    assert attempt["response_body"].startswith("a\\000b\\377\\376")
    (row,) = system.audit.events(event["id"])
    assert "before\\u0000after" in row["payload"]
    system.assert_balanced(records=2)


def test_largest_event(system, receiver):
    """An event of the maximum size: its bytes arrive, both from Kafka and from PostgreSQL."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(500), answer(200))
    system.webhook(account, receiver.url("/hook"), format="standard")
    system.dispatcher(store_payload="sealed")
    event = system.event(account, data="ü" * ((1048576 - 2) // 2))
    system.topics.produce(system.topic, [binary_record(event) | {"value": json.dumps(event["data"], ensure_ascii=False)}])
    system.wait_delivered(1)
    first, again = receiver.requests("/hook")
    assert first.body == again.body and json.loads(first.body)["data"] == event["data"]
    system.assert_balanced(records=1)
