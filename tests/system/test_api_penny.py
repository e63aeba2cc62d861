"""The penny dialect: the seed's own client code, and each call of its document."""
import json
import os
import subprocess
import sys

from support.api import problem

# As the document prints it; only the host, the webhook's URL and its token are changed, by the caller.
SEED = '''
import os
import requests

API_URL = "https://api.dba.thepennyinc.com/v1"
ACCESS_TOKEN = os.getenv("PENNY_ACCESS_TOKEN")

headers = {
  "Authorization": f"Bearer {ACCESS_TOKEN}"
}

payload = {
  "url": "https://<your-webhook-endpoint>",
  "events": ["transaction.authorized"],
  "authorization_token": "<your-webhook-authorization-token>"
}
response = requests.post(API_URL + "/webhooks", json=payload, headers=headers)
'''


def run_seed(api, key, url):
    code = SEED.replace("https://api.dba.thepennyinc.com/v1", api.url + "/v1")
    code = code.replace("https://<your-webhook-endpoint>", url).replace("<your-webhook-authorization-token>", "let-me-in")
    code += "print(response.status_code)\nprint(response.text)\n"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PENNY_ACCESS_TOKEN": key}, capture_output=True,
                          text=True, timeout=60, check=True)
    status, body = done.stdout.split("\n", 1)
    return int(status), json.loads(body)


def test_seed_creates_a_webhook_that_is_called(system, api, receiver):
    account = system.account(dialect="penny")
    status, webhook = run_seed(api, api.key(account), receiver.url("/hook"))
    assert status == 201
    assert webhook["url"] == receiver.url("/hook") and webhook["events"] == ["transaction.authorized"]
    assert webhook["id"] and "let-me-in" not in json.dumps(webhook)

    system.dispatcher()
    event = system.event(account, type="transaction.authorized")
    system.publish(event)
    (request,) = receiver.wait_for(1, "/hook")
    assert request.headers["authorization"] == "Bearer let-me-in"
    assert json.loads(request.body) == {"event_id": event["id"], "event_identifier": "transaction.authorized",
                                        "data": event["data"]}
    system.wait_delivered(1)
    # "event_id is the unique identifier for the event and can be used for lookup purposes"
    caller = api.caller(account)
    looked_up = caller.get(f"/v1/events/{event['id']}").json()
    assert looked_up["event_identifier"] == "transaction.authorized" and looked_up["data"] == event["data"]
    assert [d["state"] for d in looked_up["deliveries"]] == ["delivered"]
    assert [(a["webhook_id"], a["outcome"], a["http_status"]) for a in looked_up["attempts"]] == [(webhook["id"], "delivered", 200)]


def test_the_life_of_a_webhook(system, api):
    caller = api.caller(system.account(dialect="penny"))
    made = caller.post("/v1/webhooks", {"url": "https://example.com/a"})
    assert made.status_code == 201 and made.json()["events"] == [] and made.json()["status"] == "enabled"
    path = f"/v1/webhooks/{made.json()['id']}"

    # "With the webhook registered, you can then associate events with it via our Update webhook endpoint"
    for method in ("PATCH", "PUT"):
        changed = caller.call(method, path, {"events": ["transaction.authorized"]})
        assert changed.status_code == 200, changed.text
        assert changed.json()["events"] == ["transaction.authorized"] and changed.json()["url"] == "https://example.com/a"
    changed = caller.patch(path, {"url": "https://example.com/b", "status": "disabled"}).json()
    assert (changed["url"], changed["status"], changed["events"]) == ("https://example.com/b", "disabled", ["transaction.authorized"])
    assert caller.get(path).json() == changed
    assert caller.get("/v1/webhooks").json() == {"webhooks": [changed], "next_cursor": None}

    answer = caller.delete(path)
    assert answer.status_code == 204 and answer.content == b""
    problem(caller.get(path), 404)
    problem(caller.delete(path), 404)
    assert caller.get("/v1/webhooks").json()["webhooks"] == []


def test_list_is_paged(system, api):
    caller = api.caller(system.account(dialect="penny"))
    made = [caller.post("/v1/webhooks", {"url": f"https://example.com/{n}"}).json()["id"] for n in range(7)]
    seen, cursor = [], ""
    while cursor is not None:
        page = caller.get(f"/v1/webhooks?limit=3&cursor={cursor}").json()
        assert len(page["webhooks"]) <= 3
        seen += [w["id"] for w in page["webhooks"]]
        cursor = page["next_cursor"]
    assert seen == made


def test_changes_are_audited_with_their_actor(system, api):
    account = system.account(dialect="penny")
    key = api.key(account)
    api.caller(account).get("/v1/webhooks")
    caller = api.anybody()
    caller.session.headers["Authorization"] = f"Bearer {key}"
    caller.post("/v1/webhooks", {"url": "https://example.com/a", "authorization_token": "geheim"})
    (change,) = system.audit.query("select * from audit.changes where object = 'webhook'")
    assert change["actor"] == "key:" + key.rsplit("_", 1)[0] and str(change["address"]) == "127.0.0.1"
    assert change["program"] == "posthorn-api" and "geheim" not in json.dumps(change["after"])
    assert "geheim" not in api.log() and key not in api.log()
