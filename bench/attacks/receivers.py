"""Attacks by a receiver: its responses, and their speed. A tenant chooses the receiver, so these are also attacks by a tenant."""
import itertools

from support.raw_server import RawServer

from .attack import Attack
from .child import Child
from .records import publish


def early_answers(over, say, count):
    """A receiver that sends 1xx responses without end."""
    early = lambda server: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" * 100)
    server = RawServer({f"/{n}": early for n in range(count)})
    say(server.port)
    over.wait()
    server.stop()


class AtReceiver(Attack):
    """Each round has its own webhooks, so that the state of a breaker in one round does not affect the next."""

    means = "receiver"
    path, webhooks, rate = None, 300, 4

    def urls(self, stage):
        if not hasattr(self, "sink"):
            self.sink = stage.sink("attacker")
        return [self.sink.url(f"{self.path}{n}") for n in range(self.webhooks)]

    def begin(self, stage, number):
        account = stage.attacker(number, self.urls(stage))
        self.children.append(Child(publish, stage.system.topics.brokers, stage.system.topic, account, self.rate, "small", 4000))
        self.children[-1].told()


class Hanging(AtReceiver):
    name, resource, path = "hanging", "requests in flight", "/hang/"
    means = "tenant, receiver"
    what = "300 webhooks that never answer, in-flight-max 1,024"
    settings = {"in_flight_max": 1024}


class Dripping(AtReceiver):
    name, resource, path = "dripping", "requests in flight", "/drip/"
    what = "300 webhooks that answer a byte each 100 ms, in-flight-max 1,024"
    settings = {"in_flight_max": 1024}


class Refusing(AtReceiver):
    name, resource, path = "failing", "retries, rows", "/status/500/"
    what = "300 webhooks that answer 500 at once, 4 events/s"


class Big(AtReceiver):
    name, resource, path, webhooks, rate = "big-answers", "CPU, memory", "/big/10/", 50, 10
    what = "50 webhooks that answer with 10 MB, 10 events/s"


class Early(AtReceiver):
    name, resource, webhooks, rate = "endless-1xx", "CPU", 20, 10
    what = "20 webhooks that answer 1xx without end, 10 events/s"

    def urls(self, stage):
        self.children.append(Child(early_answers, self.webhooks))
        port = self.children[-1].told()
        return [f"http://127.0.0.1:{port}/{n}" for n in range(self.webhooks)]


ATTACKS = [Hanging(), Dripping(), Refusing(), Big(), Early()]
