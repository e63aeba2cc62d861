"""The same event id published again gives one delivery for each webhook, whichever dispatcher reads it, and whichever is killed meanwhile (promise 2)."""
import json
import random

import psycopg
import pytest

from support.kafka import binary_record
from support.programs import FAULT_BIN
from support.waiting import wait_until


@pytest.mark.timeout(600)
def test_published_twice_at_once_and_again_later(system, trials, scale, figures):
    """The copies are in different partitions, so that different dispatchers compete for the id; one of them is killed."""
    trial = trials()
    first = system.dispatcher("first", wait=False)
    system.dispatcher("second", wait=False)
    count, seed = scale(3000, 30000), random.randrange(1 << 30)
    chance = random.Random(seed)
    ids = [f"twice{n}" for n in range(count)]
    trial.published.events(ids, trial.paths)
    trial.count = count

    def copies():
        records = [binary_record({"id": one, "type": "transaction.authorized", "account": trial.account, "data": {}}) | {"partition": partition}
                   for one in ids for partition in chance.sample(range(4), 2)]
        system.topics.produce(system.topic, records)
    copies()
    trial.wait_received(count // 2)
    first.kill()
    first.start(wait=False)
    trial.wait_over()
    copies()
    trial.wait_over()
    found = trial.verdict()
    books = system.audit.books()
    figures(kills=1, events=count, records=4 * count, duplicated=found.duplicated, missing=found.missing, phantom=found.phantom, seed=seed)
    assert found.good, found.line()
    assert (books["records"], books["events"], books["repeated"]) == (4 * count, count, 3 * count), json.dumps(books)
    twice = system.db.value("select count(*) from (select event_id, webhook_id from audit.attempts group by 1, 2 having count(*) > 1) t")
    assert twice <= found.duplicated  # no pair was attempted twice except because of the kill


AGED = {"event": "received_at", "payload": "recorded_at", "attempt": "recorded_at", "cancellation": "recorded_at", "repeat": "recorded_at",
        "dead_letter": "recorded_at", "ledger": "recorded_at", "digest": "recorded_at"}


def let_days_pass(system, days):
    """Moves the stored rows back in time by whole days: for the programs, it is as if this many days had passed."""
    for parent, column in AGED.items():
        key = "period" if parent == "event" else f"({column} at time zone 'UTC')::date"
        system.db.query(
            f"select posthorn.make_partition('{parent}', first, first + %s) from (select distinct {'posthorn.period_of' if parent == 'event' else ''}"
            f"(({key} - %s){'::timestamptz' if parent == 'event' else ''}) as first from posthorn.{parent}) f",
            system.db.value("select posthorn.setting_int('event_period_days')") if parent == "event" else 1, days)
        moved = f", period = posthorn.period_of((period - {days})::timestamptz)" if parent == "event" else ""
        system.db.query(f"update posthorn.{parent} set {column} = {column} - make_interval(days => {days}){moved}")
    system.db.query("update posthorn.pending set period = posthorn.period_of((period - %s)::timestamptz)", days)
    system.db.query("update posthorn.position set claimed_at = claimed_at - make_interval(days => %s)", days)
    system.admin("audit", "accept", "--reason", "the test let days pass")
    system.db.query("select posthorn.accept_changes('the days that go by in this test')")


def publish_ids(system, trial, ids):
    system.topics.produce(system.topic, [
        binary_record({"id": one, "type": "transaction.authorized", "account": trial.account, "data": {}}) | {"key": f"{one}{trial.count}"} for one in ids])
    trial.count += len(ids)
    trial.wait_over()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("days", [1, 5])
def test_published_again_days_later(system, trials, figures, days):
    """Within the recognition period, one delivery for each webhook; after it, another one. docs/operating.md says one to two periods."""
    if days != 1:
        system.db.query("update posthorn.setting set value = %s where name = 'event_period_days'", str(days))
    trial = trials()
    system.dispatcher()
    ids = [f"again{n}" for n in range(200)]
    publish_ids(system, trial, ids)
    assert trial.sink.received() == 400
    with pytest.raises(psycopg.errors.RaiseException, match="can no longer be changed"):
        system.db.query("update posthorn.setting set value = '7' where name = 'event_period_days'")
    publish_ids(system, trial, ids)
    let_days_pass(system, days)  # the period before
    publish_ids(system, trial, ids)
    assert trial.sink.received() == 400, "delivered again within the window"
    let_days_pass(system, days)  # two periods ago
    publish_ids(system, trial, ids)
    books = system.audit.books()
    figures(events=200, records=trial.count, repeated=books["repeated"], requests=trial.sink.received(), period_days=days)
    assert trial.sink.received() == 800, "beyond the window it is a new event"
    assert (books["records"], books["events"], books["repeated"], books["missing"]) == (800, 400, 400, 0), json.dumps(books)
    system.assert_balanced(records=800)


@pytest.mark.timeout(300)
def test_an_outage_longer_than_the_window(system, trials, figures):
    """Records were stored, but no position passed them for days: read again, they are still the same events, also in the reconciliation."""
    trial = trials()
    dying = system.dispatcher("dying", folder=FAULT_BIN, wait=False, fault="after-match:20")
    trial.publish(100)
    wait_until(lambda: not dying.running(), 60, "died")
    taken_in = system.db.value("select count(*) from posthorn.event")
    assert taken_in >= 20
    system.db.query("insert into posthorn.pending (webhook_id, position_id, \"offset\", cause, period, attempts, next_attempt_at)"
                    " select w.id, e.position_id, e.\"offset\", 'e', e.period, 0, now() from posthorn.event e, posthorn.webhook w"
                    " where w.public_id = %s order by 2, 3 limit 5", trial.webhook_ids[0])  # parked before the kill
    let_days_pass(system, 4)
    system.db.query("insert into posthorn.queue (webhook_id, next_due) select distinct webhook_id, now() from posthorn.pending on conflict do nothing")
    system.dispatcher("alive")
    trial.wait_over()
    trial.assert_good(kills=1, figures=figures)
    figures(taken_in_before=taken_in)
    assert system.db.value("select count(*) from posthorn.event") == 100, "one row an event"
