"""posthorn-admin rekey: the master key is changed while all programs run, and afterwards nothing needs the old one."""
import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import threading

import pyotp
import pytest
from standardwebhooks import Webhook

from support.api import Caller
from support.kafka import binary_record
from support.programs import BIN, FAULT_BIN, Failed, clean_environment, program
from support.receiver import self_signed_certificate
from support.waiting import wait_until

MANY = 250  # webhooks whose secrets are only there to be sealed again: more than two batches


def key_id(key):
    return b"\1" + hashlib.sha256(bytes.fromhex(key)).digest()[:4]


def values_under(system, key):
    """{column: number of values} in all tables."""
    columns = system.db.query(
        "select c.relname as table, quote_ident(a.attname) as column from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.relnamespace = 'posthorn'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.atttypid = 'bytea'::regtype")
    assert len(columns) > 10
    counted = {f"{c['table']}.{c['column']}": system.db.value(f"select count(*) from posthorn.{c['table']} where substring({c['column']} from 1 for 5) = %s", key_id(key))
               for c in columns}
    return {name: count for name, count in counted.items() if count}


def rekey(system, keys, *options, folder=BIN, fault=None, good=True):
    """The rows of its result, by column; None if it was killed. Without `good`, it ends with status 1: values are left."""
    done = subprocess.run([program("posthorn-admin", folder), "rekey", "--json", *options], capture_output=True, text=True, timeout=120,
                          env=clean_environment(system.settings(master_key=keys, fault=fault)))
    if fault:
        assert done.returncode == -9, done.stderr
        return None
    assert done.returncode == (0 if good else 1), done.stderr
    return {row["column"]: row for row in json.loads(done.stdout)}, done.stderr


class Publisher(threading.Thread):
    """Publishes events until it is stopped; keeps their ids."""

    def __init__(self, system, account):
        super().__init__(daemon=True)
        self.system, self.account, self.ids, self.stopped = system, account, [], threading.Event()

    def run(self):
        while not self.stopped.wait(0.02):
            events = [self.system.event(self.account, "ach.settled") for _ in range(5)]
            self.system.publish(*events)
            self.ids += [event["id"] for event in events]

    def more(self, count=20):
        """Waits until this many more were published."""
        wanted = len(self.ids) + count
        wait_until(lambda: len(self.ids) >= wanted, 30, "events published")

    def stop(self):
        self.stopped.set()
        self.join(30)


class World:
    """A webhook with each kind of secret, users with a second factor, a dead letter, sealed payloads, an API and a dispatcher."""

    def __init__(self, system, receiver, start_api, keys):
        self.system, self.receiver, self.start_api = system, receiver, start_api
        self.account = system.account(dialect="merchant", signature_key="the merchant's own key")
        system.admin("source-key", "create", "--account", self.account, "--name", "till", "--secret", "the source key's secret")
        certificate, key = self_signed_certificate(system.directory)
        self.hooks = {
            "standard": system.webhook(self.account, receiver.url("/standard"), signature="standard"),
            "source": system.webhook(self.account, receiver.url("/source"), signature="source_key", source_key="till"),
            "merchant": system.webhook(self.account, receiver.url("/merchant"), signature="signature_key"),
            "basic": system.webhook(self.account, receiver.url("/basic"), auth="basic", username="u", password="the password"),
            "bearer": system.webhook(self.account, receiver.url("/bearer"), auth="bearer", token="the-token", client_certificate=certificate,
                                     client_key=key),
        }
        self.dispatcher = system.dispatcher(start=False, store_payload="sealed", park_after="50ms")
        self.api = self.penny = None
        self.restart(keys)
        self.email, self.password, made = self.api.user(self.account, "--totp")
        self.totp = pyotp.TOTP(made["totp_secret"])
        self.rotated = self.api.caller(self.account).post(f"/v1/webhooks/{self.hooks['standard']['id']}/secret").json()["secret"]
        other = system.account()  # webhooks by the hundred, each with a secret
        self.penny = self.api.caller(other)
        self.first_of_many = self.penny.post("/v1/webhooks", {"url": receiver.url("/many"), "events": ["transaction.authorized"]}).json()["id"]

    def restart(self, keys):
        """Restarts every program with these master keys."""
        self.dispatcher.stop()
        if self.api is not None:
            self.api.stop()
        self.dispatcher.start(master_key=keys)
        self.api = self.start_api(master_key=keys)
        self.system.master_key = keys
        if self.penny is not None:
            self.penny.base = self.api.url

    def log_in(self):
        """A user's password, second factor (sealed), and a token signed with the server's key (sealed). A code is valid once: the step must be a new one."""
        self.system.db.query("update posthorn.api_user set totp_step = 0")
        answer = self.api.anybody().post("/v1/auth/tokens", {"email": self.email, "password": self.password, "otp": self.totp.now()})
        assert answer.status_code == 201, answer.text
        assert Caller(self.api.url, answer.json()["token"]).get("/v1/webhooks").status_code == 200

    def assert_signed(self, event_id):
        """Asserts that each webhook's request of this event is correctly signed and authenticated."""
        found = {name: [r for r in self.receiver.requests(f"/{name}") if r.headers["webhook-id"] == event_id] for name in self.hooks}
        for name, requests in found.items():
            assert len(requests) == 1, (name, event_id, len(requests))
        request = {name: requests[0] for name, requests in found.items()}
        for secret in (self.hooks["standard"]["secret"], self.rotated):  # both sign while they overlap
            Webhook(secret).verify(request["standard"].body, request["standard"].headers)
        for name, key in (("source", b"the source key's secret"), ("merchant", b"the merchant's own key")):
            Webhook(self.hooks[name]["secret"]).verify(request[name].body, request[name].headers)
            assert request[name].headers["x-signature"] == hmac_hex(key, request[name].body)
        assert request["basic"].headers["authorization"] == "Basic " + base64.b64encode(b"u:the password").decode()
        assert request["bearer"].headers["authorization"] == "Bearer the-token"


