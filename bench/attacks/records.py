"""Attacks by a producer: its records, and their rate. They are published to all partitions, as a producer can do."""
import json
import random
import time
import uuid

from confluent_kafka import Producer

from support.kafka import CLIENT, MAX_BYTES, binary_record

from .attack import Attack
from .child import Child

PARTITIONS = 4


def small(account):
    return binary_record({"id": f"attack-{uuid.uuid4()}", "type": "attack", "account": account, "data": {"amount": 100}})


def large_value(account):
    return small(account) | {"value": json.dumps({"text": "x" * 1_000_000})}


def large_headers(account):
    record = small(account)
    return record | {"headers": record["headers"] + [(f"filler-{n}", b"x" * 16384) for n in range(54)]}


def invalid(account):
    return {"key": account, "value": b"this is no event" * 10}


MAKERS = {"small": small, "large value": large_value, "large headers": large_headers, "invalid": invalid}


def publish(over, say, brokers, topic, account, rate, kind, most):
    """Publishes this many records per second until it is over, and at most `most`. Reports when the first was published."""
    producer = Producer(CLIENT | {"bootstrap.servers": brokers, "linger.ms": 5, "message.max.bytes": MAX_BYTES})
    begun = time.monotonic()
    for number in range(most):
        if over.wait(max(0.0, begun + number / rate - time.monotonic())):
            break
        try:
            producer.produce(topic, partition=number % PARTITIONS, **MAKERS[kind](account))
        except BufferError:
            producer.poll(0.1)
        producer.poll(0)
        if number == 0:
            producer.flush(60)
            say(True)
    producer.flush(60)


class AtProducer(Attack):
    means = "producer"
    kind, rate, most = "small", 1000, 20000
    deliver = True

    def begin(self, stage, number):
        if not hasattr(self, "sink"):
            self.sink = stage.sink("attacker")
        account = stage.attacker(number, [self.sink.url("/ok/0")])
        self.children.append(Child(publish, stage.system.topics.brokers, stage.system.topic, account, self.rate, self.kind, self.most))
        self.children[-1].told()


class Busy(AtProducer):
    name, resource = "busy-account", "events in memory, CPU"
    means = "tenant, producer"
    what = "one account publishes 1,000 events/s, ten times the victim's rate"


class Values(AtProducer):
    name, resource, kind, rate, most = "large-values", "events in memory", "large value", 20, 300
    what = "records with values of 1 MB, 20 a second"


class Headers(AtProducer):
    name, resource, kind, rate, most = "large-headers", "events in memory", "large headers", 300, 300
    what = "300 records with 880 KB of headers, at once"


class Invalid(AtProducer):
    name, resource, kind = "invalid-records", "rows, dead letters", "invalid"
    what = "1,000 invalid records a second"


class Bomb(Attack):
    """The partition stops at the batch, so there is only one round."""

    name, means, resource, rounds = "compressed-batch", "producer", "partition", 1
    what = "one compressed batch on each partition that expands to 120 MB"

    def begin(self, stage, number):
        text = random.Random(1).randbytes(1000)
        for partition in range(PARTITIONS):
            producer = Producer(CLIENT | {"bootstrap.servers": stage.system.topics.brokers, "compression.type": "zstd", "linger.ms": 2000,
                                          "batch.size": 200_000_000, "message.max.bytes": 200_000_000, "queue.buffering.max.kbytes": 500_000,
                                          "batch.num.messages": 1000})
            refused = []
            for _ in range(120):
                producer.produce(stage.system.topic, partition=partition, value=text * 1000, on_delivery=lambda e, _, refused=refused: refused.append(e) if e else None)
            producer.flush(120)
            if refused:
                self.note(f"the broker refused it: {refused[0]}")

    def end(self, stage):
        pass


ATTACKS = [Busy(), Values(), Headers(), Invalid(), Bomb()]
