"""Settings are effective bounds (promise 7). in-flight-max, memory-max: test_shares.py."""
from support.database import locked
from support.kafka import binary_record
from support.receiver import answer, hang
from support.waiting import wait_until


def test_a_batch_has_no_more_records(system, receiver):
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for _ in range(100)])
    system.dispatcher(batch_max=7)
    system.wait_delivered(100)
    batches = [row["events"] for row in system.db.query("select count(*) as events from posthorn.event group by xmin")]
    assert sum(batches) == 100 and max(batches) == 7, "intake writes a batch in one transaction"
    system.assert_balanced(records=100)


def test_an_account_starts_few_requests_at_once(system, receiver):
    """Alone, it has half of young-max: the next request starts when one has ended, or is 20 ms old."""
    account = system.account()
    receiver.behave(None, hang())
    system.webhooks(account, [receiver.url(f"/{n}") for n in range(4)])
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for _ in range(10)])
    system.dispatcher(young_max=2, request_timeout="300s")
    wait_until(lambda: receiver.held() == 40, 60, "all requests are under way")
    receiver.release()
    system.wait_delivered(40)
    started = [row["started_at"] for row in system.db.query("select started_at from posthorn.attempt order by started_at")]
    took = (started[-1] - started[0]).total_seconds()
    assert len(started) == 40 and took > 39 * 0.02 * 0.9, f"40 requests began within {took} s, though 20 ms lie between any two"
    system.assert_balanced(records=10)


def test_other_accounts_do_not_wait_for_its_requests(system, receiver):
    """An event that comes on the same partition after an event of an account with very many webhooks."""
    busy, other = system.account(), system.account()
    receiver.behave(None, hang())
    receiver.behave("/other", answer(200))
    system.webhooks(busy, [receiver.url(f"/busy/{n}") for n in range(150)])
    system.webhook(other, receiver.url("/other"))
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for account in (busy, other)])
    system.dispatcher(young_max=8, request_timeout="300s")
    receiver.wait_for(1, "/other")
    receiver.behave(None, answer(200))

    def delivered():
        receiver.release()
        return system.audit.books()["delivered"] == 151
    wait_until(delivered, 120, "all delivered", every=0.2)
    before = system.db.value("""
        select count(*) from posthorn.attempt a, posthorn.attempt other
        where other.webhook_id = (select max(id) from posthorn.webhook) and a.attempt = 1 and a.started_at < other.started_at""")
    assert before < 75, f"{before} of the busy account's 150 requests started before that of the other account"
    system.assert_balanced(records=2)


def test_fresh_events_do_not_wait_for_the_backlogs_of_many_accounts(system, receiver):
    """More accounts than young-max, and receivers that take longer than 20 ms."""
    busy, other = [system.account() for _ in range(20)], system.account()
    for n, account in enumerate(busy):
        system.webhook(account, receiver.url(f"/busy/{n}"))
    system.webhook(other, receiver.url("/other"))
    receiver.behave(None, answer(503))
    receiver.behave("/other", answer(200))
    system.dispatcher(young_max=8, retry_schedule="1h,1h,1h,1h")
    system.publish(*(system.event(account) for account in busy for _ in range(60)))
    wait_until(lambda: system.audit.books()["pending"] == 20 * 60, 60, "a backlog")
    receiver.behave(None, answer(200, delay=0.2))
    receiver.behave("/other", answer(200))
    receiver.forget()
    system.db.query("update posthorn.pending set next_attempt_at = now()")
    system.db.query("update posthorn.queue set held_until = '-infinity', next_due = now(), failing_since = null")
    wait_until(lambda: receiver.count() > 60, 60, "the backlogs are under way")
    for n in range(4):
        before = receiver.count()
        system.publish(system.event(other))
        receiver.wait_for(n + 1, "/other")
        assert receiver.count() - before < 300, "most of the backlogs' requests have not started"
    system.wait_delivered(20 * 60 + 4)


def test_webhooks_of_one_account_take_turns(system, receiver):
    account = system.account()
    receiver.behave(None, answer(200, delay=0.1))
    system.webhooks(account, [receiver.url(f"/{n}") for n in range(3)])
    system.dispatcher(young_max=4, park_after="60s")
    system.publish(*(system.event(account) for _ in range(150)))
    wait_until(lambda: receiver.count() > 100, 60, "under way")
    counts = [receiver.count(f"/{n}") for n in range(3)]
    assert min(counts) > max(counts) / 4, counts
    system.wait_delivered(450)


def test_events_of_several_accounts_are_not_fanned_out_faster_than_they_are_sent(system, receiver):
    """As many as the accounts' shares of young-max allow are in memory; the others wait in Kafka, and need no row in PostgreSQL to wait in."""
    accounts = [system.account() for _ in range(4)]
    for n, account in enumerate(accounts):
        system.webhook(account, receiver.url(f"/{n}"))
    receiver.behave(None, answer(200, delay=0.01))
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for _ in range(150) for account in accounts])
    dispatcher = system.dispatcher(young_max=8, window_max=4, park_after="60s")
    system.wait_delivered(600)
    assert dispatcher.metrics()["posthorn_parked_total"] == 0
    system.assert_balanced(records=600)


def test_requests_stop_while_their_attempts_cannot_be_written(system, receiver):
    """A single account can use half of the attempts of four flushes, plus the requests that are in flight when that is reached."""
    flush_rows, window_max, hooks = 5, 8, 2
    account = system.account()
    system.webhooks(account, [receiver.url(f"/{n}") for n in range(hooks)])
    dispatcher = system.dispatcher(flush_rows=flush_rows, window_max=window_max)
    with locked(system.url, "attempt"):
        system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": n % 4} for n in range(300)])

        def stands():
            metrics = dispatcher.metrics()
            return metrics["posthorn_in_flight"] == 0 and metrics["posthorn_unflushed_attempts"] >= 2 * flush_rows
        wait_until(stands, 60, "nothing more starts")
        assert receiver.count() <= 2 * flush_rows + hooks * window_max
        assert dispatcher.metrics()["posthorn_unflushed_attempts"] == receiver.count()
    system.wait_delivered(300 * hooks)
    assert receiver.count() == 300 * hooks
    system.assert_balanced(records=300)
