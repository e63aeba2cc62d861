"""What the API offers in addition to the four documents: publishing, looking up, tests, redeliveries, replays, secrets, enabling."""
import concurrent.futures
import json

import pytest
from standardwebhooks import Webhook

from support.api import Caller, problem
from support.receiver import answer
from support.waiting import wait_until


@pytest.fixture
def account(system):
    return system.account(dialect="penny")


@pytest.fixture
def caller(api, account):
    return api.caller(account)


@pytest.fixture
def hook(caller, receiver):
    return caller.post("/v1/webhooks", {"url": receiver.url("/hook"), "events": ["transaction.authorized"]}).json()["id"]


def test_publishing_by_http(system, caller, hook, receiver, account):
    system.dispatcher()
    body = '{"type": "transaction.authorized", "data": {"big": 12345678901234567890, "price": 5.00, "far": 1e400}, "time": "2026-01-02T03:04:05Z"}'
    made = caller.call("POST", "/v1/events", data=body, headers={"Content-Type": "application/json"})
    assert made.status_code == 202, made.text
    (request,) = receiver.wait_for(1, "/hook")
    assert request.headers["webhook-id"] == made.json()["id"]
    assert b'{"big": 12345678901234567890, "price": 5.00, "far": 1e400}' in request.body  # byte for byte
    system.wait_delivered(1)
    assert str(system.audit.events(made.json()["id"])[0]["occurred_at"]).startswith("2026-01-02 03:04:05")


def test_the_same_id_or_key_is_delivered_once(system, caller, hook, receiver):
    system.dispatcher()
    body = {"type": "transaction.authorized", "data": {}}
    ids = {caller.post("/v1/events", body, headers={"Idempotency-Key": "order 1".replace(" ", "-")}).json()["id"] for _ in range(3)}
    ids |= {caller.post("/v1/events", body | {"id": "mine-1"}).json()["id"] for _ in range(3)}
    assert len(ids) == 2
    system.wait_consumed()
    system.wait_delivered(2)
    assert receiver.count("/hook") == 2
    assert system.audit.books()["repeated"] == 4


@pytest.mark.parametrize("body, pointer", [
    ({"data": {}}, "/type"), ({"type": "x"}, "/data"), ({"type": "x y", "data": {}}, "/type"), ({"type": "x", "data": {}, "id": "a b"}, "/id"),
    ({"type": "x", "data": {}, "id": ""}, "/id"), ({"type": "x", "data": {}, "time": "noon"}, "/time"), ({"type": "x", "data": {}, "more": 1}, "/more")])
def test_events_that_are_refused(caller, body, pointer):
    problem(caller.post("/v1/events", body), 422, pointer)


def test_an_event_that_is_too_large(caller):
    problem(caller.post("/v1/events", {"type": "x", "data": "a" * 2_000_000}), 413)


@pytest.mark.parametrize("most", [None, 5_000_000])
def test_the_largest_event(system, start_api, account, receiver, most):
    """As many bytes as --event-max allows, at its default and raised; one more is refused. An event that the topic does not accept is refused as
    invalid, not as temporarily unavailable."""
    caller = start_api(**({} if most is None else {"event_max": most})).caller(account)
    size = most or 1_000_000
    caller.post("/v1/webhooks", {"url": receiver.url("/hook"), "events": ["*"]})
    system.dispatcher(value_max=size)
    for data, status in (("a" * (size - 2), 202), ("a" * (size - 1), 413)):
        body = json.dumps({"type": "transaction.authorized", "data": data}, separators=",:")
        made = caller.call("POST", "/v1/events", data=body, headers={"Content-Type": "application/json"})
        assert made.status_code == status, made.text
    assert f"data has {size + 1} bytes; an event may have at most {size}" in made.json()["detail"]
    (request,) = receiver.wait_for(1, "/hook")
    assert len(json.loads(request.body)["data"]) == size - 2
    narrow = system.topics.create(f"narrow-{system.tag}", max_message_bytes=2000)
    found = problem(start_api(topic=narrow).caller(account).post("/v1/events", {"type": "x", "data": "a" * 5000}), 422)
    assert "Message size too large" in found["detail"]


@pytest.mark.parametrize("time, stored", [("1970-01-01T00:00:00Z", "1970-01-01 00:00:00+00:00"), ("1970-01-01T01:00:00.0000009999999999+01:00", "1970-01-01 00:00:00+00:00"),
                                          ("2026-01-02T03:04:05.123456789012345Z", "2026-01-02 03:04:05.123456+00:00")])
