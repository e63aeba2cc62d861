"""A webhook fails for days: its breaker opens, it is disabled, its owner enables it, and the missed events are replayed (promises 2, 6 and 8)."""
import os
import pty
import re
import subprocess

import pytest

from proxy import Proxy
from support.programs import clean_environment, program
from support.waiting import wait_until
from trial import WINDOW_MAX


def admin_on_a_terminal(system, *arguments):
    """Runs posthorn-admin with its standard error on a terminal; returns what it showed there."""
    near, far = pty.openpty()
    process = subprocess.Popen([program("posthorn-admin"), *map(str, arguments)], env=clean_environment(system.settings()), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=far)
    os.close(far)
    shown = b""
    try:
        while chunk := os.read(near, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(near)
    assert process.wait(60) == 0, shown.decode()
    return shown.decode()


def queued(shown):
    return int(re.findall(r"(\d+) deliveries queued", shown)[-1])


def wait_states(dying, **wanted):
    wait_until(lambda: (found := dying.states()) == wanted or print(end=f"{found} ") or False, 60, f"{wanted}", every=0.5)


class Dying:
    """A second webhook of the trial's account, reached through a proxy that can be cut. The judge knows it as /ok/dying."""

    PATH = "/ok/dying"

    def __init__(self, trial):
        self.trial, self.system = trial, trial.system
        self.proxy = Proxy(trial.sink.port)
        self.id = self.system.webhook(trial.account, self.proxy.url(self.PATH))["id"]
        trial.published.webhook(self.id, self.PATH)
        trial.paths.append(self.PATH)

    def arrived(self):
        self.trial.sink_healthy([self.PATH])
        return {event for event, _ in self.trial.arrived}

    def shown(self):
        return self.system.admin("webhook", "show", self.id, "--json")

    def states(self):
        rows = self.system.audit.query("select state, count(*) from audit.deliveries where webhook_id = %s group by 1", self.id)
        return {row["state"]: row["count"] for row in rows}

    def replay(self, *options):
        """Replays, waits until nothing is pending, and returns (the number of queued deliveries, the events that arrived)."""
        before = self.arrived()
        shown = admin_on_a_terminal(self.system, "replay", "--webhook", self.id, *options)
        assert re.search(r"\[\.{20}\].*\r\[#{20}\] [^\r]*\r?\n$", shown, re.S), f"no progress bar from empty to full: {shown!r}"
        wait_until(lambda: self.system.db.value("select count(*) from posthorn.pending") == 0, 120, "replayed", every=0.1)
        return queued(shown), self.arrived() - before


@pytest.fixture
def dying(trials):
    made = Dying(trials(paths=["/ok/well"]))
    yield made
    made.proxy.stop()


@pytest.mark.timeout(900)
def test_dead_disabled_enabled_and_replayed(system, dying, scale, figures):
    trial, count = dying.trial, scale(600, 20_000)
    members = [system.dispatcher(f"d{number}", disable_after="4s", retry_schedule="100ms,100ms,100ms,4d") for number in range(2)]

    def events(number, each=None):
        first = trial.count
        for _ in range(number if each else 1):
            trial.publish(1 if each else number)
            if each:
                each()
        return {f"trial{n}" for n in range(first, trial.count)}
    events(count)
    wait_until(lambda: dying.states().get("delivered") == count, 120, "all is well", every=0.1)

    dying.proxy.cut()
    opened = system.audit.count("attempts", webhook_id=dying.id)
    missed = events(count)
    # the breaker: only few of these events are tried while it fails, by both dispatchers
    disabled = wait_until(lambda: (hook := dying.shown())["status"] == "disabled" and hook, 120, "disabled", every=0.2)
    assert "failed for" in disabled["disabled_reason"]
    (announced,) = system.topics.read(system.system_topic, 1)
    assert announced.header("ce_type") == "webhook.disabled" and announced.header("ce_account") == trial.account
    tried = system.audit.count("attempts", webhook_id=dying.id) - opened
    most = 2 * (2 * WINDOW_MAX + 20)  # two dispatchers, each with a window of requests, which libcurl may have sent twice, and some probes
    assert tried <= most < count, f"{tried} requests to a dead webhook"

    members[0].kill()  # the dispatcher that cancels the pending deliveries may be killed meanwhile
    members[0].start(wait=False)
    missed_too = events(count // 2)
    system.wait_consumed()
    wait_states(dying, delivered=count, cancelled=count + count // 2)  # the missed events have a record
    books = system.audit.books()

    dying.proxy.passes()
    system.admin("webhook", "enable", dying.id)
    events(20)
    wait_until(lambda: dying.states().get("delivered") == count + 20, 60, "it works again, without what it missed", every=0.1)

    # by time: first only the first part, then the rest of the cancelled deliveries, and then there is nothing left to replay
    boundary = system.audit.value("select min(received_at)::text from audit.events where event_id = any (%s)", sorted(missed_too))
    assert dying.replay("--state", "cancelled", "--to", iso(boundary)) == (count, missed)
    assert dying.replay("--state", "cancelled") == (count // 2, missed_too)
    assert dying.replay("--state", "cancelled") == (0, set())
    assert dying.replay("--state", "failed") == (0, set())
    after = system.audit.books()
    assert {k: after[k] - books[k] for k in ("cancelled", "failed", "missing")} == {"cancelled": 0, "failed": 0, "missing": 0}
    found = trial.assert_good(kills=1, figures=figures)
    figures(missed=len(missed | missed_too), tried_while_dead=tried, replayed=3 * count // 2)
    assert found.received == trial.pairs + found.duplicated


@pytest.mark.timeout(300)
def test_failed_deliveries_are_replayed_by_state(system, dying, figures):
    """The end of the schedule, with one event after another so that the breaker stays closed: failed, not cancelled."""
    trial = dying.trial
    system.dispatcher(retry_schedule="50ms,50ms")
    dying.proxy.cut()
    for number in range(1, 4):
        trial.publish(1)
        wait_until(lambda number=number: dying.states().get("failed") == number, 60, "given up", every=0.05)
    dying.proxy.passes()
    trial.publish(5)
    wait_until(lambda: dying.states() == {"failed": 3, "delivered": 5}, 60, "five delivered", every=0.1)
    assert dying.replay("--state", "cancelled") == (0, set())
    assert dying.replay("--state", "failed") == (3, {"trial0", "trial1", "trial2"})
    trial.assert_good(figures=figures)


def iso(text):
    """PostgreSQL's timestamptz as RFC 3339."""
    date, time = text.split(" ")
    return f"{date}T{time}:00" if re.search(r"[+-]\d\d$", time) else f"{date}T{time}"
