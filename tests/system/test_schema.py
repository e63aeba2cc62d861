"""The commit protocol and the audit as SQL functions, called directly: what the dispatcher relies on, without the dispatcher.

Races are played with two connections: one holds its transaction open, the other must be seen waiting before the first goes on."""
import datetime
import hashlib
import threading
import uuid

import psycopg
import pytest
from psycopg.rows import dict_row
from support.database import Database
from support.waiting import wait_until

SOURCE, TOPIC = "kafka", "events"
DUE = "2020-01-01T00:00:00Z"
LATER = "2100-01-01T00:00:00Z"


def key_of(account, event_id):
    return uuid.UUID(bytes=hashlib.sha256(f"{account}\0{event_id}".encode()).digest()[:16])


class Protocol:
    """The functions of schema/0003 on one connection, with what a test does not care about filled in."""

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
        """records: (position, offset, event id) or (position, offset, event id, body)"""
        n = len(records)
        return self.row(
            "select * from posthorn.intake(%s, %s::uuid[], %s::int[], %s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],"
            " %s::bytea[], %s::text[], %s::bigint[], false, %s::bytea[])",
            known, [key_of("acme", r[2]) for r in records], [r[0] for r in records], [r[1] for r in records], [1] * n, ["a.b"] * n, [r[2] for r in records],
            ["/test"] * n, ["2026-01-02T03:04:05Z"] * n, [b"\1" * 32] * n, [None] * n, [None] * n, [(r[3] if len(r) > 3 else b"{}") for r in records])

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

    def move(self, position, old, new, first=None, events=0, repeated=0, dead=0, matched=0, seq=None, records=None):
        first = (old if old is not None else 0) if first is None else first
        self.seq = self.seq + 1 if seq is None else seq
        self.query("insert into posthorn.event (event_key, period, position_id, \"offset\", account_id, event_type, event_id, source, occurred_at, payload_sha256)"
                   " select gen_random_uuid(), posthorn.period_of(now()), %s, o, 1, 'a.b', 'filler', '/test', now(), '\\x00' from generate_series(%s::bigint, %s::bigint) o"
                   " where not exists (select from posthorn.event e where (e.position_id, e.\"offset\") = (%s, o))"
                   " limit greatest(0, %s - (select count(*) from posthorn.event e where e.position_id = %s and e.\"offset\" >= %s and e.\"offset\" < %s))",
                   position, first, new - 1, position, events, position, first, new)
        self.query("select posthorn.move(%s, %s, %s::int[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
                   " %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])",
                   self.dispatcher, self.seq, [position], [self.owner], [old], [new], [new - 1], [0], [0], [first],
                   [events + repeated + dead if records is None else records], [events], [repeated], [dead], [matched])

    def attempt(self, position, offset, webhook, outcome="d", cause="e"):
        self.query("insert into posthorn.attempt (started_at, \"offset\", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, cause, outcome)"
                   " values (now(), %s, %s, %s, 1, 1000, %s, 1, %s, %s)", offset, position, webhook, self.dispatcher, cause, outcome)

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
    """(URL of a new database, what a test's connections are made with)"""
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
    """Until the connection `waiter` waits for a lock."""
    wait_until(lambda: watcher.query("select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'", waiter.pid), 30, "a connection waits for a lock")


def yesterday_is_current(protocol):
    """Move what intake has inserted into the period before; its partition is made."""
    protocol.query("select posthorn.make_partition('event', posthorn.period_of(now()) - 1, posthorn.period_of(now()))")
    protocol.query("update posthorn.event set period = period - 1")


# Claim -----------------------------------------------------------------------------------------------------------------------------------------------------


def test_first_claim_is_of_an_unknown_topic_then_known(one):
    first = one.claim(0)
    assert (first["known"], first["next_offset"], first["stopped"]) == (False, None, None)
    assert one.claim(1)["known"] is True
    assert one.claim(0)["position_id"] == first["position_id"]


def test_claim_by_another_fences_the_first(one, two):
    position = one.claim()["position_id"]
    one.move(position, None, 10, first=0, events=10)
    assert two.claim()["next_offset"] == 10
    with pytest.raises(psycopg.Error) as caught:
        one.move(position, 10, 20, events=10)
    assert caught.value.sqlstate == "PH001"
    assert str(position) in caught.value.diag.message_detail
    two.move(position, 10, 20, events=10)
    assert one.value("select next_offset from posthorn.position where id = %s", position) == 20


def test_move_from_elsewhere_than_the_position_is_refused_whole(one):
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.move(a, None, 5, first=0, events=5)
    with pytest.raises(psycopg.Error) as caught:
        one.query("select posthorn.move(%s, 7, %s::int[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
                  " %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])", one.dispatcher, [a, b], [one.owner] * 2, [4, None], [9, 9], [8, 8], [0, 0], [0, 0],
                  [4, 0], [5, 9], [5, 9], [0, 0], [0, 0], [0, 0])
    assert caught.value.sqlstate == "PH001" and caught.value.diag.message_detail == str(a)
    assert one.query("select next_offset from posthorn.position order by id") == [{"next_offset": 5}, {"next_offset": None}]
    assert one.value("select count(*) from posthorn.ledger") == 1
    assert one.value("select flush_seq from posthorn.dispatcher where id = %s", one.dispatcher) == 1


