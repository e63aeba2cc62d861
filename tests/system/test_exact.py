"""An event's data is shown and sent with the bytes that were published, whatever JSON can express."""
import json
import subprocess

import pytest
from confluent_kafka import Consumer, TopicPartition

from support.kafka import CLIENT
from support.receiver import answer
from support.waiting import wait_until

TEXTS = {
    "fraction": '{"amount":1.10}',
    "large integers": '[9223372036854775808,18446744073709551616,-9223372036854775809]',
    "large numbers": '[1e400,-1E+400,1e-400,0.1000,-0,-0.0,1E+2]',
    "many digits": f'{{"n":{"1234567890" * 40}.{"0987654321" * 40}}}',
    "lone surrogate": '{"text":"\\ud800"}',
    "surrogates in the wrong order": '["\\uDC00\\uD800"]',
    "escaped nul": '{"a\\u0000b":"\\u0000"}',
    "escapes": '"\\u00e9\\/\\b\\f\\n\\r\\t\\"\\\\"',
    "control characters that need no escape": '"\u007f\u0080\u009b\u2028\ufeff\uffff"',
    "beyond the basic plane": '"\U0001f600"',
    "a member twice": '{"a":1,"a":2,"\\u0061":3,"data":{"data":4}}',
    "white space": '{ "a" :\t1 ,\r\n "b" : [ ] }',
    "deep": "[" * 100 + "]" * 100,
    "null": "null",
    "number": "5.00",
    "empty text": '""',
    "closes an object": '"\\"}],\\"data\\":null}"',
}


def binary(account, number, text):
    return {"value": text.encode(), "headers": [("ce_id", f"binary-{number}"), ("ce_type", "a.b"), ("ce_account", account)]}


def structured(account, number, text):
    value = f'{{"specversion":"1.0","id":"structured-{number}","type":"a.b","account":"{account}","data":{text},"subject":"s"}}'
    return {"value": value.encode(), "headers": [("content-type", "application/cloudevents+json")]}


def bare(account, number, text):
    return {"value": f'{{"data":{text},"id":"bare-{number}","type":"a.b","account":"{account}"}}'.encode()}


def plain(account, number, text):
    return {"value": text.encode(), "headers": [("account", account), ("id", f"plain-{number}")]}


FORMS = {"binary": binary, "structured": structured, "bare": bare}


def publish_through_api(caller, number, text):
    body = f'{{"id":"api-{number}","data":{text},"type":"a.b"}}'
    made = caller.call("POST", "/v1/events", data=body.encode(), headers={"Content-Type": "application/json"})
    assert made.status_code == 202, made.text


@pytest.fixture(params=["plain", "sealed"])
def published(request, system, receiver, start_api):
    """All texts, published in all forms and delivered: (account, webhook, caller, {event id: data})."""
    account = system.account(dialect="penny")
    hook = system.webhook(account, receiver.url("/hook"))
    plain_topic = system.topics.create(f"a.b-{system.tag}")
    system.dispatcher(store_payload=request.param)
    system.dispatcher(store_payload=request.param, topics=plain_topic, group=f"plain-{system.tag}", plain_records="true",
                      plain_account_header="account", plain_id_header="id")
    caller = start_api().caller(account)
    events = {}
    for number, text in enumerate(TEXTS.values()):
        system.topics.produce(system.topic, [form(account, number, text) for form in FORMS.values()])
        system.topics.produce(plain_topic, [plain(account, number, text)])
        publish_through_api(caller, number, text)
        events |= {f"{form}-{number}": text for form in (*FORMS, "plain", "api")}
    system.wait_delivered(len(events))
    assert system.audit.dead_letters() == []
    return account, hook, caller, events


def assert_sent(receiver, events):
    """Asserts that the receiver has received each of these, byte for byte."""
    got = {r.headers["webhook-id"]: r.body.decode() for r in receiver.requests("/hook")}
    assert got.keys() == events.keys()
    for id, text in events.items():
        assert got[id].endswith(f',"data":{text}}}'), (id, got[id])


