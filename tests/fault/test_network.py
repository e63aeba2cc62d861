"""The network between each pair of programs is slowed, stalled, cut and reset (promises 1, 2 and 7)."""
import threading

import pytest

from proxy import Proxy
from support.receiver import answer, close
from support.servers import Kafka, free_port
from support.system import DISPATCHER, System
from support.waiting import wait_until
from trial import MixedServers, Trial


@pytest.fixture
def proxies():
    made = []

    def make(port, **options):
        made.append(Proxy(port, **options))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def hold(seconds):
    """The duration of a fault; this is not a wait for a condition."""
    threading.Event().wait(seconds)


def faults(proxy, seconds):
    """(name, function) of each fault of a network."""
    def passing_again(fault):
        def do():
            fault()
            hold(seconds)
            proxy.passes()
        return do
    return [("slow", passing_again(lambda: proxy.passes(delay=0.05))), ("stalled", passing_again(proxy.stall)), ("cut", passing_again(proxy.cut)),
            ("reset", proxy.reset), ("resets at random", passing_again(lambda: proxy.passes(chance=0.02)))]


def go_through(trial, proxy, rounds, figures, seconds=1.5):
    done = 0
    trial.publish_in_background(10_000_000, chunk=250, pause=0.15)
    for _ in range(rounds):
        for _, fault in faults(proxy, seconds):
            trial.wait_received(trial.sink.received() + 500)
            fault()
            done += 1
    trial.wait_received(trial.sink.received() + 500)
    trial.stop_publishing()
    trial.wait_over(deadline=240)
    found = trial.assert_good(kills=2 * done, figures=figures)
    figures(kills=0, network_faults=done)
    return found


@pytest.mark.timeout(1200)
def test_between_dispatcher_and_postgres(system, trials, proxies, scale, figures):
    proxy = proxies(system.servers.postgres.port)
    trial = trials()
    for number in range(2):
        system.dispatcher(f"d{number}", database_url=proxy.database_url(system.url_of(DISPATCHER)))
    go_through(trial, proxy, scale(1, 6), figures)


@pytest.mark.timeout(1200)
def test_between_dispatcher_and_webhooks(system, trials, proxies, scale, figures):
    """A request that arrived, but whose response was lost, is sent again (at least once), and the audit shows both attempts."""
    made = []
    trial = trials(through=lambda sink: made.append(proxies(sink.port)) or made[0])
    for number in range(2):
        system.dispatcher(f"d{number}")
    found = go_through(trial, made[0], scale(1, 6), figures)
    assert found.out_of_audit == 0, found.line()  # no process was killed: each request that arrived has its row


def test_what_libcurl_repeats_by_itself_has_a_row(system, receiver):
    """If a reused connection breaks before any response, libcurl sends the request again: each request that arrived is an attempt."""
    account = system.account()
    receiver.behave("/hook", answer(200), close(), answer(200))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    for event in (first := system.event(account)), (second := system.event(account)):
        system.publish(event)
        wait_until(lambda event=event: system.audit.count("deliveries", event_id=event["id"], state="delivered") == 1, 30, "delivered", every=0.05)
    arrived = [r.headers["webhook-id"] for r in receiver.requests("/hook")]
    assert arrived == [first["id"], second["id"], second["id"]]
    found = [(a["attempt"], a["outcome"], a["error"]) for a in system.audit.attempts(second["id"])]
    assert found == [(1, "retry", "the connection was closed without a response; sent again at once"), (1, "delivered", None)]
    system.assert_balanced(records=2)


class ProxiedKafka(Kafka):
    """A broker with a second listener that it advertises with the proxy's address, so that clients of this listener connect through the proxy."""

    def __init__(self, directory):
        super().__init__(directory)
        self.directory.mkdir(parents=True)
        controller, inner, outer = free_port(), free_port(), free_port()
        (self.directory / "controller-port").write_text(f"{controller}\n")
        listeners = f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller},PROXIED://127.0.0.1:"
        self.settings += (f"listeners={listeners}{inner}", f"advertised.listeners={listeners}{outer}", "inter.broker.listener.name=PLAINTEXT",
                          "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT")
        self.proxy = Proxy(inner, listen=outer)


@pytest.mark.timeout(1200)
def test_between_dispatcher_and_kafka(servers, template, test_directory, scale, figures):
    kafka = ProxiedKafka(test_directory / "proxied")
    system = trial = None
    try:
        kafka.start()
        system = System(MixedServers(kafka=kafka, postgres=servers.postgres, shared=servers.postgres), template, test_directory)
        trial = Trial(system)
        for number in range(2):
            system.dispatcher(f"d{number}", kafka_brokers=f"127.0.0.1:{kafka.proxy.port}")
        go_through(trial, kafka.proxy, scale(1, 6), figures)
    finally:
        if trial:
            trial.close()
        if system:
            system.close()
        kafka.proxy.stop()
        kafka.remove()


@pytest.mark.timeout(300)
def test_connecting_that_hangs_ends(system, trials, proxies):
    """A connection that is accepted and never answered must not be waited for without limit if a new one would succeed."""
    proxy = proxies(system.servers.postgres.port)
    trial = trials()
    proxy.stall()
    dispatcher = system.dispatcher(database_url=proxy.database_url(system.url_of(DISPATCHER)), wait=False)
    wait_until(lambda: dispatcher.get("/healthz")[0] != 0, 30, "the dispatcher serves its pages")
    hold(1)
    proxy.passes_new()
    trial.publish(100)
    trial.wait_over()
    trial.assert_good()