def test_move_after_a_failover_that_went_back_is_refused(one):
    position = one.claim()["position_id"]
    one.move(position, None, 10, first=0, events=10)
    one.query("update posthorn.position set next_offset = 4")  # the newest transactions are gone
    with pytest.raises(psycopg.Error) as caught:
        one.move(position, 10, 20, events=10)
    assert caught.value.sqlstate == "PH001"


def test_claim_waits_for_a_move_under_way_and_sees_it(one, two):
    position = one.claim()["position_id"]
    one.begin()
    one.move(position, None, 10, first=0, events=10)
    claim = InThread(two.claim)
    waits(one, two)
    one.commit()
    assert claim.result()["next_offset"] == 10


def test_claim_waits_for_a_reset_under_way_and_takes_the_new_epoch(one, two):
    position = one.claim()["position_id"]
    one.begin()
    one.query("select from posthorn.position for update")
    one.query("update posthorn.position set owner = null")
    one.query("insert into posthorn.position (source, topic, partition, log_epoch) select source, topic, partition, 2 from posthorn.position")
    claim = InThread(two.claim)
    waits(one, two)
    one.commit()
    assert claim.result()["position_id"] != position


def test_start_at_is_written_once_and_by_the_owner_only(one, two):
    position = one.claim()["position_id"]
    start = "select posthorn.start_at(%s, %s, %s)"
    assert two.value(start, position, two.owner, 7) is False
    assert one.value(start, position, one.owner, 7) is True
    assert one.value(start, position, one.owner, 9) is False
    assert one.claim()["next_offset"] == 7


def test_recorded_are_outcomes_pending_and_cancelled_at_or_above(one, hooks):
    position = one.claim()["position_id"]
    period = one.intake([(position, n, f"e{n}") for n in range(6)])["period"]
    one.attempt(position, 0, hooks[0])                  # below
    one.attempt(position, 1, hooks[0])                  # delivered
    one.attempt(position, 2, hooks[0], outcome="r")     # a retry alone is not an end …
    one.attempt(position, 3, hooks[0], outcome="g")
    one.attempt(position, 4, hooks[0], cause="r")       # a replay is another delivery
    one.park([(hooks[1], position, 4, LATER)], period)  # … but its pending row is recorded
    one.query("insert into posthorn.cancellation (position_id, \"offset\", webhook_id, cause, reason) values (%s, 5, %s, 'e', 'x')", position, hooks[2])
    rows = one.query("select * from posthorn.recorded(%s, 1) order by 1", position)
    assert [(r["offset"], r["webhook_id"]) for r in rows] == [(1, hooks[0]), (3, hooks[0]), (4, hooks[1]), (5, hooks[2])]


# Intake ----------------------------------------------------------------------------------------------------------------------------------------------------


def lists(answer):
    return {name: answer[name] for name in ("again", "repeated", "of_position", "of_offset")}


NOTHING = {"again": None, "repeated": None, "of_position": None, "of_offset": None}


def test_intake_inserts_event_and_payload_in_one_instant(one, hooks):
    position = one.claim()["position_id"]
    answer = one.intake([(position, 0, "a", b"[1]"), (position, 1, "b", b"[2]")])
    assert lists(answer) == NOTHING
    assert answer["period"] == one.value("select posthorn.period_of(now())")
    assert one.query("select body from posthorn.payload l join posthorn.event e using (position_id, \"offset\") where l.recorded_at = e.received_at"
                     " order by \"offset\"") == [{"body": b"[1]"}, {"body": b"[2]"}]


def test_read_again_and_repeated_are_told_apart(one, hooks):
    position = one.claim()["position_id"]
    period = one.intake([(position, 0, "a"), (position, 1, "b")])["period"]
    answer = one.intake([(position, 1, "b"), (position, 2, "c"), (position, 3, "a")])
    assert lists(answer) == {"again": [1], "repeated": [3], "of_position": [position], "of_offset": [0]}
    assert answer["again_period"] == [period]
    assert one.value("select count(*) from posthorn.event") == 3
    assert one.value("select count(*) from posthorn.payload") == 3


def test_an_id_twice_in_one_batch_is_one_event_and_one_repeat(one, hooks):
    position = one.claim()["position_id"]
    answer = one.intake([(position, 0, "a"), (position, 1, "x"), (position, 2, "a"), (position, 3, "a")])
    assert lists(answer) == {"again": None, "repeated": [3, 4], "of_position": [position] * 2, "of_offset": [0, 0]}


def test_the_period_before_is_probed_too(one, hooks):
    position = one.claim()["position_id"]
    period = one.intake([(position, 0, "a"), (position, 1, "b")])["period"]
    yesterday_is_current(one)
    answer = one.intake([(position, 1, "b"), (position, 2, "a"), (position, 3, "c")])
    assert lists(answer) == {"again": [1], "repeated": [2], "of_position": [position], "of_offset": [0]}
    assert answer["again_period"] == [period - datetime.timedelta(days=1)]
    assert one.query("select event_id, period from posthorn.event where \"offset\" = 3") == [{"event_id": "c", "period": period}]


def test_an_id_in_both_periods_is_ours_when_one_has_our_coordinates(one, hooks):
    """Two dispatchers took the same id at the moment in which the period changed; each reads its own record again."""
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.intake([(a, 0, "x")])
    yesterday_is_current(one)
    one.query("insert into posthorn.event select event_key, period + 1, %s, 5, account_id, event_type, event_id, source, occurred_at, received_at,"
              " payload_sha256 from posthorn.event", b)
    assert lists(one.intake([(a, 0, "x")])) == NOTHING | {"again": [1]}
    assert lists(one.intake([(b, 5, "x")])) == NOTHING | {"again": [1]}


