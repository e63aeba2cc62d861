"""The crash matrix: a dispatcher is killed with SIGKILL at every fault point, repeatedly, while others continue (promises 1, 2, 8)."""
import collections
import queue
import random
import threading
import time

import pytest

from support.programs import FAULT_BIN
from support.system import MISSED_SOON

# name: how often it is passed at most before the dispatcher is killed
POINTS = {
    "after-claim": 1, "after-read": 20, "after-intake": 20, "after-match": 2000, "after-send": 500, "after-answer": 2000, "before-flush": 40,
    "inside-transaction": 40, "after-commit": 40, "before-kafka-commit": 2, "after-lease": 3, "after-due": 5, "after-park": 50, "while-draining": 1,
}
SLOTS = 3
# Some deliveries of each burst wait too long for a webhook that takes 40 ms: they are parked, leased and become due. They are completed before the next burst.
BURST = {"chunk": 250, "pause": 0.5}
SMALL = {"window_max": 48, "park_after": "50ms"}


class Slot(threading.Thread):
    """Keeps one dispatcher running, which is killed at one point after another."""

    def __init__(self, system, number, work, static):
        super().__init__()
        properties = MISSED_SOON["kafka_properties"] + (f";group.instance.id=slot-{system.tag}-{number}" if static else "")
        self.dispatcher = system.dispatcher(f"slot-{number}", start=False, folder=FAULT_BIN, kafka_properties=properties, **SMALL)
        self.work, self.kills, self.failure = work, collections.Counter(), None

    def run(self):
        try:
            while True:
                point, count = self.work.get_nowait()
                if not self.one(point, count) and count > 1:  # the count was too high: it is started again, for the first passage
                    self.work.put((point, 1))
        except queue.Empty:
            pass
        except Exception as error:  # the test reports it
            self.failure = error

    def one(self, point, count):
        """Whether it was killed there."""
        self.dispatcher.start(wait=False, fault=f"{point}:{count}")
        end = time.monotonic() + 40
        if point == "while-draining":
            self.dispatcher.wait_ready(40)
            self.dispatcher.terminate()
        while self.dispatcher.running() and time.monotonic() < end:
            time.sleep(0.02)
        if self.dispatcher.running():
            self.dispatcher.kill()
            self.kills["elsewhere"] += 1
            return False
        assert self.dispatcher.process.returncode == -9, f"{point}: ended with {self.dispatcher.process.returncode}"
        self.kills[point] += 1
        return True


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("members", ["dynamic", "static"])
def test_killed_at_every_point(system, trials, scale, figures, members):
    rounds = scale(1, 4) if members == "dynamic" else scale(2, 80)
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    trial = trials(paths=["/ok/a", "/ok/b", "/delay/40/c"])
    todo = [(point, chance.randint(1, most)) for _ in range(rounds) for point, most in POINTS.items()]
    chance.shuffle(todo)
    work = queue.Queue()
    for one in todo:
        work.put(one)
    trial.publish_in_background(10_000_000, **BURST)
    slots = [Slot(system, number, work, members == "static") for number in range(SLOTS)]
    for slot in slots:
        slot.start()
    for slot in slots:
        slot.join()
    trial.stop_publishing()
    kills = sum((slot.kills for slot in slots), collections.Counter())
    for slot in slots:
        assert slot.failure is None, slot.failure
        slot.dispatcher.start(wait=False, fault=None)
    trial.wait_over(deadline=scale(300, 1500))
    trial.assert_good(kills=sum(kills.values()), figures=figures)
    figures(seed=seed, points=dict(kills))
    assert not POINTS.keys() - kills.keys(), f"never reached: {POINTS.keys() - kills.keys()}"
