"""The audit as SQL, called directly: the reconciliation and what unbalances it, partitions, and what auditors see."""
import datetime

import psycopg
import pytest
from support.database import Database
from support.protocol import InThread, LATER, TOPIC, waits


# The reconciliation ----------------------------------------------------------------------------------------------------------------------------------------


def books(protocol, where="true"):
    return protocol.query(f"select * from audit.reconciliation where {where} order by partition, first_offset")


def missing(protocol):
    return sum(r["missing"] for r in books(protocol))


def consume(protocol, partition=0, start=0, hooks=()):
    """Ten records from `start`: seven events (matched by two webhooks each), a repeat, two dead letters. All kinds of rows exist; returns the position."""
    position = protocol.claim(partition)["position_id"]
    period = protocol.intake([(position, start + n, f"e{partition}-{start + n}") for n in range(7)])["period"]
    for n in range(7):
        protocol.attempt(position, start + n, hooks[0])
    for n in range(4):
        protocol.attempt(position, start + n, hooks[1], outcome="r")
    protocol.attempt(position, start, hooks[1])
    protocol.attempt(position, start + 1, hooks[1], outcome="g")
    protocol.park([(hooks[1], position, start + 2, LATER), (hooks[1], position, start + 3, LATER)], period)
    protocol.query("select posthorn.cancel(array[%s, %s, %s], array[%s, %s, %s]::bigint[], array[%s, %s, %s], array['e', 'e', 'e']::\"char\"[],"
                   " array_fill('webhook deleted'::text, array[3]))", *[position] * 3, start + 4, start + 5, start + 6, *[hooks[1]] * 3)
    protocol.query("select posthorn.repeated(array[%s], array[%s::bigint], array[%s], array[%s::bigint])", position, start + 7, position, start)
    for n in (8, 9):
        protocol.query("select posthorn.bury(array[%s], array[%s::bigint], array['bad_id'], array['why'], array['sha'::bytea], array['key'::bytea],"
                       " array['value'::bytea], array['headers'::bytea], array[true])", position, start + n)
    protocol.move(position, start or None, start + 10, first=start, events=7, repeated=1, dead=2, matched=14)
    return position


def settle_all(protocol, hooks):
    """Delivers what was pending."""
    for row in protocol.query("select * from posthorn.pending"):
        protocol.attempt(row["position_id"], row["offset"], row["webhook_id"])
        protocol.settle([(row["webhook_id"], row["position_id"], row["offset"], 2, None)])


def let_hours_pass(protocol, hours=2):
    """Makes the ledger older."""
    protocol.query("select posthorn.make_partition(p, d::date, d::date + 1) from unnest(array['ledger', 'digest']) p,"
                   " generate_series((now() at time zone 'UTC')::date - 2, (now() at time zone 'UTC')::date - 1, interval '1 day') d")
    protocol.query("update posthorn.ledger set recorded_at = recorded_at - make_interval(hours => %s)", hours)
    protocol.accept()


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
                                             # a row added in a closed hour: `audit verify` finds it, because it also counts closed hours
                                             if (name, sealed) != ("ledger doubled", True)])
def test_whatever_is_removed_shows_as_missing(one, hooks, removal, sealed):
    for start in (0, 10, 20):
        consume(one, start=start, hooks=hooks)
    if sealed:
        if removal != "pending":
            settle_all(one, hooks)
        let_hours_pass(one)
        assert one.value("select posthorn.seal_chunks()") == 1
        assert [r["sealed"] for r in books(one)] == [True]
    assert missing(one) == 0
    one.query(REMOVALS[removal])
    assert missing(one) > 0, books(one)


@pytest.mark.parametrize("removal", ["event", "delivered attempt", "cancellation", "repeat", "dead letter"])
def test_the_ledger_finds_what_the_digests_do_not(one, hooks, removal):
    """A row is missing although the digests were made to agree with its removal."""
    consume(one, hooks=hooks)
    one.query(REMOVALS[removal])
    one.accept()
    assert one.query("select * from posthorn.differing()") == []
    assert sum(row["missing"] for row in books(one)) == 1


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
    one.accept()
    (row,) = books(one)
    assert (row["delivered"], row["repeated"], row["dead_lettered"], row["missing"]) == (8, 1, 2, 0)


