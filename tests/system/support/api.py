"""posthorn-api as a process, and callers with their credentials."""
import json
import secrets
import signal
import subprocess

import requests

from .programs import BIN, clean_environment, program
from .servers import free_port
from .system import API
from .waiting import wait_until


class Caller:
    """Calls the API with one credential."""

    def __init__(self, base, credential=None):
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        if credential is not None:
            self.session.headers["Authorization"] = f"Bearer {credential}"

    def call(self, method, path, body=None, **options):
        if body is not None:
            options["json"] = body
        return self.session.request(method, self.base + path, timeout=60, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def patch(self, path, body):
        return self.call("PATCH", path, body)

    def delete(self, path):
        return self.call("DELETE", path)


class Api:
    """One posthorn-api of a test's system; stop() drains it and checks its exit status."""

    def __init__(self, system, directory, name="api", **settings):
        self.system = system
        self.port = free_port()
        self.monitor_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = system.settings(**{
            "database_url": system.url_of(API),
            "listen": f"127.0.0.1:{self.port}", "monitor": f"127.0.0.1:{self.monitor_port}", "topic": system.topic,
            "kafka_properties": None, "request_timeout": None, "rate_limit": 1000000,
            "change_limit": 100000} | settings)
        self.log_path = directory / f"{name}.log"
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([program("posthorn-api", BIN)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=clean_environment(self.settings))
        wait_until(self.is_ready, 30, "posthorn-api ready", every=0.05)
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"posthorn-api ended with {self.process.returncode}:\n{self.log()}"
        try:
            return Caller(self.url).get("/readyz").status_code == 200
        except requests.ConnectionError:
            return False

    def log(self):
        return self.log_path.read_text(errors="replace")

    def metrics(self):
        text = Caller(f"http://127.0.0.1:{self.monitor_port}").get("/metrics").text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0, self.log()[-4000:]
        self.process = None

    # credentials

    def key(self, account, scopes="*"):
        """An API key of the account."""
        made = self.system.admin("key", "create", "--account", account, "--scopes", scopes, "--json")
        return made["key"]

    def caller(self, account, scopes="*"):
        return Caller(self.url, self.key(account, scopes))

    def anybody(self):
        return Caller(self.url)

    def user(self, account, *options):
        """(e-mail, password, output of posthorn-admin) of a new user."""
        email, password = f"user-{secrets.token_hex(4)}@example.com", secrets.token_hex(12)
        made = self.system.admin("user", "create", email, "--account", account, "--password", password, "--json", *options)
        return email, password, made


def problem(answer, status, pointer=None):
    """Asserts that the response is a problem with this status, and returns it."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["status"] == status and body["title"] and body["type"].startswith("urn:posthorn:problem:")
    if pointer is not None:
        assert [e["pointer"] for e in body["errors"]] == [pointer], body
    return body
