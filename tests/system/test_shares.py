"""What dispatchers share among accounts: nobody's webhooks or records take what others need."""
import os
import pathlib
import re

from support.kafka import binary_record
from support.receiver import answer, hang
from support.waiting import wait_until


def peak_mb(dispatcher):
    """The most memory that it ever held resident."""
    status = pathlib.Path(f"/proc/{dispatcher.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024


def test_one_account_cannot_take_all_requests_in_flight(system, receiver):
    """More webhooks of one account hang than there may be requests in flight: another account's events are delivered meanwhile."""
    hanging, other = system.account(), system.account()
    receiver.behave(None, hang())
    receiver.behave("/good", answer(200))
    system.webhooks(hanging, [receiver.url(f"/hang/{n}") for n in range(40)])
    system.webhook(other, receiver.url("/good"))
    dispatcher = system.dispatcher(in_flight_max=64, request_timeout="300s")
    system.publish(*(system.event(hanging) for _ in range(4)))
    wait_until(lambda: receiver.held() >= 32, 60, "half of all requests hang")
    wait_until(lambda: system.audit.books()["pending"] >= 160, 60, "what hangs and what waits is parked")
    events = [system.event(other) for _ in range(50)]
    system.publish(*events)
    receiver.wait_for(50, "/good")
    wait_until(lambda: system.audit.books()["delivered"] == 50, 60, "the other account's events are recorded as delivered")
    assert system.audit.count("attempts") == 50, "a request that hung has ended: this test proves nothing"
    assert receiver.held() == 32, "an account alone may have half of in-flight-max under way"
    assert dispatcher.metrics()["posthorn_in_flight"] == 32

    receiver.behave(None, answer(200))
    receiver.release()
    system.wait_delivered(160 + 50)
    assert receiver.count("/good") == 50
    system.assert_balanced(records=54)
