"""The responses of a receiver are stored as its account is configured: plain, sealed under the account's key, or not at all."""
import json

import pytest

from support.programs import run_admin
from support.raw_server import RawServer
from support.receiver import answer
from support.waiting import wait_until

MARK = "name=Ada-Lovelace"
BODIES = {"/text": f"{MARK} ä\n\t".encode(), "/control": b"\x1b[2J" + MARK.encode() + b"\xc2\x9b\x7f", "/bytes": b"\\ \xff\x00" + MARK.encode(),
          "/mark": b"\tsealed\t" + b"00" * 40}
SHOWN = {"/text": f"{MARK} ä\n\t", "/control": f"\ufffd[2J{MARK}\ufffd\ufffd", "/bytes": f"\\\\ \\377\\000{MARK}", "/mark": "\tsealed\t" + "00" * 40}
PLAIN = SHOWN | {"/mark": "\ufffd" + SHOWN["/mark"]}  # data that looks sealed and is not, is marked


class Sent:
    """An account whose webhooks have responded to one event, one after the other: 500 with a body."""

    def __init__(self, system, receiver, store):
        self.system, self.account = system, f"account-{store}"
        system.admin("account", "create", self.account, "--dialect", "merchant", *([] if store is None else ["--store-response", store]))
        self.hooks = {}
        for path, body in BODIES.items():
            receiver.behave(f"/{store}{path}", answer(500, body))
            self.hooks[path] = system.webhook(self.account, receiver.url(f"/{store}{path}"), label=path)["id"]
        closed = RawServer({"/closed": lambda server: iter(())})
        self.hooks["/closed"] = system.webhook(self.account, closed.url("/closed"), label="/closed")["id"]
        self.event = system.event(self.account)
        system.publish(self.event)
        wait_until(lambda: len({row["webhook_id"] for row in self.audited() if row["outcome"] == "gave_up"}) == len(self.hooks), 60, "all gave up")
        closed.stop()

    def audited(self):
        return [row for row in self.system.audit.query("select * from audit.attempts where account = %s order by started_at", self.account)]

    def last(self, attempts, path):
        return [row for row in attempts if row["webhook_id"] == self.hooks[path]][-1]


@pytest.fixture
def sent(system, receiver):
    system.dispatcher(retry_schedule="100ms")
    return lambda store: Sent(system, receiver, store)


def rows_of(system):
    """Everything about every attempt, and the data derived from attempts, as stored in the database."""
    return b"".join(bytes(value) if isinstance(value, (bytes, memoryview)) else json.dumps(value, default=str).encode()
                    for table in ("attempt", "activity_last", "webhook", "pending", "cancellation", "outbox")
                    for row in system.db.query(f"select * from posthorn.{table}") for value in row.values())


def shown_everywhere(system, api, sent):
    """(place, path, error, response_body or None if it is not shown), for every place that shows responses of a receiver."""
    caller, found = api.caller(sent.account), []
    event = caller.get(f"/v1/events/{sent.event['id']}").json()
    admin = system.admin("event", "show", sent.event["id"], "--json")
    for path, hook in sent.hooks.items():
        for where, attempts in (("GET event", event["attempts"]), ("event show", admin["attempts"])):
            row = sent.last(attempts, path)
            found.append((where, path, row["error"], row["response_body"]))
        attempts = caller.get(f"/v1/webhooks/{hook}/attempts").json()["attempts"]
        found.append(("GET attempts", path, attempts[0]["error"], attempts[0]["response_body"]))
        one = caller.get(f"/v1/webhooks/{hook}/deliveries/{sent.event['id']}").json()
        found.append(("GET delivery", path, one["attempts"][-1]["error"], one["attempts"][-1]["response_body"]))
        health = wait_until(lambda hook=hook: (h := caller.get(f"/v1/webhooks/{hook}").json()["health"])["failures_24h"] > 1 and h, 60, "activity counted")
        listed = [w for w in caller.get("/v1/webhooks").json()["webhooks"] if w["id"] == hook]
        for where, error in (("event deliveries", sent.last(event["deliveries"], path)["last_error"]),
                             ("event show deliveries", sent.last(admin["deliveries"], path)["last_error"]),
                             ("delivery", one["last_error"]), ("health", health["last_error"]), ("list", listed[0]["health"]["last_error"]),
                             ("GET deliveries", caller.get(f"/v1/webhooks/{hook}/deliveries").json()["deliveries"][0]["last_error"]),
                             ("GET deliveries of an event",
                              caller.get(f"/v1/webhooks/{hook}/deliveries", params={"event_id": sent.event["id"]}).json()["deliveries"][0]["last_error"])):
            found.append((where, path, error, None))
    return found


