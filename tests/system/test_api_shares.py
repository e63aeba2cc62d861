"""One caller cannot use up the shared resources: connections, their memory, PostgreSQL's connections and time. Each test takes as much as possible, and
then another caller is served."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import threading

import psycopg
import pytest
import requests

from support.api import Caller, problem
from support.database import holding, locked
from support.servers import Pooler
from support.system import API
from support.waiting import wait_until

pytestmark = pytest.mark.malformed

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
URL = "https://example.com/hook"


def connect(api, address="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", api.port), timeout=20, source_address=(address, 0))


def is_served(api, address):
    """A caller without another connection gets a response."""
    with connect(api, address) as connection:
        connection.sendall(HEALTH)
        try:
            return connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False


def is_open(connection):
    try:
        connection.setblocking(False)
        while connection.recv(65536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


class Slow:
    """Connections that each send header lines repeatedly, and never the last one."""

    def __init__(self, api, addresses):
        self.connections = [connect(api, address) for address in addresses]
        self.stopped = threading.Event()
        for connection in self.connections:
            self.send(connection, b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
        self.thread = threading.Thread(target=self.go_on)
        self.thread.start()

    @staticmethod
    def send(connection, data):
        with contextlib.suppress(OSError):
            connection.sendall(data)

    def go_on(self):
        while not self.stopped.wait(0.2):
            for connection in self.connections:
                self.send(connection, b"X-A: b\r\n")

    def open(self):
        return sum(is_open(connection) for connection in self.connections)

    def close(self):
        self.stopped.set()
        self.thread.join()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def slow():
    made = []

    def start(api, addresses):
        made.append(Slow(api, addresses))
        return made[-1]
    yield start
    for each in made:
        each.close()


# Connections -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.threads
def test_slow_heads_do_not_stop_the_api(start_api, slow):
    """One address takes all connections that it can get, and always sends something."""
    api = start_api(connections_max=60, request_timeout="600s")
    held = slow(api, ["127.0.0.1"] * 100)
    assert is_served(api, "127.0.0.2")
    assert 20 <= held.open() <= 30, "half of the connections are one address's at most"
    assert api.metrics()['posthorn_api_refused_total{reason="full"}'] >= 70
    assert requests.get(f"http://127.0.0.1:{api.monitor_port}/healthz", timeout=20).status_code == 200


def test_slow_heads_of_many_addresses_do_not_stop_the_api(start_api, slow):
    """The connection that has waited longest is closed."""
    api = start_api(connections_max=60, request_timeout="600s")
    held = slow(api, [f"127.0.1.{n}" for n in range(1, 61)])
    for n in range(1, 6):
        assert is_served(api, f"127.0.2.{n}")
    assert held.open() >= 50


def test_a_request_must_be_complete_in_time(system, start_api, slow):
    """The limit applies to head and body together, however often something arrives; each receives 408."""
    api = start_api(request_timeout="2s")
    key = api.key(system.account(dialect="penny"))
    held = slow(api, ["127.0.0.1"] * 3)
    body = connect(api)
    body.sendall(f"POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: 100000\r\n\r\n".encode())
    held.connections.append(body)
    ended = [connection.makefile("rb") for connection in held.connections]
    for connection in held.connections:
        connection.settimeout(60)
    for file in ended:
        assert file.readline().startswith(b"HTTP/1.1 408 ")
    assert api.is_ready()


def test_an_answer_that_nobody_reads_is_given_up(system, start_api):
    """The connection is closed, and its memory is released."""
    api = start_api(request_timeout="2s")
    silent = connect(api)
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(200):
        with contextlib.suppress(OSError):
            silent.sendall(b"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: api.metrics()["posthorn_api_connections"] == 1, 60, "it is closed")  # the one that makes the request
    silent.close()


@pytest.mark.threads
def test_requests_by_a_proxy_have_the_shares_of_their_addresses(system, start_api):
    """A trusted proxy may open all connections; an address behind it may not use all of them."""
    api = start_api(connections_max=20, forwarded_for="127.0.0.1", request_timeout="60s")
    key = api.key(system.account(dialect="penny"))
    head = f"POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: 10\r\nX-Forwarded-For: "
    held = [connect(api) for _ in range(15)]
    for connection in held:
        connection.sendall(head.encode() + b"192.0.2.1\r\n\r\n{")
    answers = wait_until(lambda: select.select(held, [], [], 1)[0], 60, "some are refused")
    assert answers[0].recv(65536).startswith(b"HTTP/1.1 503 ")
    kept = wait_until(lambda: [c for c in held if is_open(c)] if sum(is_open(c) for c in held) <= 10 else None, 60, "half of them at most are read")
    assert len(kept) >= 5
    other = Caller(api.url, key)
    assert other.get("/v1/webhooks", headers={"X-Forwarded-For": "192.0.2.2"}).status_code == 200
    for connection in held:
        connection.close()


# Memory ----------------------------------------------------------------------------------------------------------------------------------


def resident(api):
    status = pathlib.Path(f"/proc/{api.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def test_bodies_without_a_credential_are_not_kept(start_api):
    """They are answered before they are read."""
    api = start_api(connections_max=1000)
    before = resident(api)
    held = [connect(api, f"127.0.0.{2 + n % 10}") for n in range(200)]
    for connection in held:
        connection.sendall(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\nContent-Length: 1000000\r\n\r\n")
    for connection in held:
        with contextlib.suppress(OSError):
            connection.sendall(b" " * 900000)
    assert all(connection.recv(12) == b"HTTP/1.1 401" for connection in held)
    assert resident(api) - before < 100 * 2**20, "kept, they would be 180 MB"  # AddressSanitizer takes half as much again
    for connection in held:
        connection.close()


def test_a_large_body_is_refused_before_it_is_read(system, api):
    for path, size in (("/v1/auth/tokens", 17000), ("/v1/webhooks", 66000), ("/v1/events", 1100000)):
        with connect(api) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {api.key(system.account(dialect='penny'))}\r\n"
                               f"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {size}\r\n\r\n".encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_counts_as_many_requests(system, start_api):
    """Also one that is sent in chunks, whose size is not known in advance."""
    api = start_api(rate_limit=400)
    callers = [api.caller(system.account(dialect="penny")) for _ in range(2)]

    def publish(caller, size, chunked=False):
        body = json.dumps({"type": "transaction.authorized", "data": {"text": "x" * size}}).encode()
        answered = caller.call("POST", "/v1/events", data=iter([body]) if chunked else body, headers={"Content-Type": "application/json"})
        return answered.status_code, int(answered.headers["RateLimit-Remaining"])

    assert publish(callers[0], 10) == (202, 399)
    assert publish(callers[0], 10, chunked=True) == (202, 398)
    assert publish(callers[0], 100_000, chunked=True) == (202, 397)
    assert publish(callers[0], 10) == (202, 397 - 24 - 1)
    assert publish(callers[0], 900_000) == (202, 372 - 220)
    assert publish(callers[0], 900_000) == (429, 0)
    assert publish(callers[1], 900_000) == (202, 400 - 220)


@pytest.mark.threads
def test_bodies_of_one_account_do_not_use_up_the_memory(system, start_api):
    api = start_api(event_max=262144, bodies_max=1048576, rate_limit=1000000)
    key, other = (api.key(system.account(dialect="penny")) for _ in range(2))
    body = json.dumps({"type": "transaction.authorized", "data": {"text": "x" * 250000}}).encode()
    head = (f"POST /v1/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()

    def at_once():
        """The statuses of eight requests; their last bytes are sent when the others are there, which the API may be slow to read."""
        held = [connect(api) for _ in range(8)]
        for connection in held:
            connection.sendall(head + body[:-1])
        for connection in held[::-1]:
            connection.sendall(body[-1:])
        return {int(connection.makefile("rb").readline().split()[1]) for connection in held}
    wait_until(lambda: at_once() == {202, 503}, 60, "some of eight are refused", every=0.1)
    held = [connect(api) for _ in range(8)]
    for connection in held:
        connection.sendall(head + body[:-1])
    assert Caller(api.url, other).call("POST", "/v1/events", data=body, headers={"Content-Type": "application/json"}).status_code == 202
    for connection in held:
        connection.close()
    wait_until(lambda: Caller(api.url, key).call("POST", "/v1/events", data=body, headers={"Content-Type": "application/json"}).status_code == 202,
               30, "what was held is free again")


# PostgreSQL ------------------------------------------------------------------------------------------------------------------------------


def waiting(system):
    """The number of the API's statements that wait for a lock."""
    return system.db.value("select count(*) from pg_stat_activity where datname = current_database() and usename = 'test_api' and wait_event_type = 'Lock'")


