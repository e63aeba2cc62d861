"""A webhook endpoint that does something with a connection after it has answered, on plain sockets or with TLS."""
import array
import collections
import contextlib
import fcntl
import select
import socket
import ssl
import struct
import termios
import threading

from .waiting import wait_until

TCP_CLOSE = 7  # states of the kernel; also after a reset
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status):
    return b"HTTP/1.1 %d Answer\r\nContent-Length: 0\r\n\r\n" % status


def nothing(connection):
    """Does nothing to the connection."""


def send(data):
    return lambda connection: connection.sendall(data)


def send_and_close(data):
    def act(connection):
        connection.sendall(data)
        close(connection)
    return act


def close(connection):
    """The usual end: with TLS, close_notify is sent first."""
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(0.1)  # without waiting for the other side's close_notify
        with contextlib.suppress(OSError):
            connection.unwrap()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


def say_close(connection):
    """Sends close_notify, while the TCP connection stays open."""
    connection.settimeout(0.1)
    with contextlib.suppress(OSError):
        connection.unwrap()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Idle:
    """A connection that waits for its next request, and its task meanwhile: OpenSSL's connections are for one thread."""

    def __init__(self, connection):
        self.connection = connection
        self.wake, self.woken = socket.socketpair()
        self.act = None
        self.acted = threading.Event()

    def do(self, act):
        self.act = act
        self.wake.send(b"x")
        self.acted.wait(30)

    def wait(self):
        """Waits until there is something to read from it."""
        while not (isinstance(self.connection, ssl.SSLSocket) and self.connection.pending()):
            ready, _, _ = select.select([self.connection, self.woken], [], [])
            if self.woken not in ready:
                return
            self.woken.recv(1)
            self.act(self.connection)
            self.acted.set()

    def close(self):
        for end in (self.wake, self.woken, self.connection):
            end.close()


class StrayServer:
    """`answers` contains the bytes of the responses by path, one after another; the last is repeated. stray(act) applies
    an action to all idle connections, and returns when the other side's kernel has received it."""

    def __init__(self, context=None):
        self.context = context
        self.answers = collections.defaultdict(lambda: [OK])
        self.requests = []  # (path, number of the connection)
        self.accepted = 0
        self.idle = {}  # by number, those that have sent a response
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/"):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}{path}"

    def connections(self, path):
        """The number of the connection of each request."""
        with self.lock:
            return [number for its, number in self.requests if its == path]

    def stray(self, act):
        with self.lock:
            idle = list(self.idle.values())
        for one in idle:
            one.do(act)
            wait_until(lambda o=one: self._taken(o.connection), 30, "it arrived")
        return len(idle)

    @staticmethod
    def _taken(connection):
        left = array.array("i", [0])
        try:
            if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE:
                return True
            fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, left)
        except (OSError, ValueError):  # it is closed on this side
            return True
        return left[0] == 0

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection, self.accepted), daemon=True).start()

    @staticmethod
    def _read(connection, had):
        """(path, the bytes after the request); None at the end."""
        while b"\r\n\r\n" not in had:
            part = connection.recv(65536)
            if not part:
                return None
            had += part
        head, had = had.split(b"\r\n\r\n", 1)
        size = 0
        for line in head.split(b"\r\n")[1:]:
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        while len(had) < size:
            part = connection.recv(65536)
            if not part:
                return None
            had += part
        return head.split()[1].decode(), had[size:]

    def _serve(self, connection, number):
        idle = None
        with contextlib.suppress(OSError, ValueError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            idle, had = Idle(connection), b""
            while (request := self._read(connection, had)) is not None:
                path, had = request
                with self.lock:
                    answers = self.answers[path]
                    pieces = answers.pop(0) if len(answers) > 1 else answers[0]
                with self.lock:  # who has the response finds the connection idle
                    for piece in pieces if isinstance(pieces, tuple) else (pieces,):
                        connection.sendall(piece)
                    idle.acted.clear()
                    self.idle[number] = idle
                    self.requests.append((path, number))
                if not had:
                    idle.wait()
                with self.lock:
                    self.idle.pop(number, None)
        with self.lock:
            self.idle.pop(number, None)
        if idle is not None:
            idle.close()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            idle = list(self.idle.values())
        for one in idle:
            one.do(reset)