def test_data_is_shown_as_published(published, system, receiver):
    account, hook, caller, events = published
    assert_sent(receiver, events)
    for id, text in events.items():
        shown = caller.get(f"/v1/events/{id}")
        assert shown.status_code == 200
        assert shown.content.decode().endswith(f',"data":{text}}}'), (id, shown.text)
        assert json.loads(shown.content)["event_id"] == id
        request = caller.get(f"/v1/webhooks/{hook['id']}/deliveries/{id}").json()["request"]
        assert request["body"].endswith(f',"data":{text}}}'), (id, request)
    kept = {row["event_id"]: row["payload"] for row in system.audit.events()}
    for id, payload in kept.items():
        assert payload in (None, events[id]), (id, payload)

    receiver.forget()
    system.admin("replay", "--webhook", hook["id"], "--state", "delivered")
    wait_until(lambda: receiver.count("/hook") >= len(events), 120, "all replayed")
    assert_sent(receiver, events)
    receiver.forget()
    for id in (some := dict(list(events.items())[:10])):
        assert caller.post(f"/v1/webhooks/{hook['id']}/redeliver", {"event_id": id}).status_code in (200, 202)
    wait_until(lambda: receiver.count("/hook") >= len(some), 60, "some delivered again")
    assert_sent(receiver, some)


