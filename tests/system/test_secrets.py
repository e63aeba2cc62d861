"""Secrets do not leak: known random values are searched for in all output of a whole run, and in the programs' memory."""
import base64
import pathlib
import resource
import secrets
import signal
import subprocess

import pyotp
import pytest

from support.api import Caller
from support.programs import BIN, FAULT_BIN, clean_environment, program
from support.receiver import answer, refused_url
from support.waiting import wait_until


def forms(secret):
    """The forms in which a secret could be written: unchanged, in base64 and in hexadecimal."""
    raw = secret.encode()
    return {raw, raw.hex().encode(), base64.b64encode(raw)[:-4]}  # the end of base64 depends on what follows


def found(secrets_known, where, content):
    """The names of the secrets that these bytes contain."""
    return [f"{name} in {where}" for name, secret in secrets_known.items() for form in forms(secret) if form in content]


def memory(process):
    """All memory that a process may write, read as root."""
    pieces = []
    with open(f"/proc/{process.pid}/mem", "rb", 0) as mem:
        for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().splitlines():
            span, mode = line.split()[:2]
            if mode.startswith("rw") and not line.endswith(("[vvar]", "[vsyscall]")):
                first, past = (int(x, 16) for x in span.split("-"))
                mem.seek(first)
                try:
                    pieces.append(mem.read(past - first))
                except OSError:
                    pass  # unmapped meanwhile
    return b"".join(pieces)


def token():
    return f"s3cr-{secrets.token_hex(16)}"


class World:
    """A Posthorn that has used every secret. `known` are the secrets, `answers` the error responses."""

    def __init__(self, system, receiver, start_api):
        self.system, self.receiver = system, receiver
        self.known = {name: token() for name in ("wrong password", "basic password", "bearer token", "later token", "signature key", "source key", "card")}
        self.known["master key"] = system.master_key
        self.answers = b""
        self.account = system.account(dialect="merchant", signature_key=self.known["signature key"])
        system.admin("source-key", "create", "--account", self.account, "--name", "till", "--secret", self.known["source key"])
        self.dispatcher = system.dispatcher(start=False, store_payload="sealed")
        self.dispatcher.start(log_level="debug")
        self.api = start_api(log_level="debug")
        self.use_webhooks()
        self.use_users()
        self.use_events()

    def keep(self, answer_):
        self.answers += answer_.content
        return answer_

    def use_webhooks(self):
        key = self.known["API key"] = self.api.key(self.account)
        caller = Caller(self.api.url, key)
        url, events = self.receiver.url, ["*"]
        closed, self.holder = refused_url()
        basic = {"type": "basic", "username": "u", "password": self.known["basic password"]}
        made = [caller.post("/v1/webhooks", body).json() for body in (
            {"label": "a", "url": url("/basic"), "events": events, "authentication": basic, "signature": {"type": "standard"}},
            {"label": "b", "url": url("/source"), "events": events, "authentication": {"type": "none"}, "signature": {"type": "source_key", "source_key": "till"}},
            {"label": "c", "url": url("/own"), "events": events, "authentication": {"type": "none"}, "signature": {"type": "signature_key"}},
            {"label": "d", "url": closed, "events": events, "authentication": basic, "signature": {"type": "none"}})]
        self.known["signing secret"] = caller.post(f"/v1/webhooks/{made[0]['id']}/secret").json()["secret"]
        self.known["next signing secret"] = caller.post(f"/v1/webhooks/{made[0]['id']}/secret").json()["secret"]
        self.keep(caller.post("/v1/webhooks", {"label": 5, "url": "nonsense", "events": events, "authentication": basic | {"type": "odd"}}))
        self.keep(caller.patch(f"/v1/webhooks/{made[0]['id']}", {"authentication": basic | {"username": "a:b"}}))
        self.keep(caller.post("/v1/webhooks", f'{{"authentication": {{"password": "{self.known["basic password"]}", '))
        other = self.system.account()
        self.known["other API key"] = self.api.key(other)
        self.penny = Caller(self.api.url, self.known["other API key"])
        self.bearer = self.penny.post("/v1/webhooks", {"url": url("/bearer"), "events": events, "authorization_token": self.known["bearer token"]}).json()["id"]
        self.other = other
        self.keep(self.penny.post("/v1/webhooks", {"url": "ftp://x", "events": events, "authorization_token": self.known["bearer token"]}))
        self.keep(Caller(self.api.url, token()).get("/v1/webhooks"))

    def use_users(self):
        email, self.known["password"], made = self.api.user(self.account, "--totp")
        self.known["second factor"] = made["totp_secret"]
        anybody, code = self.api.anybody(), pyotp.TOTP(made["totp_secret"]).now()
        self.keep(problem_of(anybody.post("/v1/auth/tokens", {"email": email, "password": self.known["wrong password"], "otp": code})))
        self.keep(problem_of(anybody.post("/v1/auth/tokens", {"email": "nobody@example.com", "password": self.known["wrong password"]})))
        self.keep(problem_of(anybody.post("/v1/auth/tokens", {"email": self.known["wrong password"], "password": "typed in the wrong order"})))
        session = anybody.post("/v1/auth/tokens", {"email": email, "password": self.known["password"], "otp": code})
        assert session.status_code == 201, session.text
        self.known |= {"session token": session.json()["token"], "refresh token": session.json()["refresh_token"]}
        assert Caller(self.api.url, self.known["session token"]).get("/v1/webhooks").status_code == 200
        self.keep(anybody.post("/v1/auth/tokens/refresh", {"refresh_token": self.known["refresh token"][:-2] + "xx"}))

    def use_events(self):
        self.receiver.behave("/source", answer(500), answer(200))
        self.system.publish(self.system.event(self.account, data={"card": self.known["card"]}), self.system.event(self.other, data={"card": self.known["card"]}))
        self.system.topics.produce(self.system.topic, [{"value": f'{{"card": "{self.known["card"]}"'.encode()}])
        wait_until(lambda: self.system.audit.value("select count(*) from audit.deliveries where state = 'delivered'") >= 4, 60, "four delivered")
        self.request = self.receiver.requests("/bearer")[0]


