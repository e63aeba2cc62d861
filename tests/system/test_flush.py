"""What a dispatcher does when PostgreSQL refuses a flush, or the connection ends under it: each attempt is written exactly once, and nothing stops."""
from support.database import locked
from support.kafka import binary_record
from support.receiver import answer
from support.waiting import wait_until


def flush_session(system, blocked):
    """The process id of the session that flushes, when it waits for a lock (or when it does not); else None."""
    rows = system.db.query("select pid from pg_stat_activity where datname = current_database() and application_name = 'posthorn-dispatcher flush' "
                           "and (wait_event_type = 'Lock') is not distinct from %s", blocked)
    return rows[0]["pid"] if rows else None


def publish_to_each_partition(system, account):
    """One event in each of the four partitions; returns the events."""
    events = [system.event(account) for _ in range(4)]
    system.topics.produce(system.topic, [binary_record(event) | {"partition": n} for n, event in enumerate(events)])
    return events


def test_the_connection_ends_before_the_commit(system, receiver):
    """The dispatcher asks for the number of its last flush, and sends this one again."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    with locked(system.url, "attempt") as lock:
        system.publish(system.event(account))
        pid = wait_until(lambda: flush_session(system, blocked=True), 60, "the flush waits")
        system.db.query("select pg_terminate_backend(%s)", pid)
        wait_until(lambda: "event=flush_resolved" in dispatcher.log(), 60, "the dispatcher has asked")
        lock.rollback()
    system.wait_delivered(1)
    system.publish(system.event(account))
    system.wait_delivered(2)
    assert (receiver.count("/hook"), system.audit.count("attempts")) == (2, 2)
    assert "event=position_lost" not in dispatcher.log()
    system.assert_balanced(records=2)


def test_a_flush_that_is_committed_already(system, receiver):
    """PostgreSQL knows its number: it is over. (Here the number was set by hand, so that its rows are missing: its position moved in memory only, is lost with
    the next flush, and its event is sent again.)"""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    events = [system.event(account) for _ in range(3)]
    system.topics.produce(system.topic, [binary_record(events[0]) | {"partition": 0}])
    system.wait_delivered(1)
    with locked(system.url, "attempt") as lock:
        system.topics.produce(system.topic, [binary_record(events[1]) | {"partition": 0}])
        wait_until(lambda: flush_session(system, blocked=True), 60, "the flush waits")
        system.db.query("update posthorn.dispatcher set flush_seq = flush_seq + 1 where flush_seq = (select max(flush_seq) from posthorn.dispatcher)")
        number = system.db.value("select max(flush_seq) from posthorn.dispatcher")
        lock.rollback()
    wait_until(lambda: dispatcher.metrics()["posthorn_flushes_refused_total"] >= 1, 60, "refused")
    system.topics.produce(system.topic, [binary_record(events[2]) | {"partition": 0}])
    system.wait_delivered(3)
    assert system.db.value("select max(flush_seq) from posthorn.dispatcher") > number
    assert receiver.count("/hook") == 4
    system.assert_balanced(records=3)


def test_one_refusal_names_all_lost_positions(system, receiver):
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher(flush_interval="1s")  # one flush for all
    with locked(system.url, "attempt") as lock:
        publish_to_each_partition(system, account)
        wait_until(lambda: flush_session(system, blocked=True), 60, "the flush waits")
        system.db.query("update posthorn.position set owner = gen_random_uuid() where topic = %s", system.topic)
        lock.rollback()
    system.wait_delivered(4)
    assert dispatcher.metrics()["posthorn_flushes_refused_total"] == 1
    assert dispatcher.log().count("event=position_lost") == 4
    assert receiver.count("/hook") == 4, "the attempts are stored all the same"
    system.assert_balanced(records=4)


def test_a_row_that_cannot_be_stored(system, receiver):
    """The other attempts of its flush are stored as they are, and this one without its texts. The following flushes are sent as usual."""
    account = system.account()
    receiver.behave("/bad", answer(222, b"bad"))
    receiver.behave("/good", answer(200, b"good"))
    hooks = dict(zip(("bad", "good"), system.webhooks(account, [receiver.url("/bad"), receiver.url("/good")]), strict=True))
    system.db.query("alter table posthorn.attempt add check (http_status <> 222)")
    dispatcher = system.dispatcher(flush_interval="500ms")
    event = system.event(account)
    system.publish(event)
    system.wait_delivered(2, deadline=60)
    attempts = {a["webhook_id"]: a for a in system.audit.attempts(event["id"])}
    bad, good = (attempts[hooks[name]["id"]] for name in ("bad", "good"))
    assert (good["http_status"], good["response_body"], good["error"]) == (200, "good", None)
    assert (bad["http_status"], bad["response_body"], bad["error"]) == (None, None, "unstorable")
    assert dispatcher.metrics()["posthorn_flushes_refused_total"] == 1
    assert (receiver.count("/bad"), receiver.count("/good")) == (1, 1)
    system.assert_balanced(records=1)


def test_a_table_has_no_partition_for_a_row(system, receiver):
    """It is created at once, long before the next round of housekeeping."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    system.publish(system.event(account))
    system.wait_delivered(1)
    for partition in system.db.query("select inhrelid::regclass::text as name from pg_inherits where inhparent = 'posthorn.cancellation'::regclass"):
        system.db.query(f"drop table {partition['name']}")
    hook = system.webhook(account, receiver.url("/disabled"))["id"]
    system.admin("webhook", "disable", hook)
    system.publish(system.event(account))
    wait_until(lambda: system.audit.count("deliveries", state="cancelled") == 1, 60, "the cancellation is stored")
    system.wait_delivered(2)


def test_a_database_that_does_not_know_the_dispatcher(system, receiver):
    """It registers again."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    system.publish(system.event(account))
    system.wait_delivered(1)
    system.db.query("set session_replication_role = replica")
    assert system.db.query("delete from posthorn.dispatcher returning id")
    system.db.query("set session_replication_role = origin")
    system.publish(system.event(account))
    system.wait_delivered(2)
    assert system.db.value("select count(*) from posthorn.dispatcher") == 1
    assert receiver.count("/hook") == 2


def test_shares_are_given_back_when_a_flush_is_committed(system, receiver):
    """With one attempt per flush, four attempts may be uncommitted: many more events than that are delivered."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher(flush_rows=1)
    system.publish(*(system.event(account) for _ in range(30)))
    system.wait_delivered(30, deadline=60)
    assert dispatcher.metrics()["posthorn_unflushed_attempts"] == 0
    system.assert_balanced(records=30)
