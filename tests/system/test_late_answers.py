"""PostgreSQL responds late, or not at all, and the dispatcher's memory has changed meanwhile. Locks on tables enforce the order."""
import socket

import psycopg
import pytest

from support.database import locked
from support.hostile_dns import NEVER, NameServer, address, always
from support.kafka import binary_record
from support.ports import free_port
from support.receiver import answer
from support.waiting import wait_until

TOO_LARGE = 34 << 20


def session(system, name):
    """What PostgreSQL shows about a dispatcher's connection."""
    rows = system.db.query("select pid, state, wait_event_type, query, query_start from pg_stat_activity where datname = current_database() "
                           "and application_name = 'posthorn-dispatcher ' || %s", name)
    return rows[0] if rows else None


def wait_blocked(system, name, statement):
    """Waits until that statement of the dispatcher waits for a lock."""
    def blocked():
        found = session(system, name)
        return found and found["wait_event_type"] == "Lock" and statement in found["query"] and found
    return wait_until(blocked, 60, f"{statement} of {name} blocked")


def wait_asked_again(system, name, statement):
    """Waits until the dispatcher has sent that statement again, and has received the reply."""
    before = session(system, name)["query_start"]

    def asked():
        found = session(system, name)
        return found["query_start"] > before and statement in found["query"] and found["state"] == "idle"
    wait_until(asked, 60, f"{statement} asked again", every=0.001)


def outgrow(system, hook):
    """The account of the webhook becomes too large to be loaded."""
    with psycopg.connect(system.url) as db:
        db.execute("set session_replication_role = replica")
        db.execute("update posthorn.webhook set auth_username = repeat('x', %s) where public_id = %s", (TOO_LARGE, hook))
    system.db.query("update posthorn.webhook set label = 'moves the clock' where public_id = %s", hook)


def shrink(system, hook):
    system.db.query("update posthorn.webhook set auth_username = null where public_id = %s", hook)


@pytest.mark.malformed
def test_the_partition_is_lost_while_its_events_are_matched(system, receiver):
    """The reply is for events that are no longer in memory."""
    account = system.account(dialect="merchant")
    hook = system.webhook(account, receiver.url("/hook"))["id"]
    outgrow(system, hook)
    dispatcher = system.dispatcher()
    empty = dispatcher.metrics()["posthorn_event_bytes"]
    system.publish(system.event(account))
    wait_until(lambda: system.audit.books()["pending"] == 1, 60, "matched and parked")
    with locked(system.url, "subscription") as lock:
        system.publish(*(system.event(account) for _ in range(20)))
        wait_blocked(system, "intake", "posthorn.match")
        system.db.query("update posthorn.position set owner = '00000000-0000-0000-0000-000000000001' where topic = %s", system.topic)
        wait_until(lambda: dispatcher.log().count("event=position_lost") == 4, 60, "the partitions are lost")
        wait_until(lambda: system.db.value("select bool_and(owner <> '00000000-0000-0000-0000-000000000001') from posthorn.position where topic = %s",
                                           system.topic), 60, "and claimed again")
        lock.rollback()
    wait_until(lambda: system.audit.books()["pending"] == 21, 60, "matched and parked")
    shrink(system, hook)
    system.wait_delivered(21)
    wait_until(lambda: dispatcher.metrics()["posthorn_event_bytes"] == empty, 30, "nothing is left in memory")
    assert receiver.count("/hook") == 21
    system.assert_balanced(records=21)


@pytest.mark.malformed
def test_the_account_becomes_too_large_within_a_batch(system, receiver):
    """Some events of the batch are in flight; PostgreSQL matches the others."""
    account = system.account(dialect="merchant")
    receiver.behave("/hook", answer(200, delay=0.5))
    hook = system.webhook(account, receiver.url("/hook"))["id"]
    dispatcher = system.dispatcher(young_max=1)  # 20 ms from one event to the next
    empty = dispatcher.metrics()["posthorn_event_bytes"]
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for _ in range(500)])
    wait_until(lambda: system.audit.count("attempts") > 0, 60, "the first events are delivered", every=0.01)
    outgrow(system, hook)
    wait_until(lambda: system.audit.books()["pending"] > 1, 60, "the last events wait", every=0.1)
    system.wait_consumed()
    assert 0 < system.audit.count("attempts") < 500
    shrink(system, hook)
    system.wait_delivered(500)
    wait_until(lambda: dispatcher.metrics()["posthorn_event_bytes"] == empty, 30, "nothing is left in memory")
    assert receiver.count("/hook") == 500
    system.assert_balanced(records=500)


PARK = """
select posthorn.park(array[w.id], array[e.position_id], array[e."offset"], array['r'::"char"], array[e.period], array[0::smallint], array[now()], array[null::bigint])
from posthorn.event e, posthorn.webhook w where e.event_id = %s and w.public_id = %s
"""
CREATE = """
with made as (
    insert into posthorn.webhook (public_id, account_id, url, format, signature) select 'made', id, %s, 'standard', 'none' from posthorn.account where key = %s
    returning id, url
), version as (
    insert into posthorn.webhook_version (webhook_id, version, url) select id, 1, url from made
)
insert into posthorn.subscription select id, '*' from made
"""


