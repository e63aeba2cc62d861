"""Hostile responses: too long, too many, too slow, compressed, invalid, at the wrong time. Each is bounded, recorded with
a clear error, and delays no other webhook."""
import gzip
import itertools
import re

import pytest

from support.raw_server import RawServer
from support.waiting import wait_until

pytestmark = pytest.mark.malformed

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1 << 20
TAKEN_MOST = 16 * MEGABYTE  # of an endless response: what is read, and the buffers of both sockets


def once(*pieces):
    return lambda server: pieces


def endless(piece, *, first=b""):
    return lambda server: itertools.chain([first], itertools.repeat(piece))


def slow(piece, *, first=b""):
    def answer(server):
        yield first
        while True:
            server.pause()
            yield piece
    return answer


# 32 MiB of nothing in 32 KiB
BOMB = gzip.compress(bytes(32 * MEGABYTE), mtime=0)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


TOO_LONG = r"the response is too long \(status 200\)"
HEAD = r"the response's headers are too long or too many \(status \d+\)"
LINE = "a line of the response's head is too long, or there is no memory for it"
TIME = "timed out: .*"
NOT_HTTP = "the response is not HTTP(; if the port speaks TLS, the URL must begin with https)?"
# path: (response, outcome, status, error)
ANSWERS = {
    # too much
    "/long": (once(OK + b"Content-Length: 10000000\r\n\r\n", b"x" * 10_000_000), "retry", 200, TOO_LONG),
    "/long-without-length": (endless(b"x" * 65536, first=OK + b"\r\n"), "retry", 200, TOO_LONG),
    "/long-chunked": (endless(chunk(b"x" * 65536), first=CHUNKED), "retry", 200, TOO_LONG),
    "/long-tiny-chunks": (endless(chunk(b"x") * 10000, first=CHUNKED), "retry", 200, TOO_LONG),
    "/head-many": (once(OK, b"".join(b"X-%d: y\r\n" % n for n in range(300)), b"Content-Length: 0\r\n\r\n"), "retry", 200, HEAD),
    "/head-large": (once(OK, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(40)), b"Content-Length: 0\r\n\r\n"), "retry", 200, HEAD),
    "/head-one-line": (once(OK, b"X: " + b"y" * 50000 + b"\r\n\r\n"), "retry", 200, HEAD),
    "/head-endless": (endless(b"X: y\r\n" * 1000, first=OK), "retry", 200, HEAD),
    "/head-endless-line": (endless(b"y" * 65536, first=OK + b"X: "), "retry", 200, LINE),
    "/status-endless": (endless(b"y" * 65536, first=b"HTTP/1.1 200 "), "retry", None, LINE),
    "/1xx-endless": (endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "retry", 100, HEAD),
    "/hints-endless": (endless(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100), "retry", 103, HEAD),
    "/trailers-endless": (endless(b"X: y\r\n" * 1000, first=CHUNKED + b"0\r\n"), "retry", 200, HEAD),
    "/trailer-endless-line": (endless(b"y" * 65536, first=CHUNKED + b"0\r\nX: "), "retry", 200, ".+"),
    "/1xx-many": (once(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20, OK + b"Content-Length: 0\r\n\r\n"), "delivered", 200, None),
    # too slow
    "/nothing": (slow(b""), "retry", None, TIME),
    "/slow-status": (slow(b"H", first=b"HTTP/1.1 200 "), "retry", None, TIME),
    "/slow-head": (slow(b"X: y\r\n", first=OK), "retry", 200, TIME),
    "/slow-body": (slow(b"x", first=OK + b"Content-Length: 1000\r\n\r\n"), "retry", 200, TIME),
    "/slow-chunks": (slow(chunk(b"x"), first=CHUNKED), "retry", 200, TIME),
    "/slow-1xx": (slow(b"HTTP/1.1 100 Continue\r\n\r\n"), "retry", 100, TIME),
    "/slow-trailers": (slow(b"X: y\r\n", first=CHUNKED + b"0\r\n"), "retry", 200, TIME),
    "/chunk-extension": (slow(b"x" * 1000, first=CHUNKED + b"5;"), "retry", 200, TIME),
    # compressed: never requested
    "/packed": (once(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(b"packed", mtime=0)), gzip.compress(b"packed", mtime=0)), "delivered", 200, None),
    "/packed-bomb": (once(OK + b"Content-Encoding: gzip\r\n\r\n", BOMB), "delivered", 200, None),
    "/transfer-bomb": (once(OK + b"Transfer-Encoding: gzip\r\n\r\n", BOMB), "delivered|retry", 200, "the encoding of the response is invalid"),  # rejected by libcurl 8
    "/packed-often": (once(OK + b"Transfer-Encoding: " + b"gzip, " * 100 + b"chunked\r\n\r\n", b"0\r\n\r\n"), "retry", 200, "the encoding of the response is invalid"),
    # invalid
    "/chunk-size": (once(CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n"), "retry", 200, "the chunks of the response are invalid"),
    "/chunk-negative": (once(CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"), "retry", 200, "the chunks of the response are invalid"),
    "/chunk-huge": (once(CHUNKED, b"fffffffffffffffff\r\nhello"), "retry", 200, "the chunks of the response are invalid"),
    "/chunk-cut": (once(CHUNKED, b"5\r\nhel"), "retry", 200, "the connection was closed in the middle of the response"),
    "/chunk-no-end": (once(CHUNKED, b"5\r\nhelloXX0\r\n\r\n"), "retry", 200, "the chunks of the response are invalid"),
    "/length-cut": (once(OK + b"Content-Length: 100\r\n\r\n", b"hello"), "retry", 200, "the connection was closed in the middle of the response"),
    "/length-twice": (once(OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello"), "retry", 200, "the connection was closed in the middle of the response"),
    "/length-negative": (once(OK + b"Content-Length: -5\r\n\r\nhello"), "retry", 200, NOT_HTTP),
    "/length-huge": (once(OK + b"Content-Length: 99999999999999999999999\r\n\r\n", b"x"), "delivered", 200, None),
    "/http-0.9": (once(b"<html>hello</html>"), "retry", None, NOT_HTTP),
    "/http-3": (once(b"HTTP/3 200 OK\r\nContent-Length: 0\r\n\r\n"), "retry", None, NOT_HTTP),
    "/http-9.9": (once(b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n"), "retry", None, NOT_HTTP),
    "/status-word": (once(b"HTTP/1.1 okay\r\nContent-Length: 0\r\n\r\n"), "retry", None, NOT_HTTP),
    "/status-20": (once(b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"), "retry", None, NOT_HTTP),
    "/no-colon": (once(OK + b"nonsense\r\nContent-Length: 0\r\n\r\n"), "retry", 200, NOT_HTTP),
    "/nul": (once(OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n"), "retry", 200, NOT_HTTP),
    "/closed": (once(b""), "retry", None, "the connection was closed without a response; if the port speaks TLS, the URL must begin with https"),
    "/half-status": (once(b"HTTP/1.1 20"), "retry", None, ".+"),
    "/switch": (once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", b"\x00" * 1000), "retry", 101, ".+"),
    "/empty-204": (once(b"HTTP/1.1 204 No Content\r\n\r\n"), "delivered", 204, None),
    # Retry-After, which is capped
    "/retry-huge": (once(b"HTTP/1.1 503 Busy\r\nRetry-After: 99999999999999999999999\r\nContent-Length: 0\r\n\r\n"), "retry", 503, "answered 503"),
    "/retry-long": (once(b"HTTP/1.1 429 Slow\r\nRetry-After: 4294967296\r\nContent-Length: 0\r\n\r\n"), "retry", 429, "answered 429"),
    "/retry-date": (once(b"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n"), "retry", 503, "answered 503"),
    "/retry-past": (once(b"HTTP/1.1 503 Busy\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"), "retry", 503, "answered 503"),
    "/retry-negative": (once(b"HTTP/1.1 503 Busy\r\nRetry-After: -7\r\nContent-Length: 0\r\n\r\n"), "retry", 503, "answered 503"),
}


@pytest.fixture
def serve():
    started = []

    def start(*arguments, **options):
        started.append(RawServer(*arguments, **options))
        return started[-1]
    yield start
    for server in started:
        server.stop()


def test_answers_that_are_made_to_harm(system, receiver, serve):
    server = serve({path: answer for path, (answer, *_) in ANSWERS.items()})
    account = system.account(dialect="penny")
    hooks = dict(zip(ANSWERS, system.webhooks(account, [server.url(path) for path in ANSWERS], signature="none"), strict=True))
    system.webhook(account, receiver.url("/good"))
    dispatcher = system.dispatcher(request_timeout="3s", retry_after_max="1s")
    before = dispatcher.memory()
    system.publish(*[system.event(account) for _ in range(2)])
    receiver.wait_for(2, "/good")

    def attempts():
        found = {path: [] for path in ANSWERS}
        by_id = {hook["id"]: path for path, hook in hooks.items()}
        for attempt in system.audit.attempts():
            if (path := by_id.get(attempt["webhook_id"])) is not None:
                found[path].append(attempt)
        return found
    wait_until(lambda: all(len(rows) >= 2 for rows in attempts().values()), 90, "two attempts at each", every=0.5)
    wrong = []
    for path, rows in attempts().items():
        _, outcome, status, error = ANSWERS[path]
        for row in rows:
            explained = row["error"] is None if error is None or row["outcome"] == "delivered" else re.fullmatch(error, row["error"] or "")
            right = row["outcome"] in outcome.split("|") and row["http_status"] == status and explained
            if not right:
                wrong.append(f"{path}: {row['outcome']} {row['http_status']} {row['error']!r}")
    assert wrong == [], "\n".join(sorted(set(wrong)))
    (packed, *_) = attempts()["/packed"]
    assert packed["response_body"].startswith("\x1f\\213"), "kept as it came"
    assert all(len(row["response_body"] or "") <= 4 * 2048 for rows in attempts().values() for row in rows)
    assert {path: size for path, size in server.sent.items() if size > TAKEN_MOST} == {}
    assert dispatcher.memory() - before < 64 * MEGABYTE
    assert receiver.count("/good") == 2
    # whatever the Retry-After, the limit applies
    assert system.db.query("select w.url from posthorn.queue q join posthorn.webhook w on w.id = q.webhook_id "
                           "where w.url like '%%/retry-%%' and q.held_until > now() + interval '10 minutes'") == []
    assert system.audit.books()["missing"] == 0


def test_answers_out_of_turn(system, serve):
    """A response before its request, and a second response after the first, are not used for another request: what was
    recorded as delivered was received."""
    second = OK + b"Content-Length: 0\r\n\r\n" + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    smuggled = serve({"/hook": once(second)}, keep=["/hook"])
    kept = serve({"/hook": once(OK + b"Content-Length: 2\r\n\r\nok")}, keep=["/hook"])
    account = system.account(dialect="penny")
    for server in (smuggled, kept):
        system.webhook(account, server.url("/hook"), signature="none")
    system.dispatcher(window_max=1)
    for _ in range(30):
        system.publish(system.event(account))
    system.wait_delivered(60)
    assert smuggled.requests["/hook"] >= 30 and kept.requests["/hook"] >= 30
    system.assert_balanced(records=30)


def test_an_answer_before_the_request(system, serve):
    early = serve({}, early=b"HTTP/1.1 500 Too early\r\nContent-Length: 0\r\n\r\n")
    account = system.account(dialect="penny")
    system.webhook(account, early.url("/hook"), signature="none")
    good = system.account(dialect="penny")
    fine = serve({})
    system.webhook(good, fine.url("/hook"), signature="none")
    system.dispatcher()
    event = system.event(account)
    system.publish(event, *[system.event(good) for _ in range(20)])
    wait_until(lambda: fine.requests["/hook"] == 20 and system.audit.attempts(event["id"]), 60, "an attempt, and the others' events")
    assert system.audit.attempts(event["id"])[0]["error"] == "answered 500"
