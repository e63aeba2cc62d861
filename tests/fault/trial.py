"""A trial: events for one account flow through dispatchers to a sink that keeps a journal, while a test causes faults."""
import http.client
import json
import pathlib
import re
import socket
import subprocess
import threading
import time

from judge import Published, judge
from support.kafka import binary_record
from support.programs import clean_environment, program
from support.waiting import wait_until

# the dispatcher's defaults: the number of requests that one may have sent, but not yet recorded, when it is killed
UNFLUSHED_MAX = 4 * 2000
WINDOW_MAX = 64
# Maximum resident memory of a dispatcher in all tests: --memory-max 128 MiB of events, and its code, connections and rows in addition.
MEMORY_MAX_MB = 256


def read_times(journal):
    """{(event, path): when it first arrived, in ns since 1970}"""
    times = {}
    with open(journal) as lines:
        for line in lines:
            at, event, path = line.split()
            times.setdefault((event, path), int(at))
    return times


def read_paths(journal):
    """{event: the paths at which it arrived}"""
    paths = {}
    for event, path in read_times(journal):
        paths.setdefault(event, set()).add(path)
    return paths


class MixedServers:
    """For a System of which one server belongs to the test and is already running; the other one is shared by all tests."""

    def __init__(self, *, kafka, postgres, shared):
        self.kafka, self.postgres, self.shared = kafka, postgres, shared

    def ensure_running(self):
        self.shared.start()


