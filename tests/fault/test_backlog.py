"""A backlog of pending deliveries: the cost of leasing is constant, new events are not delayed, other accounts are not starved (promises 4 and 6)."""
import json

import psycopg
import pytest

from support.receiver import answer, hang
from support.waiting import wait_until

FILL = """
with topic as (
    insert into posthorn.position (source, topic, partition, next_offset) values ('filled', 'filled', 0, 0) returning id
), events as (
    insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
    select gen_random_uuid(), posthorn.period_of(now()), topic.id, n, (select account_id from posthorn.webhook where public_id = %(webhook)s),
           'transaction.authorized', 'filled' || n, '/test', now(), '\\x00' from topic, generate_series(1::bigint, %(count)s) n
    returning position_id, "offset", period
), payloads as (
    insert into posthorn.payload (position_id, "offset", sealed, body) select position_id, "offset", false, '{}' from events
)
insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
select (select id from posthorn.webhook where public_id = %(webhook)s), position_id, "offset", 'e', period, 1, now() - interval '1 hour' from events
"""


def buffers(connection, statement, *parameters):
    """The number of pages that a statement reads; it is rolled back."""
    plan = connection.execute(f"explain (analyze, buffers, format json) {statement}", parameters).fetchone()[0]
    connection.rollback()
    root = (plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]
    return root["Shared Hit Blocks"] + root["Shared Read Blocks"]


@pytest.mark.timeout(3000)
def test_a_large_backlog_of_one_webhook(system, trials, scale, figures):
    count = scale(20_000, 1_000_000)
    old = trials(paths=["/delay/50/old"], name="old")  # its window of 64 allows 1,280 per second: the backlog lasts on any machine
    fresh = trials(paths=["/ok/fresh"], name="fresh", sink=old.sink)
    cost = {}
    with psycopg.connect(system.url) as connection:
        dispatcher_id = connection.execute("select posthorn.dispatcher_started('test')").fetchone()[0]
        connection.commit()
        for size in (200, count - 200):
            connection.execute("update posthorn.position set topic = topic || id where source = 'filled'")
            connection.execute(FILL, {"webhook": old.webhook_ids[0], "count": size})
            connection.execute("insert into posthorn.queue (webhook_id, next_due, lease) select id, now(), %s from posthorn.webhook where public_id = %s "
                               "on conflict (webhook_id) do nothing", (dispatcher_id, old.webhook_ids[0]))
            connection.commit()
            connection.autocommit = True
            connection.execute("vacuum analyze posthorn.pending, posthorn.event, posthorn.payload")
            connection.autocommit = False
            hook = connection.execute("select id from posthorn.webhook where public_id = %s", (old.webhook_ids[0],)).fetchone()[0]
            connection.rollback()
            for _ in range(2):  # the first plans
                cost[size] = buffers(connection, "select * from posthorn.due(%s, 60, array[%s::int], array[16])", dispatcher_id, hook)
    small, large = cost.values()
    figures(pending=count, pages_small=small, pages_large=large)
    assert large <= 3 * small + 50, f"looking for due deliveries touches {large} pages, with few pending {small}"

    dispatcher = system.dispatcher()
    wait_until(lambda: old.sink.received() > 500, 60, "the backlog is being worked off")
    fresh.publish(200)
    left = []

    def arrived():
        left.append(system.db.value("select count(*) from posthorn.pending"))
        return fresh.sink_healthy(fresh.paths) >= 200
    wait_until(arrived, 120, "fresh events arrive", every=0.1)
    figures(left_when_fresh_had_arrived=left[-1])
    assert left[-1] > count / 2, f"{left[-1]} of {count} were left when 200 fresh events had arrived: they waited for the backlog"
    wait_until(lambda: system.db.value("select count(*) from posthorn.pending") == 0, scale(300, 2400), "the backlog is gone", every=0.5)
    figures(memory_mb=round(dispatcher.memory() / 1e6))
    dispatcher.stop()
    old.sink.stop()
    with open(old.sink.journal) as lines:
        got = [line.split()[1] for line in lines if line.endswith("/delay/50/old\n")]
    assert len(got) == count, "each pending delivery once"


MANY = """
with topic as (
    insert into posthorn.position (source, topic, partition, next_offset) values ('filled', %(account)s, 0, 0) returning id
), account as (
    select id from posthorn.account where key = %(account)s
), hooks as (
    insert into posthorn.webhook (uuid, public_id, account_id, url, format)
    select u, u, account.id, %(url)s || %(account)s || '/' || n, 'penny'
    from account, (select n, gen_random_uuid() as u from generate_series(1, %(webhooks)s) n offset 0) names returning id
), events as (
    insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
    select gen_random_uuid(), posthorn.period_of(now()), topic.id, n, account.id, 'transaction.authorized', %(account)s || n, '/test', now(), '\\x00'
    from topic, account, generate_series(1::bigint, %(each)s) n returning position_id, "offset", period
), payloads as (
    insert into posthorn.payload (position_id, "offset", sealed, body) select position_id, "offset", false, '{}' from events
), waiting as (
    insert into posthorn.queue (webhook_id, next_due) select id, now() - %(ago)s::interval from hooks
)
insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
select hooks.id, position_id, "offset", 'e', period, 1, now() - %(ago)s::interval from events, hooks
"""


