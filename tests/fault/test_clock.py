"""The clock is stepped back and forth while events flow: nothing is lost, nothing is invented, and retries keep to PostgreSQL's clock (promises 1, 2, 6).

The machine's clock does not change: libfaketime gives a program another time of day, read from a file, and does not change the monotonic clock, as with a real step."""
import datetime
import os
import pathlib
import re
import time

import pytest

from proxy import Proxy
from support.servers import Postgres
from support.system import MISSED_SOON, System, migrate_template
from trial import MixedServers, Trial

HOUR, DAY = 3600, 86400


class Clock:
    """The time of day for programs that are started with its environment: the true time plus an offset."""

    def __init__(self, path):
        (library,) = pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self.path = path
        self.environment = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.step(0)

    def step(self, seconds):
        """Steps the clock to this many seconds from the true time."""
        new = self.path.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.chmod(0o644)
        new.rename(self.path)

    @staticmethod
    def days_of(log):
        """The maximum distance in days between a log's lines, which shows whether the steps reached the program."""
        times = sorted(datetime.datetime.fromisoformat(one) for one in re.findall(r"^time=(\S+)Z", log, re.M))
        return (times[-1] - times[0]).days


def steps(trial, clocks, offsets, rounds=1):
    """Steps each clock through all offsets, one clock after another, while events flow before, between and after."""
    trial.publish_in_background(10_000_000, chunk=100, pause=0.1)
    done = 0
    for _ in range(rounds):
        for offset in offsets:
            for clock in clocks:
                trial.wait_received(trial.sink.received() + 600)
                clock.step(offset)
                done += 1
    trial.wait_received(trial.sink.received() + 600)
    trial.stop_publishing()
    return done


@pytest.mark.timeout(900)
def test_the_clock_of_the_dispatchers(system, trials, test_directory, scale, figures):
    """Dispatchers use PostgreSQL's clock, so that their own has no effect: the pauses of retries and the times in the audit stay correct."""
    made = []
    trial = trials(paths=["/ok/a", "/ok/b", "/delay/30/c"], through=lambda sink: made.append(Proxy(sink.port)) or made[0])
    try:
        clocks = [Clock(test_directory / f"clock-{number}") for number in range(2)]
        for number, clock in enumerate(clocks):
            system.dispatcher(f"d{number}", environment=clock.environment, retry_schedule="1s,1s,1s,1s,1s,1s,1s,4d")
        began = system.db.value("select now()")
        made[0].passes(chance=0.01)  # resets connections, so that there are always retries
        done = steps(trial, clocks, [HOUR, -HOUR, 0, 3 * DAY], scale(1, 10))
        made[0].passes()
        trial.wait_over(120)  # and not when the clock is set back
    finally:
        made[0].stop()
    rows = system.audit.query("select event_id, webhook_id, attempt, started_at, recorded_at from audit.attempts order by event_id, webhook_id, attempt, started_at")
    now = system.db.value("select now()")
    assert all(began <= row["started_at"] <= row["recorded_at"] <= now for row in rows)
    again = [(b["started_at"] - a["started_at"]).total_seconds() for a, b in zip(rows, rows[1:], strict=False)
             if (a["event_id"], a["webhook_id"], a["attempt"] + 1) == (b["event_id"], b["webhook_id"], b["attempt"])]
    assert len(again) > 10 and min(again) >= 0.8, f"{len(again)} retries, one after {min(again)} s though the pause is a second, jittered by a fifth"
    trial.assert_good(kills=2, figures=figures)  # requests whose responses were lost
    for dispatcher, clock in zip(system.dispatchers, clocks, strict=True):
        assert clock.days_of(dispatcher.log()) >= 2, "the step did not reach the dispatcher"
    figures(kills=0, steps=done, retries=len(again))


@pytest.mark.timeout(900)
def test_the_clock_of_postgres(servers, test_directory, monkeypatch, scale, figures):
    """PostgreSQL's clock is used for due times: a step forward makes deliveries due earlier, a step back delays them, and neither loses anything."""
    if os.geteuid() != 0:
        pytest.skip("makes a second cluster as another user: needs root")
    clock = Clock(test_directory / "clock")
    postgres = Postgres(test_directory)
    system = trial = None
    try:
        for name, value in clock.environment.items():
            monkeypatch.setenv(name, value)
        postgres.start()
        for name in clock.environment:
            monkeypatch.delenv(name)
        system = System(MixedServers(kafka=servers.kafka, postgres=postgres, shared=servers.kafka), migrate_template(postgres), test_directory)
        trial = Trial(system, paths=["/ok/a", "/delay/30/b"])
        members = [system.dispatcher(f"d{number}", **MISSED_SOON) for number in range(2)]
        done = steps(trial, [clock], [HOUR, 0, -HOUR, 0, -DAY, 0] * scale(1, 8) + [3 * DAY])
        stepped = system.db.value("select extract(epoch from now())::float8") - time.time()
        assert stepped > 2 * DAY, f"PostgreSQL's clock is {stepped} s ahead: the step did not reach it"
        trial.publish_in_background(10_000_000, chunk=100, pause=0.1)
        members[0].kill()  # records that were read before the step are read again after it
        members[0].start(wait=False)
        trial.wait_received(trial.sink.received() + 600)
        trial.stop_publishing()
        trial.wait_over()
        trial.assert_good(kills=1, figures=figures)
        figures(steps=done)
    finally:
        if trial:
            trial.close()
        if system:
            for dispatcher in system.dispatchers:
                dispatcher.kill()
            system.db.close(), system.audit.close()
        postgres.remove()
