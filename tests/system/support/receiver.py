"""The receiver, a webhook endpoint in a separate process, as the test uses it."""
import multiprocessing
import socket
import subprocess

from .receiver_server import Behaviour, serve
from .servers import free_port
from .waiting import wait_until

MEGABYTE = 1024 * 1024


def answer(status=200, body=b"", headers=(), delay=0.0):
    """A response; headers as a dict or as pairs."""
    pairs = tuple(headers.items()) if isinstance(headers, dict) else tuple(headers)
    return Behaviour(status, pairs, body, delay)


def hang():
    """No response until release()."""
    return Behaviour(action="hang")


def close():
    """Closes the connection without a response."""
    return Behaviour(action="close")


def reset(status=200):
    """Half of a response, then RST."""
    return Behaviour(status, body=b"half", action="reset")


def stream(size=100 * MEGABYTE, status=200):
    """A response of that many bytes."""
    return Behaviour(status, action="stream", size=size)


def redirect(location, status=302):
    return Behaviour(status, (("Location", location),))


def drip(body=b"x" * 1000, every=0.5, status=200):
    """A response that arrives byte by byte."""
    return Behaviour(status, body=body, delay=every, action="drip")


def raw(data):
    """These bytes as the whole response, including the status line."""
    return Behaviour(body=data, action="raw")


def refused_url(path="/"):
    """A URL on whose port no program listens, and the socket that reserves the port: keep a reference to it."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{holder.getsockname()[1]}{path}", holder


def self_signed_certificate(directory, name="127.0.0.1"):
    """(certificate file, key file) without a known authority."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    return str(certificate), str(key)


class Receiver:
    """Answers 200 with an empty body unless a behaviour is set."""

    def __init__(self, host="127.0.0.1", certificate=None, client_authority=None):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        port = free_port()
        self.process = context.Process(target=serve, args=(other, host, port, certificate, client_authority), daemon=True)
        self.process.start()
        other.close()
        self.base = f"{'https' if certificate else 'http'}://{host}:{port}"
        self.open()

    def _call(self, name, *arguments):
        self.pipe.send((name, arguments))
        if not self.pipe.poll(30):
            raise AssertionError(f"the receiver did not answer {name} within 30 s")
        result, error = self.pipe.recv()
        if error:
            raise AssertionError(f"receiver, {name}: {error}")
        return result

    def url(self, path="/"):
        return self.base + path

    def open(self):
        """Listens again after close()."""
        self._call("open")

    def close(self):
        """Ends all connections and refuses new ones."""
        self._call("close")

    def behave(self, path, *behaviours):
        """Sets the behaviours for the requests to a path, one after another; the last is repeated. Path None: all other paths."""
        self._call("behave", path, behaviours or (Behaviour(),))

    def release(self, path=None, status=200):
        """Answers the hanging requests; returns their number."""
        return self._call("release", path, Behaviour(status))

    def requests(self, path=None, since=0):
        """All received requests, in the order of their completion."""
        return [r for r in self._call("requests", since) if path is None or r.path == path]

    def count(self, path=None):
        """The number of received requests; cheap enough to poll."""
        total, by_path = self._call("counts")
        return total if path is None else by_path.get(path, 0)

    def held(self):
        """The number of requests that hang at present."""
        return self._call("held")

    def connections(self):
        """(open now, accepted ever)"""
        return self._call("connections")

    def forget(self):
        """Forgets all requests received so far."""
        self._call("forget")

    def wait_for(self, count, path=None, deadline=60):
        """Waits until at least this many requests were received, and returns them."""
        wait_until(lambda: self.count(path) >= count, deadline,
                   f"{count} requests at the receiver for {path or 'all paths'}")
        return self.requests(path)

    def stop(self):
        self.pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