@pytest.mark.parametrize("table, paths", [
    ("webhook", ["/v1/webhooks", "/v1/webhooks/{id}", "/v1/webhooks/{id}/statistics", "/v1/webhooks/{id}/attempts"]),
    ("api_key", ["/v1/signature-options"]), ("event_type", ["/v1/event-types"]), ("account", ["/v1/event-types"]), ("api_login", [None])])
def test_every_statement_has_a_limit(system, start_api, table, paths):
    """Routes that only read, the caller's own credential, and the login."""
    api = start_api(database_timeout="500ms")
    caller = api.caller(system.account(dialect="penny"))
    hook = caller.post("/v1/webhooks", {"url": URL}).json()["id"]
    with locked(system.url, table):
        for path in paths:
            answer = (caller.get(path.format(id=hook)) if path is not None else
                      api.anybody().post("/v1/auth/tokens", {"email": "a@example.com", "password": "x"}))
            problem(answer, 503)
            assert answer.headers["Retry-After"] == "1" and "too long" in answer.json()["detail"]
        assert waiting(system) == 0
    for path in paths:
        if path is not None:
            assert caller.get(path.format(id=hook)).status_code == 200


@pytest.fixture
def api_pooler(servers, test_directory):
    made = Pooler(servers.postgres, test_directory, API, API)
    yield made
    made.stop()


