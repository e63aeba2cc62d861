"""Publishes to and reads topics with confluent-kafka, an independent client."""
import json
import time
import uuid
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from .waiting import wait_until

# Errors are asserted, not logged; and a restarted broker is found soon.
CLIENT = {"log_level": 2, "reconnect.backoff.max.ms": 500}
MAX_BYTES = 10_000_000  # topics and producers of the tests also accept invalid records that are larger than Posthorn allows


class Record(NamedTuple):
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: list  # (name, bytes)
    timestamp: int  # in milliseconds since 1970

    def header(self, name):
        """The header's text, or None."""
        values = [value for key, value in self.headers if key == name]
        return values[0].decode() if values else None


class Topics:
    """One client for a test; flushes before it reports that something is published."""

    def __init__(self, brokers):
        self.brokers = brokers
        self.admin = AdminClient(CLIENT | {"bootstrap.servers": brokers})
        self.producer = Producer(CLIENT | {
            "bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 5,
            "message.max.bytes": MAX_BYTES, "queue.buffering.max.messages": 1_000_000,
        })

    def create(self, name, partitions=4, **config):
        settings = {"max.message.bytes": str(MAX_BYTES)} | {k.replace("_", "."): str(v) for k, v in config.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
        # A broker that was killed or stopped by the test before may leave a request without a response, or be fenced for a moment.
        passing = (KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT, KafkaError._TRANSPORT, KafkaError.INVALID_REPLICATION_FACTOR)
        asked = []      # what each request led to

        def made():
            asked.append("no response")
            try:
                self.admin.create_topics([topic], request_timeout=15)[name].result(30)
            except TimeoutError:
                return False
            except KafkaException as error:
                code = error.args[0].code()
                asked[-1] = str(error)
                if code in passing:
                    return False
                if code != KafkaError.TOPIC_ALREADY_EXISTS or len(asked) == 1:
                    raise
            return True
        try:
            wait_until(made, 120, f"the broker makes the topic {name}")
        except AssertionError as error:
            raise AssertionError(f"{error}; {asked[-1]}") from error
        return name

    def add_partitions(self, name, total):
        """Waits until the topic has this many partitions, and producers see them."""
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(60)
        wait_until(lambda: len(self.producer.list_topics(name, 30).topics[name].partitions) == total, 60, f"{total} partitions of {name}")

    def delete(self, name):
        self.admin.delete_topics([name])[name].result(60)

    def produce(self, topic, records, deadline=120):
        """Publishes dicts of value, key, headers, partition, timestamp (each may be missing) and returns their
        (partition, offset), in the same order, when the broker has acknowledged them all."""
        places, errors = {}, []

        def acknowledged(number):
            def callback(error, message):
                if error:
                    errors.append(str(error))
                else:
                    places[number] = (message.partition(), message.offset())
            return callback

        count = 0
        for count, record in enumerate(records, 1):
            while True:
                try:
                    self.producer.produce(topic, on_delivery=acknowledged(count), **record)
                    break
                except BufferError:
                    self.producer.poll(0.1)
            self.producer.poll(0)
        left = self.producer.flush(deadline)
        assert not errors and left == 0, f"not published to {topic}: {left} left, errors {errors[:3]}"
        return [places[number] for number in range(1, count + 1)]

    def end_offsets(self, topic):
        """{partition: next offset to be written}"""
        consumer = self._consumer()
        try:
            partitions = consumer.list_topics(topic, 30).topics[topic].partitions
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 30)[1] for p in partitions}
        finally:
            consumer.close()

    def committed(self, group, topic):
        """{partition: offset} as lag tools show it."""
        consumer = self._consumer(group)
        try:
            partitions = consumer.list_topics(topic, 30).topics[topic].partitions
            return {p.partition: p.offset for p in consumer.committed([TopicPartition(topic, p) for p in partitions], 30)}
        finally:
            consumer.close()

    def read(self, topic, count, deadline=60):
        """The first records of a topic in all its partitions; fails if fewer than `count` arrive in time."""
        consumer = self._consumer()
        end = time.monotonic() + deadline
        records = []
        try:
            while topic not in (topics := consumer.list_topics(timeout=30).topics):
                assert time.monotonic() < end, f"there is no topic {topic} after {deadline} s"
                time.sleep(0.05)
            consumer.assign([TopicPartition(topic, p, 0) for p in topics[topic].partitions])
            while len(records) < count:
                assert time.monotonic() < end, f"{topic}: {len(records)} records, not {count}, after {deadline} s: {records}"
                message = consumer.poll(0.2)
                if message is not None and not message.error():
                    records.append(Record(message.partition(), message.offset(), message.key(), message.value(),
                                          message.headers() or [], message.timestamp()[1]))
        finally:
            consumer.close()
        return records

    def _consumer(self, group=None):
        return Consumer(CLIENT | {
            "bootstrap.servers": self.brokers, "group.id": group or f"reader-{uuid.uuid4()}",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.message.max.bytes": MAX_BYTES,
            "allow.auto.create.topics": False,
        })


def binary_record(event):
    """CloudEvents binary mode: event is a dict of id, type, account, data, and perhaps time, source and more attributes."""
    attributes = {"specversion": "1.0", "source": "/tests"} | {k: v for k, v in event.items() if k != "data"}
    headers = [(f"ce_{name}", str(value)) for name, value in attributes.items()]
    return {
        "key": event["account"],
        "headers": headers + [("content-type", "application/json")],
        "value": json.dumps(event["data"]),
    }


def structured_record(event):
    """CloudEvents structured mode."""
    return {
        "key": event["account"],
        "headers": [("content-type", "application/cloudevents+json")],
        "value": json.dumps({"specversion": "1.0", "source": "/tests"} | event),
    }


def bare_record(event):
    """Posthorn's bare JSON record."""
    return {"key": event["account"], "value": json.dumps(event)}


FORMS = {"binary": binary_record, "structured": structured_record, "bare": bare_record}
