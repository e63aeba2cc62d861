"""Fixtures of the fault tests: trials, and the figures that the run prints at its end."""
import json
import os
import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from trial import Trial

LONG = os.environ.get("POSTHORN_FAULT_LENGTH", "short") == "long"


@pytest.fixture(scope="session")
def scale():
    """scale(short, long): the amount for this run."""
    return lambda short, long: long if LONG else short


@pytest.fixture
def figures(record_property):
    """figures(name=value, …): figures of this test that the run prints."""
    def keep(**values):
        for name, value in values.items():
            record_property(name, json.dumps(value))
    return keep


@pytest.fixture
def trials(system, figures):
    """trials(…) makes a Trial of the test's system. In every test, the dispatchers' memory must stay below its limit."""
    made = []

    def make(**options):
        made.append(Trial(system, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()
    if made:
        figures(memory_mb=max(one.memory.peak_mb for one in made))
        for one in made:
            one.memory.assert_bounded()


def pytest_terminal_summary(terminalreporter):
    """The reports come from all processes of the run; that of a test's end has all that was recorded."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports if isinstance(report, pytest.TestReport)]
    figures = {report.nodeid.partition("::")[2]: {name: json.loads(value) for name, value in report.user_properties}
               for report in reports if report.when == "teardown" and report.user_properties}
    if not figures:
        return
    terminalreporter.section("figures of the fault suite")
    for name, values in figures.items():
        terminalreporter.line(f"{name}: " + ", ".join(f"{k} {json.dumps(v)}" for k, v in values.items()))
    sums = {key: sum(v.get(key, 0) for v in figures.values())
            for key in ("kills", "events", "pairs", "missing", "phantom", "out_of_audit", "duplicated")}
    sums["memory_mb at most"] = max(v.get("memory_mb", 0) for v in figures.values())
    terminalreporter.line("all: " + ", ".join(f"{k} {v}" for k, v in sums.items()))
