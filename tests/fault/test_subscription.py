"""Webhooks are created, changed, disabled and deleted while events flow and dispatchers are killed (promises 3 and 8)."""
import json
import random

import pytest

from support.kafka import binary_record
from support.system import MISSED_SOON
from support.waiting import wait_until
from trial import read_paths


@pytest.mark.timeout(900)
def test_each_event_sees_the_change_before_it(system, trials, scale, figures):
    """After each change with posthorn-admin, one event is published: exactly the webhooks that are enabled then must get it. The next change waits until the
    event was processed, because an event may also be handled according to a later change."""
    trial = trials(paths=["/ok/always"])
    system.dispatcher()
    seed = random.randrange(1 << 30)
    chance, hooks, enabled, wanted = random.Random(seed), {}, set(), {}
    changes = scale(40, 400)

    def arrived():
        trial.sink_healthy(["/ok/always"])
        return trial.arrived
    for number in range(changes):
        kind = chance.choice(["create", "disable", "enable", "delete"])
        if kind == "create" or not hooks:
            path = f"/ok/{number}"
            hooks[path] = system.webhook(trial.account, trial.sink.url(path))["id"]
            enabled.add(path)
        else:
            path = chance.choice(sorted(hooks))
            if kind == "delete":
                system.admin("webhook", "delete", hooks.pop(path))
                enabled.discard(path)
            elif (path in enabled) == (kind == "disable"):
                system.admin("webhook", kind, hooks[path])
                (enabled.discard if kind == "disable" else enabled.add)(path)
        event = f"seen{number}"
        wanted[event] = {"/ok/always", *enabled}
        system.topics.produce(system.topic, [binary_record({"id": event, "type": "transaction.authorized", "account": trial.account, "data": {}}) | {"key": event}])
        wait_until(lambda event=event: (event, "/ok/always") in arrived(), 60, f"{event} at the receiver")
    total = sum(len(paths) for paths in wanted.values())
    wait_until(lambda: trial.sink.received() >= total, 60, f"{total} requests")
    trial.wait_over()
    for dispatcher in system.dispatchers:
        dispatcher.stop()
    trial.sink.stop()
    got = read_paths(trial.sink.journal)
    wrong = {event: sorted(got.get(event, set()) ^ paths) for event, paths in wanted.items() if got.get(event) != paths}
    figures(changes=changes, wrong=len(wrong), seed=seed)
    assert not wrong, json.dumps(wrong)
    system.assert_balanced(records=changes)


@pytest.mark.timeout(900)
def test_the_books_balance_when_webhooks_change_between_death_and_rebirth(system, trials, scale, figures):
    """Attempts that were recorded before a crash count, although the webhook is deleted when the record is read again."""
    trial = trials(paths=["/ok/always"])
    dispatcher = system.dispatcher(**MISSED_SOON)
    for number in range(scale(3, 20)):
        hook = system.webhook(trial.account, trial.sink.url(f"/ok/{number}"))["id"]
        system.webhook(trial.account, trial.sink.url(f"/hang/{number}"))  # holds the position for a second, until it is parked
        start = trial.sink.received()
        trial.publish(300)
        wait_until(lambda start=start: trial.sink.received() > start + 200, 60, "under way", every=0.002)
        dispatcher.kill()
        system.admin("webhook", "delete", hook)
        dispatcher.start()
        system.wait_consumed()
        assert system.audit.books()["missing"] == 0
        system.assert_balanced()