def test_every_time_is_a_time(system, caller, hook, receiver, account, time, stored):
    """The first instant of 1970 is not "now"; a fraction may have any number of digits. With HTTP, with the command, and in a filter."""
    system.dispatcher()
    made = caller.post("/v1/events", {"type": "transaction.authorized", "data": {}, "time": time})
    assert made.status_code == 202, made.text
    system.produce("--id", "by-command", "--type", "transaction.authorized", "--account", account, "--data", "{}", "--time", time)
    system.wait_delivered(2)
    for event in (made.json()["id"], "by-command"):
        assert str(system.audit.events(event)[0]["occurred_at"]) == stored
    assert len(caller.get(f"/v1/webhooks/{hook}/attempts", params={"from": time}).json()["attempts"]) in (0, 2)
    system.admin("replay", "--webhook", hook, "--from", time, "--to", "2026-01-02T03:04:05.1234567890Z", "--state", "failed")


def test_event_types(caller):
    types = caller.get("/v1/event-types").json()["event_types"]
    assert {"transaction.authorized", "webhook.disabled"} == {t["name"] for t in types} and all(t["description"] for t in types)


def test_a_test_event_goes_to_this_webhook_alone(system, caller, hook, receiver, account):
    caller.post("/v1/webhooks", {"url": receiver.url("/other"), "events": ["*"]})
    system.dispatcher()
    made = caller.post(f"/v1/webhooks/{hook}/test")
    assert made.status_code == 202 and made.json()["event_type"] == "transaction.authorized"
    (request,) = receiver.wait_for(1, "/hook")
    assert json.loads(request.body) == {"event_id": made.json()["event_id"], "event_identifier": "transaction.authorized", "data": {"test": True}}

    def seen():
        return caller.get(f"/v1/webhooks/{hook}/attempts").json()["attempts"]
    wait_until(seen, 60, "the test's attempt")
    assert [(a["cause"], a["outcome"], a["event_id"]) for a in seen()] == [("test", "delivered", made.json()["event_id"])]
    assert receiver.count("/other") == 0
    problem(caller.post(f"/v1/webhooks/{hook}/test", {"event": "no.such"}), 422, "/event")
    caller.post(f"/v1/webhooks/{hook}/disable")
    problem(caller.post(f"/v1/webhooks/{hook}/test"), 409)


def test_attempts_are_filtered_and_paged(system, caller, hook, receiver):
    receiver.behave("/hook", *[answer(500)] * 2, answer(200))
    system.dispatcher()
    ids = []
    for n in range(3):  # one after another, so that the failing one is known
        ids.append(caller.post("/v1/events", {"type": "transaction.authorized", "data": n}).json()["id"])
        system.wait_delivered(n + 1)
    path = f"/v1/webhooks/{hook}/attempts"
    everything = caller.get(path).json()
    assert len(everything["attempts"]) == 5 and everything["next_cursor"] is None
    started = [a["started_at"] for a in everything["attempts"]]
    assert started == sorted(started, reverse=True)
    retried = caller.get(f"{path}?outcome=retry").json()["attempts"]
    assert [(a["event_id"], a["http_status"]) for a in retried] == [(ids[0], 500)] * 2
    assert len(caller.get(f"{path}?event_id={ids[0]}").json()["attempts"]) == 3
    seen, cursor = [], ""
    while cursor is not None:
        page = caller.get(f"{path}?limit=2&cursor={cursor}").json()
        seen += page["attempts"]
        cursor = page["next_cursor"]
    assert seen == everything["attempts"]
    assert caller.get(f"{path}?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z").json()["attempts"] == []
    assert caller.get(f"{path}?from=2020-01-01T00:00:00%2B23:08").status_code == 200  # RFC 3339 allows it, PostgreSQL does not
    for query in ("outcome=lost", "from=noon", "to=x", "cursor=x", "limit=0"):
        problem(caller.get(f"{path}?{query}"), 400)


