"""CloudEvents in, CloudEvents out: attributes that Posthorn does not use pass through memory, PostgreSQL, retries and replays."""
import json

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from support.receiver import answer

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STATE = 'rojo=00f067aa0ba902b7, congo="t61\\'
EXTENSIONS = {"subject": "café \"1\" \\", "dataschema": "https://example.com/schema?v=1#x", "tenant2": "", "partitionkey": "k"}
DATA = '{"amount":1.10}'


def binary(account, id="e-binary"):
    attributes = {"id": id, "type": "a.b", "source": "/tests", "account": account, "traceparent": TRACE, "tracestate": STATE} | EXTENSIONS
    return {"key": account, "value": DATA.encode(),
            "headers": [(f"ce_{name}", value) for name, value in attributes.items()] + [("ce_datacontenttype", "application/vnd.x+json")]}


def structured(account, id="e-structured"):
    event = {"specversion": "1.0", "id": id, "type": "a.b", "source": "/tests", "account": account, "traceparent": TRACE,
             "tracestate": STATE, "datacontenttype": "application/vnd.x+json", "flag": True, "count": -5, "list": [1], "big": 1e10} | EXTENSIONS
    return {"key": account, "headers": [("content-type", "application/cloudevents+json")],
            "value": f"{json.dumps(event)[:-1]}, \"data\": {DATA}}}".encode()}


def check(request, more):
    """An independent reader finds this event in what the webhook received."""
    body = request.body.decode()
    assert body.endswith(f',"data":{DATA}}}')
    event = from_http_event(HTTPMessage(headers=dict(request.headers), body=request.body))
    attributes = event.get_attributes()
    expected = EXTENSIONS | more | {"traceparent": TRACE, "tracestate": STATE, "datacontenttype": "application/vnd.x+json"}
    assert {name: attributes[name] for name in expected} == expected
    assert not {"list", "big"} & attributes.keys()
    assert (request.headers["traceparent"], request.headers["tracestate"]) == (TRACE, STATE)


@pytest.mark.parametrize("kept", ["plain", "sealed"])
def test_attributes_are_passed_on(system, receiver, start_api, kept):
    account = system.account(dialect="merchant")
    receiver.behave("/hook", answer(503), answer(503), answer(200))
    hook = system.webhook(account, receiver.url("/hook"), format="cloudevents")
    system.dispatcher(store_payload=kept)
    system.topics.produce(system.topic, [binary(account), structured(account)])
    system.wait_delivered(2)
    more = {"e-binary": {}, "e-structured": {"flag": True, "count": -5}}

    def check_all(count):
        requests = receiver.wait_for(count, "/hook")
        assert {r.headers["webhook-id"] for r in requests} == more.keys()
        bodies = {}
        for request in requests:
            check(request, more[request.headers["webhook-id"]])
            bodies[request.headers["webhook-id"]] = request.body.decode()
        return bodies

    bodies = check_all(4)  # each was tried, parked and tried again
    api = start_api().caller(account)
    for id, body in bodies.items():
        shown = api.get(f"/v1/webhooks/{hook['id']}/deliveries/{id}").json()["request"]
        assert shown["body"] == body
        assert (shown["headers"]["traceparent"], shown["headers"]["tracestate"]) == (TRACE, STATE)
    receiver.forget()
    system.admin("replay", "--webhook", hook["id"], "--state", "delivered")
    assert check_all(2) == bodies
    receiver.forget()
    for id in bodies:
        assert api.post(f"/v1/webhooks/{hook['id']}/redeliver", {"event_id": id}).status_code == 202
    assert check_all(2) == bodies

    rows = system.db.query("select extensions, sealed from posthorn.payload")
    assert len(rows) == 2 and {row["sealed"] for row in rows} == {kept == "sealed"}
    assert all((b"tenant2" in bytes(row["extensions"])) == (kept == "plain") for row in rows)
    system.assert_balanced(records=2)