class Sink:
    """bench-sink with a journal: receives tens of thousands of requests per second, and records each."""

    def __init__(self, directory, name="sink", connections=10000):
        self.journal = directory / f"{name}.received"
        self.log = open(directory / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            [program("bench-sink"), "--port", "0", "--keep", "2000000", "--connections", str(connections), "--journal", str(self.journal)],
            env=clean_environment({}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        assert "listening" in line, f"bench-sink did not start: {line!r}"
        self.port = int(line.rpartition(":")[2])

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path)
            return json.loads(connection.getresponse().read() or b"null")
        finally:
            connection.close()

    def received(self):
        """The number of requests so far."""
        return self.ask("/stats")["requests"]

    def stop(self):
        """Stops it in good order, so that its journal is complete."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.process.stdout.close()
        self.log.close()


class MemoryWatch(threading.Thread):
    """The maximum memory of any dispatcher of a system (VmHWM), also of those that are killed: the kernel keeps the maximum, so that reading it repeatedly
    misses only the last moment of a process."""

    def __init__(self, system):
        super().__init__(daemon=True)
        self.system, self.peak_mb, self.over = system, 0, threading.Event()
        self.start()

    def look(self):
        for one in list(self.system.dispatchers):
            try:
                status = pathlib.Path(f"/proc/{one.process.pid}/status").read_text()
            except (AttributeError, OSError):  # not started yet, or ended
                continue
            if (mark := re.search(r"VmHWM:\s+(\d+) kB", status)) and "posthorn" in status:
                self.peak_mb = max(self.peak_mb, int(mark[1]) // 1024)

    def run(self):
        while not self.over.wait(0.1):
            self.look()

    def assert_bounded(self):
        self.look()
        assert self.peak_mb <= MEMORY_MAX_MB, f"a dispatcher held {self.peak_mb} MB, more than {MEMORY_MAX_MB}"


class Trial:
    """paths: one webhook for each, named after the behaviour of the sink (bench-sink --help).
    through: a proxy before the sink, or something else with url(path)."""

    def __init__(self, system, webhooks=2, paths=None, through=None, name="trial", sink=None):
        self.system = system
        self.name = name
        self.sink = sink or Sink(system.directory)
        self.published = Published(system.directory / f"{name}.published")
        self.account = system.account()
        self.paths = paths or [f"/ok/{number}" for number in range(webhooks)]
        self.count = 0
        self.errors = []
        self.memory = MemoryWatch(system)
        self.stopping = threading.Event()
        self.publisher = None
        front = through(self.sink) if through else self.sink
        self.refused = socket.socket()  # a port on which no program listens, for the path "refused"
        self.refused.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{self.refused.getsockname()[1]}/"
        made = system.webhooks(self.account, [refused + str(n) if path == "refused" else front.url(path) for n, path in enumerate(self.paths)])
        self.webhook_ids = [one["id"] for one in made]
        for one, path in zip(made, self.paths, strict=True):
            self.published.webhook(one["id"], path)

    @property
    def pairs(self):
        return self.count * len(self.paths)

    def publish(self, count, chunk=1000):
        """Publishes this many events; each chunk is in the journal before it is sent to the broker."""
        for first in range(0, count, chunk):
            ids = [f"{self.name}{self.count + number}" for number in range(min(chunk, count - first))]
            self.published.events(ids, self.paths)
            self.system.topics.produce(self.system.topic, [
                binary_record({"id": one, "type": "transaction.authorized", "account": self.account, "data": {"n": one}}) | {"key": one}
                for one in ids])
            self.count += len(ids)

    def publish_timed(self, count):
        """{event id: when it was published, in ns since 1970}"""
        first, at = self.count, time.time_ns()
        self.publish(count)
        return {f"{self.name}{number}": at for number in range(first, self.count)}

    def sink_healthy(self, paths):
        """The number of pairs of these paths that have arrived; reads the new lines of the journal."""
        if not hasattr(self, "_reader"):
            self._reader, self._wanted, self.arrived, self._rest = open(self.sink.journal), set(paths), set(), ""
        *lines, self._rest = (self._rest + self._reader.read()).split("\n")  # the sink may have written only a part of a line
        for line in lines:
            _, event, path = line.split()
            if path in self._wanted:
                self.arrived.add((event, path))
        return len(self.arrived)

    def publish_in_background(self, count, chunk=500, pause=0.0):
        """The same in a thread, with a pause after each chunk; join() waits for it."""
        def work():
            try:
                left = count
                while left > 0 and not self.stopping.wait(pause):
                    self.publish(min(chunk, left), chunk)
                    left -= chunk
            except Exception as error:  # raised by join()
                self.errors.append(error)
        self.stopping.clear()
        self.publisher = threading.Thread(target=work)
        self.publisher.start()

    def stop_publishing(self):
        """Whether publishing has not ended yet."""
        self.stopping.set()
        self.join()

    def join(self, deadline=300):
        self.publisher.join(deadline)
        assert not self.publisher.is_alive(), "publishing hangs"
        if self.errors:
            raise self.errors[0]

    def wait_received(self, count, deadline=120):
        """Waits until the sink has received at least this many requests."""
        wait_until(lambda: self.sink.received() >= count, deadline, f"{count} requests at the sink", every=0.005)

    def wait_over(self, deadline=180):
        """Waits until the positions have passed everything that was published, and nothing is pending."""
        self.system.wait_consumed(deadline=deadline)
        wait_until(lambda: self.system.db.value("select count(*) from posthorn.pending") == 0, deadline, "nothing pending", every=0.2)

    def verdict(self):
        """Stops the dispatchers and the sink, and runs the judge."""
        self.memory.assert_bounded()
        for dispatcher in self.system.dispatchers:
            dispatcher.stop()
        self.sink.stop()
        found = judge(self.published.path, self.sink.journal, self.system.url)
        print(f"\n{found.line()}")
        return found

    def assert_good(self, kills=0, duplicates_each=None, figures=None, survived=False):
        """Nothing is lost or invented, and the reconciliation balances; the number of requests sent twice is within the bound of the kills. `survived`: no dispatcher
        was killed, only the servers, so that every request has its record."""
        found = self.verdict()
        if figures:
            figures(memory_mb=self.memory.peak_mb, kills=kills, events=self.count, pairs=found.published, missing=found.missing, open=found.open, phantom=found.phantom,
                    stray=found.stray, books=found.books, out_of_audit=found.out_of_audit, duplicated=found.duplicated,
                    duplicated_each=round(found.duplicated / max(kills, 1), 1))
        assert found.good, found.line()
        assert found.published == self.pairs
        self.system.assert_balanced(records=self.count)
        bound = kills * (duplicates_each or UNFLUSHED_MAX + len(self.paths) * WINDOW_MAX)
        assert found.duplicated <= bound, f"{found.duplicated} duplicates, more than {bound}: {found.line()}"
        assert found.out_of_audit <= (0 if survived else bound), f"{found.out_of_audit} requests without a record, more than {bound}: {found.line()}"
        return found

    def close(self):
        self.stopping.set()
        self.memory.look()
        self.memory.over.set()
        if self.publisher is not None:
            self.publisher.join(60)
        self.published.close()
        self.refused.close()
        self.sink.stop()
