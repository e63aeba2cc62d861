"""Names of webhooks' hosts: each of their addresses is tried, known addresses are used while a name server fails, and one account's
names do not delay another's."""
import socket
import threading

import pytest

from support.everywhere import Everywhere, by_url, outcomes, register
from support.hostile_dns import NEVER, address, always, status
from support.waiting import wait_until

GOOD, GOOD6 = "93.184.215.14", "2606:2800:21f::14"
DEAD, DEAD6 = "93.184.216.1", "2606:2800:21f::dead"  # local in this network, and no program listens there
SILENT = "93.184.217.1"  # accepts no connection


@pytest.fixture
def receivers(network):
    """A receiver only at the good addresses."""
    made = [Everywhere(network.listen(at, 80)) for at in (GOOD, GOOD6)]
    yield made
    for one in made:
        one.stop()


def called(receivers, path):
    """{address: requests}"""
    return {at: count for one in receivers for at, count in one.where(path).items()}


@pytest.fixture
def silent(network):
    """A port whose queue of connections is full: the kernel drops new ones."""
    listener = network.listen(SILENT, 80)
    listener.listen(0)
    with network.inside():
        fill = [socket.socket() for _ in range(4)]
    for one in fill:
        one.setblocking(False)
        one.connect_ex((SILENT, 80))
    yield
    for one in (*fill, listener):
        one.close()


HOSTS = {
    "refused-first": ([DEAD, GOOD], GOOD),
    "refused-last": ([GOOD, DEAD], GOOD),
    "refused-six": ([DEAD6, GOOD], GOOD),
    "refused-four": ([DEAD, GOOD6], GOOD6),
    "three-refuse": (["93.184.216.1", "93.184.216.2", "93.184.216.3", GOOD], GOOD),
    "silent-first": ([SILENT, GOOD], GOOD),
    "silent-four": ([SILENT, GOOD6], GOOD6),
    "both-six": ([DEAD6, GOOD6], GOOD6),
}


def test_each_address_is_tried(system, receivers, silent, name_server, start):
    """One working address is sufficient, for the first attempt and for all following ones."""
    name_server({f"{name}.test": always(*map(address, addresses)) for name, (addresses, _) in HOSTS.items()}
                | {"none.test": always(address(DEAD), address(DEAD6))})
    account = system.account(dialect="penny")
    urls = {name: f"http://{name}.test/{name}" for name in (*HOSTS, "none")}
    register(system, account, urls.values())
    start(connect_timeout="5s", request_timeout="10s")
    events = [system.event(account) for _ in range(3)]
    for number, event in enumerate(events, 1):
        system.publish(event)
        wait_until(lambda n=number: all(sum(called(receivers, f"/{name}").values()) == n for name in HOSTS), 60,
                   "the event at each host", every=0.1)
    wait_until(lambda: len([a for a in system.audit.attempts() if a["outcome"] == "delivered"]) == 3 * len(HOSTS), 30, "recorded")
    for name, (_, good) in HOSTS.items():
        assert called(receivers, f"/{name}") == {good: 3}, name
    failed = {url for url, (outcome, _) in by_url(system).items() if outcome != "delivered"}
    assert failed == {urls["none"]}
    assert by_url(system)[urls["none"]] == ("retry", "cannot connect: Connection refused")
    assert {a["url"] for a in system.audit.attempts() if a["outcome"] == "retry"} == {urls["none"]}


