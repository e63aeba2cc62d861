"""No attack: processes that only use the processors. Its ratio is the effect of a busy machine, with which the ratios of the attacks are compared."""
import os

from .attack import Attack
from .child import Child


def compute(over, say):
    """Computes until it is over."""
    say(True)
    while not over.is_set():
        sum(range(100_000))


class Busy(Attack):
    name, means, resource = "control", "none", "CPU"
    what = "control: a process for each core that only computes"

    def begin(self, stage, number):
        self.children = [Child(compute) for _ in range(os.cpu_count())]
        for child in self.children:
            child.told()


ATTACKS = [Busy()]
