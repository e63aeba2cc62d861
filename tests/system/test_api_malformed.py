"""Requests that two servers might read differently: 400 (or a more specific status), and the connection ends. No byte after them is
read as another request. Unusual but valid requests are served."""
import json
import socket

import pytest

pytestmark = pytest.mark.malformed

HOST = b"Host: api.example\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST /v1/events HTTP/1.1\r\nAuthorization: Bearer KEY\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED = {
    # which body is it?
    "two lengths that differ": (400, POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}  x"),
    "two lengths in one line": (400, POST + b"Content-Length: 2, 3\r\n\r\n{}x"),
    "two equal lengths": (400, POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    "length and chunked": (400, POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunked and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"),
    "a negative length": (400, POST + b"Content-Length: -1\r\n\r\n"),
    "a signed length": (400, POST + b"Content-Length: +2\r\n\r\n{}"),
    "a hexadecimal length": (400, POST + b"Content-Length: 0x2\r\n\r\n{}"),
    "a length with an underscore": (400, POST + b"Content-Length: 1_0\r\n\r\n{}"),
    "an empty length": (400, POST + b"Content-Length: \r\n\r\n{}"),
    "a length beyond 64 bits": (413, POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "gzip, chunked": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked, identity": (501, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "an unknown coding": (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "a coding with a blank behind it": (501, POST + b"Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n"),
    "a coding with a tab behind it": (501, POST + b"Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n"),
    "a coding with a vertical tab": (400, POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
    "chunked in HTTP/1.0": (400, b"POST /v1/events HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a space before the colon of the length": (400, POST + b"Content-Length : 2\r\n\r\n{}"),
    # chunks
    "a bare LF after a chunk's size": (400, CHUNKED + b"2\n{}\r\n0\r\n\r\n"),
    "a bare LF after a chunk": (400, CHUNKED + b"2\r\n{}\n0\r\n\r\n"),
    "a bare LF after the last chunk": (400, CHUNKED + b"2\r\n{}\r\n0\n\r\n"),
    "a bare LF in an extension": (400, CHUNKED + b"2;a\nb\r\n{}\r\n0\r\n\r\n"),
    "a bare CR in an extension": (400, CHUNKED + b"2;a\rb\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size with 0x": (400, CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size with a sign": (400, CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size with a space": (400, CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size and a space": (400, CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n"),
    "no chunk's size": (400, CHUNKED + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size that is a word": (400, CHUNKED + b"two\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size beyond 64 bits": (413, CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": (400, CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n"),
    "a chunk's line that is endless": (400, CHUNKED + b"2;" + b"a" * 5000 + b"\r\n{}\r\n0\r\n\r\n"),
    "a length in the trailers": (400, CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 3\r\n\r\n"),
    "a bare LF in the trailers": (400, CHUNKED + b"2\r\n{}\r\n0\r\nA: b\n\r\n"),
    # which host is it?
    "no Host": (400, GET + b"\r\n"),
    "two Hosts": (400, GET + HOST + b"Host: other.example\r\n\r\n"),
    "two equal Hosts": (400, GET + HOST + HOST + b"\r\n"),
    "two Hosts in one line": (400, GET + b"Host: a.example, b.example\r\n\r\n"),
    "a Host with a path": (400, GET + b"Host: a.example/b\r\n\r\n"),
    "a Host with a user": (400, GET + b"Host: a@b.example\r\n\r\n"),
    # which header is it?
    "NUL in a value": (400, GET + HOST + b"X-A: a\0b\r\n\r\n"),
    "NUL in a name": (400, GET + HOST + b"X\0A: b\r\n\r\n"),
    "NUL in the credential": (400, GET + HOST + b"Authorization: Bearer a\0b\r\n\r\n"),
    "NUL in the target": (400, b"GET /healthz\0x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL in the method": (400, b"G\0ET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL instead of a line": (400, GET + HOST + b"\0\r\n\r\n"),
    "a control character in a value": (400, GET + HOST + b"X-A: a\x01b\r\n\r\n"),
    "a delete character in a value": (400, GET + HOST + b"X-A: a\x7fb\r\n\r\n"),
    "a bare CR in a value": (400, GET + HOST + b"X-A: a\rX-B: b\r\n\r\n"),
    "a bare LF after a header": (400, GET + HOST + b"X-A: a\nX-B: b\r\n\r\n"),
    "a bare LF after the request line": (400, b"GET /healthz HTTP/1.1\n" + HOST + b"\r\n"),
    "bare LFs everywhere": (400, b"GET /healthz HTTP/1.1\nHost: a\n\n"),
    "a bare LF as the empty line": (400, GET + HOST + b"\n"),
    "CR CR LF": (400, GET + HOST + b"X-A: a\r\r\n\r\n"),
    "a folded header": (400, GET + HOST + b"X-A: a\r\n b\r\n\r\n"),
    "a folded header by a tab": (400, GET + HOST + b"X-A: a\r\n\tb\r\n\r\n"),
    "the first header begins with a space": (400, GET + b" X-A: a\r\n" + HOST + b"\r\n"),
    "a space before a colon": (400, GET + HOST + b"X-A : b\r\n\r\n"),
    "a tab before a colon": (400, GET + HOST + b"X-A\t: b\r\n\r\n"),
    "a space in a name": (400, GET + HOST + b"X A: b\r\n\r\n"),
    "no name": (400, GET + HOST + b": b\r\n\r\n"),
    "no colon": (400, GET + HOST + b"X-A\r\n\r\n"),
    "a name with a parenthesis": (400, GET + HOST + b"X(A): b\r\n\r\n"),
    "a name that is not ASCII": (400, GET + HOST + b"X-\xc3\xa9: b\r\n\r\n"),
    # which request is it?
    "no version": (400, b"GET /healthz\r\n" + HOST + b"\r\n"),
    "no target": (400, b"GET  HTTP/1.1\r\n" + HOST + b"\r\n"),
    "two spaces": (400, b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n"),
    "two spaces before the version": (400, b"GET /healthz  HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space in the target": (400, b"GET /heal thz HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space behind the version": (400, b"GET /healthz HTTP/1.1 \r\n" + HOST + b"\r\n"),
    "tabs in the request line": (400, b"GET\t/healthz\tHTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target that is not ASCII": (400, b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a fragment": (400, b"GET /healthz#a HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method that is no token": (400, b"G@T /healthz HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a lower-case version": (400, b"GET /healthz http/1.1\r\n" + HOST + b"\r\n"),
    "a version without a minor": (400, b"GET /healthz HTTP/1\r\n" + HOST + b"\r\n"),
    "a version of two digits": (400, b"GET /healthz HTTP/1.10\r\n" + HOST + b"\r\n"),
    "HTTP/0.9": (505, b"GET /healthz HTTP/0.9\r\n" + HOST + b"\r\n"),
    "HTTP/1.2": (505, b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n"),
    "HTTP/2.0": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS greeting": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n" * 2),
    # too much
    "a long target": (414, b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a long header": (431, GET + HOST + b"X-A: " + b"a" * 70000 + b"\r\n\r\n"),
    "many headers": (431, GET + HOST + b"X-A: a\r\n" * 300 + b"\r\n"),
    "endless trailers": (431, CHUNKED + b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 10000),
}

# The bytes after these are the next request.
LEGAL = {
    "names in any case": GET + b"hOST: a.example\r\nX-a:b\r\n\r\n",
    "an empty Host": GET + b"Host:\r\n\r\n",
    "an IPv6 Host": GET + b"Host: [::1]:8080\r\n\r\n",
    "spaces and tabs around a value": GET + b"Host: \t a.example \t \r\nX-A:\ta b\tc \r\n\r\n",
    "bytes above ASCII in a value": GET + HOST + b"User-Agent: caf\xe9 \xc3\xa9\r\n\r\n",
    "an empty value": GET + HOST + b"X-A:\r\n\r\n",
    "an empty line before": b"\r\n" + GET + HOST + b"\r\n",
    "a body that nobody wants": GET + HOST + b"Content-Length: 5\r\n\r\nhello",
    "chunks that nobody wants": GET + HOST + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00A;a=b;c=\"d e\"\r\n0123456789\r\n000\r\nX-A: b\r\n\r\n",
    "a query": b"GET /healthz?a=%00&b=//:?@ HTTP/1.1\r\n" + HOST + b"\r\n",
}


def read_answers(connection):
    """Everything that is received until the other side closes."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def ask(api, raw, piece=None, key=""):
    raw = raw.replace(b"KEY", key.encode())
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        try:
            for at in range(0, len(raw), piece or len(raw)):
                connection.sendall(raw[at:at + (piece or len(raw))])
        except OSError:
            pass  # refused before everything was sent
        return read_answers(connection)


def statuses(answers):
    """The statuses of successive responses, each with its length."""
    found = []
    while answers:
        head, _, answers = answers.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        found.append(int(lines[0].split()[1]))
        length = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        answers = answers[length[0]:] if length else answers
    return found


@pytest.fixture(scope="module")
def smuggled():
    """A request that must not be answered if it follows a malformed one."""
    return GET + HOST + b"X-Smuggled: 1\r\n\r\n"


def test_malformed_requests_are_refused_and_the_connection_ends(system, start_api, smuggled):
    api = start_api(request_timeout="5s")
    key = api.key(system.account(dialect="penny"))
    failed = []
    for name, (status, raw) in MALFORMED.items():
        answers = ask(api, raw + smuggled, key=key)
        found = statuses(answers)
        head, _, body = answers.partition(b"\r\n\r\n")
        if found != [status] and not (raw.startswith(CHUNKED) and found == [400]):
            failed.append(f"{name}: {status} expected, got {found}: {answers[:200]}")
        elif b"\r\nContent-Type: application/problem+json" not in head:
            if not raw.startswith(CHUNKED) or b"connection: close" not in head.lower():  # the refusal of a body comes from libmicrohttpd
                failed.append(f"{name}: not closed, or not explained: {answers[:300]}")
        elif b"connection: close" not in head.lower() or json.loads(body)["status"] != status or len(json.loads(body)["detail"]) < 10:
            failed.append(f"{name}: not closed, or not explained: {answers[:300]}")
    assert failed == []
    assert api.is_ready()
    assert api.metrics()['posthorn_api_refused_total{reason="malformed"}'] == len(MALFORMED)


def test_byte_by_byte_it_is_the_same(system, start_api, smuggled):
    """Also if a line end is split."""
    api = start_api(request_timeout="20s")
    key = api.key(system.account(dialect="penny"))
    chosen = ["two lengths that differ", "a bare LF after a chunk's size", "a bare LF after a chunk", "a folded header", "CR CR LF", "two Hosts",
              "a chunk longer than its size", "NUL in a value"]
    found = {name: statuses(ask(api, MALFORMED[name][1] + smuggled, 1, key)) for name in chosen}
    assert found == {name: [400] for name in chosen}
    for name, raw in LEGAL.items():
        assert statuses(ask(api, raw + GET + HOST + b"Connection: close\r\n\r\n", 1)) == [200, 200], name


def test_what_is_unusual_and_legal_is_served(api):
    for name, raw in LEGAL.items():
        assert statuses(ask(api, raw + GET + HOST + b"Connection: close\r\n\r\n")) == [200, 200], name
    assert statuses(ask(api, b"GET /healthz HTTP/1.0\r\n\r\n")) == [200]
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        connection.sendall((GET + HOST + b"\r\n") * 3)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(read_answers(connection)) == [200] * 3, "the caller has closed its sending half"


def test_requests_before_a_malformed_one_are_answered(api):
    """In order, with the refusal last."""
    good = GET + HOST + b"\r\n"
    assert statuses(ask(api, good * 5 + MALFORMED["two Hosts"][1])) == [200] * 5 + [400]
    assert statuses(ask(api, good + MALFORMED["a bare LF after a chunk"][1])) == [200, 401], "no credential, and no second answer"


def test_events_come_through_chunks_and_expectations(system, api):
    """The gate passes what it has read, unchanged: bodies in chunks of every size, and 100 Continue."""
    account = system.account(dialect="penny")
    head = (f"POST /v1/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {api.key(account)}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    system.dispatcher()
    for size in (1, 7, 4096, 300000):
        body = json.dumps({"id": f"evt-{size}", "type": "transaction.authorized", "data": {"text": "x" * 200000}}).encode()[:None if size > 1 else 10**9]
        if size == 1:
            body = json.dumps({"id": "evt-1", "type": "transaction.authorized", "data": {"text": "x" * 50}}).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + size]), body[at:at + size]) for at in range(0, len(body), size))
        assert statuses(ask(api, head + chunks + b"0\r\n\r\n")) == [202], size
    system.wait_consumed()
    shown = api.caller(account).get("/v1/events/evt-7").json()
    assert shown["data"]["text"] == "x" * 200000
    body = json.dumps({"type": "transaction.authorized", "data": {}}).encode()
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        connection.sendall(head.replace(b"Transfer-Encoding: chunked", b"Content-Length: %d\r\nExpect: 100-continue" % len(body)))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b" 202 " in read_answers(connection)