class Switched:
    """An entry of a zone that responds with the present `.answer`."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, number, kind):
        return self.answer(number, kind)


def test_a_name_server_that_fails_for_a_while(system, receivers, name_server, start):
    """Known addresses stay in use until the name server returns others."""
    good = always(address(GOOD, ttl=5))
    entry = Switched(good)
    server = name_server({"some.test": entry})
    account = system.account(dialect="penny")
    register(system, account, ["http://some.test/hook"])
    start()
    published = []

    def deliver():
        published.append(system.event(account))
        system.publish(published[-1])
        return len(published)

    def deliver_until_asked(more):
        """Publishes events, one after the other, until the name was resolved again."""
        wanted = server.count("some.test") + more
        def asked():
            deliver()
            return server.count("some.test") >= wanted
        wait_until(asked, 90, "the name asked for again", every=0.3)
        wait_until(lambda: len(outcome_of(published)) == len(published), 30, "an attempt for each event")

    def outcome_of(events):
        attempts = {a["event_id"]: (a["outcome"], a["error"]) for a in system.audit.attempts()}
        return [attempts[e["id"]] for e in events if e["id"] in attempts]

    deliver_until_asked(1)
    for failure in ("SERVFAIL", "REFUSED", NEVER):
        entry.answer = status(failure)
        deliver_until_asked(4)
    entry.answer = good
    deliver_until_asked(2)
    assert {a["outcome"] for a in system.audit.attempts()} == {"delivered"}
    assert len(system.audit.attempts()) == len(published) == called(receivers, "/hook")[GOOD]

    # it responds that the name no longer exists: this is accepted
    entry.answer = status("NXDOMAIN")
    def refused():
        deliver()
        return [a for a in system.audit.attempts() if "could not be resolved" in (a["error"] or "")]
    wait_until(refused, 60, "the name gone", every=0.3)
    before = called(receivers, "/hook")[GOOD]
    last = system.event(account)
    system.publish(last)
    (attempt,) = wait_until(lambda: system.audit.attempts(last["id"])[:1], 30, "an attempt")
    assert (attempt["outcome"], called(receivers, "/hook")[GOOD]) == ("retry", before)


def test_a_host_in_use_does_not_wait_for_its_next_look_up(system, receivers, name_server, start):
    """The response to the second question is delayed; meanwhile, requests continue."""
    held = threading.Event()
    entry = always(address(GOOD, ttl=5))
    def answer(number, kind):
        if number > 0:
            held.wait(60)
        return entry(number, kind)
    server = name_server({"some.test": answer})
    account = system.account(dialect="penny")
    register(system, account, ["http://some.test/hook"])
    start()
    try:
        def asked():
            system.publish(system.event(account))
            return server.count("some.test") >= 3  # first both types, and then one of them again
        wait_until(asked, 60, "the name asked for again", every=0.2)
        event = system.event(account)
        system.publish(event)
        wait_until(lambda: system.audit.attempts(event["id"]), 30, "an attempt")
        assert {a["outcome"] for a in system.audit.attempts()} == {"delivered"}
    finally:
        held.set()


SHARE = 128  # maximum number of running lookups for one account


def test_names_that_never_answer_hold_up_their_own_account_only(system, receivers, name_server, start):
    """Another account's names are resolved before the first of them has failed, or soon after."""
    silent = [f"silent{n}.test" for n in range(400)]
    good = [f"good{n}.test" for n in range(20)]
    server = name_server({name: status(NEVER) for name in silent} | {name: always(address(GOOD)) for name in good})
    loud, quiet = system.account(dialect="penny"), system.account(dialect="penny")
    register(system, loud, [f"http://{name}/loud" for name in silent])
    register(system, quiet, [f"http://{name}/quiet" for name in good])
    start()
    system.publish(system.event(loud))
    wait_until(lambda: len({name for name, _ in server.asked}) >= SHARE, 60, "the silent names asked for")
    system.publish(system.event(quiet))
    wait_until(lambda: called(receivers, "/quiet").get(GOOD) == len(good), 60, "the other account's event everywhere")
    assert len([1 for outcome, _ in outcomes(system).values() if outcome == "retry"]) <= SHARE
    # and none of the busy account's names is lost: a lookup begins when another one ends
    wait_until(lambda: {name for name, _ in server.asked} == {*silent, *good}, 120, "each name asked for", every=0.2)
