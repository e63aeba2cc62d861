"""The process of the receiver: a bare HTTP/1.1 server on asyncio, fast enough not to affect measurements. It
records each request and behaves, for each path, as the test has set. See receiver.py for its use in tests."""
import asyncio
import collections
import hashlib
import socket
import ssl
import struct
import threading
import time
from typing import NamedTuple

HEAD_MAX = 65536


class Behaviour(NamedTuple):
    """What the receiver does with a request.

    action  answer: the status with headers and body, after `delay` seconds
            hang: nothing at all, until release()
            close: closes the connection without a response
            reset: sends half of a response, then resets the connection (RST)
            stream: `size` bytes of body, as fast as they are accepted
            drip: the body byte by byte, `delay` seconds apart
            raw: `body` as the whole response, including the status line, then closes
    """

    status: int = 200
    headers: tuple = ()
    body: bytes = b""
    delay: float = 0.0
    action: str = "answer"
    size: int = 0


class Request(NamedTuple):
    """One request as received. Times are CLOCK_MONOTONIC in ns, comparable between processes of one machine; `started`
    is when its first bytes were read, `connection` numbers the TCP connection, `peer` is the SHA-256 of the client's
    certificate in hexadecimal, or None without one."""

    started: int
    complete: int
    connection: int
    head: bytes
    body: bytes
    peer: str = None

    @property
    def method(self):
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self):
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    @property
    def header_list(self):
        """(name as sent, value) in the order sent, including repeated ones."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name.strip(), value.strip()) for name, value in (line.split(":", 1) for line in lines if line)]

    @property
    def headers(self):
        """By lower-case name."""
        return {name.lower(): value for name, value in self.header_list}


def head_of(behaviour, length):
    """Status line and headers; if the length is None, the end of the connection marks the end of the body."""
    lines = [f"HTTP/1.1 {behaviour.status} Whatever"]
    if length is not None and not any(name.lower() == "content-length" for name, _ in behaviour.headers):
        lines.append(f"Content-Length: {length}")
    lines += [f"{name}: {value}" for name, value in behaviour.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class State:
    """Shared by all connections: the behaviours, and the received requests."""

    def __init__(self):
        self.behaviours = {}  # path -> deque; the last one is repeated
        self.default = collections.deque([Behaviour()])
        self.requests = []
        self.counts = collections.Counter()
        self.held = []  # (path, connection) of hanging requests
        self.connections = set()
        self.tasks = set()  # asyncio itself keeps no reference to them
        self.accepted = 0

    def next_behaviour(self, path):
        queue = self.behaviours.get(path, self.default)
        return queue.popleft() if len(queue) > 1 else queue[0]


class Connection(asyncio.Protocol):
    def __init__(self, state):
        self.state = state
        self.buffer = bytearray()
        self.started = 0
        self.busy = False
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport):
        self.transport = transport
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        self.peer = hashlib.sha256(certificate).hexdigest() if certificate else None
        self.state.accepted += 1
        self.number = self.state.accepted
        self.state.connections.add(self)

    def connection_lost(self, error):
        self.state.connections.discard(self)
        self.writable.set()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def data_received(self, data):
        if not self.buffer:
            self.started = time.monotonic_ns()
        self.buffer += data
        self.take_request()

    def take_request(self):
        """Takes the request out of the buffer when it is complete; one at a time, as in HTTP/1.1 without pipelining."""
        if self.busy:
            return
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_MAX:
                self.transport.abort()
            return
        head = bytes(self.buffer[:end])
        lower = head.lower()
        at = lower.find(b"\r\ncontent-length:")
        length = int(lower[at + 17:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            if b"\r\nexpect: 100-continue" in lower and len(self.buffer) == end + 4:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        body = bytes(self.buffer[end + 4:end + 4 + length])
        del self.buffer[:end + 4 + length]
        request = Request(self.started, time.monotonic_ns(), self.number, head, body, self.peer)
        self.state.requests.append(request)
        self.state.counts[request.path] += 1
        self.behave(request.path, self.state.next_behaviour(request.path))

    def behave(self, path, behaviour):
        if behaviour.action == "answer" and not behaviour.delay:
            self.answer(behaviour)
        elif behaviour.action == "hang":
            self.busy = True
            self.state.held.append((path, self))
        elif behaviour.action == "close":
            self.transport.close()
        elif behaviour.action == "reset":
            self.reset(behaviour)
        elif behaviour.action == "raw":
            self.transport.write(behaviour.body)
            self.transport.close()
        else:
            self.busy = True
            self.state.tasks.add(task := asyncio.ensure_future(self.behave_slowly(behaviour)))
            task.add_done_callback(self.state.tasks.discard)

    def answer(self, behaviour):
        if not self.transport.is_closing():
            self.transport.write(head_of(behaviour, len(behaviour.body)) + behaviour.body)

    def reset(self, behaviour):
        """Half a response: the head announces more than is sent. A linger time of 0 turns the close into an RST."""
        self.transport.write(head_of(behaviour, len(behaviour.body) + 1000) + behaviour.body)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def behave_slowly(self, behaviour):
        if behaviour.action == "answer":
            await asyncio.sleep(behaviour.delay)
            self.answer(behaviour)
        elif behaviour.action == "stream":
            await self.stream(behaviour)
        elif behaviour.action == "drip":
            self.transport.write(head_of(behaviour, len(behaviour.body)))
            for byte in behaviour.body:
                await asyncio.sleep(behaviour.delay)
                if self.transport.is_closing():
                    return
                self.transport.write(bytes([byte]))
        self.finish()

    async def stream(self, behaviour):
        self.transport.write(head_of(behaviour, behaviour.size))
        chunk = b"x" * 65536
        left = behaviour.size
        while left > 0 and not self.transport.is_closing():
            await self.writable.wait()
            self.transport.write(chunk[:left])
            left -= len(chunk)

    def finish(self):
        """The request is complete; the next one may already be in the buffer."""
        self.busy = False
        if self.buffer and not self.transport.is_closing():
            self.started = time.monotonic_ns()
            self.take_request()


class Control:
    """The commands of the test, run in the event loop one at a time."""

    def __init__(self, loop, host, port, certificate, client_authority):
        self.loop = loop
        self.host = host
        self.port = port
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        if client_authority:  # asks for a client certificate, and continues without one
            self.context.load_verify_locations(client_authority)
            self.context.verify_mode = ssl.CERT_OPTIONAL
        self.state = State()
        self.server = None

    async def open(self):
        """Listens."""
        self.server = await self.loop.create_server(
            lambda: Connection(self.state), self.host, self.port, backlog=4096, ssl=self.context
        )

    async def close(self):
        """Stops listening: new connections are refused, and the open ones end."""
        self.server.close()
        for connection in list(self.state.connections):
            connection.transport.abort()

    async def behave(self, path, behaviours):
        if path is None:
            self.state.default = collections.deque(behaviours)
        else:
            self.state.behaviours[path] = collections.deque(behaviours)

    async def release(self, path, behaviour):
        """Ends the hanging requests of a path (None: all) with a response; returns their number."""
        chosen = [c for p, c in self.state.held if path in (None, p)]
        self.state.held = [(p, c) for p, c in self.state.held if path not in (None, p)]
        for connection in chosen:
            connection.answer(behaviour)
            connection.finish()
        return len(chosen)

    async def requests(self, since):
        return self.state.requests[since:]

    async def counts(self):
        return len(self.state.requests), dict(self.state.counts)

    async def held(self):
        return len([c for _, c in self.state.held if not c.transport.is_closing()])

    async def connections(self):
        return len(self.state.connections), self.state.accepted

    async def forget(self):
        self.state.requests.clear()
        self.state.counts.clear()


def serve(pipe, host, port, certificate, client_authority=None):
    """The process's main function: runs commands (name, arguments) from the pipe until it closes."""
    loop = asyncio.new_event_loop()
    control = Control(loop, host, port, certificate, client_authority)

    def commands():
        while True:
            try:
                name, arguments = pipe.recv()
            except (EOFError, OSError):
                loop.call_soon_threadsafe(loop.stop)
                return
            try:
                result = asyncio.run_coroutine_threadsafe(getattr(control, name)(*arguments), loop).result()
                pipe.send((result, None))
            except Exception as error:  # the test must see every error
                pipe.send((None, repr(error)))

    threading.Thread(target=commands, daemon=True).start()
    loop.run_forever()
