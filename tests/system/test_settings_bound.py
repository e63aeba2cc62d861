"""Settings bound what they say (promise 7). in-flight-max, memory-max: test_shares.py."""
from support.database import locked
from support.kafka import binary_record
from support.receiver import hang
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


def test_the_next_event_waits_while_too_many_requests_are_young(system, receiver):
    """An event goes out whole, though it alone is more than young-max; the next one starts 50 ms later."""
    account = system.account()
    receiver.behave(None, hang())
    system.webhooks(account, [receiver.url(f"/{n}") for n in range(4)])
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": 0} for _ in range(10)])
    system.dispatcher(young_max=2, request_timeout="300s")
    wait_until(lambda: receiver.held() == 40, 60, "all requests are under way")
    receiver.release()
    system.wait_delivered(40)
    started = system.db.query('select min(started_at) as first, count(*) as attempts from posthorn.attempt group by "offset" order by "offset"')
    assert [row["attempts"] for row in started] == [4] * 10
    took = (started[-1]["first"] - started[0]["first"]).total_seconds()
    assert took > 0.4, f"ten events began within {took} s, though nine times 50 ms lie between them"
    system.assert_balanced(records=10)


def test_requests_stop_while_their_attempts_cannot_be_written(system, receiver):
    """An account alone has half of four flushes' attempts; what is in flight when that is reached comes on top."""
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