def test_the_limit_holds_behind_pgbouncer(system, start_api, api_pooler):
    """In transaction mode: the limit applies to the statement, and to no later statement of another session."""
    api = start_api(database_url=api_pooler.url(system.database), database_timeout="700ms")
    caller = api.caller(system.account(dialect="penny"))
    hook = caller.post("/v1/webhooks", {"url": URL}).json()["id"]
    with locked(system.url, "webhook"):
        problem(caller.get("/v1/webhooks"), 503)
        problem(caller.patch(f"/v1/webhooks/{hook}", {"status": "disabled"}), 503)
    assert caller.patch(f"/v1/webhooks/{hook}", {"status": "disabled"}).json()["status"] == "disabled"
    with psycopg.connect(api_pooler.url(system.database), autocommit=True) as session:
        assert {session.execute("show statement_timeout").fetchone()[0] for _ in range(8)} == {"0"}


@pytest.mark.threads
def test_postgresql_that_does_not_answer_at_all(system, start_api):
    """PostgreSQL is stopped with its connections open: its own limits have no effect."""
    api = start_api(database_timeout="500ms", database_connections=4)
    caller = api.caller(system.account(dialect="penny"))
    assert caller.get("/v1/webhooks").status_code == 200
    backends = [row["pid"] for row in system.db.query("select pid from pg_stat_activity where usename = 'test_api'")]
    assert backends
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        problem(caller.get("/v1/webhooks"), 503)
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
    assert caller.get("/v1/webhooks").status_code == 200


@pytest.mark.threads
def test_the_query_of_a_caller_that_is_gone_is_cancelled(system, start_api):
    api = start_api(database_timeout="600s")
    account = system.account(dialect="penny")
    key = api.key(account)
    with locked(system.url, "webhook"):
        connections = [connect(api) for _ in range(3)]
        for connection in connections:
            connection.sendall(f"GET /v1/webhooks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        wait_until(lambda: waiting(system) == 3, 60, "three queries run")
        for connection in connections[:2]:
            connection.close()
        wait_until(lambda: waiting(system) == 1, 60, "those of the two that went are cancelled")
    assert connections[2].recv(65536).startswith(b"HTTP/1.1 200 "), "and that of the one that stayed is not"
    connections[2].close()


@pytest.mark.threads
def test_one_account_does_not_use_up_the_databases_connections(system, start_api):
    """Eight requests of one account wait for a row; it has half of the connections, and the rest are for others."""
    api = start_api(database_connections=4, database_wait="1s", database_timeout="600s")
    busy, other = api.caller(system.account(dialect="penny")), api.caller(system.account(dialect="penny"))
    hook = busy.post("/v1/webhooks", {"url": URL}).json()["id"]
    key = busy.session.headers["Authorization"].split()[1]

    def disable(_):
        return Caller(api.url, key).patch(f"/v1/webhooks/{hook}", {"status": "disabled"})
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        with holding(system.url, "select from posthorn.webhook for update"):
            asked = [threads.submit(disable, n) for n in range(8)]
            wait_until(lambda: sum(each.done() for each in asked) >= 4, 60, "those that found no connection were refused")
            assert other.get("/v1/webhooks").status_code == 200, "before any of the others has given up"
            wait_until(lambda: sum(each.done() for each in asked) == 6, 60, "six were refused")
            assert waiting(system) == 2
            for _ in range(20):
                assert other.get("/v1/webhooks").status_code == 200
            assert api.is_ready()
        answers = [each.result() for each in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [503] * 6
    assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 503)


@pytest.mark.threads
def test_probes_have_a_connection_of_their_own(system, start_api):
    """All connections for callers are in use by several accounts; the monitor's /readyz is still true."""
    api = start_api(database_connections=2, database_wait="1s", database_timeout="600s")
    keys = [api.key(system.account(dialect="penny")) for _ in range(2)]
    connections = [connect(api) for _ in range(2)]
    with locked(system.url, "webhook"):
        for connection, key in zip(connections, keys, strict=True):
            connection.sendall(f"GET /v1/webhooks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        wait_until(lambda: waiting(system) == 2, 60, "both are in use")
        assert requests.get(f"http://127.0.0.1:{api.monitor_port}/readyz", timeout=30).status_code == 200
    for connection in connections:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.close()
