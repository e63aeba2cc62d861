"""deploy/quickstart on a new machine: everything is started, the written credentials work, programs that were killed are restarted, and
it stops. Its state is in the test's own directory, so that a quickstart in use is not affected."""
import os
import re
import signal
import subprocess
import time
import urllib.request

import psycopg
import pyotp
import pytest

from support.api import Caller
from support.console import Console
from support.programs import BIN, clean_environment, run_program
from support.ports import ROOT
from support.waiting import wait_until

WANTED = {
    "POSTHORN_KAFKA_BROKERS", "POSTHORN_TOPIC", "POSTHORN_DATABASE_URL", "POSTHORN_AUDIT_URL", "POSTHORN_API_URL",
    "POSTHORN_CONSOLE_URL",
    "PENNY_ACCOUNT", "PENNY_ACCESS_TOKEN", "PAYCONEX_ACCOUNT", "PAYCONEX_API_KEY", "DEVENGO_ACCOUNT", "DEVENGO_EMAIL",
    "DEVENGO_PASSWORD", "MERCHANT_ACCOUNT", "MERCHANT_EMAIL", "MERCHANT_PASSWORD", "MERCHANT_TOTP_SECRET",
    "MERCHANT_SIGNATURE_KEY",
}

pytestmark = [
    pytest.mark.timeout(900),  # it may have to build something
    pytest.mark.skipif(BIN.resolve() != ROOT / "build/release/bin",
                       reason="quickstart builds build/release; these tests run what is built elsewhere"),
]


