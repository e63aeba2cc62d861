"""Operation: the programs' own pages, draining, pgBouncer, the guard, names, TLS, and wrong settings."""
import json
import re
import subprocess

import pytest

from support.kafka import binary_record
from support.programs import clean_environment, program
from support.receiver import answer
from support.waiting import wait_until


def only_error(system, event):
    """The audit's data of the only delivery of an event that failed."""
    def failed():
        rows = [a for a in system.audit.attempts(event["id"]) if a["outcome"] == "retry"]
        return rows and rows[0]
    return wait_until(failed, 60, "a failed attempt")["error"]


def test_pages(system, receiver):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    assert dispatcher.get("/healthz") == (200, "ok\n")
    assert dispatcher.get("/readyz") == (200, "ready\n")
    assert dispatcher.get("/nothing")[0] == 404
    system.publish(*(system.event(account) for _ in range(5)))
    system.topics.produce(system.topic, [{"value": b"{"}])
    system.wait_delivered(5)
    system.wait_consumed()
    status, text = dispatcher.get("/metrics")
    assert status == 200 and "# TYPE posthorn_records_total counter" in text and "# HELP posthorn_request_seconds " in text
    metrics = dispatcher.metrics()
    assert metrics["posthorn_records_total"] == 6 and metrics["posthorn_events_total"] == 5
    assert metrics["posthorn_dead_letters_total"] == 1 and metrics["posthorn_matched_total"] == 5
    assert metrics['posthorn_attempts_total{outcome="delivered"}'] == 5
    assert metrics['posthorn_partitions{state="claimed"}'] == 4
    assert metrics["posthorn_in_flight"] == metrics["posthorn_waiting"] == 0
    assert metrics["posthorn_request_seconds_count"] == 5
    assert len(text.splitlines()) == len(set(text.splitlines())), "a line occurs twice"
    system.assert_balanced(records=6)


