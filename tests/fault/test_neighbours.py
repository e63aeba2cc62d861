"""A webhook that is dead, slow or hostile delays no other, stalls no partition and grows no memory (promises 4 and 7)."""
import pytest

from support.waiting import wait_until
from trial import Trial, read_times

BAD = ["/hang/{0}", "/status/500/{0}", "/drip/{0}", "refused"]


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


def flow(trial, healthy, rounds):
    """Publishes events one by one, each after the last has reached all healthy webhooks; the latencies in ms."""
    published = {}
    for _ in range(rounds):
        before = trial.sink_healthy(healthy)
        published |= trial.publish_timed(1)
        wait_until(lambda: trial.sink_healthy(healthy) >= before + len(healthy), 120, "all healthy webhooks have it")
    times = read_times(trial.sink.journal)
    return [(times[event, path] - at) / 1e6 for event, at in published.items() for path in healthy]


@pytest.mark.timeout(1800)
def test_healthy_webhooks_beside_hostile_ones(system, trials, scale, figures):
    """40 in 100 webhooks hang, answer 500, drip, or refuse. What the healthy ones get is the same as alone."""
    count = scale(100, 1000)
    good = [f"/ok/{n}" for n in range(count * 6 // 10)]
    bad = [BAD[n % 4].format(n) for n in range(count * 4 // 10)]
    alone = trials(paths=good, name="alone")
    beside = trials(paths=good + bad, name="beside", sink=alone.sink)
    dispatcher = system.dispatcher(request_timeout="3s")
    rounds = scale(15, 50)
    flow(alone, good, 3)  # connections are warm
    calm = flow(alone, good, rounds)
    flow(beside, good, 3)
    crowded = flow(beside, good, rounds)
    figures(webhooks=count, p99_alone_ms=round(percentile(calm, 0.99)), p99_beside_ms=round(percentile(crowded, 0.99)),
            p50_alone_ms=round(percentile(calm, 0.5)), p50_beside_ms=round(percentile(crowded, 0.5)), memory_mb=round(dispatcher.memory() / 1e6))
    system.wait_consumed()  # no partition stalls on the bad ones
    events = rounds + 3
    assert system.db.value("select count(*) from posthorn.pending") >= events * len(bad) * 0.9  # and they are owed
    assert system.audit.books()["missing"] == 0
    assert dispatcher.memory() < 300e6
