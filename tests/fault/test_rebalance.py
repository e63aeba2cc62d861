"""Dispatchers start and stop while events flow (promises 1 and 2)."""
import random
import threading
import time

import pytest

from support.system import MISSED_SOON
from support.waiting import wait_until


def at_work(trial, count=400):
    trial.wait_received(trial.sink.received() + count)


@pytest.mark.timeout(1200)
def test_orderly_restarts_send_nothing_twice(system, trials, scale, figures):
    """A dispatcher that gives a partition back has stored its attempts, and has parked the unfinished deliveries."""
    trial = trials(paths=["/ok/a", "/ok/b", "/delay/20/c"])
    for number in range(3):
        system.dispatcher(f"d{number}")
    trial.publish_in_background(10_000_000, chunk=100, pause=0.2)
    rounds = scale(2, 20)
    for _ in range(rounds):
        for dispatcher in system.dispatchers[:3]:
            at_work(trial)
            dispatcher.stop()
            dispatcher.start()
    at_work(trial)
    trial.stop_publishing()
    trial.wait_over()
    found = trial.assert_good(figures=figures)
    figures(restarts=3 * rounds)
    assert found.duplicated == 0


@pytest.mark.timeout(1800)
def test_members_added_killed_and_put_to_sleep(system, trials, scale, figures):
    seed = random.randrange(1 << 30)
    chance, kills, naps = random.Random(seed), 0, 0
    trial = trials(paths=["/ok/a", "/ok/b", "/delay/20/c"])
    members = [system.dispatcher(f"d{number}", wait=False, **MISSED_SOON) for number in range(4)]
    trial.publish_in_background(10_000_000, chunk=200, pause=0.2)
    end = time.monotonic() + scale(60, 600)
    while time.monotonic() < end:
        at_work(trial)
        one = chance.choice(members)
        action = chance.choice(["kill", "nap", "leave"])
        if action == "nap":
            one.pause()
            try:
                at_work(trial, 200)
                wait_until(lambda one=one: owner_count(system, one) == 0, 60, "its partitions went to others", every=0.1)
            finally:
                one.resume()
            naps += 1
        elif action == "kill":
            one.kill()
            one.start(wait=False)
            kills += 1
        else:
            wait_until(lambda one=one: one.get("/healthz")[0] != 0, 60, "it runs: before it watches for signals, SIGTERM just ends it")
            one.stop()
            one.start(wait=False)
    at_work(trial)
    trial.stop_publishing()
    trial.wait_over()
    trial.assert_good(kills=kills + naps, figures=figures)
    figures(kills=kills, naps=naps, seed=seed)


@pytest.mark.timeout(300)
def test_a_sleeper_that_wakes_parks_nothing_that_is_over(system, trials, figures):
    """All its deliveries are old enough to be parked when it continues. But its partitions belong to another dispatcher, which has delivered them."""
    trial = trials(paths=["/delay/600/slow"])
    sleeper = system.dispatcher("sleeper", **MISSED_SOON)
    trial.publish(16)  # a new window: all requests are in flight at once
    trial.wait_received(16)
    sleeper.pause()
    try:
        system.dispatcher("other", **MISSED_SOON)
        wait_until(lambda: owner_count(system, sleeper) == 0, 60, "its partitions went to the other", every=0.1)
        trial.wait_over()
        assert trial.sink.received() == 32
    finally:
        sleeper.resume()
    wait_until(lambda: attempt_count(system, sleeper) == 16, 60, "what it had sent is written down, in the flush that was to park")
    assert system.db.value("select count(*) from posthorn.pending") == 0
    wait_until(lambda: owner_count(system, sleeper) == 2, 60, "the sleeper is a member again")
    trial.wait_over()
    found = trial.assert_good(kills=1, figures=figures)
    assert found.duplicated == 16


@pytest.mark.timeout(600)
def test_leaving_while_joining(system, scale):
    """SIGTERM at any moment of a start ends it with status 0."""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    system.dispatcher("stays", **MISSED_SOON)
    hasty = system.dispatcher("hasty", start=False, **MISSED_SOON)
    for number in range(scale(12, 100)):
        hasty.start(wait=False)
        wait_until(lambda number=number: hasty.log().count("event=started") > number, 60, "started")
        threading.Event().wait(chance.random() * 1.5)  # the moment is random
        hasty.stop()


def owner_count(system, dispatcher):
    return system.db.value("select count(*) from posthorn.position p join posthorn.dispatcher d on d.id = p.dispatcher_id where topic = %s and d.name = %s",
                           system.topic, dispatcher.name)


def attempt_count(system, dispatcher):
    return system.db.value("select count(*) from posthorn.attempt a join posthorn.dispatcher d on d.id = a.dispatcher_id where d.name = %s", dispatcher.name)