def new_life(protocol, position):
    """As `position reset` does it; returns the new position."""
    protocol.query("update posthorn.position set owner = null where id = %s", position)
    return protocol.value("insert into posthorn.position (source, topic, partition, log_epoch) select source, topic, partition, log_epoch + 1"
                          " from posthorn.position where id = %s returning id", position)


def test_after_a_reset_what_never_passed_is_taken_over_and_the_rest_repeats(one, hooks):
    old = one.claim()["position_id"]
    period = one.intake([(old, n, f"e{n}", b"old") for n in range(4)])["period"]
    one.move(old, None, 2, first=0, events=2)
    one.park([(hooks[0], old, 3, DUE)], period)
    one.park([(hooks[0], old, 3, DUE)], period, cause="r")
    new = new_life(one, old)
    answer = one.intake([(new, 10 + n, f"e{n}", b"new") for n in range(4)] + [(new, 14, "fresh"), (new, 15, "e2")])
    assert lists(answer) == {"again": [3, 4], "repeated": [1, 2, 6], "of_position": [old, old, new], "of_offset": [0, 1, 12]}
    rows = one.query("select event_id, position_id, e.\"offset\", body from posthorn.event e left join posthorn.payload l using (position_id, \"offset\")"
                     " where l.recorded_at = e.received_at order by 1")
    assert [tuple(r.values()) for r in rows] == [("e0", old, 0, b"old"), ("e1", old, 1, b"old"), ("e2", new, 12, b"new"), ("e3", new, 13, b"new"),
                                                 ("fresh", new, 14, b"{}")]
    assert one.value("select count(*) from posthorn.payload") == 5
    assert one.query("select position_id, \"offset\", cause from posthorn.pending") == [{"position_id": new, "offset": 13, "cause": "r"}]
    assert lists(one.intake([(new, 12, "e2")])) == NOTHING | {"again": [1]}


def test_the_old_life_takes_nothing_over_from_the_new(one, hooks):
    """A dispatcher that has not noticed the reset yet goes on taking in."""
    old = one.claim()["position_id"]
    new = new_life(one, old)
    one.intake([(new, 5, "x")])
    assert lists(one.intake([(old, 5, "x")])) == {"again": None, "repeated": [1], "of_position": [new], "of_offset": [5]}
    assert lists(one.intake([(old, 6, "y")])) == NOTHING
    assert lists(one.intake([(new, 6, "y")])) == NOTHING | {"again": [1]}


def test_another_partition_takes_nothing_over(one, hooks):
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.intake([(a, 0, "x")])
    assert lists(one.intake([(b, 0, "x")])) == {"again": None, "repeated": [1], "of_position": [a], "of_offset": [0]}


def test_two_dispatchers_with_one_id_make_one_event(one, two, hooks):
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.begin()
    assert lists(one.intake([(a, 0, "x")])) == NOTHING
    other = InThread(lambda: two.intake([(b, 0, "x"), (b, 1, "y")]))
    waits(one, two)
    one.commit()
    assert lists(other.result()) == {"again": None, "repeated": [1], "of_position": [a], "of_offset": [0]}
    assert one.value("select count(*) from posthorn.event") == 2


def test_the_other_takes_the_id_when_the_first_rolls_back(one, two, hooks):
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.begin()
    one.intake([(a, 0, "x")])
    other = InThread(lambda: two.intake([(b, 0, "x")]))
    waits(one, two)
    one.query("rollback")
    assert lists(other.result()) == NOTHING
    assert one.query("select position_id from posthorn.event") == [{"position_id": b}]


def test_two_batches_with_the_same_ids_in_opposite_orders_both_end(one, two, hooks):
    """Without care this is a deadlock that fails one of them: each holds what the other wants."""
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.begin()
    one.intake([(a, 0, "x")])
    two.begin()
    two.intake([(b, 0, "y")])
    first = InThread(lambda: one.intake([(a, 1, "y")]))
    waits(two, one)
    second = InThread(lambda: two.intake([(b, 1, "x")]))
    outcomes = []
    for call, protocol in ((second, two), (first, one)):
        try:
            call.result()
            protocol.commit()
            outcomes.append("done")
        except psycopg.errors.DeadlockDetected:  # the ids of the earlier call are still held: only the caller can give them up
            protocol.query("rollback")
            outcomes.append("again")
    assert "done" in outcomes


def test_intake_reads_the_clock_and_who_changed(one, hooks):
    position = one.claim()["position_id"]
    account = one.value("select id from posthorn.account")
    answer = one.intake([(position, 0, "a")])
    assert answer["forget"] is True and answer["changed"] == [account]  # known 0: everything must be loaded
    known = answer["v"]
    answer = one.intake([(position, 1, "b")], known)
    assert (answer["v"], answer["changed"], answer["forget"]) == (known, None, False)
    for change in ("update posthorn.webhook set url = 'http://other/' where id = %s", "delete from posthorn.subscription where webhook_id = %s",
                   "insert into posthorn.subscription values (%s, 'a.*')"):
        one.query(change, hooks[0])
        answer = one.intake([(position, 2, "c")], known)
        assert answer["v"] > known and answer["changed"] == [account] and answer["forget"] is False, change
        known = answer["v"]
    one.query("update posthorn.account set status = 'closed'")
    assert one.intake([(position, 2, "c")], known)["changed"] == [account]
    one.query("delete from posthorn.subscription_change where v <= %s + 1", known)
    assert one.intake([(position, 2, "c")], known - 1)["forget"] is True