def problem_of(answer_):
    assert answer_.status_code >= 400
    return answer_


@pytest.fixture
def world(system, receiver, start_api):
    return World(system, receiver, start_api)


def test_nothing_that_comes_out_holds_a_secret(system, world, test_directory):
    """The database's dump, logs at debug level, metrics, error responses, environment and command line of the programs."""
    assert world.request.headers["authorization"] == f"Bearer {world.known['bearer token']}", "else the search below would prove nothing"
    dump = subprocess.run([system.servers.postgres.tool("pg_dump"), "--inserts", system.url], capture_output=True, check=True).stdout
    assert world.account.encode() in dump and len(dump) > 20000
    pieces = {"the dump": dump, "an error's answer": world.answers, "the dispatcher's metrics": world.dispatcher.get("/metrics")[1].encode(),
              "the API's metrics": Caller(f"http://127.0.0.1:{world.api.monitor_port}").get("/metrics").content}
    for process in (world.api.process, world.dispatcher.process):
        for name in ("environ", "cmdline"):
            pieces[f"{name} of {process.pid}"] = pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes()
    for wrong in ({"database_url": f"postgresql://u:{world.known['password']}@127.0.0.1:1/none"}, {"master_key": world.known["password"]},
                  {"kafka_properties": f"sasl.password={world.known['password']};no.such.thing={world.known['password']}"}):
        for name in ("posthorn-admin", "posthorn-api", "posthorn-dispatcher"):
            command = [program(name), "rekey"] if name == "posthorn-admin" else [program(name), "--check-config"]
            done = subprocess.run(command, env=clean_environment(system.settings(**wrong)), capture_output=True, timeout=60)
            pieces[f"what {name} says of {', '.join(wrong)}"] = done.stdout + done.stderr
    for log in test_directory.glob("*.log"):
        pieces[log.name] = log.read_bytes()
        assert b"level=" in pieces[log.name]
    assert [hit for where, content in pieces.items() for hit in found(world.known, where, content)] == []


def test_what_is_over_is_wiped_from_memory(system, world):
    """Passwords, keys and tokens that were sent to the API. The programs keep the secrets that they still need."""
    assert world.penny.get("/v1/webhooks").status_code == 200  # the last request of each connection may stay in its buffer: its secrets are not searched for
    world.penny.session.close()
    kept = memory(world.api.process)
    over = {name: world.known[name] for name in ("password", "wrong password", "basic password", "bearer token", "signing secret", "next signing secret",
                                                 "second factor", "API key", "session token", "refresh token", "signature key", "master key")}
    assert len(kept) > 1_000_000
    assert found(over, "the API's memory", kept) == []

    live = memory(world.dispatcher.process)
    assert found({"bearer token": world.known["bearer token"]}, "it", live) != [], "it signs with it: else the search would prove nothing"
    assert found({"master key": world.known["master key"], "second factor": world.known["second factor"]}, "the dispatcher's memory", live) == []


def test_no_core_dump(system, test_directory):
    """A crash leaves no core file, whatever the limits; no other process can read the memory."""
    dispatcher = system.dispatcher(start=False)
    process = crash(dispatcher.settings, BIN, test_directory, {})
    assert not process.core.exists()
    assert process.filter == "00000000\n" and process.limit.split()[4:6] == ["0", "0"]


def test_a_core_dump_that_is_forced_holds_no_memory(system, receiver, test_directory):
    """In a build whose processes can be dumped: the file contains no memory of the mappings."""
    if pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
        pytest.skip("this machine's core dumps go elsewhere")
    dispatcher = system.dispatcher(start=False)
    process = crash(dispatcher.settings, FAULT_BIN, test_directory, {"POSTHORN_DUMPABLE": "1"})
    core = process.core.read_bytes()
    process.core.unlink()
    assert core.startswith(b"\x7fELF")
    assert len(core) < 1_000_000 and found({"master key": system.master_key, "database": "test_dispatcher:test_dispatcher"}, "the core", core) == []


def crash(settings, folder, directory, more):
    """Starts a dispatcher that may dump core into an empty directory, and crashes it when it is ready."""
    place = directory / f"core-{folder.parent.name}"
    place.mkdir()
    settings = settings | {"log_level": "debug"}
    with open(place / "log", "wb") as log:
        process = subprocess.Popen([program("posthorn-dispatcher", folder)], env=clean_environment(settings) | more, cwd=place, stdout=log, stderr=log,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
    try:
        wait_until(lambda: b"event=partition" in (place / "log").read_bytes(), 60, "the dispatcher at work")
        process.filter = pathlib.Path(f"/proc/{process.pid}/coredump_filter").read_text()
        limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        process.limit = next(line for line in limits if line.startswith("Max core file size"))
        process.send_signal(signal.SIGSEGV)
        assert process.wait(30) == -signal.SIGSEGV
    finally:
        process.kill()
        process.wait(30)
    process.core = place / "core"
    return process
