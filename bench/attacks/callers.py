"""Attacks by a caller of the API, without a credential or with a merchant's."""
import http.client
import itertools
import json
import secrets
import socket
import threading
import time

from support.console import COOKIE, signed_in

from .attack import Attack
from .child import Child
from .records import publish

ADDRESS = "127.0.0.66"  # the attackers' own


def each_in_a_thread(count, work):
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def slow_headers(over, say, port, count):
    """Connections that send a line of a header every 5 s. One that the server closes is opened again."""
    def connection(number):
        while not over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), 10, (ADDRESS, 0)) as stream:
                    stream.sendall(b"GET /v1/webhooks HTTP/1.1\r\nHost: posthorn\r\n")
                    while not over.wait(5):
                        stream.sendall(b"X-More: yes\r\n")
            except OSError:
                over.wait(1)
    threads = each_in_a_thread(count, connection)
    over.wait(3)
    say(True)
    for thread in threads:
        thread.join()


def anonymous_bodies(over, say, port, count):
    """Bodies of 1 MB without any credential, whose last byte is never sent."""
    def connection(number):
        while not over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), 10, (ADDRESS, 0)) as stream:
                    stream.sendall(b"POST /v1/events HTTP/1.1\r\nHost: posthorn\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
                                   + b"x" * 999_000)
                    while not over.wait(2):
                        stream.sendall(b"x")
            except OSError:
                over.wait(1)
    threads = each_in_a_thread(count, connection)
    over.wait(3)
    say(True)
    for thread in threads:
        thread.join()


def repeat(over, say, port, count, requests, pause):
    """`count` connections make these requests (method, path, body, headers) repeatedly; reports the first statuses."""
    statuses = []

    def connection(number):
        for turn in itertools.count(number):
            method, path, body, headers = requests[turn % len(requests)]
            try:
                stream = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(ADDRESS, 0))
                stream.request(method, path, body, headers)
                answer = stream.getresponse()
                answer.read()
                statuses.append(answer.status)
            except (OSError, http.client.HTTPException):
                statuses.append(0)
            finally:
                stream.close()
            if over.wait(pause):
                return
    threads = each_in_a_thread(count, connection)
    over.wait(2)
    say(True)
    over.wait()
    for thread in threads:
        thread.join(35)
    say(sorted({(status, statuses.count(status)) for status in statuses}))


def vanish(over, say, port, count, path, headers):
    """Makes a request and disconnects 0.3 s later, before a slow response; about twice a second on each of `count` threads."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def connection(number):
        while not over.wait(0.2):
            try:
                with socket.create_connection(("127.0.0.1", port), 10, (ADDRESS, 0)) as stream:
                    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{head}\r\n".encode())
                    over.wait(0.3)
            except OSError:
                pass
    threads = each_in_a_thread(count, connection)
    over.wait(2)
    say(True)
    for thread in threads:
        thread.join()


class AtApi(Attack):
    def run(self, work, *arguments):
        self.children.append(Child(work, *arguments))
        self.children[-1].told()


class SlowHeaders(AtApi):
    name, means, resource = "slow-headers", "anonymous caller", "the API's connections"
    what = "512 connections from one address, each with a header line every 5 s"

    def begin(self, stage, number):
        self.run(slow_headers, stage.api.port, 512)


class Bodies(AtApi):
    name, means, resource = "anonymous-bodies", "anonymous caller", "the API's connections, memory"
    what = "500 connections from one address, each with a body of 1 MB that does not end"

    def begin(self, stage, number):
        self.run(anonymous_bodies, stage.api.port, 500)


class Logins(AtApi):
    name, means, resource = "log-ins", "anonymous caller", "CPU and memory of password checks"
    what = "16 connections that try passwords of made-up users"

    def begin(self, stage, number):
        attempts = [("POST", "/v1/auth/tokens", json.dumps({"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_hex(12)}),
                     {"Content-Type": "application/json"}) for _ in range(5000)]
        user = json.dumps(dict(zip(("email", "password"), stage.api.user("victim")[:2], strict=True)))
        alone = self.time_of_log_in(stage, user)
        self.run(repeat, stage.api.port, 16, attempts, 0.0)
        self.note(f"the victim's log-in: {alone} alone, {self.time_of_log_in(stage, user)} beside it")

    @staticmethod
    def time_of_log_in(stage, user):
        begun = time.monotonic()
        status = Lockout.log_in(stage, user, "127.0.0.9")
        return f"{(time.monotonic() - begun) * 1000:.0f} ms" if status in (200, 201) else f"refused with {status}"


class Lockout(AtApi):
    """Measures no time, only whether the victim's user can log in from another address."""

    name, means, resource = "lock-out", "anonymous caller", "counters of log-ins"
    what = "60 wrong passwords for the victim's user from one address"
    rounds = 1

    def begin(self, stage, number):
        email, password, _ = stage.api.user("victim")
        wrong = json.dumps({"email": email, "password": "wrong-password-0"})
        for _ in range(60):
            self.log_in(stage, wrong, ADDRESS)
        status = self.log_in(stage, json.dumps({"email": email, "password": password}), "127.0.0.9")
        self.note(f"the user's own log-in from another address: {'works' if status in (200, 201) else f'refused with {status}'}")

    @staticmethod
    def log_in(stage, body, address):
        stream = http.client.HTTPConnection("127.0.0.1", stage.api.port, timeout=30, source_address=(address, 0))
        stream.request("POST", "/v1/auth/tokens", body, {"Content-Type": "application/json"})
        status = stream.getresponse().status
        stream.close()
        return status