def test_data_of_parked_events(system, receiver):
    """From Kafka through PostgreSQL to the receiver."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(503))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(store_payload="sealed")
    events = {f"binary-{n}": text for n, text in enumerate(TEXTS.values())}
    system.topics.produce(system.topic, [binary(account, n, text) for n, text in enumerate(TEXTS.values())])
    wait_until(lambda: system.db.value("select count(*) from posthorn.pending") == len(events), 60, "all parked")
    receiver.behave("/hook", answer(200))
    system.wait_delivered(len(events))
    last = {r.headers["webhook-id"]: r.body.decode() for r in receiver.requests("/hook")}
    for id, text in events.items():
        assert last[id].endswith(f',"data":{text}}}'), (id, last[id])


def test_durations_are_shown_as_measured(system, receiver, start_api):
    """1.1 ms is not 1.1000000000000001 ms."""
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    event = system.event(account)
    system.publish(event)
    system.wait_delivered(1)
    system.db.query("alter table posthorn.attempt disable trigger user")
    system.db.query("update posthorn.attempt set duration_us = 1100")
    shown = start_api().caller(account).get(f"/v1/events/{event['id']}").text
    assert '"duration_ms":1.1,' in shown.replace("1.1}", "1.1,"), shown
    assert "1.1000000000000001" not in json.dumps(system.admin("event", "show", event["id"], "--json"))


# Dead letters

def murmur2(key):
    """Kafka's partitioner for records with a key, as in the Java client."""
    length, mask, m = len(key), 0xffffffff, 0x5bd1e995
    h = (0x9747b28c ^ length) & mask
    for i in range(0, length - 3, 4):
        k = int.from_bytes(key[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = key[length - length % 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7fffffff


def test_murmur2_is_javas():
    """The values of Kafka's own UtilsTest."""
    for key, expected in ((b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)):
        assert murmur2(key) == expected & 0x7fffffff


def records_at(system, topic, places):
    """The records at these (partition, offset), read by an independent client."""
    consumer = Consumer(CLIENT | {"bootstrap.servers": system.servers.kafka.brokers, "group.id": f"reader-{system.tag}"})
    found = {}
    try:
        for partition, offset in places:
            consumer.assign([TopicPartition(topic, partition, offset)])
            place = (partition, offset)

            def read(place=place):
                message = consumer.poll(0.2)
                if message is not None and not message.error() and (message.partition(), message.offset()) == place:
                    found[place] = message  # a tombstone has no length, and is false
                return place in found
            wait_until(read, 60, f"the record {place}")
    finally:
        consumer.close()
    return found


def test_replayed_dead_letters_are_the_same_records(system):
    """Key, value, headers, timestamp and partition."""
    system.dispatcher(dead_letter_topic=system.dead_letter_topic)
    day = 86_400_000
    now = 1_767_323_045_678
    records = [
        {"key": b"nobody", "partition": n, "timestamp": now - n * day, "value": text.encode(),
         "headers": [("ce_id", f"e-{n}"), ("ce_id", f"e-{n}"), ("ce_type", "a.b"), ("empty", b""), ("none", None), ("bytes", b"\x00\xff")]}
        for n, text in enumerate(['{"amount":1.10}', '"\\ud800"', "[1e400]", '"\U0001f600"'])]
    records += [{"key": None, "partition": 2, "timestamp": now, "value": b"no JSON \x00\xff"},
                {"key": b"", "partition": 1, "timestamp": now + day, "value": None}]
    places = system.topics.produce(system.topic, records)
    system.wait_consumed()
    assert len(system.audit.dead_letters()) == len(records)
    again = [system.admin("dead-letter", "replay", system.topic, *place, "--json") for place in places]
    found = records_at(system, system.topic, places + [(a["partition"], a["offset"]) for a in again])
    for record, place, new in zip(records, places, again, strict=True):
        old, copy = found[place], found[new["partition"], new["offset"]]
        assert copy.partition() == old.partition() == record["partition"]
        assert copy.timestamp() == old.timestamp() and copy.timestamp()[1] == record["timestamp"]
        assert (copy.key(), copy.value(), copy.headers()) == (old.key(), old.value(), old.headers())
    copies = system.topics.read(system.dead_letter_topic, 2 * len(records))  # also those of the replayed records: partitions are read in any order
    assert sorted(int(copy.header("posthorn-timestamp")) for copy in copies) == sorted(2 * [record["timestamp"] for record in records])
    shown = system.admin("dead-letter", "show", system.topic, *places[0], "--reveal", "--json")
    assert (shown["record_timestamp"], shown["value"]) == (now, '{"amount":1.10}')
    system.wait_consumed()


def test_header_names_of_any_bytes_are_replayed(system):
    system.dispatcher()
    command = ["kcat", "-P", "-q", "-b", system.servers.kafka.brokers, "-t", system.topic, "-p", "3", "-H", b"na\xffme=value"]
    subprocess.run(command, input=b"{", check=True, timeout=60, capture_output=True)
    system.wait_consumed()
    system.admin("dead-letter", "replay", system.topic, 3, 0)
    command = ["kcat", "-C", "-q", "-b", system.servers.kafka.brokers, "-t", system.topic, "-p", "3", "-o", "beginning", "-c", "2", "-f", "%h\n"]
    read = subprocess.run(command, check=True, timeout=60, capture_output=True).stdout
    assert read == b"na\xffme=value\n" * 2
    system.wait_consumed()


def test_dead_letters_of_a_partition_that_is_gone(system):
    """The key determines the partition, as for producers."""
    dispatcher = system.dispatcher()
    keys = [f"account-{n}".encode() for n in range(8)]
    places = system.topics.produce(system.topic, [{"key": key, "partition": 3, "value": b"{"} for key in keys])
    system.wait_consumed()
    dispatcher.stop()
    system.topics.delete(system.topic)
    system.topics.create(system.topic, partitions=3)
    wait_until(lambda: len(system.topics.producer.list_topics(system.topic, 30).topics[system.topic].partitions) == 3, 60, "the topic is created again")
    for key, place in zip(keys, places, strict=True):
        new = system.admin("dead-letter", "replay", system.topic, *place, "--json")
        assert new["partition"] == murmur2(key) % 3


def test_dead_letters_without_a_timestamp(system):
    """Dead letters that an earlier version recorded are published with the present time."""
    system.dispatcher()
    ((partition, offset),) = system.topics.produce(system.topic, [{"key": b"a", "value": b"{", "timestamp": 1_600_000_000_000}])
    system.wait_consumed()
    system.db.query("update posthorn.dead_letter set record_timestamp = null")
    new = system.admin("dead-letter", "replay", system.topic, partition, offset, "--json")
    record = records_at(system, system.topic, [(new["partition"], new["offset"])])[new["partition"], new["offset"]]
    assert new["partition"] == partition and record.timestamp()[1] > 1_700_000_000_000
    system.wait_consumed()
