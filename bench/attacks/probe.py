"""The victim: events for its webhooks at a steady rate, and API requests at a steady rate, independent of the earlier ones."""
import http.client
import json
import threading
import time
import uuid

from support.kafka import binary_record

EVENTS_PER_SECOND, REQUESTS_PER_SECOND = 100, 40
CALLERS = 40  # threads; more than rate x timeout is not needed, since requests that time out are rare or everything has failed anyway
LATE_S, TIMEOUT_S = 30, 10  # a longer time counts as this, and as failed
VICTIM_ADDRESS = "127.0.0.9"  # the victim's address; attackers have other addresses


class Figures:
    """The p99 of one measurement in ms, and the failures."""

    def __init__(self, seconds, failed):
        self.p99_ms = sorted(seconds)[int(0.99 * (len(seconds) - 1))] * 1000
        self.failed = failed

    def shown(self):
        return f"{self.p99_ms:.0f} ms" + (f" ({self.failed} failed)" if self.failed else "")


class Both:
    def __init__(self, delivery, api):
        self.delivery, self.api = delivery, api

    def shown(self):
        return f"deliveries {self.delivery.shown()}, API {self.api.shown()}"


def wait_for_turn(begun, number, rate):
    """The time at which request `number` is due; its duration is measured from then, as for a caller who does not wait for others."""
    due = begun + number / rate
    time.sleep(max(0.0, due - time.monotonic()))
    return due


class Deliveries(threading.Thread):
    """Publishes, then waits until the sink has everything."""

    def __init__(self, stage, seconds):
        super().__init__(daemon=True)
        self.stage, self.count = stage, int(seconds * EVENTS_PER_SECOND)
        self.published, self.figures = {}, None
        self.start()

    def run(self):
        begun, producer = time.monotonic(), self.stage.system.topics.producer
        for number in range(self.count):
            wait_for_turn(begun, number, EVENTS_PER_SECOND)
            event = {"id": f"probe-{uuid.uuid4()}", "type": f"victim.{number % self.stage.VICTIMS}.probe", "account": "victim", "data": {"amount": number}}
            self.published[event["id"]] = time.time_ns()
            producer.produce(self.stage.system.topic, partition=number % self.stage.PARTITIONS, **binary_record(event))
            producer.poll(0)
        producer.flush(60)
        deadline = time.monotonic() + LATE_S
        while (missing := self.published.keys() - self.stage.received()) and time.monotonic() < deadline and self.stage.dispatcher.running():
            time.sleep(0.1)
        received = self.stage.received()
        seconds = [(received[event] - at) / 1e9 if event in received else LATE_S for event, at in self.published.items()]
        self.figures = Figures(seconds, len(missing))


class Requests(threading.Thread):
    """Calls the API, with a connection for each request: the list of the account's webhooks, and one of them; every 20th request changes one."""

    def __init__(self, stage, seconds):
        super().__init__(daemon=True)
        self.stage, self.count = stage, int(seconds * REQUESTS_PER_SECOND)
        self.figures = None
        self.start()

    def call(self, due, number):
        """The duration in seconds, and whether the status was 200."""
        one = f"/v1/webhooks/{self.stage.victim_hook}"
        method, path, body = ("PATCH", one, json.dumps({"events": [*self.stage.victim_events, f"probe.{number}.*"]})) if number % 20 == 0 else ("GET", ("/v1/webhooks", one)[number % 2], None)
        connection = http.client.HTTPConnection("127.0.0.1", self.stage.api.port, timeout=TIMEOUT_S, source_address=(VICTIM_ADDRESS, 0))
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.stage.victim_key}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return min(time.monotonic() - due, TIMEOUT_S), True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        return TIMEOUT_S, False

    def run(self):
        begun, results = time.monotonic(), []

        def caller(first):
            for number in range(first, self.count, CALLERS):
                due = wait_for_turn(begun, number, REQUESTS_PER_SECOND)
                results.append(self.call(due, number))
        threads = [threading.Thread(target=caller, args=(first,), daemon=True) for first in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.figures = Figures([seconds for seconds, _ in results], sum(not good for _, good in results))