ERRORS = {path: "answered 500" for path in BODIES} | {"/closed": "the connection was closed without a response"}


def expect(found, error_of, body_of):
    """The error in all places; the body in places that show bodies."""
    for where, path, error, body in found:
        assert error is not None and error.startswith(error_of(path)) if error_of(path) is not None else error is None, (where, path, error)
        if where in ("GET event", "event show", "GET attempts", "GET delivery"):
            assert body == body_of(path), (where, path, body)
    assert len(found) == 11 * len(ERRORS)


@pytest.mark.parametrize("store", ["plain", "sealed", "none"])
def test_what_is_kept_and_who_sees_it(system, api, sent, store):
    made = sent(store)
    expect(shown_everywhere(system, api, made), ERRORS.get, {"plain": PLAIN, "sealed": SHOWN, "none": {}}[store].get)
    for path in ERRORS:
        row = made.last(made.audited(), path)
        assert row["response_sealed"] is (store == "sealed") and row["http_status"] == (None if path == "/closed" else 500)
        assert row["response_body"] == (PLAIN.get(path) if store == "plain" else None)
        assert (row["error"] is None) == (store == "sealed")
    deliveries = system.audit.query("select last_error, response_sealed from audit.deliveries where account = %s", made.account)
    assert {(row["last_error"] is None, row["response_sealed"]) for row in deliveries} == {(store == "sealed", store == "sealed")}
    kept = rows_of(system)
    assert (MARK.encode() in kept) == (store == "plain") and (b"answered 500" in kept) == (store != "sealed")
    system.wait_consumed()
    system.assert_balanced()


def test_what_is_sealed_goes_with_the_accounts_key(system, api, sent):
    made = sent("sealed")
    shown_everywhere(system, api, made)
    system.admin("account", "erase-payloads", made.account)
    expect(shown_everywhere(system, api, made), lambda path: None, lambda path: None)
    system.assert_balanced()


def test_without_a_key_nothing_is_kept(system, sent, receiver):
    """Responses of an account whose key was destroyed, and that stores them sealed, are not stored plain."""
    system.admin("account", "create", "erased", "--dialect", "penny", "--store-response", "sealed")
    receiver.behave("/erased", answer(500, MARK.encode()))
    hook = system.webhook("erased", receiver.url("/erased"))
    system.admin("account", "erase-payloads", "erased")
    event = system.event("erased")
    system.publish(event)
    wait_until(lambda: system.audit.attempts(event["id"]), 60, "an attempt")
    assert MARK.encode() not in rows_of(system) and hook["id"]
    assert system.audit.attempts(event["id"])[0]["response_sealed"] is False


def test_the_setting_is_changed_while_it_runs(system, sent, receiver):
    system.admin("account", "create", "changing", "--dialect", "penny")
    receiver.behave("/changing", answer(200, MARK.encode()))
    system.webhook("changing", receiver.url("/changing"))
    kept = []
    for store in ("plain", "none", "sealed", "plain"):
        shown = system.admin("account", "update", "changing", "--store-response", store, "--json")
        assert shown["store_response"] == store == system.admin("account", "show", "changing", "--json")["store_response"]
        event = system.event("changing")
        system.publish(event)
        wait_until(lambda event=event: system.audit.attempts(event["id"]), 60, "an attempt")
        (row,) = system.audit.attempts(event["id"])
        kept.append((row["response_body"], row["response_sealed"]))
    assert kept == [(MARK, False), (None, False), (None, True), (MARK, False)]
    with pytest.raises(AssertionError, match="store-response"):
        system.admin("account", "update", "changing", "--store-response", "perhaps")


def test_the_flag_is_in_the_digest(system, sent):
    """A sealed row that is changed to look plain, or the reverse, is found."""
    sent("sealed")
    system.assert_balanced()
    system.db.query("alter table posthorn.attempt disable trigger user")
    system.db.query("update posthorn.attempt set sealed = not coalesce(sealed, false) where ctid = (select ctid from posthorn.attempt limit 1)")
    assert [row["what"] for row in system.audit.query("select what from audit.reconciliation where missing > 0")] == ["a row of attempt was changed"]


def test_without_the_master_key_admin_shows_null(system, sent):
    made = sent("sealed")
    shown = run_admin(["event", "show", made.event["id"], "--json"], system.settings(master_key=None))
    assert {row["error"] for row in shown["attempts"]} == {None} and {row["response_sealed"] for row in shown["attempts"]} == {True}