def test_gaps_in_the_log_are_not_missing(one, hooks):
    position = consume(one, hooks=hooks)
    one.move(position, 10, 50, first=10, records=0)  # an aborted transaction of 40 records
    one.move(position, 50, 60, first=50, records=0)
    assert one.value("select sum(gaps) from posthorn.ledger") == 50
    assert missing(one) == 0


def test_a_record_below_the_first_offset_of_the_log_is_a_gap(one):
    """Reads from the beginning; retention has removed the first hundred."""
    position = one.claim()["position_id"]
    one.move(position, None, 110, first=100, records=0)
    assert missing(one) == 0
    one.query("truncate posthorn.ledger")
    one.accept()
    assert missing(one) == 10


def test_closing_waits_for_a_minute_and_for_what_is_missing(one, hooks):
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    assert one.value("select posthorn.seal_chunks()") == 0, "the minute is not over"
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    assert [r["sealed"] for r in books(one)] == [True]
    one.query("delete from posthorn.repeat")
    assert one.value("select posthorn.seal_chunks()") == 0, "something is missing"
    assert [r["sealed"] for r in books(one) if r["records"]] == [False]


OUTCOMES = ("delivered", "pending", "failed", "cancelled", "missing")


def outcomes(protocol):
    return tuple(sum(r[name] for r in books(protocol)) for name in OUTCOMES)


