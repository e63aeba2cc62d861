"""Writes events and attempts as a dispatcher does: the same functions, with binary arrays, over one connection for intake and one for flushes."""

import hashlib
import os
import struct
import time
import uuid

import psycopg

from world import Failure, process_cpu_us

BATCH = 500  # events that intake stores in one call: batch-max
FLUSH_BATCHES = 2  # batches whose attempts one flush stores
EVENT_TYPE = "transaction.authorized"
EPOCH_S = 946684800  # 2000-01-01, where PostgreSQL's binary times begin

# Of each type of array: its oid, that of its elements, and the bytes of an element.
ARRAYS = {
    "uuid": (2951, 2950, lambda value: value.bytes), "bytea": (1001, 17, bytes), "text": (1009, 25, str.encode),
    "bool": (1000, 16, struct.Struct("!?").pack), "char": (1002, 18, str.encode), "int2": (1005, 21, struct.Struct("!h").pack),
    "int4": (1007, 23, struct.Struct("!i").pack), "int8": (1016, 20, struct.Struct("!q").pack),
    "timestamptz": (1185, 1184, lambda seconds: struct.pack("!q", round((seconds - EPOCH_S) * 1e6))),
}
INTAKE = ("uuid", "int4", "int8", "int4", "text", "text", "text", "timestamptz", "bytea", "text", "int8", None, "bytea", "bytea")
RECORD = ("timestamptz", "int8", "int4", "int4", "int4", "int4", "int2", "int2", "char", "char", "bytea", "bytea")
MOVE = ("int4", "uuid", "int8", "int8", "int8", "int8", "int8", "int8", "int4", "int4", "int4", "int4", "int4")