class HeavyLists(AtApi):
    means, resource = "tenant", "the API's database connections"
    webhooks = 200

    def console(self, stage, number):
        """The headers of a console session of a merchant with this many webhooks, a day of activity at each."""
        account = stage.attacker(number, [f"http://127.0.0.1:9/{n}" for n in range(self.webhooks)], dialect="merchant")
        stage.system.db.query(
            "insert into posthorn.activity select w.id, date_trunc('minute', now()) - make_interval(mins => m), b, 1, 1, 1000, 1000 from posthorn.webhook w "
            "join posthorn.account a on a.id = w.account_id, generate_series(1, 1400) m, generate_series(10, 13) b where a.key = %s", account)
        stage.system.db.query("analyze posthorn.activity")
        console = signed_in(stage.api, account)
        self.hook = stage.system.db.value("select min(w.public_id) from posthorn.webhook w join posthorn.account a on a.id = w.account_id where a.key = %s", account)
        return {"Cookie": f"{COOKIE}={console.cookie}", "Origin": stage.api.url, "Sec-Fetch-Site": "same-origin"}


class Lists(HeavyLists):
    name = "heavy-lists"
    what = "20 lists at once of 200 webhooks with a day of activity, and their statistics"

    def begin(self, stage, number):
        headers = self.console(stage, number)
        statistics = f"/v1/webhooks/{self.hook}/statistics?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&buckets=200"
        self.run(repeat, stage.api.port, 20, [("GET", "/v1/webhooks?limit=200", None, headers), ("GET", statistics, None, headers)], 0.0)


class Vanishing(HeavyLists):
    name = "vanishing-callers"
    what = "40 such lists a second whose callers are gone after 0.3 s"

    def begin(self, stage, number):
        self.run(vanish, stage.api.port, 20, "/v1/webhooks?limit=200", self.console(stage, number))


class Requests(AtApi):
    name, means, resource = "request-flood", "tenant", "the API's CPU and rate"
    what = "32 connections of one credential, as fast as they can"

    def begin(self, stage, number):
        headers = {"Authorization": f"Bearer {stage.api.key(stage.attacker(number))}"}
        self.run(repeat, stage.api.port, 32, [("GET", "/v1/webhooks", None, headers)], 0.0)


class Publish(AtApi):
    name, means, resource = "large-publishes", "tenant", "the API's memory and Kafka queue"
    what = "8 connections that publish events of 900 KB"

    def begin(self, stage, number):
        account = stage.attacker(number)
        headers = {"Authorization": f"Bearer {stage.api.key(account)}", "Content-Type": "application/json"}
        body = json.dumps({"type": "attack", "data": {"text": "x" * 900_000}})
        self.run(repeat, stage.api.port, 8, [("POST", "/v1/events", body, headers)], 0.1)


class Replays(AtApi):
    name, means, resource = "replays", "tenant", "retries, rows"
    what = "10 webhooks whose 2,000 events each are replayed again and again, on 4 connections"

    def begin(self, stage, number):
        if not hasattr(self, "sink"):
            self.sink = stage.sink("attacker")
        account = stage.attacker(number, [self.sink.url(f"/ok/{n}") for n in range(10)])
        events = Child(publish, stage.system.topics.brokers, stage.system.topic, account, 2000, "small", 2000)
        events.process.join(60)
        stage.system.wait_consumed()
        headers = {"Authorization": f"Bearer {stage.api.key(account)}", "Content-Type": "application/json"}
        hooks = stage.system.db.query("select w.public_id from posthorn.webhook w join posthorn.account a on a.id = w.account_id where a.key = %s", account)
        body = json.dumps({"from": "2026-01-01T00:00:00Z", "state": "all"})
        self.run(repeat, stage.api.port, 4, [("POST", f"/v1/webhooks/{hook['public_id']}/replay", body, headers) for hook in hooks], 0.0)


ATTACKS = [SlowHeaders(), Bodies(), Logins(), Lockout(), Lists(), Vanishing(), Requests(), Publish(), Replays()]
