"""A backlog of pending deliveries: leasing stays flat, fresh events are not delayed, other accounts are not starved (promises 4 and 6)."""
import json

import psycopg
import pytest

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
    """Pages that a statement touches; rolled back."""
    plan = connection.execute(f"explain (analyze, buffers, format json) {statement}", parameters).fetchone()[0]
    connection.rollback()
    root = (plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]
    return root["Shared Hit Blocks"] + root["Shared Read Blocks"]


@pytest.mark.timeout(3000)
def test_a_large_backlog_of_one_webhook(system, trials, scale, figures):
    count = scale(20_000, 1_000_000)
    old, fresh = trials(paths=["/ok/old"], name="old"), None
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
    wait_until(lambda: system.db.value("select count(*) from posthorn.pending") == 0, scale(300, 2400), "the backlog is gone", every=0.5)
    figures(memory_mb=round(dispatcher.memory() / 1e6))
    dispatcher.stop()
    old.sink.stop()
    with open(old.sink.journal) as lines:
        got = [line.split()[1] for line in lines if line.endswith("/ok/old\n")]
    assert len(got) == count, "each pending delivery once"
