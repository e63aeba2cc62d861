"""The API loses PostgreSQL and Kafka: it responds with a clear 503, and recovers by itself. It also drains."""
import signal
import threading

import pytest

from support.api import problem
from support.waiting import wait_until

EVENT = {"type": "transaction.authorized", "data": {}}


@pytest.fixture
def account(system):
    return system.account(dialect="penny")


@pytest.mark.threads
def test_postgresql_goes_and_comes(system, start_api, account, servers):
    api = start_api(database_connections=4)
    caller = api.caller(account)
    made = caller.post("/v1/webhooks", {"url": "https://example.com/"}).json()
    servers.postgres.kill()
    for answer in (caller.get("/v1/webhooks"), caller.post("/v1/webhooks", {"url": "https://example.com/"}), caller.post("/v1/events", EVENT),
                   api.anybody().post("/v1/auth/tokens", {"email": "a@b.c", "password": "x"}), api.anybody().get("/readyz")):
        problem(answer, 503)
        assert answer.headers["Retry-After"] == "1"
    assert api.anybody().get("/healthz").status_code == 200
    servers.postgres.start()
    wait_until(lambda: caller.get("/v1/webhooks").status_code == 200, 60, "the API has PostgreSQL again")
    assert [w["id"] for w in caller.get("/v1/webhooks").json()["webhooks"]] == [made["id"]]
    servers.postgres.cut_connections(system.database)  # broken idle connections are detected, and cause no 503
    assert [caller.get("/v1/webhooks").status_code for _ in range(8)] == [200] * 8


def test_kafka_goes_and_comes(system, start_api, account, servers):
    api = start_api(publish_timeout="2s")
    caller = api.caller(account)
    assert caller.post("/v1/events", EVENT).status_code == 202
    servers.kafka.kill()
    answer = caller.post("/v1/events", EVENT | {"id": "once"})
    problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert caller.get("/v1/webhooks").status_code == 200
    servers.kafka.start()
    wait_until(lambda: caller.post("/v1/events", EVENT | {"id": "once"}).status_code == 202, 90, "the API has Kafka again")


@pytest.mark.threads
def test_sigterm_lets_requests_end(start_api, account, servers):
    api = start_api(publish_timeout="5s")
    caller = api.caller(account)
    servers.kafka.pause()
    answers = []
    try:
        thread = threading.Thread(target=lambda: answers.append(caller.post("/v1/events", EVENT)))
        thread.start()
        wait_until(lambda: api.metrics()["posthorn_api_requests_in_flight"] >= 2, 30, "the request waits for Kafka")  # and this one
        api.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "event=draining" in api.log(), 30, "draining")
    finally:
        servers.kafka.resume()
    thread.join(60)
    assert [a.status_code for a in answers] == [202]
    assert api.process.wait(30) == 0