def test_trace_state_by_http(system, receiver, start_api):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"), format="penny")
    system.dispatcher()
    api = start_api().caller(account)
    for n, state in enumerate((STATE, "", None)):
        made = api.post("/v1/events", {"id": f"e-{n}", "type": "a.b", "data": n, "traceparent": TRACE} | ({"tracestate": state} if state is not None else {}))
        assert made.status_code == 202, made.text
    assert api.post("/v1/events", {"type": "a.b", "data": 1, "traceparent": TRACE, "tracestate": "é=1"}).status_code == 422
    requests = {r.headers["webhook-id"]: r.headers for r in receiver.wait_for(3, "/hook")}
    assert requests["e-0"]["tracestate"] == STATE
    assert "tracestate" not in requests["e-1"] and "tracestate" not in requests["e-2"]


def test_misnamed_headers_say_so(system):
    """Headers of the HTTP binding, or in capitals, are the likely cause; the dead letter's detail says it."""
    system.dispatcher()
    cases = {"ce-id": [("ce-id", "e"), ("ce-type", "t"), ("ce-specversion", "1.0")], "CE_ID": [("CE_ID", "e"), ("ce_type", "t")]}
    for headers in cases.values():
        system.topics.produce(system.topic, [{"headers": headers, "value": b'{"amount":5}', "partition": 0}])
    system.wait_consumed()
    hyphen, capital = sorted(system.audit.dead_letters(), key=lambda row: row["offset"])
    assert hyphen["reason"] == "no_id" and "is ce_specversion)" in hyphen["detail"]
    assert capital["reason"] == "no_id" and "the header CE_ID is ignored (its name in the Kafka binding of CloudEvents is ce_id)" in capital["detail"]


def test_many_headers(system, receiver):
    """Those of the event may follow any number of others."""
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    others = [(f"other-{n}", "x" * 20) for n in range(1000)]
    record = binary(account)
    system.topics.produce(system.topic, [record | {"headers": others + record["headers"]}])
    system.wait_delivered(1)
    assert receiver.count("/hook") == 1


def test_plain_records_of_a_long_topic(system, receiver):
    """Their ids are shortened, differ, and lead to the event."""
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    topics = [system.topics.create(f"{'t' * 240}{end}", partitions=1) for end in (f"{system.tag}a"[:9], f"{system.tag}b"[-9:])]
    system.dispatcher(topics=",".join(topics), plain_records="true")
    count = 1002  # long enough that topic, partition and offset have more than 255 characters
    for topic in topics:
        system.topics.produce(topic, [{"key": account, "value": b"{}"} for _ in range(count)])
    system.wait_delivered(2 * count)
    ids = {r.headers["webhook-id"] for r in receiver.requests("/hook")}
    assert len(ids) == 2 * count and max(len(id) for id in ids) == 255
    assert {f"{topic}-0-999" for topic in topics} < ids
    short = [id for id in ids if "~" in id]
    assert sorted(id.rpartition("-")[2] for id in short) == ["1000", "1000", "1001", "1001"]
    for id in short:
        assert system.admin("event", "show", id, "--json")["event_id"] == id
    assert system.audit.dead_letters() == []


def test_urls_beyond_ascii(system, receiver, start_api):
    """Percent-encoded when they are registered; those that are stored unencoded are encoded when a request is sent."""
    account = system.account(dialect="penny")
    api = start_api().caller(account)
    encoded = "/caf%C3%A9?name=%C3%BC%20%F0%9F%98%80"
    by_admin = system.webhook(account, receiver.url("/café?name=ü%20😀"))
    by_api = api.post("/v1/webhooks", {"url": receiver.url("/café?name=ü%20😀&n=2"), "events": ["*"]})
    assert by_api.status_code == 201, by_api.text
    assert by_api.json()["url"] == receiver.url(encoded + "&n=2")
    assert system.db.value("select url from posthorn.webhook where uuid = %s", by_admin["id"]) == receiver.url(encoded)
    old = system.webhook(account, receiver.url("/old"))
    system.db.query("update posthorn.webhook set url = %s where uuid = %s", receiver.url("/old?é"), old["id"])
    changed = api.patch(f"/v1/webhooks/{by_api.json()['id']}", {"url": receiver.url("/ünd")})
    assert changed.json()["url"] == receiver.url("/%C3%BCnd")
    system.dispatcher()
    system.publish(system.event(account))
    system.wait_delivered(3)
    assert {r.target for r in receiver.requests()} == {encoded, "/%C3%BCnd", "/old?%C3%A9"}
