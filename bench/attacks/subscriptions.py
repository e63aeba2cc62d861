"""Attacks by a tenant through its registrations: many webhooks, many patterns, many changes."""
import itertools
import json

import requests

from support.api import Caller

from .attack import Attack
from .child import Child
from .records import publish

PATTERN_BYTES, PATTERNS = 255, 253


def patterns(first, count, size=PATTERN_BYTES):
    return [f"{first}.{n}.".ljust(size - 2, "x") + ".*" for n in range(count)]


class FanOut(Attack):
    name, means, resource = "fan-out", "tenant", "requests in flight, CPU"
    what = "an account with 1,000 webhooks, 2 events/s"

    def begin(self, stage, number):
        if not hasattr(self, "sink"):
            self.sink = stage.sink("attacker")
        account = stage.attacker(number, [self.sink.url(f"/ok/{n}") for n in range(1000)])
        self.children.append(Child(publish, stage.system.topics.brokers, stage.system.topic, account, 2, "small", 100))
        self.children[-1].told()


class Patterns(Attack):
    """If the API refuses them, there is no attack; an event makes the dispatcher load the account."""

    name, means, resource, rounds = "many-patterns", "tenant", "memory of subscriptions", 1
    what = "975 webhooks with 253 patterns of 255 bytes, made through the API; then events"
    api_settings = {"rate_limit": 1000000}

    def begin(self, stage, number):
        account = stage.attacker(number)
        key = stage.api.key(account)
        callers = [Caller(stage.api.url, key) for _ in range(4)]

        def make(n):
            body = json.dumps({"url": f"http://127.0.0.1:9/{n}", "events": patterns(n, PATTERNS)}, separators=(",", ":"))  # 64 KiB are accepted
            try:
                return callers[n % 4].call("POST", "/v1/webhooks", data=body, headers={"Content-Type": "application/json"}).status_code
            except requests.RequestException:
                return 0
        made = stage.in_parallel(make, range(975))
        if made.count(201) < 975:
            self.note(f"the API made {made.count(201)} of 975 webhooks")
        self.children.append(Child(publish, stage.system.topics.brokers, stage.system.topic, account, 2, "small", 100))
        self.children[-1].told()


def swap(over, say, url, key, hook):
    caller = Caller(url, key)
    for number in itertools.count():
        answer = caller.patch(f"/v1/webhooks/{hook}", {"events": patterns(number % 2, 1000, 40)})
        if number == 0:
            say(answer.status_code)
        if over.wait(0.1 if answer.status_code == 200 else 0.5):
            return


class Swaps(Attack):
    name, means, resource = "pattern-swaps", "tenant", "rows of changes, the subscription clock"
    what = "PATCH that swaps 1,000 patterns, again and again, on 2 connections"

    def begin(self, stage, number):
        account = stage.attacker(number)
        key = stage.api.key(account)
        for n in range(2):
            made = Caller(stage.api.url, key).post("/v1/webhooks", {"url": f"http://127.0.0.1:9/{n}", "events": ["*"]})
            self.children.append(Child(swap, stage.api.url, key, made.json()["id"]))
            if (status := self.children[-1].told()) != 200:
                self.note(f"the API answers {status} to 1,000 patterns")


def change(over, say, url, key, hook):
    caller = Caller(url, key)
    for number in itertools.count():
        answer = caller.patch(f"/v1/webhooks/{hook}", {"events": [f"never.{number}.*"]})
        if number == 0:
            say(answer.status_code)
        if over.wait(0.1 if answer.status_code == 200 else 0.5):
            return


class Reloads(Attack):
    """Each change makes every dispatcher load the whole account before it continues with the next batch of events of any account."""

    name, means, resource = "reloads", "tenant", "loading of accounts"
    what = "an account with 5,000 webhooks that changes one of them 10 times a second, 20 events/s to none of them"

    def begin(self, stage, number):
        account = stage.attacker(number)
        stage.hooks(account, [f"http://127.0.0.1:9/{n}" for n in range(5000)], [f"never.{n}" for n in range(5000)])
        key = stage.api.key(account)
        hook = stage.system.db.value("select min(w.public_id) from posthorn.webhook w join posthorn.account a on a.id = w.account_id where a.key = %s", account)
        for work in ((change, stage.api.url, key, hook),
                     (publish, stage.system.topics.brokers, stage.system.topic, account, 20, "small", 2000)):
            self.children.append(Child(*work))
            if (status := self.children[-1].told()) not in (200, True):
                self.note(f"the API answers {status}")


ATTACKS = [FanOut(), Patterns(), Swaps(), Reloads()]