def test_clock_order_is_commit_order(one, two, hooks):
    """A later tick cannot be seen while an earlier one is not committed: the second waits for the first."""
    known = one.value("select v from posthorn.subscription_clock")
    one.begin()
    one.query("update posthorn.webhook set label = 'one' where id = %s", hooks[0])
    other = InThread(lambda: two.query("update posthorn.webhook set label = 'two' where id = %s", hooks[1]))
    waits(one, two)
    assert one.value("select v from posthorn.subscription_clock") == known + 1
    one.commit()
    other.result()
    assert one.value("select v from posthorn.subscription_clock") == known + 2


# Park, settle, lease ---------------------------------------------------------------------------------------------------------------------------------------


def queue(protocol, webhook):
    return protocol.row("select lease, failing_since, gone, case when isfinite(next_due) then extract(year from next_due)::int end as due_year"
                        " from posthorn.queue where webhook_id = %s", webhook)


@pytest.fixture
def parked(one, hooks):
    """Two due deliveries for the first webhook, one for the second, none for the third."""
    position = one.claim()["position_id"]
    period = one.intake([(position, 0, "a", b"0"), (position, 1, "b", b"1")])["period"]
    one.park([(hooks[0], position, 0, DUE), (hooks[0], position, 1, DUE), (hooks[1], position, 0, DUE)], period)
    return position


def test_parking_twice_keeps_the_first_row(one, hooks, parked):
    period = one.value("select posthorn.period_of(now())")
    one.settle([(hooks[0], parked, 0, 3, LATER)])
    one.park([(hooks[0], parked, 0, DUE)], period)
    assert one.value("select attempts from posthorn.pending where webhook_id = %s and \"offset\" = 0", hooks[0]) == 3


def test_lease_gives_a_webhook_to_one_only(one, two, hooks, parked):
    assert sorted(one.lease()) == [hooks[0], hooks[1]]
    assert two.lease() == []
    assert two.due(hooks) == []
    rows = one.due([hooks[0]])
    assert [(r["offset"], r["payload"], r["event_id"], r["attempts"]) for r in rows] == [(0, b"0", "a", 0), (1, b"1", "b", 0)]


def test_lease_skips_what_another_is_leasing(one, two, parked):
    one.begin()
    assert len(one.lease(most=1)) == 1
    assert len(two.lease()) == 1
    one.commit()


def test_due_takes_no_more_than_the_window(one, hooks, parked):
    one.lease()
    assert len(one.due([hooks[0]], most=1)) == 1


def test_an_expired_lease_goes_to_another(one, two, hooks, parked):
    one.lease()
    one.query("update posthorn.queue set lease_until = now() - interval '1 s'")
    assert sorted(two.lease()) == [hooks[0], hooks[1]]
    assert one.due([hooks[0]]) == []
    one.release([hooks[0]])  # no longer his: nothing happens
    assert queue(one, hooks[0])["lease"] == two.dispatcher


def test_settle_ends_or_postpones(one, hooks, parked):
    one.lease()
    one.settle([(hooks[0], parked, 0, 1, None), (hooks[0], parked, 1, 1, LATER)])
    assert one.query("select \"offset\", attempts from posthorn.pending where webhook_id = %s", hooks[0]) == [{"offset": 1, "attempts": 1}]
    one.release([hooks[0]])
    assert queue(one, hooks[0])["due_year"] == 2100
    one.settle([(hooks[0], parked, 1, 0, DUE)])  # a late word of an earlier attempt
    assert one.value("select attempts from posthorn.pending where webhook_id = %s", hooks[0]) == 1


def test_release_without_anything_pending_sleeps_for_ever(one, hooks, parked):
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, None)])
    one.release([hooks[1]])
    assert one.value("select next_due = 'infinity' from posthorn.queue where webhook_id = %s", hooks[1]) is True
    assert one.lease() == []


def test_held_webhook_is_not_woken_by_new_deliveries(one, hooks, parked):
    one.lease()
    one.release([hooks[0]], held=LATER)
    one.park([(hooks[0], parked, 1, DUE)], one.value("select posthorn.period_of(now())"), cause="r")
    assert queue(one, hooks[0])["due_year"] == 2100
    assert one.lease() == []


def test_parking_wakes_a_sleeping_webhook(one, hooks, parked):
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, None)])
    one.release([hooks[1]])
    one.park([(hooks[1], parked, 1, DUE)], one.value("select posthorn.period_of(now())"))
    assert one.lease() == [hooks[1]]


@pytest.mark.parametrize("parker_first", [True, False])
def test_a_delivery_parked_during_a_release_is_never_forgotten(one, two, hooks, parked, parker_first):
    """next_due must not end at infinity with a row pending, whoever comes first."""
    period = one.value("select posthorn.period_of(now())")
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, None)])
    park = (lambda: two.park([(hooks[1], parked, 1, DUE)], period))
    release = (lambda: one.release([hooks[1]]))
    holder, act, waiter, wait = (two, park, one, release) if parker_first else (one, release, two, park)
    holder.begin()
    act()
    other = InThread(wait)
    waits(holder, waiter)
    holder.commit()
    other.result()
    assert one.lease() == [hooks[1]]


