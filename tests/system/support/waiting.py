"""Waiting for a condition with a deadline, the only way in which these tests wait."""
import time


def wait_until(condition, deadline=30, what="", every=0.02):
    """Calls condition() until it is truthy and returns that value; fails after `deadline` seconds, with `what` and the
    last value. The deadline bounds a hanging test; it asserts nothing about speed, so choose it generously."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {deadline} s still not: {what or condition!r}; last value: {value!r}")
        time.sleep(every)
