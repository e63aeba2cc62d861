"""A server that sends any bytes that a test gives, on plain sockets, with a thread for each connection."""
import collections
import socket
import threading


class RawServer:
    """`answers`: {path: function() -> bytes to send, piece by piece}; a path that is not among them gets a plain 200.
    The bytes in `early` are sent before anything is read. A connection is closed after its response, except for
    those in `keep`."""

    def __init__(self, answers, keep=(), early=None):
        self.answers, self.keep, self.early = answers, set(keep), early
        self.requests = collections.Counter()  # by path
        self.sent = collections.Counter()  # maximum number of bytes sent of one response, by path
        self.raw = []  # each request as received
        self.ending = threading.Event()
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _read(stream):
        """(path, bytes) of a request; None at the end."""
        lines = [stream.readline()]
        if not lines[0]:
            return None
        size = 0
        while lines[-1] not in (b"\r\n", b""):
            lines.append(stream.readline())
            if lines[-1].lower().startswith(b"content-length:"):
                size = int(lines[-1].split(b":")[1])
        return lines[0].split()[1].decode(), b"".join(lines) + stream.read(size)

    def _serve(self, connection):
        path = None
        with connection, connection.makefile("rb") as stream:
            try:
                if self.early is not None:
                    connection.sendall(self.early)
                while (request := self._read(stream)) is not None:
                    path, raw = request
                    self.requests[path] += 1
                    self.raw.append(raw)
                    self._answer(connection, path)
                    if path in self.answers and path not in self.keep:
                        connection.shutdown(socket.SHUT_WR)
                        stream.read()
                        break
            except OSError:
                pass
        self.open.discard(connection)

    def _answer(self, connection, path):
        if path not in self.answers:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        sent = 0
        for piece in self.answers[path](self):
            if self.ending.is_set():
                raise OSError("the test is over")
            connection.sendall(piece)
            sent += len(piece)
            self.sent[path] = max(sent, self.sent[path])

    def pause(self):
        """Pauses within a slow response."""
        self.ending.wait(0.1)

    def stop(self):
        self.ending.set()
        for end in (self.listener, *list(self.open)):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()
