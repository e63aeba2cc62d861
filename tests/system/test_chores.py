"""Housekeeping: its statements in PostgreSQL, and that nothing waits for them."""
import select

import psycopg
import pytest

from support.system import DISPATCHER
from support.waiting import wait_until

CHORES = ("make_partitions", "summarize", "close_new", "count_activity", "close_old", "expire")


def run(protocol, chore, at_once=False):
    return protocol.value("select posthorn.run_chore(%s, %s)", chore, at_once)


@pytest.mark.parametrize("chore", CHORES)
def test_a_chore_runs_once_in_its_period(one, two, chore):
    one.query("update posthorn.chore set period = '1 hour', ran_at = '2020-01-01'")
    assert run(one, chore) is False
    first = one.value("select ran_at from posthorn.chore where name = %s", chore)
    assert one.value("select now() - %s < interval '1 minute'", first)
    run(two, chore)
    assert one.value("select ran_at from posthorn.chore where name = %s", chore) == first, "the period is not over"
    run(two, chore, at_once=True)
    assert one.value("select ran_at from posthorn.chore where name = %s", chore) > first


@pytest.mark.parametrize("chore", CHORES)
def test_one_at_a_time_does_a_chore(one, two, chore):
    """The other does not wait."""
    one.begin()
    run(one, chore)
    two.query("set lock_timeout = '1ms'")
    assert run(two, chore, at_once=True) is False
    one.commit()
    run(two, chore, at_once=True)


def test_a_clock_that_was_set_back_stops_no_chore(one):
    one.query("update posthorn.chore set ran_at = now() + interval '3 days'")
    run(one, "close_old")
    assert one.value("select ran_at <= now() from posthorn.chore where name = 'close_old'")


def test_a_chore_with_more_to_do_runs_again_at_once(one):
    """A call drops one partition."""
    day = one.value("select (now() at time zone 'UTC')::date - 405")
    for parent in ("attempt", "ledger"):
        one.value("select posthorn.make_partition(%s, %s::date, %s::date + 1)", parent, day, day)
    assert [run(one, "expire") for _ in range(4)] == [True, True, False, False]
    assert one.value("select count(*) from pg_class where relkind = 'r' and relname like %s", day.strftime("%%_%Y%m%d")) == 0


def test_many_dead_letters_are_erased_in_pieces(one):
    position = one.claim()["position_id"]
    one.query("select posthorn.make_partition(p, (now() at time zone 'UTC')::date - 8, (now() at time zone 'UTC')::date - 7) from unnest(array['dead_letter', 'digest']) p")
    one.query("insert into posthorn.dead_letter (recorded_at, position_id, \"offset\", reason, detail, record_sha256, value, copied)"
              " select date_trunc('day', now(), 'UTC') - interval '8 days' + n * interval '1 second', %s, n, 'not_json', 'why', 'sha', 'v', true from generate_series(1, 2500) n",
              position)
    one.accept()
    left = []
    while run(one, "expire"):
        left += [one.value("select count(*) from posthorn.dead_letter where value is not null")]
    assert left == [1500, 500] and one.value("select count(*) from posthorn.dead_letter where value is not null") == 0
    assert one.query("select * from posthorn.differing()") == []


def test_a_table_that_is_locked_is_not_summarized(one, two):
    """The chore does not wait for a vacuum: autovacuum would be cancelled. Other tables are summarized nevertheless."""
    tables = [one.value("select %s || to_char(now() at time zone 'UTC', '_YYYYMMDD')", parent) for parent in ("attempt", "payload")]
    for table in tables:
        one.query(f"alter table posthorn.{table} set (autovacuum_enabled = off)")
        one.query(f"alter index posthorn.{table}_recorded_at_idx set (autosummarize = off)")
    one.query("insert into posthorn.attempt (started_at, \"offset\", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, cause, outcome)"
              " select now(), n, 1, 1, 1, 1000, 1, 1, 'e', 'd' from generate_series(1, 60000) n")
    one.query("insert into posthorn.payload (position_id, \"offset\", sealed, body) select 1, n, false, 'x' from generate_series(1, 60000) n")

    def makes_a_summary(table, of):
        """Whether that range had none. It has one now."""
        return one.value(f"select brin_summarize_range('posthorn.{table}_recorded_at_idx', %s * 128)", of) == 1
    for lock in (f"analyze posthorn.{tables[0]}", f"lock table posthorn.{tables[0]} in access exclusive mode"):
        two.begin()
        two.query(lock)  # `analyze` holds the lock of a vacuum, until the end of the transaction
        run(one, "summarize", at_once=True)
        two.commit()
    assert makes_a_summary(tables[0], of=1) and not makes_a_summary(tables[1], of=1)
    run(one, "summarize", at_once=True)
    assert not makes_a_summary(tables[0], of=2)


def test_nothing_waits_for_a_chore(system, receiver):
    """Every chore takes ten minutes. Dispatchers start, claim their partitions, deliver, and take over from another one that is stopped."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    for function in ("posthorn.make_partitions() returns int", "posthorn.count_activity() returns bigint"):
        system.db.query(f"create or replace function {function} language plpgsql security definer as $$ begin perform pg_sleep(600); return 0; end $$")
    first = system.dispatcher()
    wait_until(lambda: system.db.value("select count(*) from pg_stat_activity where datname = %s and wait_event = 'PgSleep'", system.database) > 0, 30, "a chore that sleeps")
    second = system.dispatcher()
    system.publish(*[system.event(account) for _ in range(20)])
    receiver.wait_for(20, "/hook")
    first.kill()
    system.publish(*[system.event(account) for _ in range(20)])
    receiver.wait_for(40, "/hook")
    system.wait_delivered(40)
    system.db.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and wait_event = 'PgSleep'", system.database)
    assert second.running()


def test_a_dispatcher_that_is_stopped_within_a_packet_does_not_keep_its_partitions(system):
    """PostgreSQL has executed the statements that arrived, and keeps their locks until the rest of the packet arrives or the session is ended."""
    system.publish(system.event(system.account()))
    system.dispatcher("before")
    system.wait_consumed()
    system.dispatchers[0].stop()
    stopped = psycopg.connect(system.url_of(DISPATCHER), autocommit=True, application_name="posthorn-dispatcher flush").pgconn
    try:
        stopped.enter_pipeline_mode()
        stopped.send_query_params(b"select id from posthorn.position for no key update", [])
        stopped.send_flush_request()
        while stopped.flush():
            select.select([], [stopped.socket], [], 10)
        wait_until(lambda: system.db.value("select count(*) from pg_stat_activity where datname = current_database() and application_name = 'posthorn-dispatcher flush' "
                                           "and wait_event = 'ClientRead' and backend_xid is not null") == 1, 30, "rows locked by a session that sends nothing")
        system.dispatcher("after")      # it is ready when it has claimed its partitions
        assert system.dispatchers[-1].log().count("event=stalled_ended") == 1
    finally:
        stopped.finish()
    system.publish(system.event(system.account()))
    system.wait_consumed()
