"""Connections that are kept between requests: bytes that arrive on an idle one are not a response, and the end of an
idle one is not a failure."""
import os
import pathlib
import socket
import threading
import time

import pytest

from support import stray
from support.stray import OK, StrayServer
from support.tls import Authority, server_context
from support.waiting import wait_until


@pytest.fixture(params=["http", "https"])
def scheme(request):
    return request.param


@pytest.fixture
def serve(system, test_directory):
    """serve(scheme) starts a server, and a dispatcher that trusts it."""
    authority = Authority(test_directory)
    started = []

    def start(scheme, **settings):
        context = server_context(authority.issue("server")) if scheme == "https" else None
        started.append(StrayServer(context))
        system.dispatcher(ca_file=str(authority.file), **settings)
        return started[-1]
    yield start
    for server in started:
        server.stop()


def attempts(system, event):
    return [(a["outcome"], a["http_status"], a["error"]) for a in system.audit.attempts(event["id"])]


def wait_attempts(system, event, count=1):
    return wait_until(lambda: len(found := attempts(system, event)) >= count and found, 60, f"{count} attempts")


STRAYS = {
    "an answer": stray.send(OK),
    "an empty answer": stray.send(stray.answer(200)),
    "half an answer": stray.send(b"HTTP/1.1 200 OK\r\nContent-"),
    "408 and the end": stray.send_and_close(stray.answer(408)),
    "the end": stray.close,
    "a reset": stray.reset,
}


@pytest.mark.parametrize("what", STRAYS)
def test_what_arrives_between_two_requests(system, serve, scheme, what):
    """Two accounts use the same host: the next request gets its own response, on another connection, at the first
    attempt."""
    server = serve(scheme)
    first, second = system.account(), system.account()
    system.webhook(first, server.url("/first"))
    system.webhook(second, server.url("/second"))
    server.answers["/second"] = [stray.answer(500), OK]
    one = system.event(first)
    system.publish(one)
    assert wait_attempts(system, one) == [("delivered", 200, None)]
    assert server.stray(STRAYS[what]) == 1
    two = system.event(second)
    system.publish(two)
    assert wait_attempts(system, two, 2) == [("retry", 500, "answered 500"), ("delivered", 200, None)]
    assert server.connections("/first")[0] not in server.connections("/second")
    three = system.event(first)
    system.publish(three)
    assert wait_attempts(system, three) == [("delivered", 200, None)]
    system.wait_delivered(3)
    system.assert_balanced(records=3)


def test_close_notify_without_an_end(system, serve):
    """Only TLS is closed; nothing more can be read from it."""
    server = serve("https")
    account = system.account()
    system.webhook(account, server.url("/hook"))
    for _ in range(3):
        event = system.event(account)
        system.publish(event)
        assert wait_attempts(system, event) == [("delivered", 200, None)]
        server.stray(stray.say_close)
    assert len(set(server.connections("/hook"))) == 3
    system.wait_delivered(3)


def test_an_answer_behind_an_answer(system, serve, scheme):
    """Two responses to one request, in one write: with TLS, the second one is in the record that libcurl has already read."""
    server = serve(scheme)
    account = system.account()
    system.webhook(account, server.url("/hook"))
    head, body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"
    server.answers["/hook"] = [(head, body + OK), stray.answer(500), OK]
    one, two = system.event(account), system.event(account)
    system.publish(one)
    assert wait_attempts(system, one) == [("delivered", 200, None)]
    system.publish(two)
    assert wait_attempts(system, two, 2) == [("retry", 500, "answered 500"), ("delivered", 200, None)]
    system.wait_delivered(2)


def test_an_idle_connection_costs_nothing(system):
    """A response that comes before the request's body is sent: libcurl's last wish was to write, and the idle connection can always be written to."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the dispatcher has to wait until it can write
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    accepted = []

    def answer_early():
        connection, _ = listener.accept()
        accepted.append(connection)
        while b"\r\n\r\n" not in connection.recv(4096):
            pass
        connection.sendall(stray.answer(200))
        time.sleep(0.3)  # as a slow reader: meanwhile, the response is read
        while connection.recv(65536):
            pass
    threading.Thread(target=answer_early, daemon=True).start()
    account = system.account()
    system.webhook(account, f"http://127.0.0.1:{listener.getsockname()[1]}/")
    dispatcher = system.dispatcher()
    event = system.event(account, data={"text": "x" * 500_000})
    system.publish(event)
    assert wait_attempts(system, event) == [("delivered", 200, None)]
    system.wait_delivered(1)

    def used():
        fields = pathlib.Path(f"/proc/{dispatcher.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before, since = used(), time.monotonic()
    wait_until(lambda: time.monotonic() - since > 2, 30, "two seconds")
    assert used() - before < (time.monotonic() - since) / 4
    for connection in (listener, *accepted):
        connection.close()


def test_a_receiver_that_closes_what_is_idle(system, serve, scheme):
    """Like servers that wait a few seconds for the next request: no attempt fails, and none is made twice."""
    server = serve(scheme)
    account = system.account()
    system.webhook(account, server.url("/hook"))
    events = [system.event(account) for _ in range(8)]
    for event in events:
        system.publish(event)
        assert wait_attempts(system, event) == [("delivered", 200, None)]
        assert server.stray(stray.close) == 1
    system.wait_delivered(len(events))
    assert len(system.audit.attempts()) == len(server.connections("/hook")) == len(events)


def test_a_connection_is_used_again_until_it_was_idle_for_too_long(system, serve, scheme):
    server = serve(scheme, connection_idle_max="20s")
    account = system.account()
    system.webhook(account, server.url("/hook"))

    def deliver():
        event = system.event(account)
        system.publish(event)
        assert wait_attempts(system, event) == [("delivered", 200, None)]
    deliver()
    deliver()
    assert server.connections("/hook") == [1, 1]
    system.dispatchers[0].stop()
    system.dispatchers[0].start(connection_idle_max="2s")
    deliver()
    idle_since = time.monotonic()
    wait_until(lambda: time.monotonic() - idle_since > 2.1, 30, "the connection idle for longer than it may be")
    deliver()
    assert server.connections("/hook") == [1, 1, 2, 3]
