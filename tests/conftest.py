"""Fixtures of all tests in Python (system/, fault/). Everything is real: Apache Kafka, PostgreSQL, the programs, HTTP over loopback."""
import os
import pathlib
import re
import shutil
import signal
import tempfile

import pytest

from support import sanitizer
from support.ports import FREE_PORT
from support.receiver import Receiver, self_signed_certificate
from support.servers import Pooler, Servers
from support.system import DISPATCHER, System, migrate_template


pytest_plugins = ["support.protocol"]  # its fixtures

# tests/run starts several processes of pytest: each has its own servers, and its own ports, so that the port of a server that is down stays free.
if "PYTEST_XDIST_WORKER" in os.environ:
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    count = (FREE_PORT["LAST"] - FREE_PORT["FIRST"]) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ["FREE_PORTS"] = f"{FREE_PORT['FIRST'] + worker * count}-{FREE_PORT['FIRST'] + (worker + 1) * count - 1}"

# A run that was started by nohup or in the background ignores these signals, and so would all programs that the tests start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def run_directory(request):
    """The directory for the data of servers and the logs of programs; it is kept if a test failed."""
    parent = os.environ.get("POSTHORN_TEST_DIR")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-test-", dir=parent))
    directory.chmod(0o755)  # the user that runs PostgreSQL must be able to enter
    yield directory
    if request.session.testsfailed == 0:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"\nlogs of this run: {directory}")


@pytest.fixture(scope="session", autouse=True)
def sanitized_programs():
    """Checks that the programs have the sanitizers in a run of tests/run asan."""
    sanitizer.assert_built_in()


@pytest.fixture(autouse=True)
def no_sanitizer_report():
    """A report of a sanitizer fails the test that provoked it. This is the first fixture, so that it checks after the others have stopped the programs."""
    before = sanitizer.reports()
    yield
    sanitizer.assert_none_since(before)


@pytest.fixture(scope="session")
def session_servers(run_directory):
    made = Servers(run_directory)
    try:
        made.ensure_running()
        yield made
    finally:
        made.remove()


@pytest.fixture
def servers(session_servers):
    """The run's Kafka and PostgreSQL, both running when the test begins; the test may stop and kill them."""
    session_servers.ensure_running()
    return session_servers


@pytest.fixture
def template(session_servers):
    session_servers.ensure_running()
    return migrate_template(session_servers.postgres)


@pytest.fixture
def test_directory(run_directory, request):
    directory = run_directory / re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name)[:100]
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture
def system(servers, template, test_directory):
    """A separate Posthorn for this test; see support/system.py."""
    made = System(servers, template, test_directory)
    yield made
    made.close()


@pytest.fixture
def pooler(servers, template, test_directory):
    """pgBouncer in transaction mode: pooler.url(system.database) is the address for dispatchers."""
    made = Pooler(servers.postgres, test_directory, DISPATCHER, DISPATCHER)
    yield made
    made.stop()


@pytest.fixture
def receiver():
    """A webhook endpoint that answers 200 and records the requests; see support/receiver.py."""
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def tls_receiver(test_directory):
    """A receiver with TLS and a certificate of no known authority."""
    made = Receiver(certificate=self_signed_certificate(test_directory))
    yield made
    made.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the dispatchers' logs after a failed test."""
    outcome = yield
    report = outcome.get_result()
    system = getattr(item, "funcargs", {}).get("system")
    if report.failed and system is not None:
        report.sections += [(f"log of {name}", text) for name, text in system.logs()]
