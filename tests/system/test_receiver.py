"""Tests of the receiver itself, on which other tests rely."""
import http.client
import socket

import pytest

from support.receiver import answer, close, drip, hang, raw, refused_url, reset, stream
from support.waiting import wait_until


def post(receiver, path, body=b"{}", headers=None, timeout=10):
    host = receiver.base.split("//")[1]
    connection = http.client.HTTPConnection(host, timeout=timeout)
    connection.request("POST", path, body, headers or {})
    return connection.getresponse()


def test_records_what_came(receiver):
    body = bytes(range(256)) * 1000
    assert post(receiver, "/hook?a=1", body, {"X-One": "yes"}).status == 200
    (request,) = receiver.requests("/hook")
    assert request.body == body
    assert request.headers["x-one"] == "yes"
    assert (request.method, request.target, request.path) == ("POST", "/hook?a=1", "/hook")
    assert request.started <= request.complete


def test_sequence_of_answers_ends_with_the_last(receiver):
    receiver.behave("/s", answer(500), answer(429, headers={"Retry-After": "3"}), answer(200, b"ok"))
    answers = [post(receiver, "/s") for _ in range(4)]
    assert [a.status for a in answers] == [500, 429, 200, 200]
    assert answers[1].headers["Retry-After"] == "3"
    assert answers[3].read() == b"ok"
    assert post(receiver, "/other").status == 200


def test_misbehaves(receiver):
    receiver.behave("/close", close())
    receiver.behave("/reset", reset())
    receiver.behave("/raw", raw(b"HTTP/1.1 200 OK\r\n\r\n\x00\xff"))
    receiver.behave("/drip", drip(b"abc", every=0.01))
    receiver.behave("/stream", stream(5_000_000))
    with pytest.raises(http.client.RemoteDisconnected):
        post(receiver, "/close")
    with pytest.raises(ConnectionResetError):
        post(receiver, "/reset").read()
    assert post(receiver, "/raw").read() == b"\x00\xff"
    assert post(receiver, "/drip").read() == b"abc"
    assert len(post(receiver, "/stream").read()) == 5_000_000


def test_hangs_until_released(receiver):
    receiver.behave("/hang", hang())
    with pytest.raises(socket.timeout):
        post(receiver, "/hang", timeout=0.2)
    waiting = http.client.HTTPConnection(receiver.base.split("//")[1], timeout=10)
    waiting.request("POST", "/hang", b"x")
    receiver.wait_for(2, "/hang")
    assert receiver.release("/hang") >= 1
    assert waiting.getresponse().status == 200


def test_closes_and_opens_its_port(receiver):
    receiver.close()
    with pytest.raises(ConnectionRefusedError):
        post(receiver, "/")
    receiver.open()
    assert post(receiver, "/").status == 200
    url, holder = refused_url()
    with holder, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url.split(":")[2].strip("/"))))
    wait_until(lambda: receiver.connections()[1] == 1, what="one connection accepted")
