"""The payconex dialect: each request of the seed's document."""
import json
import re

import pytest

from support.api import problem

URL = "https://mywebhookexample5921cad3-24e4-47d4-bf88-438b9a6a77a9.com"
ID = re.compile(r"wbh_[0-9a-f]{32}")


@pytest.fixture
def account(system):
    return system.account("220615031547", dialect="payconex")


def test_the_documents_requests(api, account):
    caller = api.caller(account, "pcx:webhooks:*")
    path = f"/api/v4/accounts/{account}/webhooks"
    answer = caller.post(path, {"url": URL, "event": "ACCOUNT_UPDATER_BATCH_UPDATES"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made == {"url": URL, "event": "ACCOUNT_UPDATER_BATCH_UPDATES", "id": made["id"]} and ID.fullmatch(made["id"])
    one = f"{path}/{made['id']}"
    assert caller.get(one).status_code == 200 and caller.get(one).json() == made

    others = [caller.post(path, {"url": f"{URL}/{n}", "event": "PAYCONEX_BATCH_SETTLEMENT"}).json() for n in range(3)]
    assert caller.get(path).json() == [made, *others]

    new = "https://mywebhookexample6921cad3-24e4-47d4-bf88-438b9a6a77b9.com"
    answer = caller.patch(one, {"url": new, "event": "ACCOUNT_UPDATER_BATCH_UPDATES"})
    assert answer.status_code == 200 and answer.json() == made | {"url": new}
    assert caller.patch(one, {"event": "PAYCONEX_BATCH_SETTLEMENT"}).json() == {
        "url": new, "event": "PAYCONEX_BATCH_SETTLEMENT", "id": made["id"]}
    assert caller.patch(one, {"url": URL}).json()["event"] == "PAYCONEX_BATCH_SETTLEMENT"

    answer = caller.delete(one)
    assert answer.status_code == 204 and answer.content == b""
    problem(caller.get(one), 404)
    assert caller.get(path).json() == others


def test_listing_shows_all(api, account):
    caller = api.caller(account)
    path = f"/api/v4/accounts/{account}/webhooks"
    made = [caller.post(path, {"url": f"{URL}/{n}", "event": "PAYCONEX_BATCH_SETTLEMENT"}).json()["id"] for n in range(150)]
    assert [w["id"] for w in caller.get(path).json()] == made


@pytest.mark.parametrize("scope", ["create", "read", "update", "delete", "trigger"])
def test_each_scope_opens_its_own_door_only(system, api, account, scope):
    path = f"/api/v4/accounts/{account}/webhooks"
    made = api.caller(account).post(path, {"url": URL, "event": "PAYCONEX_BATCH_SETTLEMENT"}).json()["id"]
    caller = api.caller(account, f"pcx:webhooks:{scope}")
    calls = {
        "create": lambda: caller.post(path, {"url": URL, "event": "PAYCONEX_BATCH_SETTLEMENT"}),
        "read": lambda: caller.get(f"{path}/{made}"),
        "update": lambda: caller.patch(f"{path}/{made}", {"url": URL}),
        "trigger": lambda: caller.post("/api/v4/webhooks/trigger", {
            "account_id": account, "event": "PAYCONEX_BATCH_SETTLEMENT", "batch_id": "1", "batch_date": "2024-06-27 17:27"}),
        "delete": lambda: caller.delete(f"{path}/{made}"),
    }
    for name, call in calls.items():
        if name != scope:
            assert f"pcx:webhooks:{name}" in problem(call(), 403)["detail"]
    assert calls[scope]().status_code < 300


def test_trigger_publishes_a_real_event(system, api, receiver, account):
    caller = api.caller(account, "pcx:webhooks:*")
    path = f"/api/v4/accounts/{account}/webhooks"
    hooks = [caller.post(path, {"url": receiver.url(f"/{n}"), "event": "PAYCONEX_BATCH_SETTLEMENT"}).json() for n in range(3)]
    caller.post(path, {"url": receiver.url("/other"), "event": "ACCOUNT_UPDATER_BATCH_UPDATES"})
    system.dispatcher()
    answer = caller.post("/api/v4/webhooks/trigger", {"account_id": "220615031547", "event": "PAYCONEX_BATCH_SETTLEMENT",
                                                      "batch_id": "00412", "batch_date": "2024-06-27 17:27"})
    assert answer.status_code == 202, answer.text
    # "if you have multiple webhooks under the same event name, they are all triggered simultaneously"
    for n, hook in enumerate(hooks):
        (request,) = receiver.wait_for(1, f"/{n}")
        body = json.loads(request.body)
        assert body["wbhid"] == hook["id"] and body["event"] == "PAYCONEX_BATCH_SETTLEMENT"
        assert re.fullmatch("not_[0-9a-f]{32}", body["id"])
        assert body["payload"] == {"batch_id": "00412", "batch_date": "2024-06-27 17:27"}
        # every form of an id can be looked up
        assert caller.get(f"/v1/events/{body['id']}").json()["event_id"] == answer.json()["id"]
    system.wait_delivered(3)
    assert receiver.count("/other") == 0


def test_trigger_refuses_what_it_must(api, account):
    caller = api.caller(account)
    good = {"account_id": account, "event": "PAYCONEX_BATCH_SETTLEMENT", "batch_id": "1", "batch_date": "2024-06-27 17:27"}
    for change, status, pointer in (({"event": "ACCOUNT_UPDATER_BATCH_UPDATES"}, 422, "/event"), ({"batch_id": 412}, 422, "/batch_id"),
                                    ({"batch_date": "yesterday"}, 422, "/batch_date"), ({"batch_date": "2024-13-27 17:27"}, 422, "/batch_date"),
                                    ({"more": 1}, 422, "/more"), ({"account_id": "1"}, 404, None)):
        problem(caller.post("/api/v4/webhooks/trigger", good | change), status, pointer)


def test_refusals(api, account):
    caller = api.caller(account)
    path = f"/api/v4/accounts/{account}/webhooks"
    problem(caller.post(path, {"url": URL}), 422, "/event")
    problem(caller.post(path, {"event": "PAYCONEX_BATCH_SETTLEMENT"}), 422, "/url")
    problem(caller.post(path, {"url": URL, "event": "ach.settled"}), 422, "/event")
    problem(caller.post(path, {"url": URL, "event": "*"}), 422, "/event")
    problem(caller.post(path, {"url": URL, "event": ["PAYCONEX_BATCH_SETTLEMENT"]}), 422, "/event")
    problem(caller.get("/api/v4/accounts/220615031548/webhooks"), 404)
    problem(caller.get("/v1/webhooks"), 404)
