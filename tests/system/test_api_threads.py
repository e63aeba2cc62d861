"""Callers of all kinds at once, so that the API's threads run at the same time wherever they share data. tests/run tsan runs these on a program built with
ThreadSanitizer, which detects a race even if it has no effect."""
import concurrent.futures
import itertools
import threading

import pytest
import requests

from support.api import Caller
from support.console import signed_in
from support.waiting import wait_until

pytestmark = pytest.mark.threads
EVENTS = ["transaction.authorized"]


def works_with_webhooks(caller, n):
    made = caller.post("/v1/webhooks", {"url": f"https://example.com/{n}", "events": EVENTS})
    assert made.status_code == 201, made.text
    hook = made.json()["id"]
    yield caller.patch(f"/v1/webhooks/{hook}", {"url": f"https://example.com/{n}/changed"}), 200
    yield caller.post(f"/v1/webhooks/{hook}/secret"), 200
    yield caller.post(f"/v1/webhooks/{hook}/disable"), 200
    yield caller.get("/v1/webhooks"), 200
    yield caller.get(f"/v1/webhooks/{hook}/attempts"), 200
    yield caller.get(f"/v1/webhooks/{hook}/statistics"), 200
    yield caller.delete(f"/v1/webhooks/{hook}"), 204


def publishes(caller, n):
    made = caller.post("/v1/events", {"type": EVENTS[0], "data": {"n": n}})
    yield made, 202
    yield caller.post("/v1/events", {"type": "no type", "data": {}}), 422
    yield caller.get("/v1/event-types"), 200


def signs_in(api, user):
    anybody = api.anybody()
    made = anybody.post("/v1/auth/tokens", {"email": user[0], "password": user[1]})
    yield made, 201
    session = Caller(api.url, made.json()["token"])
    yield session.get("/v1/webhooks"), 200
    yield anybody.post("/v1/auth/tokens/refresh", {"refresh_token": made.json()["refresh_token"]}), 201
    yield session.delete("/v1/auth/tokens"), 204


def looks_around(api):
    anybody = api.anybody()
    for path in ("/openapi.json", "/openapi.json?dialect=penny", "/docs", "/healthz", "/readyz"):
        yield anybody.get(path), 200
    yield anybody.get("/v1/webhooks"), 401
    yield anybody.get("/nothing"), 404
    yield Caller(f"http://127.0.0.1:{api.monitor_port}").get("/metrics"), 200


def uses_the_console(console):
    yield console.get("/v1/console/session"), 200
    yield console.get("/v1/webhooks"), 200
    yield console.get("/v1/signature-options"), 200


@pytest.fixture
def api(start_api):
    return start_api(database_wait="60s")  # more callers than connections to PostgreSQL


@pytest.fixture
def works(system, api):
    """Functions that make steps, each (response, wanted status), for any number of callers at once."""
    key, devengo = api.key(system.account(dialect="penny")), system.account(dialect="devengo")
    users = [api.user(devengo) for _ in range(2)]
    consoles = itertools.cycle([signed_in(api, system.account(dialect="merchant")) for _ in range(3)])
    number = itertools.count()
    return [lambda: works_with_webhooks(Caller(api.url, key), next(number)), lambda: publishes(Caller(api.url, key), next(number)),
            lambda: signs_in(api, users[next(number) % 2]), lambda: looks_around(api), lambda: uses_the_console(next(consoles))]


def test_callers_of_all_kinds_at_once(works):
    start = threading.Barrier(3 * len(works))

    def call(work):
        start.wait(60)
        return [(answer.request.path_url, answer.text) for _ in range(3) for answer, wanted in work() if answer.status_code != wanted]
    with concurrent.futures.ThreadPoolExecutor(start.parties) as pool:
        wrong = [one for found in pool.map(call, works * 3) for one in found]
    assert not wrong


def test_it_ends_while_callers_of_all_kinds_call(api, works):
    """Whenever SIGTERM arrives, every response is as wanted; then connections are refused."""
    answered = []

    def call(work):
        try:
            while True:
                for answer, wanted in work():
                    assert answer.status_code == wanted, (answer.request.path_url, answer.text)
                    answered.append(answer)
        except requests.ConnectionError:
            return True
    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        ended = [pool.submit(call, work) for work in works]
        try:
            wait_until(lambda: len(answered) > 100, 60, "all at work", every=0.05)
        finally:
            api.stop()
        assert all(one.result(60) for one in ended)
