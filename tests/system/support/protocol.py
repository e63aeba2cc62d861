"""The functions of the commit protocol (schema/code) on a separate database, without the dispatcher: connections, fixtures, and threads that wait for locks."""
import hashlib
import threading
import uuid

import psycopg
import pytest
from psycopg.rows import dict_row

from .waiting import wait_until

SOURCE, TOPIC = "kafka", "events"
DUE = "2020-01-01T00:00:00Z"
LATER = "2100-01-01T00:00:00Z"


def key_of(account, event_id):
    return uuid.UUID(bytes=hashlib.sha256(f"{account}\0{event_id}".encode()).digest()[:16])


class Protocol:
    """The functions of the commit protocol on one connection, with default values for what a test does not need."""

    def __init__(self, url, owner=None):
        self.connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self.owner = owner or uuid.uuid4()
        self.dispatcher = self.value("select posthorn.dispatcher_started('test')")
        self.seq = 0

    def query(self, statement, *parameters):
        cursor = self.connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def row(self, statement, *parameters):
        rows = self.query(statement, *parameters)
        assert len(rows) == 1
        return rows[0]

    def value(self, statement, *parameters):
        return next(iter(self.row(statement, *parameters).values()))

    def claim(self, partition=0, topic=TOPIC):
        return self.row("select * from posthorn.claim(%s, %s, %s, %s, %s)", SOURCE, topic, partition, self.owner, self.dispatcher)

    def intake(self, records, known=0):
        """records: (position, offset, event id), optionally with body and extensions"""
        n = len(records)
        more = [[r[4] if len(r) > 4 else None for r in records]] if any(len(r) > 4 for r in records) else []  # an earlier dispatcher gives none
        return self.row(
            "select * from posthorn.intake(%s, %s::uuid[], %s::int[], %s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],"
            " %s::bytea[], %s::text[], %s::bigint[], false, %s::bytea[]" + (", %s::bytea[])" if more else ")"),
            known, [key_of("acme", r[2]) for r in records], [r[0] for r in records], [r[1] for r in records], [1] * n, ["a.b"] * n, [r[2] for r in records],
            ["/test"] * n, ["2026-01-02T03:04:05Z"] * n, [b"\1" * 32] * n, [None] * n, [None] * n, [(r[3] if len(r) > 3 else b"{}") for r in records],
            *more)

    def park(self, rows, period, cause="e"):
        """rows: (webhook, position, offset, due)"""
        n = len(rows)
        self.query("select posthorn.park(%s::int[], %s::int[], %s::bigint[], %s::\"char\"[], %s::date[], %s::smallint[], %s::timestamptz[], %s::bigint[])",
                   [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [cause] * n, [period] * n, [0] * n, [r[3] for r in rows], [None] * n)

    def settle(self, rows, cause="e"):
        """rows: (webhook, position, offset, attempts made, due or None)"""
        n = len(rows)
        self.query("select posthorn.settle(%s::int[], %s::int[], %s::bigint[], %s::\"char\"[], %s::smallint[], %s::timestamptz[])",
                   [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [cause] * n, [r[3] for r in rows], [r[4] for r in rows])

    def move(self, position, old, new, first=None, events=0, repeated=0, dead=0, matched=0, seq=None, records=None, taken_in=None):
        first = (old if old is not None else 0) if first is None else first
        self.seq = self.seq + 1 if seq is None else seq
        self.query("insert into posthorn.event (event_key, period, position_id, \"offset\", account_id, event_type, event_id, source, occurred_at, payload_sha256)"
                   " select gen_random_uuid(), posthorn.period_of(now()), %s, o, 1, 'a.b', 'filler', '/test', now(), '\\x00' from generate_series(%s::bigint, %s::bigint) o"
                   " where not exists (select from posthorn.event e where (e.position_id, e.\"offset\") = (%s, o))"
                   " limit greatest(0, %s - (select count(*) from posthorn.event e where e.position_id = %s and e.\"offset\" >= %s and e.\"offset\" < %s))",
                   position, first, new - 1, position, events if taken_in is None else taken_in, position, first, new)
        self.accept()
        self.query("select posthorn.move(%s, %s, %s::int[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
                   " %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])",
                   self.dispatcher, self.seq, [position], [self.owner], [old], [new], [new - 1], [0], [0], [first],
                   [events + repeated + dead if records is None else records], [events], [repeated], [dead], [matched])

    def fence(self, position, at):
        """A move that does not change the position."""
        self.seq += 1
        self.query("select posthorn.move(%s, %s, %s::int[], %s::uuid[], %s::bigint[], %s::bigint[], array[null::bigint], array[null::bigint], array[null::bigint],"
                   " array[null::bigint], array[0], array[0], array[0], array[0], array[0])", self.dispatcher, self.seq, [position], [self.owner], [at], [at])

    def attempt(self, position, offset, webhook, outcome="d", cause="e"):
        self.query("select posthorn.record(array[now()], %s::bigint[], %s::int[], %s::int[], array[1], array[1000], array[1::smallint],"
                   " array[null::smallint], %s::\"char\"[], %s::\"char\"[], array[null::bytea], array[null::bytea], %s)",
                   [offset], [position], [webhook], [cause], [outcome], self.dispatcher)

    def accept(self):
        """Accepts what the test has changed manually, as if it had always been so."""
        return self.value("select posthorn.accept_changes('a test')")

    def lease(self, seconds=60, most=10):
        return [r["webhook_id"] for r in self.query("select * from posthorn.lease(%s, %s, %s)", self.dispatcher, seconds, most)]

    def due(self, webhooks, most=10):
        return self.query("select * from posthorn.due(%s, 60, %s::int[], %s::int[])", self.dispatcher, webhooks, [most] * len(webhooks))

    def release(self, webhooks, held="-infinity"):
        self.query("select posthorn.release(%s, %s::int[], %s::timestamptz[])", self.dispatcher, webhooks, [held] * len(webhooks))

    def begin(self):
        self.query("begin")

    def commit(self):
        self.query("commit")

    @property
    def pid(self):
        return self.connection.info.backend_pid


class InThread(threading.Thread):
    """A call on another connection that may have to wait for a lock; result() raises what it raised."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.outcome, self.error = call, None, None
        self.start()

    def run(self):
        try:
            self.outcome = self.call()
        except psycopg.Error as error:
            self.error = error

    def result(self):
        self.join(60)
        assert not self.is_alive(), "still waiting after 60 s"
        if self.error:
            raise self.error
        return self.outcome


@pytest.fixture
def fresh(servers, template):
    """(URL of a new database, function that opens a test's connections)"""
    name = f"schema_{uuid.uuid4().hex[:12]}"
    servers.postgres.execute(f"create database {name} template {template}")
    url = servers.postgres.url(name)
    made = []

    def connect(**options):
        made.append(Protocol(url, **options))
        return made[-1]
    yield url, connect
    for protocol in made:
        protocol.connection.close()
    servers.postgres.execute(f"drop database {name} with (force)")


@pytest.fixture
def one(fresh):
    return fresh[1]()


@pytest.fixture
def two(fresh):
    return fresh[1]()


@pytest.fixture
def hooks(one):
    """An account with three webhooks; their ids."""
    one.query("insert into posthorn.account (key, dialect) values ('acme', 'penny')")
    for number in range(3):
        one.query("insert into posthorn.webhook (public_id, account_id, url, format) select gen_random_uuid()::text, id, 'http://h/' || %s, 'penny'"
                  " from posthorn.account", number)
        one.query("insert into posthorn.subscription select max(id), '*' from posthorn.webhook")
    return [r["id"] for r in one.query("select id from posthorn.webhook order by id")]


def waits(watcher, waiter):
    """Waits until the connection `waiter` waits for a lock."""
    wait_until(lambda: watcher.query("select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'", waiter.pid), 30, "a connection waits for a lock")
