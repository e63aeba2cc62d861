"""The commit protocol as SQL functions, called directly, without the dispatcher.

Races use two connections: one keeps its transaction open, and the other must wait before the first continues."""
import datetime

import psycopg
import pytest
from support.protocol import DUE, InThread, LATER, key_of, waits


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


def test_a_move_that_stays_is_a_fence_and_no_more(one, two):
    position = one.claim()["position_id"]
    one.fence(position, None)
    one.move(position, None, 10, first=0, events=10)
    before = one.query("select next_offset, first_offset, last_offset, last_timestamp, last_check from posthorn.position where id = %s", position)
    one.fence(position, 10)
    assert one.query("select next_offset, first_offset, last_offset, last_timestamp, last_check from posthorn.position where id = %s", position) == before
    assert one.value("select count(*) from posthorn.ledger") == 1
    two.claim()
    with pytest.raises(psycopg.Error) as caught:
        one.fence(position, 10)
    assert caught.value.sqlstate == "PH001"
    two.fence(position, 10)


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
    one.query("update posthorn.position set next_offset = 4")  # the newest transactions are lost
    with pytest.raises(psycopg.Error) as caught:
        one.move(position, 10, 20, events=10)
    assert caught.value.sqlstate == "PH001"


def test_move_over_events_that_the_database_lost_is_refused(one):
    """Event rows are committed asynchronously: after a crash, the newest are lost, although the dispatcher has sent them."""
    position = one.claim()["position_id"]
    with pytest.raises(psycopg.Error) as caught:
        one.move(position, None, 10, first=0, events=10, taken_in=9)
    assert caught.value.sqlstate == "PH001" and caught.value.diag.message_detail == str(position)
    one.move(position, None, 10, first=0, events=10)


def test_a_flush_that_comes_late_is_not_done_twice(one):
    position = one.claim()["position_id"]
    one.move(position, None, 10, first=0, events=10, seq=7)
    for seq in (7, 6):
        with pytest.raises(psycopg.Error) as caught:
            one.move(position, 10, 20, events=10, seq=seq)
        assert caught.value.sqlstate == "PH002"


def test_a_dispatcher_that_the_database_forgot_must_register_again(one):
    position = one.claim()["position_id"]
    one.query("update posthorn.position set dispatcher_id = null")
    one.query("delete from posthorn.dispatcher where id = %s", one.dispatcher)
    with pytest.raises(psycopg.Error) as caught:
        one.move(position, None, 10, first=0, events=10)
    assert caught.value.sqlstate == "PH003"


def test_positions_that_are_not_as_remembered_are_told(one, two):
    a, b, c = (one.claim(n)["position_id"] for n in range(3))
    one.move(a, None, 10, first=0, events=10)
    lost = lambda offsets: [r["id"] for r in one.query("select id from posthorn.positions_lost(%s, %s::uuid[], %s) as id order by 1",
                                                       [a, b, c], [one.owner] * 3, offsets)]
    assert lost([10, -1, -1]) == []
    two.claim(1)
    assert lost([10, -1, -1]) == [b]
    assert lost([11, -1, -1]) == [a, b]


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
    one.attempt(position, 2, hooks[0], outcome="r")     # a retry alone is not a final outcome …
    one.attempt(position, 3, hooks[0], outcome="g")
    one.attempt(position, 4, hooks[0], cause="r")       # a replay is another delivery
    one.park([(hooks[1], position, 4, LATER)], period)  # … but its pending row is recorded
    one.query("insert into posthorn.cancellation (position_id, \"offset\", webhook_id, cause, reason) values (%s, 5, %s, 'e', 'x')", position, hooks[2])
    rows = one.query("select * from posthorn.recorded(%s, 1) order by 1", position)
    assert [(r["offset"], r["webhook_id"]) for r in rows] == [(1, hooks[0]), (3, hooks[0]), (4, hooks[1]), (5, hooks[2])]
    assert [one.value("select count(*) from posthorn.recorded(%s, %s)", position, offset) for offset in range(3, 7)] == [3, 2, 1, 0]