def hmac_hex(key, body):
    return hmac.new(key, body, hashlib.sha256).hexdigest()


@pytest.mark.timeout(300)
def test_the_master_key_is_changed_while_everything_runs(system, receiver, start_api):
    old, new = system.master_key, secrets.token_hex(32)
    world = World(system, receiver, start_api, old)
    made = world.penny.get(f"/v1/webhooks/{world.first_of_many}").json()
    system.topics.produce(system.topic, [{"value": b"{not json"}, binary_record(system.event(world.account, data={"a": 1}))])
    wait_until(lambda: system.db.value("select count(*) from posthorn.dead_letter") == 1, 60, "the dead letter recorded")
    world.log_in()
    secrets_made = [world.penny.post("/v1/webhooks", {"url": made["url"], "events": ["transaction.authorized"], "authorization_token": f"token-{n}"})
                    for n in range(MANY)]
    assert {answer.status_code for answer in secrets_made} == {201}
    before = values_under(system, old)
    assert set(before) >= {"account.data_key", "account.signature_key", "source_key.secret", "webhook.secret", "webhook.previous_secret", "webhook.auth_secret", "webhook.client_key",
                           "api_user.totp_secret", "server_key.secret", "dead_letter.value", "dead_letter.headers"}

    publisher = Publisher(system, world.account)
    publisher.start()
    publisher.more()
    world.restart(f"{old} {new}")  # all programs know the new key …
    assert values_under(system, new) == {}
    world.restart(f"{new}\n{old}\n")  # … before any program seals with it
    publisher.more()

    rekey(system, f"{new} {old}", folder=FAULT_BIN, fault="rekey-batch:4")
    half = values_under(system, new)
    assert 0 < sum(half.values()) < sum(before.values())
    world.penny.post(f"/v1/webhooks/{world.first_of_many}/secret")  # changes continue
    publisher.more()
    rows, _ = rekey(system, f"{new} {old}", "--dry-run")
    assert sum(row["under_older_keys"] for row in rows.values()) > 0 and all(row["sealed_anew"] == 0 for row in rows.values())
    rows, _ = rekey(system, f"{new} {old}")
    assert {row["under_older_keys"] for row in rows.values()} == {0}
    assert rows["webhook.auth_secret"]["values"] == MANY + 2 and rows["webhook.auth_secret"]["sealed_anew"] > 0
    assert values_under(system, old) == {}, "rekey does not know these columns"
    rows, _ = rekey(system, f"{new} {old}")
    assert {row["sealed_anew"] for row in rows.values()} == {0}, "the second time there is nothing to do"

    world.restart(new)
    publisher.more()
    world.log_in()
    publisher.stop()
    system.wait_consumed()
    system.wait_delivered(len(world.hooks) * (len(publisher.ids) + 1))
    for event_id in (publisher.ids[0], publisher.ids[len(publisher.ids) // 2], publisher.ids[-1]):
        world.assert_signed(event_id)
    system.admin("dead-letter", "show", system.topic, *dead_letter(system))
    system.assert_balanced(records=len(publisher.ids) + 2)


def dead_letter(system):
    row = system.db.query('select p.partition, d."offset" from posthorn.dead_letter d join posthorn.position p on p.id = d.position_id')[0]
    return str(row["partition"]), str(row["offset"])


def test_what_no_key_opens_is_told_and_left(system, receiver):
    """Without the old key, and with a changed value: the others are sealed again, the status is 1, and no secret is shown."""
    account = system.account(dialect="penny", signature_key="the signature key")
    hook = system.webhook(account, receiver.url("/hook"))
    new = secrets.token_hex(32)
    rows, said = rekey(system, new, good=False)
    assert rows["webhook.secret"] == {"column": "webhook.secret", "values": 1, "sealed_anew": 0, "under_older_keys": 1}
    uuid = system.db.value("select uuid::text from posthorn.webhook")
    assert f"webhook.secret:{uuid}: sealed under another key" in said

    system.db.query("update posthorn.account set signature_key = data_key")  # sealed for another row
    rows, said = rekey(system, f"{new},{system.master_key}", good=False)
    assert rows["webhook.secret"]["under_older_keys"] == 0 and rows["account.signature_key"]["under_older_keys"] == 1
    assert "account.signature_key" in said and "was changed, or belongs to another row" in said
    assert new not in said and system.master_key not in said and hook["secret"] not in said
    assert system.db.value("select count(*) from posthorn.change where object = 'webhook' and program = 'posthorn-admin' and action = 'update'") == 1


def test_bad_keys_are_refused(system):
    for keys in (f"{system.master_key} abc", " ".join(secrets.token_hex(32) for _ in range(9)), "zz"):
        with pytest.raises(Failed) as caught:
            system.master_key = keys
            system.admin("rekey")
        assert "master key" in caught.value.stderr and not any(key in caught.value.stderr for key in keys.split())