def array(kind, values):
    """(bytes, oid) of an array parameter."""
    oid, element, encode = ARRAYS[kind]
    parts = [struct.pack("!iiiii", 1, int(None in values), element, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(b"\xff\xff\xff\xff")
        else:
            encoded = encode(value)
            parts += (struct.pack("!i", len(encoded)), encoded)
    return b"".join(parts), oid


def random_id():
    """As a UUIDv4: nothing of it is in order."""
    return str(uuid.uuid4())


def ordered_id():
    """As a UUIDv7: begins with the time."""
    return str(uuid.UUID(int=time.time_ns() // 1_000_000 << 80 | 7 << 76 | 2 << 62 | int.from_bytes(os.urandom(7), "big")))


IDS = {"random": random_id, "ordered": ordered_id}


def event_key(account, event_id):
    return uuid.UUID(bytes=hashlib.sha256(f"{account}\0{event_id}".encode()).digest()[:16])


class Session:
    """A connection that sends binary parameters, and the CPU that its server process has used."""

    def __init__(self, url):
        self.connection = psycopg.connect(url, autocommit=True, options="-c timezone=UTC -c jit=off")
        self.pid = self.connection.info.backend_pid

    def call(self, statement, *parameters):
        """Executes it; the parameters are pairs of bytes and oid. Returns the rows as a PGresult."""
        values, oids = zip(*parameters, strict=True) if parameters else ((), ())
        result = self.connection.pgconn.exec_params(statement.encode(), values, oids, [1] * len(values), 0)
        if result.status not in (psycopg.pq.ExecStatus.TUPLES_OK, psycopg.pq.ExecStatus.COMMAND_OK):
            raise Failure(f"{statement[:80]} …: {result.error_message.decode()}")
        return result

    def cpu_us(self):
        return process_cpu_us(self.pid)

    def close(self):
        self.connection.close()


class Writer:
    """A dispatcher's statements for the events of one topic, whose accounts have a webhook each. The partitions take turns, a batch each."""

    def __init__(self, world, topic, partitions, subscribers, ids="random", body_bytes=400):
        self.intake_session, self.flush_session = (Session(world.logins["posthorn_dispatcher"]) for _ in range(2))
        self.topic, self.partitions, self.subscribers, self.new_id = topic, partitions, subscribers, IDS[ids]
        self.body = os.urandom(body_bytes // 2).hex().encode()
        self.seq = 0
        self.dispatcher = int(self.flush_session.call("select posthorn.dispatcher_started('bench')").get_value(0, 0))
        self.positions, self.owners, self.next, self.flushed, self.events = {}, {}, {}, {}, []
        for partition in range(partitions):
            self.claim(partition)
        self.turn = 0

    def claim(self, partition):
        """As a dispatcher does when Kafka assigns the partition: takes the position over, and reads what is recorded beyond it."""
        owner = uuid.uuid4()
        row = self.flush_session.call(
            "select position_id, next_offset from posthorn.claim('kafka', $1, $2, $3, $4, $5)", (self.topic.encode(), 25),
            *((struct.pack("!i", partition), 23), (owner.bytes, 2950), (struct.pack("!i", self.dispatcher), 23), (struct.pack("!i", self.partitions), 23)))
        position, offset = int(row.get_value(0, 0)), int(row.get_value(0, 1) or 0)
        if row.get_value(0, 1) is None:
            self.flush_session.call("select posthorn.start_at($1, $2, 0)", (struct.pack("!i", position), 23), (owner.bytes, 2950))
        self.flush_session.call("select \"offset\", webhook_id from posthorn.recorded($1, $2) order by 1, 2", (struct.pack("!i", position), 23),
                                (struct.pack("!q", offset), 20))
        self.positions[partition], self.owners[position] = position, owner
        self.flushed[position] = self.next[position] = offset

    def compose(self):
        """The next batch: its position, first offset, subscribers, and the parameters of posthorn.intake()."""
        position = self.positions[self.turn % self.partitions]
        self.turn += 1
        first = self.next[position]
        chosen = [self.subscribers[(self.turn * 7 + i) % len(self.subscribers)] for i in range(BATCH)]
        ids = [self.new_id() for _ in chosen]
        keys = [event_key(subscriber["key"], event_id) for subscriber, event_id in zip(chosen, ids, strict=True)]
        digests = [hashlib.sha256(event_id.encode()).digest() for event_id in ids]
        now = time.time()
        columns = (keys, [position] * BATCH, range(first, first + BATCH), [subscriber["account"] for subscriber in chosen], [EVENT_TYPE] * BATCH, ids,
                   ["/bench"] * BATCH, [now] * BATCH, digests, [None] * BATCH, [None] * BATCH, None, [self.body] * BATCH, [None] * BATCH)
        parameters = [array(kind, list(values)) if kind else (b"\0", 16) for kind, values in zip(INTAKE, columns, strict=True)]
        return position, first, chosen, parameters

    def intake(self):
        """Stores a batch of events; returns the seconds that the call took."""
        position, first, chosen, parameters = self.compose()
        begun = time.perf_counter()
        row = self.intake_session.call("select v, changed, forget, period, again, again_period, repeated, of_position, of_offset from posthorn.intake"
                                       "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)", (struct.pack("!q", 0), 20), *parameters)
        seconds = time.perf_counter() - begun
        if row.get_value(0, 4) or row.get_value(0, 6):
            raise Failure("posthorn.intake() has found event ids a second time that were made now")
        self.next[position] = first + BATCH
        self.events += [(position, first + i, subscriber["webhook"]) for i, subscriber in enumerate(chosen)]
        return seconds

    def flush(self):
        """Stores an attempt for each event of the oldest batches, and moves the positions, in one transaction; returns the seconds."""
        rows, self.events = self.events[:FLUSH_BATCHES * BATCH], self.events[FLUSH_BATCHES * BATCH:]
        positions, offsets, webhooks = map(list, zip(*rows, strict=True))
        n, now = len(rows), time.time()
        columns = ([now] * n, offsets, positions, webhooks, [1] * n, [1500] * n, [1] * n, [200] * n, ["e"] * n, ["d"] * n, [None] * n, [b"ok"] * n)
        recorded = [array(kind, values) for kind, values in zip(RECORD, columns, strict=True)]
        moved = self.move_parameters(positions)
        dispatcher = (struct.pack("!i", self.dispatcher), 23)
        begun = time.perf_counter()
        self.flush_session.call("begin")
        self.flush_session.call("select posthorn.record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $13)", *recorded,
                                array("bool", [None] * n), dispatcher)
        self.flush_session.call("select posthorn.move($14, $15, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)", *moved, dispatcher,
                                (struct.pack("!q", self.seq), 20))
        self.flush_session.call("commit")
        return time.perf_counter() - begun

    def move_parameters(self, positions):
        """Of posthorn.move(), for a flush with an event of these positions for each time that they occur."""
        self.seq += 1
        moved = sorted(set(positions))
        counts = [positions.count(position) for position in moved]
        old = [self.flushed[position] for position in moved]
        new = [offset + count for offset, count in zip(old, counts, strict=True)]
        self.flushed.update(zip(moved, new, strict=True))
        zeros, same = [0] * len(moved), [1] * len(moved)
        owners = [self.owners[position] for position in moved]
        columns = (moved, owners, old, new, [offset - 1 for offset in new], same, same, old, counts, counts, zeros, zeros, counts)
        return [array(kind, values) for kind, values in zip(MOVE, columns, strict=True)]

    def close(self):
        self.intake_session.close()
        self.flush_session.close()
