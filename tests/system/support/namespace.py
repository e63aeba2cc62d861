"""A separate network for a test: a namespace without connections to the outside.

Sockets belong to the namespace of the thread that created them, so a test can listen inside, and processes that it starts
inside are in the namespace. Needs CAP_SYS_ADMIN."""
import contextlib
import ctypes
import os
import selectors
import socket
import subprocess
import threading

from .programs import Dispatcher

CLONE_NEWNET = 0x40000000
IP_FREEBIND = 15
LIBC = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Namespace:
    """with namespace.inside(): sockets and processes of this thread are created in the namespace."""

    def __init__(self):
        """Raises OSError if the kernel does not allow it."""
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        check(LIBC.unshare(CLONE_NEWNET), "a new network namespace")
        self.own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._enter(self.home)
        self.run("ip", "link", "set", "lo", "up")

    @staticmethod
    def _enter(namespace):
        check(LIBC.setns(namespace, CLONE_NEWNET), "entering a network namespace")

    @contextlib.contextmanager
    def inside(self):
        self._enter(self.own)
        try:
            yield
        finally:
            self._enter(self.home)

    def run(self, *command):
        with self.inside():
            subprocess.run(command, check=True, capture_output=True, timeout=30)

    def listen(self, address, port, kind=socket.SOCK_STREAM):
        """A socket of the namespace; listening, if it is a stream."""
        with self.inside():
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)  # addresses that are local only because of a route
            made.bind((address, port))
            if kind == socket.SOCK_STREAM:
                made.listen(128)
            return made

    def connect(self, port):
        with self.inside():
            return socket.create_connection(("127.0.0.1", port), 10)

    def close(self):
        os.close(self.own)
        os.close(self.home)


class Forward:
    """Forwards connections to one loopback port to the same port on the other side of the namespace boundary. One thread
    copies the bytes."""

    def __init__(self, listener, connect):
        self.listener, self.connect = listener, connect
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        for ready in (listener, self.woken):
            self.selector.register(ready, selectors.EVENT_READ)
        self.peer = {}
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _accept(self):
        near, _ = self.listener.accept()
        try:
            far = self.connect()
        except OSError:
            near.close()
            return
        self.peer[near], self.peer[far] = far, near
        for side in (near, far):
            self.selector.register(side, selectors.EVENT_READ)

    def _move(self, side):
        other = self.peer[side]
        try:
            data = side.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for end in (side, other):
            self.selector.unregister(end)
            self.peer.pop(end)
            end.close()

    def _serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.woken:
                    return
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj in self.peer:
                    self._move(key.fileobj)

    def stop(self):
        self.wake.send(b"x")
        self.thread.join(10)
        for end in (self.listener, self.wake, self.woken, *self.peer):
            end.close()
        self.selector.close()


class InsideDispatcher(Dispatcher):
    """A dispatcher in the namespace; connections to Kafka, PostgreSQL and its own pages are forwarded."""

    def __init__(self, namespace, servers, name, settings, directory):
        super().__init__(name, settings, directory)
        self.namespace = namespace
        port = int(self.address.rsplit(":", 1)[1])
        outside = socket.create_server(("127.0.0.1", port))
        self.forwards = [Forward(outside, lambda: namespace.connect(port))]
        for server in (servers.kafka.port, servers.postgres.port):
            self.forwards.append(Forward(namespace.listen("127.0.0.1", server),
                                         lambda server=server: socket.create_connection(("127.0.0.1", server), 10)))

    def start(self, wait=True, **changed):
        with self.namespace.inside():
            super().start(False, **changed)
        if wait:
            self.wait_ready()
        return self

    def stop_forwards(self):
        for forward in self.forwards:
            forward.stop()