def test_parks_in_opposite_orders_do_not_deadlock(one, two, hooks, parked):
    """Rows of the queue are taken in the order of the webhooks, whatever the order given."""
    period = one.value("select posthorn.period_of(now())")
    one.begin()
    one.park([(hooks[2], parked, 0, DUE), (hooks[0], parked, 0, DUE)], period, cause="r")
    other = InThread(lambda: two.park([(hooks[0], parked, 1, DUE), (hooks[2], parked, 1, DUE)], period, cause="r"))
    waits(one, two)
    one.commit()
    other.result()


def test_disabling_makes_pending_due_and_enabling_forgives(one, hooks, parked):
    one.lease()
    one.release([hooks[0]], held=LATER)
    one.query("select posthorn.health(%s::int[], %s::bool[], %s::int[])", [hooks[0]], [True], [4])
    one.query("update posthorn.webhook set status = 'disabled' where id = %s", hooks[0])
    assert one.lease() == [hooks[0]]
    assert one.value("select posthorn.cancel_due(%s, %s, 'webhook disabled', 1)", one.dispatcher, hooks[0]) == 1
    assert one.value("select posthorn.cancel_due(%s, %s, 'webhook disabled', 10)", one.dispatcher, hooks[0]) == 1
    assert one.value("select count(*) from posthorn.cancellation") == 2
    one.query("update posthorn.webhook set status = 'enabled' where id = %s", hooks[0])
    assert (queue(one, hooks[0])["failing_since"], queue(one, hooks[0])["gone"]) == (None, 0)


def test_cancel_due_is_for_the_leaseholder(one, two, hooks, parked):
    one.lease()
    assert two.value("select posthorn.cancel_due(%s, %s, 'x', 10)", two.dispatcher, hooks[0]) == 0
    assert one.value("select count(*) from posthorn.pending") == 3


def test_health_keeps_the_beginning_of_a_failure(one, hooks):
    health = "select posthorn.health(%s::int[], %s::bool[], %s::int[])"
    one.query(health, [hooks[0]], [True], [0])
    since = queue(one, hooks[0])["failing_since"]
    one.query(health, [hooks[0]], [True], [2])
    assert (queue(one, hooks[0])["failing_since"], queue(one, hooks[0])["gone"]) == (since, 2)
    one.query(health, [hooks[0]], [False], [0])
    assert queue(one, hooks[0])["failing_since"] is None


def test_disable_happens_once_and_announces_itself(one, two, hooks):
    disable = "select posthorn.disable(%s, 'failed for days', 3600000000)"
    assert one.value(disable, hooks[0]) is False, "it does well"
    one.query("select posthorn.health(%s::int[], %s::bool[], %s::int[])", [hooks[0]], [True], [0])
    assert one.value(disable, hooks[0]) is False, "it has failed for seconds only"
    one.query("update posthorn.queue set failing_since = now() - interval '2 hours'")
    one.begin()
    assert one.value(disable, hooks[0]) is True
    other = InThread(lambda: two.value(disable, hooks[0]))
    waits(one, two)
    one.commit()
    assert other.result() is False
    rows = one.query("select * from posthorn.outbox_take(10)")
    assert [(r["event_type"], r["account"]) for r in rows] == [("webhook.disabled", "acme")]
    assert one.query("select * from posthorn.outbox_take(10)") == []  # leased


def test_health_takes_the_last_word_on_a_webhook(one, hooks):
    one.query("select posthorn.health(%s::int[], %s::bool[], %s::int[])", [hooks[0], hooks[1], hooks[0]], [True, True, False], [0, 3, 1])
    assert (queue(one, hooks[0])["failing_since"], queue(one, hooks[0])["gone"]) == (None, 1)
    assert (queue(one, hooks[1])["failing_since"] is not None, queue(one, hooks[1])["gone"]) == (True, 3)


# The books -------------------------------------------------------------------------------------------------------------------------------------------------


def books(protocol, where="true"):
    return protocol.query(f"select * from audit.reconciliation where {where} order by partition, first_offset")


def missing(protocol):
    return sum(r["missing"] for r in books(protocol))


def consume(protocol, partition=0, start=0, hooks=()):
    """Ten records from `start`: seven events (matched by two webhooks each), a repeat, two dead letters. Every kind of row is there; returns the position."""
    position = protocol.claim(partition)["position_id"]
    period = protocol.intake([(position, start + n, f"e{partition}-{start + n}") for n in range(7)])["period"]
    for n in range(7):
        protocol.attempt(position, start + n, hooks[0])
    for n in range(4):
        protocol.attempt(position, start + n, hooks[1], outcome="r")
    protocol.attempt(position, start, hooks[1])
    protocol.attempt(position, start + 1, hooks[1], outcome="g")
    protocol.park([(hooks[1], position, start + 2, LATER), (hooks[1], position, start + 3, LATER)], period)
    protocol.query("insert into posthorn.cancellation (position_id, \"offset\", webhook_id, cause, reason) select %s, n, %s, 'e', 'webhook deleted'"
                   " from generate_series(%s::bigint, %s) n", position, hooks[1], start + 4, start + 6)
    protocol.query("insert into posthorn.repeat (position_id, \"offset\", of_position_id, of_offset) values (%s, %s, %s, %s)", position, start + 7, position, start)
    protocol.query("insert into posthorn.dead_letter (position_id, \"offset\", reason, detail, record_sha256, copied) select %s, n, 'bad_id', '', '', true"
                   " from generate_series(%s::bigint, %s) n", position, start + 8, start + 9)
    protocol.move(position, start or None, start + 10, first=start, events=7, repeated=1, dead=2, matched=14)
    return position


