"""The system on which an attack is measured: a Posthorn with a dispatcher and an API, a victim's account with its receiver, and attackers' accounts."""
import concurrent.futures
import pathlib
import re

from support.api import Api, Caller
from support.programs import BIN
from support.system import API, System
from support.waiting import wait_until
from world import Sink

from .probe import Both, Deliveries, Requests


class Broken(Exception):
    """Posthorn no longer works."""


def read_journal(path):
    """{event: when it first arrived, in ns since 1970}"""
    times = {}
    with open(path) as lines:
        for line in lines:
            if line.endswith("\n"):
                at, event, _ = line.split()
                times.setdefault(event, int(at))
    return times


class Stage:
    PARTITIONS = 4
    VICTIMS = 20  # webhooks of the victim; each has its own event type

    def __init__(self, servers, template, directory):
        directory.mkdir()
        self.directory, self.system = directory, System(servers, template, directory)
        self.sinks = []
        self.victim_sink = self.sink("victim")
        self.dispatcher = self.api = None
        self.name_servers = None

    def sink(self, name):
        """A bench-sink that keeps only its journal."""
        made = JournalSink(self.directory, name)
        self.sinks.append(made)
        return made

    def start(self, attack):
        self.system.account("victim")
        host = "victim-{0}.example" if attack.named_victims else "127.0.0.1"
        urls = [f"http://{host.format(n)}:{self.victim_sink.port}/ok/{n}" for n in range(self.VICTIMS)]
        self.hooks("victim", urls, [f"victim.{n}.*" for n in range(self.VICTIMS)])
        settings = {"request_timeout": "10s", "connect_timeout": "5s", "retry_schedule": None, "name_servers": self.name_servers}
        self.dispatcher = self.system.dispatcher(**settings | attack.settings)
        self.api = Api(self.system, self.directory, **{"rate_limit": None} | attack.api_settings).start()
        self.victim_key = self.api.key("victim")
        first = Caller(self.api.url, self.victim_key).get("/v1/webhooks").json()["webhooks"][0]
        self.victim_hook, self.victim_events = first["id"], first["events"]
        self.measure(1)  # connections are warm

    def hooks(self, account, urls, patterns=None):
        """Inserts webhooks as rows: how an attacker created them is not measured."""
        self.system.db.query(
            "with made as (insert into posthorn.webhook (uuid, public_id, account_id, url, format, signature) select "
            "x.u, x.u::text, a.id, x.url, 'penny', 'none' from posthorn.account a, "
            "(select gen_random_uuid() as u, url from unnest(%s::text[]) url offset 0) x where a.key = %s returning id, url) "
            "insert into posthorn.subscription select made.id, x.p from made join unnest(%s::text[], %s::text[]) x (u, p) on x.u = made.url",
            urls, account, urls, patterns or ["*"] * len(urls))

    def attacker(self, number, urls=(), dialect="penny"):
        """An account of an attacker, with these webhooks; returns its key."""
        account = self.system.account(f"attacker-{number}", dialect=dialect)
        if urls:
            self.hooks(account, list(urls))
        return account

    def received(self):
        return read_journal(self.victim_sink.journal)

    def measure(self, seconds):
        probes = Deliveries(self, seconds), Requests(self, seconds)
        for probe in probes:
            probe.join()
        return Both(*(probe.figures for probe in probes))

    def memory_mb(self):
        """The maximum memory of each program."""
        marks = {}
        for what, process in (("dispatcher", self.dispatcher.process), ("API", self.api.process)):
            try:
                mark = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text())
            except OSError:
                mark = None
            marks[what] = int(mark[1]) // 1024 if mark else 0
        return marks

    def check_alive(self):
        for what, process in (("the dispatcher", self.dispatcher.process), ("the API", self.api.process)):
            if process.poll() is not None:
                raise Broken(f"{what} ended with {process.returncode}")

    def disable_attackers(self):
        self.system.db.query("update posthorn.webhook w set status = 'disabled' from posthorn.account a "
                             "where a.id = w.account_id and a.key like 'attacker-%%' and w.status = 'enabled'")

    def settle(self):
        """Waits until nothing of the attack is left."""
        self.check_alive()
        try:
            wait_until(lambda: self.system.db.value("select count(*) from posthorn.pending") == 0, 90, "nothing pending", every=0.2)
            self.system.wait_consumed(deadline=90)
            wait_until(lambda: self.system.db.value("select count(*) from pg_stat_activity where usename = %s and state <> 'idle'", API) == 0, 90,
                       "no query of the API", every=0.2)
        except AssertionError as why:
            raise Broken(f"not over 90 s after the attack: {str(why)[:100]}") from None

    def in_parallel(self, work, items, threads=4):
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, items))

    def close(self):
        for program in (self.dispatcher, self.api):
            if program is not None and program.process is not None and program.process.poll() is None:
                program.process.kill()
                program.process.wait()
        for sink in self.sinks:
            sink.stop()
        self.system.close()


class JournalSink(Sink):
    def __init__(self, directory, name):
        self.journal = pathlib.Path(directory) / f"{name}.received"
        super().__init__(str(BIN / "bench-sink"), directory / f"{name}.log", 1000, "--journal", str(self.journal))

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"