def test_redelivering_and_replaying(system, caller, hook, receiver):
    system.dispatcher()
    ids = [caller.post("/v1/events", {"type": "transaction.authorized", "data": n}).json()["id"] for n in range(5)]
    system.wait_delivered(5)
    answer_ = caller.post(f"/v1/webhooks/{hook}/redeliver", {"event_id": ids[2]})
    assert answer_.status_code == 202 and answer_.json() == {"event_id": ids[2], "queued": 1}
    # until it is recorded, it is pending, and would not be queued again
    wait_until(lambda: system.audit.value("select count(*) from audit.attempts where outcome = 'delivered'") == 6, 60, "the redelivery recorded")
    answer_ = caller.post(f"/v1/webhooks/{hook}/replay", {"from": "2020-01-01T00:00:00Z", "state": "delivered"})
    assert answer_.status_code == 202
    assert answer_.json() == {"looked_at": 5, "queued": 5, "waiting_already": 0, "payload_dropped": 0, "next_cursor": None}
    requests = receiver.wait_for(11, "/hook")
    assert [sum(r.headers["webhook-id"] == i for r in requests) for i in ids] == [2, 2, 3, 2, 2]
    wait_until(lambda: system.audit.value("select count(*) from audit.attempts where outcome = 'delivered'") == 11, 60, "all attempts recorded")
    causes = system.audit.query("select cause, count(*) from audit.attempts group by 1")
    assert {row["cause"]: row["count"] for row in causes} == {"event": 5, "redeliver": 1, "replay": 5}
    assert caller.post(f"/v1/webhooks/{hook}/replay", {"from": "2020-01-01T00:00:00Z"}).json()["queued"] == 0  # none has failed
    problem(caller.post(f"/v1/webhooks/{hook}/redeliver", {"event_id": "no-such"}), 404)
    problem(caller.post(f"/v1/webhooks/{hook}/replay", {}), 422, "/from")
    problem(caller.post(f"/v1/webhooks/{hook}/replay", {"from": "2020-01-01T00:00:00Z", "cursor": "x"}), 422, "/cursor")
    problem(caller.post(f"/v1/webhooks/{hook}/replay", {"from": "2020-01-01T00:00:00Z", "state": "lost"}), 422, "/state")


def test_during_a_rotation_both_secrets_sign(system, caller, hook, receiver):
    first = caller.post(f"/v1/webhooks/{hook}/secret", {"overlap_seconds": 0}).json()
    assert first["previous_secret_until"] is None and first["secret"].startswith("whsec_")
    second = caller.post(f"/v1/webhooks/{hook}/secret").json()
    assert second["previous_secret_until"] is not None and second["secret"] != first["secret"]
    system.dispatcher()
    caller.post("/v1/events", {"type": "transaction.authorized", "data": {}})
    (request,) = receiver.wait_for(1, "/hook")
    for made in (first, second):
        Webhook(made["secret"]).verify(request.body, request.headers)
    problem(caller.post(f"/v1/webhooks/{hook}/secret", {"overlap_seconds": -1}), 422, "/overlap_seconds")
    kept = str(system.db.query("select * from posthorn.webhook")) + str(system.db.query("select * from posthorn.change"))
    assert first["secret"] not in kept and second["secret"] not in kept
    system.wait_delivered(1)


def test_an_acknowledged_webhook_gets_what_is_published_right_after(system, start_api, receiver, account):
    """1,000 times of 1,000, with several dispatchers and two processes of the API; after its deletion, no webhook receives anything."""
    apis = [start_api(), start_api()]
    keys = [api.key(account) for api in apis]
    for _ in range(3):
        system.dispatcher(wait=False)
    for dispatcher in system.dispatchers:
        dispatcher.wait_ready()
    ids = [None] * 1000

    def each(step):
        def work(part):
            caller = Caller(apis[part % 2].url, keys[part % 2])
            for n in range(part, 1000, 4):
                step(caller, n)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))

    def create(caller, n):
        made = caller.post("/v1/webhooks", {"url": receiver.url(f"/new/{n}"), "events": [f"own{n}.*"]})
        assert made.status_code == 201, made.text
        ids[n] = made.json()["id"]
        caller.post("/v1/events", {"type": f"own{n}.made", "data": n}).raise_for_status()

    def delete(caller, n):
        assert caller.delete(f"/v1/webhooks/{ids[n]}").status_code == 204
        caller.post("/v1/events", {"type": f"own{n}.gone", "data": n}).raise_for_status()

    each(create)
    system.wait_delivered(1000)
    assert {r.path for r in receiver.requests()} == {f"/new/{n}" for n in range(1000)}
    each(delete)
    system.wait_consumed()
    books = system.audit.books()
    assert (books["events"], books["matched"], books["delivered"]) == (2000, 1000, 1000)
    assert receiver.count() == 1000
    system.assert_balanced(records=2000)