def test_sigterm_drains(system, receiver):
    """Requests in flight are awaited, waiting deliveries are parked, and the next process sends the rest. Nothing is sent twice."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(200, delay=0.3))
    system.webhook(account, receiver.url("/hook"))
    first = system.dispatcher()
    events = [system.event(account) for _ in range(400)]
    system.publish(*events)
    receiver.wait_for(20, "/hook")
    first.terminate()
    assert first.wait() == 0
    sent = receiver.count("/hook")
    assert 20 <= sent < 400, "all was sent already: this test proves nothing"
    assert system.audit.count("attempts", outcome="delivered") == sent, "a request that was answered is not recorded"
    receiver.behave("/hook", answer(200))
    system.dispatcher()
    system.wait_delivered(400)
    system.wait_consumed()
    ids = [r.headers["webhook-id"] for r in receiver.requests("/hook")]
    assert len(ids) == 400 and set(ids) == {event["id"] for event in events}
    assert "event=stopped" in first.log()
    system.assert_balanced(records=400)


def test_more_dispatchers_than_partitions(system, receiver):
    """A dispatcher without work is also ready, and takes over when the other leaves."""
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    topic = system.topics.create(f"narrow-{system.tag}", partitions=1)
    first, second = (system.dispatcher(topics=topic) for _ in range(2))
    system.publish(*(system.event(account) for _ in range(10)), topic=topic)
    system.wait_delivered(10)
    busy, idle = (first, second) if first.metrics()['posthorn_partitions{state="claimed"}'] == 1 else (second, first)
    assert idle.metrics()['posthorn_partitions{state="claimed"}'] == 0
    busy.stop()
    system.publish(*(system.event(account) for _ in range(10)), topic=topic)
    system.wait_delivered(20)
    assert idle.metrics()["posthorn_records_total"] == 10
    assert receiver.count("/hook") == 20
    system.assert_balanced(records=20)


def test_positions_are_kept_over_restarts(system, receiver):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    for round_ in (1, 2, 3):
        system.publish(*(system.event(account) for _ in range(10)))
        system.wait_delivered(10 * round_)
        dispatcher.stop()
        if round_ < 3:
            dispatcher.start()
    assert receiver.count("/hook") == 30
    ends = system.topics.end_offsets(system.topic)
    told = system.topics.committed(f"group-{system.tag}", system.topic)
    assert all(told[p] == end for p, end in ends.items() if end > 0), "lag tools should see where we are"
    system.assert_balanced(records=30)


def test_start_at_the_end(system, receiver):
    """A topic that was not consumed before starts at its end, in all partitions. A partition added later starts at its beginning,
    because its records were published while the dispatcher was running."""
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.topics.produce(system.topic, [binary_record(system.event(account)) | {"partition": n % 4} for n in range(8)])
    dispatcher = system.dispatcher(start=False)
    dispatcher.start(start="end")
    later = [system.event(account) for _ in range(8)]
    system.topics.produce(system.topic, [binary_record(event) | {"partition": n % 4} for n, event in enumerate(later)])
    system.wait_delivered(8)
    assert {r.headers["webhook-id"] for r in receiver.requests("/hook")} == {event["id"] for event in later}

    dispatcher.stop()
    system.topics.add_partitions(system.topic, 6)
    added = [system.event(account) for _ in range(2)]
    system.topics.produce(system.topic, [binary_record(event) | {"partition": 4 + n} for n, event in enumerate(added)])
    dispatcher.start()
    system.wait_delivered(10)
    assert {r.headers["webhook-id"] for r in receiver.requests("/hook")} == {event["id"] for event in later + added}
    system.assert_balanced(records=10)


def test_pgbouncer_in_transaction_mode(system, receiver, pooler):
    """All statements through a pooler that gives every transaction another session, also for retries, dead letters and changes."""
    account = system.account(dialect="penny")
    receiver.behave("/retried", answer(500), answer(500), answer(200))
    hook, _ = system.webhooks(account, [receiver.url("/hook"), receiver.url("/retried")])
    dispatcher = system.dispatcher(database_url=pooler.url(system.database))
    system.publish(*(system.event(account) for _ in range(100)))
    system.topics.produce(system.topic, [{"value": b"{"}])
    system.wait_delivered(200)
    system.admin("webhook", "delete", hook["id"])
    system.publish(system.event(account))
    system.wait_delivered(201)
    system.wait_consumed()
    assert (receiver.count("/hook"), receiver.count("/retried")) == (100, 103)
    dispatcher.stop()
    dispatcher.start()
    system.publish(system.event(account))
    system.wait_delivered(202)
    assert len(system.audit.dead_letters()) == 1
    system.assert_balanced(records=103)


def test_guard(system, receiver, monkeypatch):
    """Without permission, nothing on this machine is reached, however its address is written, also with a proxy in
    the environment."""
    monkeypatch.setenv("http_proxy", receiver.url())
    port = receiver.url("").rsplit(":", 1)[1]
    hosts = ["127.0.0.1", "2130706433", "0x7f.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "localhost", "169.254.169.254", "10.0.0.1"]
    account = system.account(dialect="penny")
    hooks = system.webhooks(account, [f"http://{host}:{port}/hook" for host in hosts])
    system.dispatcher(allow_networks="")
    event = system.event(account)
    system.publish(event)
    wait_until(lambda: len({a["webhook_id"] for a in system.audit.attempts(event["id"])}) == len(hosts), 60, "an attempt for each")
    errors = {a["webhook_id"]: a["error"] for a in system.audit.attempts(event["id"])}
    for host, hook in zip(hosts, hooks, strict=True):
        assert "not public" in errors[hook["id"]], f"{host}: {errors[hook['id']]}"
    assert receiver.connections()[1] == 0, "a connection was made"
    system.assert_balanced(records=1)


def test_ports(system, receiver):
    account = system.account(dialect="penny")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(allow_ports="80,443")
    event = system.event(account)
    system.publish(event)
    assert re.fullmatch(r"URL: the port \d+ is not open for webhooks", only_error(system, event))
    assert receiver.connections()[1] == 0


def test_names(system, receiver):
    """Names are resolved by our own resolver (here: /etc/hosts); a name that does not exist gives a clear error. Of the
    addresses of localhost, ::1 is not allowed, and is skipped if there is one. No address of another name is skipped
    (test_guard.py)."""
    account, lost = system.account(dialect="penny"), system.account(dialect="penny")
    port = receiver.url("").rsplit(":", 1)[1]
    system.webhook(account, f"http://localhost:{port}/by-name")
    system.webhook(lost, f"http://no-such-host.invalid:{port}/")
    system.dispatcher(allow_networks="127.0.0.0/8")
    system.publish(*(system.event(account) for _ in range(20)))
    event = system.event(lost)
    system.publish(event)
    system.wait_consumed()
    requests = receiver.wait_for(20, "/by-name")
    assert {r.headers["host"] for r in requests} == {f"localhost:{port}"}
    assert "could not be resolved" in only_error(system, event)
    system.assert_balanced(records=21)


def test_certificate_of_nobody(system, tls_receiver):
    account = system.account(dialect="penny")
    system.webhook(account, tls_receiver.url("/hook"))
    system.dispatcher()
    event = system.event(account)
    system.publish(event)
    assert only_error(system, event) == "the server's certificate is self-signed"
    assert tls_receiver.count() == 0
    system.assert_balanced(records=1)


@pytest.mark.parametrize(("setting", "value", "said"), [
    ("retry_schedule", "5s,soon", "--retry-schedule"),
    ("allow_networks", "10.0.0.0/99", "--allow-networks"),
    ("allow_ports", "80,http", "--allow-ports"),
    ("kafka_properties", "no.such.property=1", "no.such.property"),
    ("master_key", "abc", "master"),
    ("listen", "nowhere", "--listen"),
    ("window_max", "0", "POSTHORN_WINDOW_MAX"),
    ("kafka_brokers", None, "kafka-brokers"),
])
def test_wrong_settings(system, setting, value, said):
    """Each wrong setting ends the program at once, with a message that names it."""
    settings = system.settings(**{setting: value})
    done = subprocess.run([program("posthorn-dispatcher")], env=clean_environment(settings), capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2), done.stderr
    assert said in done.stderr.splitlines()[-1], done.stderr


def test_payloads_are_sealed_unless_told_otherwise(system, receiver):
    """Card data must not be stored unencrypted in the tables; a retry decrypts it."""
    account = system.account(dialect="penny")
    receiver.behave("/hook", answer(500), answer(200))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(store_payload="sealed")
    event = system.event(account, data={"pan": "4111111111111111"})
    system.publish(event)
    system.wait_delivered(1)
    assert [json.loads(r.body)["data"] for r in receiver.requests("/hook")] == [event["data"]] * 2
    assert system.audit.events(event["id"])[0]["payload"] is None
    assert system.db.value("select count(*) from posthorn.payload where position('4111'::bytea in body) > 0") == 0
    assert system.db.value("select count(*) from posthorn.payload where sealed") == 1
    system.assert_balanced(records=1)
