"""The resources that dispatchers share among accounts: no account's webhooks or records take what others need."""
import os
import pathlib
import re

from confluent_kafka import Producer

from support.kafka import binary_record
from support.receiver import answer, hang
from support.waiting import wait_until


def peak_mb(dispatcher):
    """The maximum resident memory."""
    status = pathlib.Path(f"/proc/{dispatcher.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024


def test_one_account_cannot_take_all_requests_in_flight(system, receiver):
    """More webhooks of one account hang than requests may be in flight: meanwhile, another account's events are delivered."""
    hanging, other = system.account(), system.account()
    receiver.behave(None, hang())
    receiver.behave("/good", answer(200))
    system.webhooks(hanging, [receiver.url(f"/hang/{n}") for n in range(40)])
    system.webhook(other, receiver.url("/good"))
    dispatcher = system.dispatcher(in_flight_max=64, request_timeout="300s")
    system.publish(*(system.event(hanging) for _ in range(4)))
    wait_until(lambda: receiver.held() >= 32, 60, "half of all requests hang")
    wait_until(lambda: system.audit.books()["pending"] >= 160, 60, "what hangs and what waits is parked")
    events = [system.event(other) for _ in range(50)]
    system.publish(*events)
    receiver.wait_for(50, "/good")
    wait_until(lambda: system.audit.books()["delivered"] == 50, 60, "the other account's events are recorded as delivered")
    assert system.audit.count("attempts") == 50, "a request that hung has ended: this test proves nothing"
    assert receiver.held() == 32, "an account alone may have half of in-flight-max under way"
    assert dispatcher.metrics()["posthorn_in_flight"] == 32

    receiver.behave(None, answer(200))
    receiver.release()
    system.wait_delivered(160 + 50)
    assert receiver.count("/good") == 50
    system.assert_balanced(records=54)


def test_one_account_cannot_take_the_memory(system, receiver):
    """An account's large events hang, more than fit into memory: another account's events are delivered."""
    hanging, other = system.account(), system.account()
    receiver.behave(None, hang())
    receiver.behave("/good", answer(200))
    system.webhooks(hanging, [receiver.url(f"/hang/{n}") for n in range(4)])
    system.webhook(other, receiver.url("/good"))
    dispatcher = system.dispatcher(memory_max=8 << 20, request_timeout="300s")
    system.publish(*(system.event(hanging, data="x" * 700_000) for _ in range(30)))  # a window of 16 of them is 11 MB
    wait_until(lambda: system.audit.books()["pending"] == 120, 60, "what hangs and what waits is parked")
    assert receiver.held() >= 4
    events = [system.event(other) for _ in range(50)]
    system.publish(*events)
    receiver.wait_for(50, "/good")
    wait_until(lambda: system.audit.books()["delivered"] == 50, 60, "the other account's events are recorded as delivered")
    assert system.audit.count("attempts") == 50, "a request that hung has ended: this test proves nothing"
    assert 0 < dispatcher.metrics()["posthorn_event_bytes"] < 7 << 20, "an account alone may hold half, and one event more"

    receiver.behave(None, answer(200))
    receiver.release()
    system.wait_delivered(120 + 50)
    system.assert_balanced(records=80)


MANY_DUE = """
with topic as (
    insert into posthorn.position (source, topic, partition, next_offset) values ('filled', 'filled', 0, 2) returning id
), account as (
    select id from posthorn.account where key = %(account)s
), hooks as (
    insert into posthorn.webhook (uuid, public_id, account_id, url, format)
    select u, u, account.id, %(url)s || n, 'penny' from account, (select n, gen_random_uuid() as u from generate_series(1, %(webhooks)s) n offset 0) names
    returning id
), events as (
    insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
    select gen_random_uuid(), posthorn.period_of(now()), topic.id, 1, account.id, 'transaction.authorized', 'filled', '/test', now(), '\\x00'
    from topic, account returning position_id, "offset", period
), payloads as (
    insert into posthorn.payload (position_id, "offset", sealed, body) select position_id, "offset", false, '{}' from events
), waiting as (
    insert into posthorn.queue (webhook_id, next_due) select id, now() - interval '1 hour' from hooks
)
insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
select hooks.id, position_id, "offset", 'e', period, 1, now() - interval '1 hour' from events, hooks
"""


def test_one_account_cannot_take_all_leases(system, receiver):
    """An account has more hanging webhooks with due deliveries than a dispatcher leases: meanwhile, another account's retry is made."""
    hanging, other = system.account(), system.account()
    receiver.behave(None, hang())
    receiver.behave("/good", answer(500), answer(200))
    system.webhook(other, receiver.url("/good"))
    system.db.query(MANY_DUE, account=hanging, url=receiver.url("/hang/"), webhooks=1100)
    dispatcher = system.dispatcher(request_timeout="300s")
    wait_until(lambda: receiver.held() >= 500, 60, "the hanging webhooks have all leases that they can get")
    event = system.event(other)
    system.publish(event)
    receiver.wait_for(2, "/good")
    wait_until(lambda: system.audit.count("attempts", outcome="delivered") == 1, 60, "the retry is recorded as delivered")
    assert [a["outcome"] for a in system.audit.attempts(event["id"])] == ["retry", "delivered"]
    assert receiver.held() <= 512 and dispatcher.metrics()["posthorn_leased_webhooks"] >= 500
    receiver.behave(None, answer(200))
    receiver.release()


def test_headers_count_as_memory(system, receiver):
    """444 MB of headers, above and below the limit: they are dead letters and events, and a dispatcher never holds all of them at once."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    filler = os.urandom(88_000)
    large = {"headers": [(f"filler-{n}", filler) for n in range(10)], "value": b"{}"}
    places = system.topics.produce(system.topic, [large | {"partition": n % 4} for n in range(300)])
    events = [system.event(account, note="x" * 60_000) for _ in range(3000)]  # an extension attribute: headers too, but not too large
    system.publish(*events)
    dispatcher = system.dispatcher()
    system.wait_consumed()
    system.wait_delivered(len(events))

    assert peak_mb(dispatcher) <= 256, "as in every trial of the fault suite"

    letters = system.audit.dead_letters()
    assert {(row["partition"], row["offset"]) for row in letters} == set(places)
    assert {(row["reason"], row["copied"]) for row in letters} == {("too_large", True)}
    assert "the headers have more than 65536 bytes" in letters[0]["detail"]
    copies = system.topics.read(system.dead_letter_topic, len(places))
    assert {copy.header("posthorn-headers-cut-from") for copy in copies} == {str(sum(len(name) + len(value) for name, value in large["headers"]))}
    assert all(name.startswith("posthorn-") for copy in copies for name, _ in copy.headers) and copies[0].value == b"{}"
    assert receiver.count("/hook") == len(events)
    system.assert_balanced(records=len(places) + len(events))


def test_headers_that_come_at_once(system, receiver):
    """One batch that expands to more headers than librdkafka's queue may hold: each time the queue is dropped and read again, a part of the batch is processed."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"))
    producer = Producer({"bootstrap.servers": system.topics.brokers, "compression.type": "zstd", "linger.ms": 3000, "message.max.bytes": 500_000_000,
                         "batch.size": 500_000_000, "enable.idempotence": True})
    refused = []
    for _ in range(800):
        record = binary_record(system.event(account, note="x" * 60_000))
        producer.produce(system.topic, partition=0, on_delivery=lambda error, _: refused.append(error) if error else None, **record)
    assert producer.flush(60) == 0 and not refused
    dispatcher = system.dispatcher()
    system.wait_consumed()
    system.wait_delivered(800)
    assert "librdkafka's queue was dropped" in dispatcher.log(), "this test proves nothing"
    assert receiver.count("/hook") == 800
    system.assert_balanced(records=800)


def bomb(system, topic, size):
    """Publishes one batch of zeros that is small when compressed and expands to this many bytes; each record is larger than an event may be."""
    producer = Producer({"bootstrap.servers": system.topics.brokers, "compression.type": "zstd", "linger.ms": 3000, "message.max.bytes": 500_000_000,
                         "batch.size": 500_000_000, "enable.idempotence": True})
    offsets = []
    for _ in range(size // 9_000_000 + 1):
        producer.produce(topic, bytes(9_000_000), partition=0, on_delivery=lambda error, message: offsets.append(error or message.offset()))
    assert producer.flush(60) == 0
    return offsets


def stopped(system):
    """{partition: reason} of stopped partitions"""
    return {row["partition"]: row["stopped"] for row in system.admin("position", "list", "--topic", system.topic, "--json") if row["stopped"]}


def test_a_batch_that_expands_to_more_than_the_limit(system, receiver):
    """It stops its own partition, with a log message: the operator raises the limit, or skips the batch."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    before, after, elsewhere = (system.event(account) for _ in range(3))
    dispatcher = system.dispatcher()
    system.topics.produce(system.topic, [binary_record(before) | {"partition": 0}])
    receiver.wait_for(1, "/hook")
    offsets = bomb(system, system.topic, 120_000_000)
    system.topics.produce(system.topic, [binary_record(after) | {"partition": 0}, binary_record(elsewhere) | {"partition": 1}])
    receiver.wait_for(2, "/hook")  # before, elsewhere
    reason = wait_until(lambda: stopped(system).get(0), 60, "the partition is shown as stopped")
    assert reason.startswith("unreadable at offset 1: ") and "Decompression" in reason
    wait_until(lambda: dispatcher.metrics()['posthorn_partitions{state="stopped"}'] == 1, 60, "the metric says it")
    assert dispatcher.metrics()['posthorn_partitions{state="claimed"}'] == 3
    assert re.search(r'level=error .*event=partition_unreadable .*partition=0 offset=1 .*do="raise receive.message.max.bytes', dispatcher.log())
    assert receiver.count("/hook") == 2
    dispatcher.stop()

    raised = system.settings()["kafka_properties"] + ";receive.message.max.bytes=500000000"
    dispatcher.start(kafka_properties=raised)
    receiver.wait_for(3, "/hook")
    system.wait_consumed()
    assert stopped(system) == {}
    wait_until(lambda: dispatcher.metrics()['posthorn_partitions{state="stopped"}'] == 0, 60, "it is not stopped any more")
    assert {row["reason"] for row in system.audit.dead_letters()} == {"too_large"} and len(system.audit.dead_letters()) == len(offsets)
    system.assert_balanced(records=3 + len(offsets))


def test_an_unreadable_batch_is_passed(system, receiver):
    """Runs posthorn-admin position reset while the dispatcher is running."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    offsets = bomb(system, system.topic, 120_000_000)
    event = system.event(account)
    system.topics.produce(system.topic, [binary_record(event) | {"partition": 0}])
    wait_until(lambda: stopped(system).get(0), 60, "the partition is stopped")
    system.admin("position", "reset", "--topic", system.topic, "--partition", 0, "--to", offsets[-1] + 1)
    (request,) = receiver.wait_for(1, "/hook")
    assert request.headers["webhook-id"] == event["id"]
    system.wait_consumed()
    assert stopped(system) == {} and dispatcher.metrics()['posthorn_partitions{state="stopped"}'] == 0
