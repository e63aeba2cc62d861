"""Invalid records: stored in PostgreSQL, copied to the dead-letter topic, and no obstacle to other records."""
import hashlib
import json

from support.kafka import binary_record

HEADERS = {"ce_specversion": "1.0", "ce_id": "e-1", "ce_type": "a.b", "ce_source": "/tests", "content-type": "application/json"}


def binary(account, value=b"{}", **changed):
    """A binary record with some headers changed; None omits one."""
    headers = HEADERS | {"ce_account": account} | {name.replace("content_type", "content-type"): v for name, v in changed.items()}
    return {"headers": [(n, v) for n, v in headers.items() if v is not None], "value": value}


def bare(key, **changed):
    event = {"id": "e-1", "type": "a.b", "account": key, "data": {}} | changed
    return {"value": json.dumps({name: value for name, value in event.items() if value is not None}).encode()}


def broken_records(account):
    """(reason, record)"""
    return [
        ("not_json", binary(account, b"{")),
        ("no_value", binary(account, b"")),
        ("not_json", binary(account, b'{"a": 1} trailing')),
        ("not_json", {"value": b"hello"}),
        ("no_id", binary(account, ce_id=None)),
        ("no_id", bare(account, id=None)),
        ("bad_id", binary(account, ce_id="a\r\nX-Injected: 1")),
        ("bad_id", bare(account, id="a\nb")),
        ("bad_id", bare(account, id="a\u0000b")),
        ("bad_id", bare(account, id="x" * 256)),
        ("no_type", binary(account, ce_type=None)),
        ("no_type", bare(account, type=None)),
        ("bad_type", bare(account, type="a b")),
        ("unknown_account", binary("nobody")),
        ("no_account", bare(account, account=None)),
        ("bad_account", bare("a\u0007b")),
        ("too_large", binary(account, json.dumps("x" * 2_000_000).encode())),
        ("bad_utf8", binary(account, b'"\xff\xfe"')),
        ("bad_utf8", {"value": b'{"id": "e-1", "type": "a.b", "account": "a", "data": "\xc3("}'}),
        ("no_value", binary(account, None)),
        ("no_value", {"value": None, "key": account}),
        ("bad_shape", {"value": b"5"}),
        ("bad_shape", {"value": b'{"id": "e-1", "id": "e-2", "type": "a.b", "account": "a", "data": 1}'}),
        ("bad_shape", bare(account, id=5)),
        ("bad_shape", binary(account, ce_specversion="0.3")),
        ("bad_shape", binary(account, content_type="application/xml")),
        ("bad_time", binary(account, ce_time="yesterday")),
        ("bad_shape", {"value": b'{"specversion": "1.0"}', "headers": [("content-type", "application/cloudevents+xml")]}),
    ]


def test_broken_records(system, receiver):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    broken = broken_records(account)
    good = [system.event(account) for _ in range(8)]  # before, between and after them, in all partitions
    records = [(None, binary_record(event) | {"partition": n % 4}) for n, event in enumerate(good[:4])]
    records += [(reason, record | {"partition": n % 4}) for n, (reason, record) in enumerate(broken)]
    records += [(None, binary_record(event) | {"partition": n % 4}) for n, event in enumerate(good[4:])]
    places = system.topics.produce(system.topic, [record for _, record in records])
    expected = {place: (reason, record) for place, (reason, record) in zip(places, records, strict=True) if reason}

    system.wait_consumed()
    system.wait_delivered(len(good))
    rows = {(row["partition"], row["offset"]): row for row in system.audit.dead_letters()}
    assert {place: row["reason"] for place, row in rows.items()} == {place: reason for place, (reason, _) in expected.items()}
    for place, (reason, record) in expected.items():
        row = rows[place]
        assert row["topic"] == system.topic and row["copied"], (reason, row)
        assert row["record_sha256"] == hashlib.sha256(record["value"] or b"").hexdigest(), (reason, row)
        assert row["detail"], "it must be said in words what was wrong"

    copies = system.topics.read(system.dead_letter_topic, len(broken))
    assert len(copies) == len(broken)
    for copy in copies:
        assert copy.header("posthorn-topic") == system.topic
        place = int(copy.header("posthorn-partition")), int(copy.header("posthorn-offset"))
        reason, record = expected.pop(place)
        assert copy.header("posthorn-reason") == reason
        if reason == "too_large":  # the broker refuses it: the detail has a part of it, and its length
            assert record["value"].startswith(copy.value) and len(copy.value) > 0
            assert int(copy.header("posthorn-cut-from")) == len(record["value"])
        else:
            assert (copy.value or b"") == (record["value"] or b"")
            assert [h for h in copy.headers if not h[0].startswith("posthorn-")] == [
                (name, value.encode()) for name, value in record.get("headers", [])]
    assert not expected

    listed = system.admin("dead-letter", "list", "--json")
    assert len(listed) == len(broken) and {row["reason"] for row in listed} == {reason for reason, _ in broken}
    books = system.audit.books()
    assert (books["dead_lettered"], books["events"]) == (len(broken), len(good))
    system.assert_balanced(records=len(records))


def test_replay_after_the_cause_is_mended(system, receiver):
    """The account is created later: its record is published again, and delivered."""
    system.dispatcher()
    event = system.event("late-account", data={"amount": 5})
    ((partition, offset),) = system.publish(event)
    system.wait_consumed()
    system.account("late-account", dialect="penny")
    system.webhook("late-account", receiver.url("/hook"))
    system.admin("dead-letter", "replay", system.topic, partition, offset)
    (request,) = receiver.wait_for(1, "/hook")
    assert json.loads(request.body)["data"] == event["data"] and request.headers["webhook-id"] == event["id"]
    system.wait_delivered(1)
    (row,) = system.audit.dead_letters()
    assert row["reason"] == "unknown_account" and row["replayed_at"] is not None
    system.assert_balanced(records=2)


def test_repeated_ids(system, receiver):
    """The same event published again, in any partition and form: one delivery per webhook, and the reconciliation shows it. The same
    id of another account is another event."""
    accounts = [system.account(dialect="penny") for _ in range(2)]
    for account in accounts:
        system.webhooks(account, [receiver.url(f"/{account}/{n}") for n in range(2)])
    system.dispatcher()
    event = system.event(accounts[0], id="once")
    system.topics.produce(system.topic, [binary_record(event) | {"partition": n % 4} for n in range(8)])
    system.publish(event, form="bare")
    system.publish(system.event(accounts[1], id="once"))
    system.wait_consumed()
    system.wait_delivered(4)
    assert [receiver.count(f"/{account}/{n}") for account in accounts for n in range(2)] == [1] * 4
    books = system.audit.books()
    assert (books["records"], books["events"], books["repeated"], books["delivered"]) == (10, 2, 8, 4)
    system.assert_balanced(records=10)