def settle_all(protocol, hooks):
    """What was pending is delivered."""
    for row in protocol.query("select * from posthorn.pending"):
        protocol.attempt(row["position_id"], row["offset"], row["webhook_id"])
        protocol.settle([(row["webhook_id"], row["position_id"], row["offset"], 2, None)])


def let_hours_pass(protocol, hours=2):
    """As if the ledger were older."""
    protocol.query("select posthorn.make_partition('ledger', d::date, d::date + 1) from generate_series((now() at time zone 'UTC')::date - 2,"
                   " (now() at time zone 'UTC')::date - 1, interval '1 day') d")
    protocol.query("update posthorn.ledger set recorded_at = recorded_at - make_interval(hours => %s)", hours)


def test_the_books_count_every_kind(one, hooks):
    consume(one, hooks=hooks)
    (row,) = books(one)
    names = ("topic", "partition", "first_offset", "last_offset", "records", "events", "repeated", "dead_lettered", "matched", "delivered", "pending", "failed",
             "cancelled", "missing", "sealed")
    assert [row[n] for n in names] == [TOPIC, 0, 0, 9, 10, 7, 1, 2, 14, 8, 2, 1, 3, 0, False]


REMOVALS = {
    "event": "delete from posthorn.event where \"offset\" = 3",
    "delivered attempt": "delete from posthorn.attempt where \"offset\" = 5 and outcome = 'd'",
    "given up attempt": "delete from posthorn.attempt where outcome = 'g'",
    "pending": "delete from posthorn.pending where \"offset\" = 2",
    "cancellation": "delete from posthorn.cancellation where \"offset\" = 4",
    "repeat": "delete from posthorn.repeat",
    "dead letter": "delete from posthorn.dead_letter where \"offset\" = 9",
    "event moved elsewhere": "update posthorn.event set \"offset\" = 1000 where \"offset\" = 3",
    "attempt made a replay": "update posthorn.attempt set cause = 'r' where \"offset\" = 6",
    "all attempts": "truncate posthorn.attempt",
    "all events": "truncate posthorn.event",
    "first ledger row": "delete from posthorn.ledger where first_offset = 0",
    "middle ledger row": "delete from posthorn.ledger where first_offset = 10",
    "last ledger row": "delete from posthorn.ledger where first_offset = 20",
    "whole ledger": "truncate posthorn.ledger",
    "position moved without a flush": "update posthorn.position set next_offset = next_offset + 1",
    "ledger forged": "update posthorn.ledger set records = records - 1, events = events - 1 where first_offset = 10",
    "ledger doubled": "insert into posthorn.ledger select * from posthorn.ledger where first_offset = 10",
}


@pytest.mark.parametrize("removal, sealed", [(name, sealed) for name in REMOVALS for sealed in (False, True)
                                             # a row added below a seal: `audit verify` finds it, which trusts no seal
                                             if (name, sealed) != ("ledger doubled", True)])
def test_whatever_is_removed_shows_as_missing(one, hooks, removal, sealed):
    for start in (0, 10, 20):
        consume(one, start=start, hooks=hooks)
    if sealed and removal != "pending":  # what is pending is not sealed
        settle_all(one, hooks)
        let_hours_pass(one)
        assert one.value("select posthorn.seal_chunks()") == 1
        assert [r["sealed"] for r in books(one)] == [True]
    assert missing(one) == 0
    one.query(REMOVALS[removal])
    assert missing(one) > 0, books(one)


def test_replays_and_tests_do_not_count(one, hooks):
    position = consume(one, hooks=hooks)
    for cause in ("r", "d", "t"):
        one.attempt(position, 0, hooks[2], cause=cause)
    one.park([(hooks[2], position, 1, LATER)], one.value("select posthorn.period_of(now())"), cause="r")
    (row,) = books(one)
    assert (row["matched"], row["delivered"], row["pending"], row["missing"]) == (14, 8, 2, 0)


def test_a_pair_recorded_twice_counts_once(one, hooks):
    position = consume(one, hooks=hooks)
    one.attempt(position, 0, hooks[0])
    one.query("insert into posthorn.repeat select * from posthorn.repeat")
    one.query("insert into posthorn.dead_letter select * from posthorn.dead_letter")
    (row,) = books(one)
    assert (row["delivered"], row["repeated"], row["dead_lettered"], row["missing"]) == (8, 1, 2, 0)


def test_gaps_in_the_log_are_not_missing(one, hooks):
    position = consume(one, hooks=hooks)
    one.move(position, 10, 50, first=10, records=0)  # an aborted transaction of 40 records
    one.move(position, 50, 60, first=50, records=0)
    assert one.value("select sum(gaps) from posthorn.ledger") == 50
    assert missing(one) == 0


def test_a_record_below_the_first_offset_of_the_log_is_a_gap(one):
    """Read from the beginning, where retention has removed the first hundred."""
    position = one.claim()["position_id"]
    one.move(position, None, 110, first=100, records=0)
    assert missing(one) == 0
    one.query("truncate posthorn.ledger")
    assert missing(one) == 10


