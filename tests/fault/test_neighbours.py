"""A failing, slow or hostile webhook does not delay another one, stall a partition or increase memory (promises 4 and 7)."""
import statistics

import pytest

from support.waiting import wait_until
from trial import read_times

BAD = ["/hang/{0}", "/status/500/{0}", "/drip/{0}", "refused"]
SLACK_MS = 50  # what a busy machine adds to the median of five turns; a delivery that waits for a bad webhook waits for at least a second


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


def flow(trial, healthy, rounds):
    """Publishes events one by one, each after the last has reached all healthy webhooks; the p99 of each event's latencies, in ms."""
    published = {}
    for _ in range(rounds):
        before = trial.sink_healthy(healthy)
        published |= trial.publish_timed(1)
        wait_until(lambda before=before: trial.sink_healthy(healthy) >= before + len(healthy), 120, "all healthy webhooks have it", every=0.005)
    times = read_times(trial.sink.journal)
    return [percentile([(times[event, path] - at) / 1e6 for path in healthy], 0.99) for event, at in published.items()]


def turn(system, hooks, status):
    """Disables or enables all of them; what was pending for disabled ones is cancelled when this returns."""
    system.db.query("update posthorn.webhook set status = %s where public_id = any (%s)", status, hooks)
    wait_until(lambda: status == "enabled" or system.db.value("select count(*) from posthorn.pending") == 0, 60, "nothing pending", every=0.1)


@pytest.mark.timeout(1800)
def test_healthy_webhooks_beside_hostile_ones(system, trials, scale, figures):
    """40 of 100 webhooks hang, answer 500, drip, or refuse. The p99 of the healthy ones is at most twice the p99 without the bad ones. They are measured in turns,
    with and without, so that other load on the machine affects both; the median of the turns is compared."""
    count = scale(100, 1000)
    good = [f"/ok/{n}" for n in range(count * 6 // 10)]
    bad = [BAD[n % 4].format(n) for n in range(count * 4 // 10)]
    trial = trials(paths=good + bad, name="beside")
    hostile = trial.webhook_ids[len(good):]
    system.dispatcher(request_timeout="3s")
    rounds, each = 5, scale(8, 20)
    calm, crowded = [], []
    for _ in range(rounds):
        turn(system, hostile, "disabled")
        flow(trial, good, 2)  # connections are warm
        calm.append(statistics.median(flow(trial, good, each)))
        turn(system, hostile, "enabled")
        flow(trial, good, 4)  # the bad webhooks have started to misbehave
        crowded.append(statistics.median(flow(trial, good, each)))
    ratios = [with_them / without for with_them, without in zip(crowded, calm, strict=True)]
    figures(webhooks=count, p99_alone_ms=[round(v) for v in calm], p99_beside_ms=[round(v) for v in crowded],
            ratio=round(statistics.median(ratios), 2))
    system.wait_consumed()  # no partition waits for the bad webhooks
    owed = system.db.value("select count(*) from posthorn.pending p join posthorn.webhook w on w.id = p.webhook_id where w.public_id = any (%s)", hostile)
    assert owed >= (each + 4) * len(bad) * 0.9, "what the bad ones were not given is still owed"
    assert system.audit.books()["missing"] == 0
    excess = statistics.median(with_them - 2 * without for with_them, without in zip(crowded, calm, strict=True))
    assert excess <= SLACK_MS, f"p99 in ms without bad neighbours {calm}, with them {crowded}"