@pytest.mark.parametrize("change", ["enabled", "created"])
def test_a_lease_comes_before_the_change(system, receiver, change):
    """A webhook's backlog is leased before the dispatcher knows that the webhook was enabled or created: nothing is cancelled."""
    account = system.account(dialect="merchant")
    hook = system.webhook(account, receiver.url("/hook"))["id"]
    system.admin("webhook", "disable", hook)
    system.dispatcher(clock_interval="4s")
    event = system.event(account)
    system.publish(event)
    wait_until(lambda: system.audit.books()["cancelled"] == 1, 60, "the dispatcher knows the account")
    with locked(system.url, "queue") as lock:
        if change == "enabled":
            lock.execute("update posthorn.webhook set status = 'enabled' where public_id = %s", (hook,))
        else:
            lock.execute(CREATE, (receiver.url("/hook"), account))
        lock.execute(PARK, (event["id"], hook if change == "enabled" else "made"))
        wait_blocked(system, "retry", "posthorn.lease")
        wait_asked_again(system, "accounts", "posthorn.changes_since")  # the next time is in 4 s
        lock.commit()
    receiver.wait_for(1, "/hook")
    wait_until(lambda: system.db.value("select count(*) from posthorn.pending") == 0, 30, "over")
    assert system.audit.books()["cancelled"] == 1 and [a["outcome"] for a in system.audit.attempts(event["id"])] == ["delivered"]


def test_the_load_of_a_changed_account_is_lost(system, receiver):
    """The connection ends before the reply: the account is loaded again, although there are no further events for it."""
    account = system.account(dialect="merchant")
    receiver.behave("/old", answer(500))
    hook = system.webhook(account, receiver.url("/old"))["id"]
    system.dispatcher(retry_schedule=",".join(["500ms"] * 60))
    system.publish(system.event(account))
    receiver.wait_for(1, "/old")
    with locked(system.url, "source_key") as lock:  # read with the webhooks, not by polling
        system.db.query("update posthorn.webhook set url = %s where public_id = %s", receiver.url("/new"), hook)
        load = wait_blocked(system, "accounts", "posthorn.account_bytes")
        system.db.query("select pg_terminate_backend(%s)", load["pid"])
        wait_until(lambda: (session(system, "accounts") or load)["pid"] != load["pid"], 30, "connected again")
        lock.rollback()
    receiver.wait_for(1, "/new")
    system.wait_delivered(1)
    system.assert_balanced(records=1)


def test_accounts_leave_the_cache_while_a_batch_waits(system, receiver):
    """An event is about to be stored, and PostgreSQL does not accept it for more than a minute. Meanwhile, its account is removed from the cache: it is loaded
    again, and the event does not become a dead letter."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"))
    large = [system.account(dialect="merchant") for _ in range(5)]
    hooks = [system.webhook(one, receiver.url("/large"))["id"] for one in large]
    dispatcher = system.dispatcher(batch_max=1)
    first = system.event(account)
    system.publish(first)
    system.wait_delivered(1)
    system.db.query("alter table posthorn.webhook drop constraint webhook_url_check")
    with psycopg.connect(system.url) as db:
        db.execute("set session_replication_role = replica")
        db.execute("update posthorn.webhook set url = url || repeat('x', 28 << 20) where public_id = any (%s)", (hooks,))
    with psycopg.connect(system.url) as lock:
        lock.execute("lock table posthorn.event in share mode")  # it can be read
        system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for _ in range(2)])
        wait_blocked(system, "intake", "posthorn.intake")
        wait_until(lambda: dispatcher.metrics()["posthorn_records_total"] == 3, 30, "the second waits behind the first")
        wait_until(lambda: system.db.value("select now() - query_start > interval '61 seconds' from pg_stat_activity where datname = current_database() "
                                           "and application_name = 'posthorn-dispatcher intake'"), 90, "a minute is over", every=0.5)
        for hook in hooks:
            system.db.query(PARK, first["id"], hook)
        wait_until(lambda: system.audit.count("attempts", cause="replay") >= 5, 60, "the others are loaded: they cannot be called, with such URLs")
        lock.rollback()
    system.wait_consumed()
    assert system.audit.books()["dead_lettered"] == 0
    system.wait_delivered(3)
    assert receiver.count("/hook") == 3


def test_a_backlog_whose_host_is_not_resolved_yet(system, receiver):
    """Its leased deliveries are returned without an attempt, with nothing to write: they are leased again, and nothing else happens meanwhile."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook").replace("127.0.0.1", "hook.test"))
    answers = {"now": NEVER}
    port, udp, tcp = free_port(), socket.socket(type=socket.SOCK_DGRAM), socket.socket()
    for one in (udp, tcp):
        one.bind(("127.0.0.1", port))
    tcp.listen()
    here = always(address("127.0.0.1"))
    server = NameServer(udp, tcp, {"hook.test": lambda number, kind: answers["now"] if answers["now"] == NEVER else here(number, kind)})
    system.dispatcher(name_servers=f"127.0.0.1:{port}", park_after="50ms", request_timeout="60s")
    system.publish(system.event(account))
    wait_until(lambda: system.audit.books()["pending"] == 1 and server.count("hook.test"), 60, "it waits")
    wait_until(lambda: (found := session(system, "retry")) and "posthorn.due" in found["query"], 60, "taken", every=0.001)
    wait_asked_again(system, "retry", "posthorn.due")
    answers["now"] = None
    system.wait_delivered(1)
    server.stop()
    system.assert_balanced(records=1)