def test_sealing_waits_for_pending_missing_and_the_hour(one, hooks):
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    assert one.value("select posthorn.seal_chunks()") == 0, "the hour is not over"
    let_hours_pass(one)
    consume(one, partition=1, hooks=hooks)
    let_hours_pass(one)  # partition 1 has pending rows
    assert one.value("select posthorn.seal_chunks()") == 1
    assert [(r["partition"], r["sealed"]) for r in books(one)] == [(0, True), (1, False)]
    settle_all(one, hooks)
    one.query("delete from posthorn.repeat where position_id = (select id from posthorn.position where partition = 1)")
    assert one.value("select posthorn.seal_chunks()") == 0, "something is missing"


def test_a_flush_that_commits_after_the_seal_of_its_hour_is_counted(one, hooks):
    position = consume(one, hooks=hooks)
    settle_all(one, hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    one.intake([(position, 10, "late")])
    one.attempt(position, 10, hooks[0])
    one.move(position, 10, 11, events=1, matched=1)
    one.query("update posthorn.ledger set recorded_at = (select min(recorded_at) from posthorn.ledger) where first_offset = 10")
    assert [(r["first_offset"], r["records"], r["sealed"]) for r in books(one)] == [(0, 10, True), (10, 1, False)]
    assert missing(one) == 0
    assert one.value("select posthorn.seal_chunks()") == 1
    assert [(r["first_offset"], r["records"], r["sealed"]) for r in books(one)] == [(0, 10, True), (10, 1, True)]


def test_sealing_beside_a_removal_does_not_hide_it(one, two, hooks):
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    let_hours_pass(one)
    one.begin()
    one.query("delete from posthorn.event where \"offset\" = 3")
    other = InThread(lambda: two.value("select posthorn.seal_chunks()"))
    waits(one, two)
    one.commit()
    assert other.result() == 0
    assert missing(one) > 0


def test_hours_do_not_depend_on_the_session_time_zone(one, hooks):
    consume(one, hooks=hooks)
    one.query("set timezone = 'Asia/Kolkata'")
    (row,) = books(one)
    assert row["hour"].astimezone(datetime.timezone.utc).minute == 0


# Partitions ------------------------------------------------------------------------------------------------------------------------------------------------


PARENTS = ("event", "payload", "attempt", "cancellation", "repeat", "dead_letter", "ledger")


def make_old(protocol, days):
    """Partitions of every table for one day long ago; returns that day."""
    day = protocol.value("select (now() at time zone 'UTC')::date - %s", days)
    for parent in PARENTS:
        assert protocol.value("select posthorn.make_partition(%s, %s::date, %s::date + 1)", parent, day, day) is True
    return day


def children(protocol, day):
    return sorted(r["relname"][:-9] for r in protocol.query("select relname from pg_class where relkind = 'r' and relname ~ %s", day.strftime("_%Y%m%d$")))


def test_partitions_are_made_ahead_and_twice_is_harmless(one, two):
    assert one.value("select posthorn.make_partitions()") == 0  # migrate has made them
    one.query("update posthorn.setting set value = '5' where name = 'partitions_ahead_days'")
    one.begin()
    assert one.value("select posthorn.make_partitions()") == 2 * len(PARENTS)
    other = InThread(lambda: two.value("select posthorn.make_partitions()"))
    waits(one, two)
    one.commit()
    assert other.result() == 0
    assert one.value("select count(*) from pg_partitioned_table p join pg_class c on c.oid = p.partdefid") == 0  # none is a DEFAULT


def test_making_partitions_does_not_wait_for_a_reader(one, two):
    one.query("update posthorn.setting set value = '6' where name = 'partitions_ahead_days'")
    one.begin()
    one.query("select count(*) from audit.attempts")
    two.query("set lock_timeout = '20s'")
    assert two.value("select posthorn.make_partitions()") > 0
    one.commit()


def test_every_partition_has_its_indexes_and_its_unsealing(one):
    for parent in PARENTS:
        children_of = "select i.inhrelid from pg_inherits i where i.inhparent = %s::regclass"
        name = f"posthorn.{parent}"
        indexes = one.value("select count(*) from pg_index where indrelid = %s::regclass", name)
        triggers = 0 if parent == "payload" else 3
        for child in one.query(children_of, name):
            assert one.value("select count(*) from pg_index i join pg_inherits h on h.inhrelid = i.indexrelid where i.indrelid = %s", child["inhrelid"]) == indexes
            assert one.value("select count(*) from pg_trigger where tgrelid = %s and tgname like 'unseal%%'", child["inhrelid"]) == triggers


def test_a_removal_from_a_partition_itself_unseals(one, hooks):
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    child = one.value("select tableoid::regclass::text from posthorn.event limit 1")
    one.query(f"delete from {child} where \"offset\" = 3")
    assert missing(one) == 1


def test_expiry_drops_payloads_early_and_the_rest_late(one):
    payloads, everything = make_old(one, 12), make_old(one, 405)
    one.value("select posthorn.drop_partitions()")
    assert children(one, payloads) == sorted(set(PARENTS) - {"payload"})
    assert children(one, everything) == []
    assert len(children(one, one.value("select (now() at time zone 'UTC')::date"))) == len(PARENTS)


def test_the_bytes_of_dead_letters_go_with_the_payloads(one):
    make_old(one, 8)
    one.claim()
    one.query("insert into posthorn.dead_letter (recorded_at, position_id, \"offset\", reason, detail, record_sha256, key, value, headers, copied)"
              " select now() - make_interval(days => d), 1, d, 'not_json', 'why', 'sha', 'k', 'v', 'h', true from unnest(array[0, 8]) d")
    one.value("select posthorn.drop_partitions()")
    rows = one.query("select \"offset\", reason, record_sha256, key, value, headers, erased_at is not null as erased from posthorn.dead_letter order by 1")
    assert [tuple(r.values()) for r in rows] == [(0, "not_json", b"sha", b"k", b"v", b"h", False), (8, "not_json", b"sha", None, None, None, True)]


def test_a_pending_delivery_keeps_its_partitions(one, hooks):
    day = make_old(one, 30)
    position = one.claim()["position_id"]
    one.intake([(position, 0, "a")])
    one.query("update posthorn.event set period = %s", day)
    one.park([(hooks[0], position, 0, LATER)], day)
    one.value("select posthorn.drop_partitions()")
    assert "payload" in children(one, day)
    one.settle([(hooks[0], position, 0, 1, None)])
    one.value("select posthorn.drop_partitions()")
    assert "payload" not in children(one, day)


def test_unsealed_books_are_not_dropped_and_sealed_ones_stay_whole(one, hooks):
    day = make_old(one, 405)
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    one.query("update posthorn.ledger set recorded_at = %s::timestamp at time zone 'UTC' + interval '5 hours'", day)
    one.value("select posthorn.drop_partitions()")
    assert "ledger" in children(one, day), "not sealed"
    assert one.value("select posthorn.seal_chunks()") == 1
    before = books(one)
    one.value("select posthorn.drop_partitions()")
    assert children(one, day) == []
    assert books(one) == before and missing(one) == 0
    consume(one, start=10, hooks=hooks)
    assert missing(one) == 0
    one.query("delete from posthorn.seal")
    assert missing(one) == 10


def test_expiry_does_not_wait_for_a_reader(one, two):
    day = make_old(one, 405)
    one.begin()
    one.query("select count(*) from posthorn.attempt")
    two.value("select posthorn.drop_partitions()")
    assert children(two, day) == ["attempt"], "the reader's table is left for the next time"
    one.commit()
    two.value("select posthorn.drop_partitions()")
    assert children(two, day) == []


# What auditors see -----------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url, shown", [
    ("https://user:p@ss@h.example/p?token=abc&x=1#frag", "https://h.example/p?token=…&x=…"),
    ("http://h/p?abcdef", "http://h/p?…"),
    ("http://h/p?a=&b=2", "http://h/p?a=…&b=…"),
    ("http://h/@user/p", "http://h/@user/p"),
    ("http://[::1]:8080/", "http://[::1]:8080/"),
])
def test_urls_are_shown_without_what_may_be_secret(one, url, shown):
    assert one.value("select posthorn.url_shown(%s)", url) == shown