def test_outcomes_after_closing_are_counted(one, hooks):
    """Two pairs are pending when their offsets are closed; one is delivered later, one cancelled. The counts are the same before and after they are added."""
    consume(one, hooks=hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    assert outcomes(one) == (8, 2, 1, 3, 0) and one.value("select count(*) from posthorn.open_pair") == 2
    first, second = one.query("select * from posthorn.pending order by \"offset\"")
    one.attempt(first["position_id"], first["offset"], first["webhook_id"])
    one.settle([(first["webhook_id"], first["position_id"], first["offset"], 2, None)])
    for _ in range(2):
        assert outcomes(one) == (9, 1, 1, 3, 0)
        one.value("select posthorn.seal_chunks()")
    assert one.value("select count(*) from posthorn.open_pair") == 1
    one.query("select posthorn.cancel(array[%s], array[%s]::bigint[], array[%s], array['e']::\"char\"[], array['webhook deleted'])",
              second["position_id"], second["offset"], second["webhook_id"])
    one.settle([(second["webhook_id"], second["position_id"], second["offset"], 1, None)])
    for _ in range(2):
        assert outcomes(one) == (9, 0, 1, 4, 0)
        one.value("select posthorn.seal_chunks()")
    assert one.value("select count(*) from posthorn.open_pair") == 0


def test_an_outcome_is_counted_when_its_time_is_closed(one, hooks):
    """By the pass over what is new, without a look at all pairs that are pending."""
    consume(one, hooks=hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    one.query("select posthorn.make_partition('attempt', d::date, d::date + 1) from generate_series((now() at time zone 'UTC')::date - 2,"
              " (now() at time zone 'UTC')::date - 1, interval '1 day') d")
    settle_all(one, hooks)
    one.query("set session_replication_role = replica")  # without triggers, which would open the hour
    one.query("update posthorn.attempt set recorded_at = recorded_at - interval '2 hours'")
    one.query("set session_replication_role = origin")
    one.accept()
    one.query("update posthorn.closed set times = '{}', new_from = '-infinity'")
    assert one.value("select count(*) from posthorn.open_pair") == 2
    one.query("select posthorn.close_new('10 s')")
    assert one.value("select count(*) from posthorn.open_pair") == 0
    assert outcomes(one) == (10, 0, 1, 3, 0)


def test_a_delivery_that_ends_while_its_offsets_are_closed(one, two, hooks):
    """What was counted as pending is an open pair, also if it is over when the pair is written."""
    consume(one, hooks=hooks)
    let_hours_pass(one)
    one.begin()
    one.query("lock table posthorn.open_pair in share mode")
    other = InThread(lambda: two.value("select posthorn.seal_chunks()"))
    waits(one, two)
    settle_all(one, hooks)
    one.commit()
    assert other.result() == 1
    for _ in range(2):
        assert outcomes(one) == (10, 0, 1, 3, 0)
        one.value("select posthorn.seal_chunks()")


def test_a_pair_that_vanished_after_closing_is_missing(one, hooks):
    """The digests agree: only the counts show it."""
    consume(one, hooks=hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    one.query("delete from posthorn.pending where \"offset\" = 2")
    one.accept()
    for _ in range(2):
        assert outcomes(one) == (8, 1, 1, 3, 1)
        one.value("select posthorn.seal_chunks()")
    one.query("delete from posthorn.open_pair")
    assert outcomes(one)[-1] == 2, "the row of posthorn.seal says that two were pending"


def test_opening_forgets_what_was_pending(one, hooks):
    consume(one, hooks=hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    one.query("update posthorn.repeat set of_offset = of_offset")
    assert one.value("select count(*) from posthorn.open_pair") == 0 and outcomes(one) == (8, 2, 1, 3, 0)
    assert one.value("select posthorn.seal_chunks()") == 1
    assert one.value("select count(*) from posthorn.open_pair") == 2 and outcomes(one) == (8, 2, 1, 3, 0)


def test_what_cannot_be_closed_holds_nothing_up(one, hooks):
    """Each call has no time for more than one piece of each sort. What is new, and what is old, are closed beside pieces in which something is missing."""
    for start in range(0, 50, 10):
        consume(one, start=start, hooks=hooks)
    let_hours_pass(one)
    one.query("update posthorn.ledger set recorded_at = recorded_at - make_interval(hours => (5 - first_offset / 10)::int)")  # five pieces: one for each hour
    one.query("delete from posthorn.repeat where \"offset\" in (7, 27)")
    one.accept()
    for _ in range(40):
        one.query("select posthorn.close_new('0 s')")
    assert [(r["first_offset"], r["sealed"], r["missing"]) for r in books(one)] == [(0, False, 1), (10, True, 0), (20, False, 1), (30, True, 0), (40, True, 0)]
    one.query("update posthorn.repeat set of_offset = of_offset where \"offset\" = 37")  # opens the fourth hour
    for _ in range(40):
        one.query("select posthorn.close_old('0 s')")
    assert [(r["first_offset"], r["sealed"], r["missing"]) for r in books(one)] == [(0, False, 1), (10, True, 0), (20, False, 1), (30, True, 0), (40, True, 0)]
    assert one.query("select * from posthorn.open_time where since < now() - interval '2 minutes'") == []
    consume(one, start=50, hooks=hooks)
    one.query("update posthorn.ledger set recorded_at = recorded_at - interval '2 minutes' where first_offset = 50")
    one.accept()
    one.query("select posthorn.close_new('0 s')")
    assert [r["sealed"] for r in books(one) if r["first_offset"] == 50] == [True]


def test_a_clock_that_was_ahead_holds_nothing_up(one, hooks):
    for start in (0, 10, 20):
        consume(one, start=start, hooks=hooks)
    let_hours_pass(one)
    one.query("select posthorn.make_partitions()")
    one.query("update posthorn.ledger set recorded_at = now() + interval '1 day' where first_offset = 10")
    one.accept()
    one.query("select posthorn.close_new('10 s')")
    assert [(r["first_offset"], r["sealed"]) for r in books(one)] == [(0, True), (10, False), (20, True)]
    one.query("update posthorn.ledger set recorded_at = now() - interval '1 hour' where first_offset = 10")  # a day later
    one.accept()
    one.query("select posthorn.close_old('10 s')")
    assert {r["sealed"] for r in books(one)} == {True} and missing(one) == 0


def test_many_positions_take_turns(one, hooks):
    """A call without time looks at one of them, and says that there is more to do."""
    for partition in range(12):
        consume(one, partition=partition, hooks=hooks)
    let_hours_pass(one)
    one.query("select posthorn.close_new('0 s')")
    assert one.row("select * from posthorn.close_new('0 s')")["more"] is True
    for _ in range(12):
        one.query("select posthorn.close_new('0 s')")
    assert {r["sealed"] for r in books(one)} == {True}


def test_a_change_waits_for_no_other_change(one, two, hooks):
    """Two sessions change payloads of the same closed minute, as those that take over events do."""
    consume(one, hooks=hooks)
    one.query("select posthorn.make_partition('payload', d::date, d::date + 1) from generate_series((now() at time zone 'UTC')::date - 2,"
              " (now() at time zone 'UTC')::date - 1, interval '1 day') d")
    one.query("update posthorn.payload set recorded_at = recorded_at - interval '2 hours'")
    let_hours_pass(one)
    one.query("select posthorn.close_new('10 s')")
    one.begin()
    one.query("update posthorn.payload set body = '[1]' where \"offset\" = 5")
    two.query("set lock_timeout = '5s'")
    two.query("update posthorn.payload set body = '[1]' where \"offset\" = 6")
    one.commit()
    assert [(r["missing"], r["what"]) for r in books(one) if r["missing"]] == [(1, "a row of payload was changed")]


def test_times_that_cannot_be_closed_hold_nothing_up(one):
    """Two hours of dead letters that were changed; the others are closed by calls that have no time for more than one piece of each table."""
    position = one.claim()["position_id"]
    one.query("select posthorn.make_partition(p, (now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date) from unnest(array['dead_letter', 'digest']) p")
    one.query("insert into posthorn.dead_letter (recorded_at, position_id, \"offset\", reason, detail, record_sha256, copied)"
              " select date_trunc('hour', now()) - interval '1 hour' - n %% 6 * interval '3 hours', %s, n, 'not_json', 'why', 'sha', true from generate_series(0, 150000) n", position)
    one.accept()
    one.query("update posthorn.dead_letter set detail = 'because' where \"offset\" in (1, 4)")
    for _ in range(40):
        one.query("select posthorn.close_new('0 s')")
    one.query("update posthorn.closed set times = '{}'")
    for _ in range(80):
        one.query("select posthorn.close_old('0 s')")
    found = one.query("select hour, row_count from posthorn.differing() where kind = 'dead_letter'")
    assert len(found) == 2, found
    closed = one.query("select n from generate_series(0, 5) n, posthorn.closed c"
                       " where c.kind = 'dead_letter' and c.times @> date_trunc('hour', now()) - interval '1 hour' - n * interval '3 hours' order by n")
    assert [row["n"] for row in closed] == [0, 2, 3, 5]


def test_a_large_hour_is_closed_in_pieces(one):
    """A piece has twenty thousand records and pairs or a little more, and the row of its hour grows."""
    position = one.claim()["position_id"]
    one.query("insert into posthorn.ledger (position_id, first_offset, next_offset, records, gaps, events, repeated, dead_lettered, matched, dispatcher_id, recorded_at)"
              " select %s, n * 1000, n * 1000 + 1000, 1000, 0, 0, 1000, 0, 0, 1, date_trunc('hour', now()) - interval '90 minutes'"
              " from generate_series(0, 49) n", position)
    one.query("insert into posthorn.repeat (position_id, \"offset\", of_position_id, of_offset) select %s, n, %s, 0 from generate_series(0, 49999) n", position, position)
    one.query("update posthorn.position set first_offset = 0, next_offset = 50000")
    one.accept()
    ends = []
    one.query("update posthorn.closed set new_from = now()")  # no times are closed by these calls
    for _ in range(3):
        assert one.value("select closed from posthorn.close_new('0 s')") == 1
        ends += [one.value("select next_offset from posthorn.seal")]
    assert ends == [21000, 42000, 50000]
    assert [(r["first_offset"], r["last_offset"], r["records"], r["repeated"], r["missing"]) for r in books(one)] == [(0, 49999, 50000, 50000, 0)]


def test_a_flush_that_commits_after_the_seal_of_its_hour_is_counted(one, hooks):
    position = consume(one, hooks=hooks)
    settle_all(one, hooks)
    let_hours_pass(one)
    assert one.value("select posthorn.seal_chunks()") == 1
    one.intake([(position, 10, "late")])
    one.attempt(position, 10, hooks[0])
    one.move(position, 10, 11, events=1, matched=1)
    one.query("update posthorn.ledger set recorded_at = (select min(recorded_at) from posthorn.ledger) where first_offset = 10")
    one.accept()
    assert [(r["first_offset"], r["records"], r["sealed"]) for r in books(one)] == [(0, 10, True), (10, 1, False)]
    assert missing(one) == 0
    assert one.value("select posthorn.seal_chunks()") == 1
    assert [(r["first_offset"], r["records"], r["sealed"]) for r in books(one)] == [(0, 11, True)]


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


def differences(protocol):
    return [(r["kind"], r["row_count"]) for r in protocol.query("select * from posthorn.difference order by kind")]


@pytest.mark.parametrize("triggers", ["origin", "replica"])
def test_a_row_changed_in_a_sealed_hour(one, hooks, triggers):
    """With triggers, it reopens the hour; without, `audit verify` finds it, because it also counts closed hours."""
    consume(one, hooks=hooks)
    one.query("select posthorn.make_partition('attempt', d::date, d::date + 1) from generate_series((now() at time zone 'UTC')::date - 2,"
              " (now() at time zone 'UTC')::date - 1, interval '1 day') d")
    one.query("update posthorn.attempt set recorded_at = recorded_at - interval '2 hours'")
    settle_all(one, hooks)
    let_hours_pass(one)
    one.value("select posthorn.seal_chunks()")
    assert one.value("select times @> (select min(recorded_at) from posthorn.attempt) from posthorn.closed where kind = 'attempt'") and missing(one) == 0
    one.query("select set_config('session_replication_role', %s, false)", triggers)
    one.query("update posthorn.attempt set http_status = 299 where \"offset\" = 5")
    assert missing(one) == (1 if triggers == "origin" else 0)
    assert differences(one) == [("attempt", 0)]
    one.query("select set_config('session_replication_role', 'origin', false)")
    one.query("update posthorn.attempt set http_status = null where \"offset\" = 5")  # as it was
    assert missing(one) == 0 and differences(one) == []


def test_sums_of_what_waits_are_summed_up(one, hooks):
    """pending_digest has one row for each statement, until housekeeping adds them up."""
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    one.park([(hooks[0], 1, 0, LATER)], one.value("select posthorn.period_of(now())"), cause="r")
    assert one.value("select count(*) from posthorn.pending_digest") > 1
    one.value("select posthorn.seal_chunks()")
    assert one.query("select row_count from posthorn.pending_digest") == [{"row_count": 1}] and missing(one) == 0
    one.query("update posthorn.pending set next_attempt_at = 'infinity'")
    assert [(r["missing"], r["what"]) for r in books(one) if r["missing"]] == [(1, "a row of pending was changed")]


def test_hours_do_not_depend_on_the_session_time_zone(one, hooks):
    consume(one, hooks=hooks)
    one.query("set timezone = 'Asia/Kolkata'")
    (row,) = books(one)
    assert row["hour"].astimezone(datetime.timezone.utc).minute == 0


# Partitions ------------------------------------------------------------------------------------------------------------------------------------------------


PARENTS = ("event", "payload", "attempt", "cancellation", "repeat", "dead_letter", "ledger", "digest")


def make_old(protocol, days):
    """Creates partitions of every table for one day long ago; returns that day."""
    day = protocol.value("select (now() at time zone 'UTC')::date - %s", days)
    for parent in PARENTS:
        assert protocol.value("select posthorn.make_partition(%s, %s::date, %s::date + 1)", parent, day, day) is True
    return day


def expire(protocol):
    """As dispatchers do, each step in a transaction of its own."""
    while protocol.value("select posthorn.expire()"):
        pass


def children(protocol, day):
    return sorted(r["relname"][:-9] for r in protocol.query("select relname from pg_class where relkind = 'r' and relname ~ %s", day.strftime("_%Y%m%d$")))


def test_partitions_are_made_ahead_and_twice_is_harmless(one, two):
    assert one.value("select posthorn.make_partitions()") == 0  # migrate has created them
    one.query("update posthorn.setting set value = '5' where name = 'partitions_ahead_days'")
    one.begin()
    assert one.value("select posthorn.make_partitions()") == 2 * (len(PARENTS) + 1)  # and the record of changes
    other = InThread(lambda: two.value("select posthorn.make_partitions()"))
    waits(one, two)
    one.commit()
    assert other.result() == 0
    assert one.value("select count(*) from pg_partitioned_table p join pg_class c on c.oid = p.partdefid") == 0  # none is a DEFAULT


def test_partitions_of_a_day_before_the_first_are_made(one):
    """PostgreSQL's clock goes back, or a standby's is behind. The first partition of the record of changes contains all earlier days."""
    yesterday = one.value("select (now() at time zone 'UTC')::date - 1")
    made = {parent: one.value("select posthorn.make_partition(%s, %s::date, %s::date + 1)", parent, yesterday, yesterday) for parent in (*PARENTS, "change")}
    assert made == dict.fromkeys(PARENTS, True) | {"change": False}
    assert "change" not in children(one, yesterday)


def test_making_partitions_does_not_wait_for_a_reader(one, two):
    one.query("update posthorn.setting set value = '6' where name = 'partitions_ahead_days'")
    one.begin()
    one.query("select count(*) from audit.attempts")
    two.query("set lock_timeout = '20s'")
    assert two.value("select posthorn.make_partitions()") > 0
    one.commit()


def test_every_partition_has_its_indexes_and_its_unsealing(one):
    for parent in (*PARENTS, "change"):
        children_of = "select i.inhrelid from pg_inherits i where i.inhparent = %s::regclass"
        name = f"posthorn.{parent}"
        indexes = one.value("select count(*) from pg_index where indrelid = %s::regclass", name)
        triggers = 0 if parent == "change" else 3 if parent in ("payload", "digest") else 6
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
    assert [(r["missing"], r["what"]) for r in books(one)] == [(1, "the number of rows differs from the ledger"), (1, "1 row of event missing")]


def test_expiry_drops_payloads_early_and_the_rest_late(one):
    payloads, everything = make_old(one, 12), make_old(one, 405)
    expire(one)
    assert children(one, payloads) == sorted(set(PARENTS) - {"payload"})
    assert children(one, everything) == []
    assert len(children(one, one.value("select (now() at time zone 'UTC')::date"))) == len(PARENTS) + 1


def test_the_bytes_of_dead_letters_go_with_the_payloads(one):
    make_old(one, 8)
    one.claim()
    one.query("insert into posthorn.dead_letter (recorded_at, position_id, \"offset\", reason, detail, record_sha256, key, value, headers, copied)"
              " select now() - make_interval(days => d), 1, d, 'not_json', 'why', 'sha', 'k', 'v', 'h', true from unnest(array[0, 8]) d")
    one.accept()
    expire(one)
    rows = one.query("select \"offset\", reason, record_sha256, key, value, headers, erased_at is not null as erased from posthorn.dead_letter order by 1")
    assert [tuple(r.values()) for r in rows] == [(0, "not_json", b"sha", b"k", b"v", b"h", False), (8, "not_json", b"sha", None, None, None, True)]
    assert missing(one) == 0


def test_a_pending_delivery_keeps_its_partitions(one, hooks):
    day = make_old(one, 30)
    position = one.claim()["position_id"]
    one.intake([(position, 0, "a")])
    one.query("update posthorn.event set period = %s", day)
    one.park([(hooks[0], position, 0, LATER)], day)
    expire(one)
    assert "payload" in children(one, day)
    one.settle([(hooks[0], position, 0, 1, None)])
    expire(one)
    assert "payload" not in children(one, day)


def test_unsealed_books_are_not_dropped_and_sealed_ones_stay_whole(one, hooks):
    day = make_old(one, 405)
    consume(one, hooks=hooks)
    settle_all(one, hooks)
    one.query("update posthorn.ledger set recorded_at = %s::timestamp at time zone 'UTC' + interval '5 hours'", day)
    one.accept()
    expire(one)
    assert "ledger" in children(one, day), "not sealed"
    assert one.value("select posthorn.seal_chunks()") == 1
    before = books(one)
    expire(one)
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
    expire(two)
    assert children(two, day) == ["attempt"], "the reader's table is left for the next time"
    one.commit()
    expire(two)
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