# Intake ----------------------------------------------------------------------------------------------------------------------------------------------------


def yesterday_is_current(protocol):
    """Moves the rows that intake has inserted to the previous period, and creates its partition."""
    protocol.query("select posthorn.make_partition('event', posthorn.period_of(now()) - 1, posthorn.period_of(now()))")
    protocol.query("update posthorn.event set period = period - 1")


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
    assert one.query("select * from posthorn.differing()") == [], "what the program changes, its digests know"


def test_read_again_and_repeated_are_told_apart(one, hooks):
    position = one.claim()["position_id"]
    period = one.intake([(position, 0, "a"), (position, 1, "b")])["period"]
    answer = one.intake([(position, 1, "b"), (position, 2, "c"), (position, 3, "a")])
    assert lists(answer) == {"again": [1], "repeated": [3], "of_position": [position], "of_offset": [0]}
    assert answer["again_period"] == [period]
    assert one.value("select count(*) from posthorn.event") == 3
    assert one.value("select count(*) from posthorn.payload") == 3


def test_extensions_stay_beside_their_payload(one, hooks):
    """Inserted together, or one by one if some exist; in a new epoch of the log; and returned with due deliveries."""
    old = one.claim()["position_id"]
    period = one.intake([(old, 0, "a", b"1", b'{"x":1}'), (old, 1, "b", b"2", None)])["period"]
    one.intake([(old, 1, "b", b"2", None), (old, 2, "c", b"3", b'{"x":3}'), (old, 3, "d", b"4", None)])
    stored = "select \"offset\", extensions from posthorn.payload order by 1"
    assert [tuple(r.values()) for r in one.query(stored)] == [(0, b'{"x":1}'), (1, None), (2, b'{"x":3}'), (3, None)]
    one.park([(hooks[0], old, n, DUE) for n in range(4)], period)
    one.lease()
    assert [(r["offset"], r["payload"], r["extensions"]) for r in one.due([hooks[0]])] == [
        (0, b"1", b'{"x":1}'), (1, b"2", None), (2, b"3", b'{"x":3}'), (3, b"4", None)]
    assert one.query("select * from posthorn.differing()") == []
    new = new_life(one, old)
    one.intake([(new, 10, "a", b"1", b'{"x":5}'), (new, 11, "b", b"2", b'{"x":6}'), (new, 12, "c", b"3", None)])
    assert [tuple(r.values()) for r in one.query(stored)] == [(3, None), (10, b'{"x":5}'), (11, b'{"x":6}'), (12, None)]
    assert one.query("select * from posthorn.differing()") == [], "what the program changes, its digests know"


@pytest.mark.parametrize("change", ["extensions = '{}'", "extensions = null", "body = body"])
def test_changed_extensions_are_found(one, hooks, change):
    position = one.claim()["position_id"]
    one.intake([(position, 0, "a", b"1", b'{"x":1}'), (position, 1, "b")])
    one.query(f"update posthorn.payload set {change} where \"offset\" = 0")
    assert bool(one.query("select * from posthorn.differing()")) == (change != "body = body")


