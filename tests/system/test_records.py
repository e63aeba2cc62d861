"""All forms of records, published by independent clients."""
import json
import subprocess

import pytest

from support.kafka import FORMS

pytestmark = pytest.mark.malformed


def kcat(system, topic, value, key=None, headers=()):
    """One record by kcat."""
    command = ["kcat", "-P", "-q", "-b", system.servers.kafka.brokers, "-t", topic]
    command += ["-k", key] if key else []
    for name, text in headers:
        command += ["-H", f"{name}={text}"]
    subprocess.run(command, input=value.encode(), check=True, timeout=60, capture_output=True)


def test_three_forms_by_two_clients(system, receiver):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    events = [system.event(account, id=f"confluent-{form}", data={"form": form}) for form in FORMS]
    for event, form in zip(events, FORMS, strict=True):
        system.publish(event, form=form)

    binary = system.event(account, id="kcat-binary", data={"form": "binary"})
    attributes = [(f"ce_{name}", binary[name]) for name in ("id", "type", "account", "time")]
    kcat(system, system.topic, json.dumps(binary["data"]), headers=[("ce_specversion", "1.0"), ("ce_source", "/kcat"), *attributes])
    structured = system.event(account, id="kcat-structured", data={"form": "structured"})
    kcat(system, system.topic, json.dumps({"specversion": "1.0", "source": "/kcat"} | structured),
         headers=[("content-type", "application/cloudevents+json; charset=UTF-8")])
    bare = system.event(account, id="kcat-bare", data={"form": "bare"})
    kcat(system, system.topic, json.dumps(bare))
    keyed = {"id": "kcat-key", "type": "transaction.authorized", "data": {"form": "bare"}}  # the account is the key
    kcat(system, system.topic, json.dumps(keyed), key=account)

    system.wait_delivered(7)
    received = {body["event_id"]: body for body in (json.loads(r.body) for r in receiver.requests("/hook"))}
    assert sorted(received) == sorted([e["id"] for e in events] + ["kcat-binary", "kcat-structured", "kcat-bare", "kcat-key"])
    for event in (*events, binary, structured, bare, keyed):
        assert received[event["id"]]["data"] == event["data"]
    assert system.audit.dead_letters() == []
    occurred = {row["event_id"]: row["occurred_at"].isoformat() for row in system.audit.events()}
    assert occurred["kcat-bare"] == "2026-01-02T03:04:05.678000+00:00"
    system.assert_balanced(records=7)


def test_plain_records(system, receiver):
    """Services that publish plain JSON, one topic for each type, need only configuration: one with headers, one
    with the key and the record's coordinates, and CloudEvents in addition."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"), events="ach.*")
    prefix = f"shop-{system.tag}."
    settled, returned = (system.topics.create(f"{prefix}{name}", partitions=1) for name in ("ach.settled", "ach.returned"))
    system.dispatcher(topics=f"^{prefix}.*", plain_records="true", plain_type_prefix=prefix, plain_account_header="tenant",
                      plain_id_header="message-id")
    other = system.dispatcher(topics=system.topic, group=f"other-{system.tag}", plain_records="true", plain_type_prefix="events-")
    assert other.get("/healthz")[0] == 200

    kcat(system, settled, '{"amount": 5.00}', headers=[("tenant", account), ("message-id", "m-1")])
    kcat(system, returned, '[1, 2]', headers=[("tenant", account), ("message-id", "m-2")])
    kcat(system, settled, '{}', headers=[("tenant", account)])  # no id
    system.publish(system.event(account, "ach.failed", id="m-3"), topic=settled)
    keyed = system.account(dialect="penny")
    system.webhook(keyed, receiver.url("/by-key"))
    kcat(system, system.topic, '"x"', key=keyed)

    system.wait_delivered(4)
    bodies = {r.headers["webhook-id"]: r.body for r in receiver.requests("/hook")}
    assert sorted(bodies) == ["m-1", "m-2", "m-3"]
    assert json.loads(bodies["m-1"])["event_type"] == "ach.settled" and b'"object":{"amount": 5.00}' in bodies["m-1"]
    assert json.loads(bodies["m-2"])["event_body"]["object"] == [1, 2]
    (request,) = receiver.requests("/by-key")
    (event,) = system.audit.events(request.headers["webhook-id"])
    assert event["event_id"] == f"{system.topic}-{event['partition']}-{event['offset']}"
    assert event["event_type"] == system.tag
    (dead,) = system.audit.dead_letters()
    assert (dead["topic"], dead["reason"]) == (settled, "no_id")
    system.assert_balanced(records=5)