@pytest.mark.parametrize("raw, shown", [
    (b"plain \xc3\xa4\n\t", "plain ä\n\t"),
    (b"nul \0", "nul \\000"),
    (b"bad \xff", "bad \\377"),
    (b"\x1b[2Jcls \xc2\x9b", "\ufffd[2Jcls \ufffd"),
    (b"", ""),
])
def test_bytes_from_outside_are_shown_as_harmless_text(one, raw, shown):
    assert one.value("select audit.show(%s::bytea)", raw) == shown


def test_changes_show_who_did_what_and_no_secret(one, hooks):
    one.query("begin")
    one.query("select set_config('posthorn.actor', 'alice', true), set_config('posthorn.address', '192.0.2.7', true)")
    one.query("update posthorn.webhook set url = 'https://u:p@h/?k=secret1', secret = 'secret2', auth_secret = 'secret3', previous_secret = 'secret4'"
              " where id = %s", hooks[0])
    one.query("commit")
    row = one.query("select * from audit.changes order by changed_at")[-1]
    assert (row["actor"], str(row["address"]), row["object"], row["object_id"], row["action"]) == ("alice", "192.0.2.7", "webhook", str(hooks[0]), "update")
    assert row["after"]["url"] == "https://h/?k=…"
    assert "secret1" not in str(row) and not {"secret", "auth_secret", "previous_secret"} & set(row["after"])


def test_attempts_refer_to_the_url_as_it_was(one, hooks):
    position = one.claim()["position_id"]
    one.intake([(position, 0, "a")])
    one.attempt(position, 0, hooks[0])
    one.query("update posthorn.webhook set url = 'http://new/' where id = %s", hooks[0])
    assert [r["url"] for r in one.query("select url from audit.attempts")] == ["http://h/0"]
    assert one.value("select version from posthorn.webhook where id = %s", hooks[0]) == 2


def test_the_auditor_reads_the_views_and_nothing_else(fresh, servers, one):
    url, _ = fresh
    place = url.rsplit("@", 1)[1]
    auditor = Database(f"postgresql://posthorn_audit:audit@{place}")
    try:
        for view in ("attempts", "deliveries", "events", "dead_letters", "changes", "reconciliation"):
            auditor.query(f"select * from audit.{view}")
        for table in ("attempt", "payload", "webhook", "account", "dead_letter"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                auditor.query(f"select * from posthorn.{table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.query("select posthorn.drop_partitions()")
        assert auditor.value("show statement_timeout") == "1min"
    finally:
        auditor.close()