@pytest.mark.timeout(3000)
def test_accounts_share_fairly(system, trials, scale, figures):
    """One account has more webhooks with a backlog than a dispatcher leases at once, all due long before the other account's ten deliveries. These are
    made while the deliveries of the first account continue."""
    trial = trials(paths=["/ok/unused"])
    large, small = system.account(), system.account()
    webhooks, each = scale((600, 14), (1000, 1000))
    cost = {}
    with psycopg.connect(system.url) as connection:
        dispatcher_id = connection.execute("select posthorn.dispatcher_started('test')").fetchone()[0]
        connection.commit()
        for account, count, rows, ago in ((small, 5, 2, "1 minute"), (large, webhooks, each, "1 hour")):
            connection.execute(MANY, {"account": account, "url": trial.sink.url("/delay/500/"), "webhooks": count, "each": rows, "ago": ago})
            connection.commit()
            connection.autocommit = True
            connection.execute("vacuum analyze posthorn.queue, posthorn.pending")
            connection.autocommit = False
            for _ in range(2):  # the first plans
                cost[account] = buffers(connection, "select * from posthorn.lease(%s, 60, 5)", dispatcher_id)
    assert cost[large] <= 2 * cost[small] + 20, f"leasing five webhooks touches {cost[large]} pages in {webhooks}, {cost[small]} in five"
    dispatcher = system.dispatcher(window_max=1)
    total = webhooks * each + 10
    wait_until(lambda: trial.sink.received() >= total, scale(120, 2700), "the backlog is gone", every=0.2)
    wait_until(lambda: system.db.value("select count(*) from posthorn.pending") == 0, 60, "and recorded", every=0.2)
    dispatcher.stop()
    trial.sink.stop()
    with open(trial.sink.journal) as lines:
        order = [tuple(line.split()[1:]) for line in lines]
    assert len(order) == len(set(order)) == total, "each pending delivery once"
    last = max(place for place, (_, path) in enumerate(order) if small in path)
    figures(due=total, pages_few=cost[small], pages_many=cost[large], small_account_done_after=round(last / total, 2))
    assert last < total * 2 / 3, f"the small account's ten were done after {last} of {total} requests"


@pytest.mark.timeout(600)
def test_a_recovering_destination_is_not_flooded(system, receiver, figures):
    """A backlog waits for a webhook whose breaker is open. It recovers, but the test controls each response: first one request arrives, then a few more
    each time, both if the dispatcher has seen the failure and if it took over the webhook from another dispatcher."""
    account, other = system.account(), system.account()
    receiver.behave("/hook", answer(500))
    system.webhook(account, receiver.url("/hook"))
    system.webhook(other, receiver.url("/other"))
    dispatcher = system.dispatcher(request_timeout="30s", retry_schedule="1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,4d")
    waves = {}
    for who in ("the one that saw it fail", "another that took over"):
        before = receiver.count("/hook")
        receiver.behave("/hook", answer(500))
        system.publish(*(system.event(account) for _ in range(200)))
        wait_until(lambda before=before: receiver.count("/hook") >= before + 10, 60, "the breaker opens")
        system.wait_consumed()
        receiver.behave("/hook", hang())
        if who.startswith("another"):
            dispatcher.stop()
            dispatcher.start()
        waves[who] = sizes = []
        while len(sizes) < 8:
            wait_until(lambda: receiver.held() > 0 or nothing_pending(system), 60, "requests after the recovery")
            at_rest(system, receiver, other)
            sizes.append(receiver.release("/hook", 200))
        receiver.behave("/hook", answer(200))
        receiver.release("/hook", 200)
        wait_until(lambda: nothing_pending(system), 120, "the backlog is gone", every=0.2)
    figures(**{f"at_once_{number}": sizes for number, sizes in enumerate(waves.values())})
    for who, sizes in waves.items():
        assert sizes[0] == 1, f"{who}: {sizes} requests at once"
        assert all(b <= 2 * a for a, b in zip(sizes, sizes[1:], strict=False)), f"{who}: {sizes} requests at once"
        assert sizes[-1] >= 8, f"{who}: {sizes} requests at once do not grow"
    system.assert_balanced()


def nothing_pending(system):
    return system.db.value("select count(*) from posthorn.pending") == 0


def at_rest(system, receiver, other):
    """Waits until the dispatcher has executed all its steps a few times, so that it has sent everything that it could send."""
    for _ in range(3):
        before = receiver.count("/other")
        system.publish(system.event(other))
        wait_until(lambda before=before: receiver.count("/other") > before, 30, "another account's event")
        wait_until(lambda before=before: system.audit.count("attempts", account=other) > before, 30, "recorded", every=0.05)