def test_dead_letters_keep_their_timestamps(one):
    position = one.claim()["position_id"]
    bury = ("select posthorn.bury(array[%s, %s], array[%s, %s::bigint], array['bad_id', 'bad_id'], array['why', 'why'], array['\\x01', '\\x02']::bytea[],"
            " array[null, null]::bytea[], array[null, null]::bytea[], array['\\x01', '\\x01']::bytea[], array[true, true]{})")
    one.query(bury.format(", %s::bigint[]"), position, position, 0, 1, [1_600_000_000_000, None])
    one.query(bury.format(""), position, position, 2, 3)  # as an earlier dispatcher does it
    assert [r["record_timestamp"] for r in one.query("select record_timestamp from posthorn.dead_letter order by \"offset\"")] == [1_600_000_000_000, None, None, None]
    one.query("select posthorn.dead_letter_replayed(%s, 0), posthorn.dead_letter_replayed(%s, 2)", position, position)
    assert one.query("select * from posthorn.differing()") == []
    one.query("update posthorn.dead_letter set record_timestamp = 1 where \"offset\" = 0")
    assert one.query("select * from posthorn.differing()") != []


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
    """Two dispatchers stored the same id at the moment at which the period changed; each reads its own record again."""
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.intake([(a, 0, "x")])
    yesterday_is_current(one)
    one.query("insert into posthorn.event select event_key, period + 1, %s, 5, account_id, event_type, event_id, source, occurred_at, received_at,"
              " payload_sha256 from posthorn.event", b)
    assert lists(one.intake([(a, 0, "x")])) == NOTHING | {"again": [1]}
    assert lists(one.intake([(b, 5, "x")])) == NOTHING | {"again": [1]}


def new_life(protocol, position):
    """Does the same as `position reset`; returns the new position."""
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
    assert one.query("select * from posthorn.differing()") == [], "what the program changes, its digests know"


def test_the_old_life_takes_nothing_over_from_the_new(one, hooks):
    """A dispatcher that has not noticed the reset yet continues its intake."""
    old = one.claim()["position_id"]
    new = new_life(one, old)
    one.intake([(new, 5, "x")])
    assert lists(one.intake([(old, 5, "x")])) == {"again": None, "repeated": [1], "of_position": [new], "of_offset": [5]}
    assert lists(one.intake([(old, 6, "y")])) == NOTHING
    assert lists(one.intake([(new, 6, "y")])) == NOTHING | {"again": [1]}


def test_another_partition_takes_nothing_over(one, hooks):
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.intake([(a, 0, "x")])
    for other in (b, new_life(one, b)):  # nor if its epoch is a later one
        assert lists(one.intake([(other, 0, "x")])) == {"again": None, "repeated": [1], "of_position": [a], "of_offset": [0]}


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
    """Without precautions, this is a deadlock that fails one of them: each holds a lock that the other needs."""
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
        except psycopg.errors.DeadlockDetected:  # the ids of the earlier call are still locked: only the caller can release them
            protocol.query("rollback")
            outcomes.append("again")
    assert "done" in outcomes


def test_ids_are_inserted_in_one_order(fresh, one, two, hooks):
    """A batch that waits for an id holds none that comes after it: another dispatcher need not wait for the batch. (So it is for a batch with an id of the
    period before.)"""
    third = fresh[1]()
    a, b = one.claim(0)["position_id"], one.claim(1)["position_id"]
    one.intake([(a, 0, "before")])
    yesterday_is_current(one)
    first, last = sorted(("x", "y"), key=lambda name: key_of("acme", name))
    third.begin()
    third.intake([(b, 0, first)])
    waiting = InThread(lambda: one.intake([(a, 1, "before"), (a, 2, last), (a, 3, first)]))
    waits(two, one)
    assert lists(InThread(lambda: two.intake([(b, 1, last)])).result()) == NOTHING
    third.commit()
    assert waiting.result()["repeated"] == [1, 2, 3]


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
    """A later tick is not visible while an earlier one is not committed: the second waits for the first."""
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
    assert one.query("select * from posthorn.differing()") == [], "what the program changes, its digests know"


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


def test_due_reads_what_is_due_only(one, hooks, parked):
    one.lease()
    one.settle([(hooks[0], parked, 0, 1, LATER)])
    assert [row["offset"] for row in one.due([hooks[0]])] == [1]


def test_an_expired_lease_goes_to_another(one, two, hooks, parked):
    one.lease()
    one.query("update posthorn.queue set lease_until = now() - interval '1 s'")
    assert sorted(two.lease()) == [hooks[0], hooks[1]]
    assert one.due([hooks[0]]) == []
    one.release([hooks[0]])  # no longer the holder: nothing happens
    assert queue(one, hooks[0])["lease"] == two.dispatcher