class Quickstart:
    def __init__(self, directory):
        self.directory = directory
        slow = directory.parent / "slow.sh"     # as on a busy machine: a program in the background is not executed at once
        slow.write_text('setsid() { sleep 1; exec setsid "$@"; }\n')
        self.environment = clean_environment({}) | {"QUICKSTART_DIR": str(directory), "BASH_ENV": str(slow)}

    def run(self, *arguments):
        """(exit status, output)"""
        done = subprocess.run([ROOT / "deploy/quickstart", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=580)
        return done.returncode, done.stdout

    def start(self):
        status, output = self.run()
        assert status == 0, output
        return output

    def env(self):
        return dict(re.findall(r"^export (\w+)='(.*)'$", (self.directory / "env").read_text(), re.M))

    def pid(self, name):
        return int((self.directory / f"run/{name}.pid").read_text())


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    quickstart = Quickstart(tmp_path_factory.mktemp("quickstart"))
    try:
        quickstart.started = quickstart.start()
        yield quickstart
    finally:
        status, output = quickstart.run("stop")
    assert status == 0, output
    status, output = quickstart.run("status")
    assert status == 1 and " is running " not in output, output


def published(env, account, event_type, event_id):
    """Publishes an event, waits until it is delivered, and returns the accounts of its deliveries."""
    run_program("posthorn-producer", ["--topic", env["POSTHORN_TOPIC"], "--account", account, "--type", event_type, "--id", event_id,
                                      "--data", '{"amount": "1.00"}'], {"kafka_brokers": env["POSTHORN_KAFKA_BROKERS"]})
    return delivered(env, "event_id = %s", event_id)


def delivered(env, condition, value):
    query = f"select account from audit.deliveries where state = 'delivered' and {condition}"
    with psycopg.connect(env["POSTHORN_AUDIT_URL"], autocommit=True) as audit:
        wait_until(lambda: audit.execute(query, [value]).fetchall(), 60, f"a delivery where {condition} {value}", every=0.1)
        return [account for account, in audit.execute(query, [value])]


def test_it_delivers_and_says_so(quickstart):
    assert "signature verified" in quickstart.started and re.search(r"^outcome +\| delivered", quickstart.started, re.M)
    status, output = quickstart.run("status")
    assert status == 0 and re.search("^api +is running", output, re.M), output
    assert WANTED <= set(quickstart.env())


def test_the_credentials_work(quickstart):
    env = quickstart.env()
    api = env["POSTHORN_API_URL"]
    (webhook,) = Caller(api, env["PENNY_ACCESS_TOKEN"]).get("/v1/webhooks").json()["webhooks"]
    assert webhook["events"] == ["transaction.authorized"]
    payconex = Caller(api, env["PAYCONEX_API_KEY"])
    (webhook,) = payconex.get(f"/api/v4/accounts/{env['PAYCONEX_ACCOUNT']}/webhooks").json()
    assert webhook["event"] == "PAYCONEX_BATCH_SETTLEMENT"
    trigger = {"account_id": env["PAYCONEX_ACCOUNT"], "event": "PAYCONEX_BATCH_SETTLEMENT", "batch_id": "00412", "batch_date": "2024-06-27 17:27"}
    event = payconex.post("/api/v4/webhooks/trigger", trigger)
    assert event.status_code == 202, event.text
    assert delivered(env, "event_id = %s", event.json()["id"]) == [env["PAYCONEX_ACCOUNT"]]

    devengo = Caller(api).post("/v1/auth/tokens", {"email": env["DEVENGO_EMAIL"], "password": env["DEVENGO_PASSWORD"]}).json()
    (webhook,) = Caller(api, devengo["token"]).get("/v1/webhooks").json()["webhooks"]
    assert len(webhook["listened_events"]) == 25
    login = {"email": env["MERCHANT_EMAIL"], "password": env["MERCHANT_PASSWORD"]}
    assert Caller(api).post("/v1/auth/tokens", login).status_code == 401, "the second factor is asked for"
    merchant = Caller(api).post("/v1/auth/tokens", login | {"otp": pyotp.TOTP(env["MERCHANT_TOTP_SECRET"]).now()}).json()
    (webhook,) = Caller(api, merchant["token"]).get("/v1/webhooks").json()["webhooks"]
    assert webhook["label"] == "quickstart"


def test_own_events_are_delivered(quickstart):
    env = quickstart.env() | {"POSTHORN_TOPIC": "posthorn.system-events"}
    assert published(env, env["MERCHANT_ACCOUNT"], "webhook.disabled", "own-1") == [env["MERCHANT_ACCOUNT"]]


def test_the_console_is_served_and_can_be_signed_in_to(quickstart):
    env = quickstart.env()
    assert env["POSTHORN_CONSOLE_URL"] == env["POSTHORN_API_URL"] + "/console/" and env["POSTHORN_CONSOLE_URL"] in quickstart.started
    page = Caller(env["POSTHORN_CONSOLE_URL"]).get("")
    assert page.status_code == 200 and "<script" in page.text and "default-src 'none'" in page.headers["Content-Security-Policy"]
    console = Console(env["POSTHORN_API_URL"])
    assert console.sign_in(env["MERCHANT_EMAIL"], env["MERCHANT_PASSWORD"]).json()["second_factor"] == "enrolled"
    # also with the code after this one: an earlier test may have used this one
    code = pyotp.TOTP(env["MERCHANT_TOTP_SECRET"]).at(int(time.time()) + 30)
    assert console.verify(otp=code).status_code == 200
    (webhook,) = console.get("/v1/webhooks").json()["webhooks"]
    assert webhook["label"] == "quickstart"


def test_each_account_has_a_webhook_that_verifies(quickstart):
    env = quickstart.env()
    port = (quickstart.directory / "port/demo").read_text().strip()
    for dialect, event_type in (("penny", "transaction.authorized"), ("devengo", "account.created"), ("merchant", "ach.settled")):
        account = env[f"{dialect.upper()}_ACCOUNT"]
        assert published(env, account, event_type, f"qs-{dialect}") == [account]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    for dialect in ("penny", "devengo", "merchant"):
        (line,) = [line for line in lines if f" /{dialect} qs-{dialect} " in line]
        assert "signature verified" in line


def test_a_second_call_restarts_what_died_and_keeps_the_credentials(quickstart):
    before, dispatcher = quickstart.env(), quickstart.pid("dispatcher-1")
    os.kill(quickstart.pid("api"), signal.SIGKILL)
    wait_until(lambda: quickstart.run("status")[0] == 1, 30, "quickstart seeing that the API died", every=0.2)
    quickstart.start()
    assert quickstart.env() == before and quickstart.pid("dispatcher-1") == dispatcher
    answer = Caller(before["POSTHORN_API_URL"], before["PENNY_ACCESS_TOKEN"]).get("/v1/webhooks")
    assert len(answer.json()["webhooks"]) == 1, "no webhook was made twice"
    assert "Everything was running already." in quickstart.start()