def test_settle_ends_or_postpones(one, hooks, parked):
    one.lease()
    one.settle([(hooks[0], parked, 0, 1, None), (hooks[0], parked, 1, 1, LATER)])
    assert one.query("select \"offset\", attempts from posthorn.pending where webhook_id = %s", hooks[0]) == [{"offset": 1, "attempts": 1}]
    one.release([hooks[0]])
    assert queue(one, hooks[0])["due_year"] == 2100
    one.settle([(hooks[0], parked, 1, 0, DUE)])  # a late outcome of an earlier attempt
    assert one.value("select attempts from posthorn.pending where webhook_id = %s", hooks[0]) == 1
    assert one.query("select * from posthorn.differing()") == [], "what the program changes, its digests know"


def test_settle_gives_each_webhook_its_own_time(one, hooks, parked):
    """In whatever order they come: the earliest of its own."""
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, DUE), (hooks[0], parked, 0, 1, LATER), (hooks[0], parked, 1, 1, LATER)])
    one.release(hooks[:2])
    assert [queue(one, hook)["due_year"] for hook in hooks[:2]] == [2100, 2020]
    one.query("update posthorn.queue set next_due = 'infinity'")
    one.settle([(hooks[1], parked, 0, 1, DUE), (hooks[0], parked, 0, 1, LATER)])
    assert [queue(one, hook)["due_year"] for hook in hooks[:2]] == [2100, 2020]


def test_settle_takes_the_last_of_several_attempts(one, hooks, parked):
    """Two attempts of one delivery in one flush, of which the earlier is known already."""
    one.settle([(hooks[0], parked, 0, 2, LATER)])
    for rows in ([(hooks[0], parked, 0, 1, DUE), (hooks[0], parked, 0, 3, LATER)], [(hooks[0], parked, 0, 4, LATER), (hooks[0], parked, 0, 2, DUE)]):
        one.settle(rows)
        assert one.value("select attempts from posthorn.pending where webhook_id = %s and \"offset\" = 0", hooks[0]) == max(row[3] for row in rows)
        assert one.query("select * from posthorn.differing()") == []


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


def test_held_webhook_without_deliveries_sleeps_until_then(one, hooks, parked):
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, None)])
    one.release([hooks[1]], held=LATER)
    one.park([(hooks[1], parked, 1, DUE)], one.value("select posthorn.period_of(now())"))
    assert queue(one, hooks[1])["due_year"] == 2100


def test_parking_wakes_a_sleeping_webhook(one, hooks, parked):
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, None)])
    one.release([hooks[1]])
    one.park([(hooks[1], parked, 1, DUE)], one.value("select posthorn.period_of(now())"))
    assert one.lease() == [hooks[1]]


@pytest.mark.parametrize("status, again", [("disabled", True), ("deleted", True), ("enabled", False)])
def test_a_release_by_who_has_not_heard_of_the_end_keeps_it_due(one, hooks, parked, status, again):
    """Pending deliveries of a disabled or deleted webhook are cancelled at once, not when they become due."""
    one.lease()
    one.settle([(hooks[1], parked, 0, 1, LATER)])
    one.query("update posthorn.webhook set status = %s where id = %s", status, hooks[1])
    one.release([hooks[1]])
    assert (hooks[1] in one.lease()) is again


@pytest.mark.parametrize("parker_first", [True, False])
def test_a_delivery_parked_during_a_release_is_never_forgotten(one, two, hooks, parked, parker_first):
    """next_due must not be infinity while a row is pending, in any order of the transactions."""
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
    """Rows of the queue are locked in the order of the webhooks, whatever the given order."""
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
    assert one.query("select * from posthorn.differing()") == [], "what the program changes, its digests know"


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
