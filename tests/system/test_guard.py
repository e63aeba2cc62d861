"""The guard in a separate network in which every address responds to HTTP, with a hostile name server:
no connection is made to an address that is not public, and every public address receives its events."""
import ipaddress
import itertools
import re

import pytest

from support.everywhere import by_url, outcomes, register
from support.hostile_dns import GARBAGE, NEVER, SPOOFED, address, alias, always, chain, first_then, status
from support.tables import lines
from support.waiting import wait_until

pytestmark = pytest.mark.malformed

PUBLIC, PRIVATE = "93.184.215.14", "10.1.2.3"
PUBLIC6, PRIVATE6 = "2606:2800:21f::14", "fd00::14"


def test_no_address_that_is_not_public_is_connected_to(system, network, everywhere, name_server, start):
    """Every written form, registered without the API's checks, and every address, as the response of a name server."""
    forbidden, public = lines("forbidden-addresses"), lines("public-addresses")
    zone = {f"bad{n}.test": always(address(a, ttl=300)) for n, a in enumerate(forbidden)}
    zone |= {f"good{n}.test": always(address(a, ttl=300)) for n, a in enumerate(public)}
    bad = [f"http://bad{n}.test/bad" for n in range(len(forbidden))]
    good = {f"http://good{n}.test/good{n}": a.removeprefix("::ffff:") for n, a in enumerate(public)}
    written = lines("forbidden-urls")
    server = name_server(zone)
    account = system.account(dialect="penny")
    register(system, account, [*written, *bad, *good])
    start(retry_schedule="1h,3d")
    system.publish(system.event(account))
    total = len(written) + len(bad) + len(good)
    assert len(written) >= 150 and len(bad) >= 150 and len(good) >= 50
    wait_until(lambda: len(outcomes(system)) == total, 90, f"an attempt at each of {total} webhooks", every=0.3)

    results = by_url(system)
    for url in written:
        assert results[url][0] == "retry" and results[url][1].startswith("URL: "), f"{url}: {results[url]}"
    for url, which in zip(bad, forbidden, strict=True):
        outcome, error = results[url]
        assert outcome == "retry" and re.fullmatch(r"the host name's address [0-9a-f.:]+ is not allowed: it is not public", error), f"{which}: {error}"
    for url, which in good.items():
        assert results[url] == ("delivered", None), f"{which}: {results[url]}"
        where = everywhere.where("/" + url.rsplit("/", 1)[1])
        assert list(where.values()) == [1], f"{which}: {where}"
    called = {at for at, _ in everywhere.connections}
    assert called == {str(ipaddress.ip_address(a)) for a in good.values()}
    assert server.count("bad0.test") > 0
    system.assert_balanced(records=1)


BOTH = always(address(PUBLIC), address(PUBLIC6))
EITHER = (PUBLIC, PUBLIC6)  # libcurl chooses
SECRET = always(address(PRIVATE), address(PRIVATE6))
NOTHING = always()
ZONE = {
    # name: its response, and the result for its event: an address that receives it, or words of the error
    "plain.test": (always(address(PUBLIC)), PUBLIC),
    "plain-six.test": (always(address(PUBLIC6)), PUBLIC6),
    "dotted.test": (always(address(PUBLIC)), PUBLIC),
    "alias.test": (chain(["alias.test", "a.test", "b.test", "c.test"], [address(PUBLIC)]), PUBLIC),
    "many.test": (always(*[address(f"93.184.{n}.1") for n in range(60)]), "93.184."),
    "spoofed.test": (status(SPOOFED), PUBLIC),
    "private.test": (SECRET, "not public"),
    "metadata.test": (always(address("169.254.169.254")), "not public"),
    "mixed.test": (always(address(PUBLIC), address(PRIVATE)), "not public"),
    "mixed-turned.test": (always(address(PRIVATE), address(PUBLIC)), "not public"),
    "mixed-six.test": (always(address(PUBLIC), address(PRIVATE6)), "not public"),
    "mixed-four.test": (always(address(PUBLIC6), address(PRIVATE)), "not public"),
    "mapped.test": (always(address(PUBLIC), address("::ffff:10.1.2.3")), "not public"),
    "many-and-one.test": (always(*[address(f"93.184.{n}.1") for n in range(60)], address("192.168.7.7")), "not public"),
    "alias-private.test": (chain(["alias-private.test", "a.test", "b.test"], [address("192.168.7.7")]), "not public"),
    "alias-local.test": (always(alias("localhost"), address("127.0.0.1", "localhost")), "not public"),
    "loop.test": (always(alias("loop.test")), "resolved|no address"),
    "nothing.test": (NOTHING, "resolved|no address"),
    "servfail.test": (status("SERVFAIL"), "could not be resolved"),
    "refused.test": (status("REFUSED"), "could not be resolved"),
    "garbage.test": (status(GARBAGE), "could not be resolved"),
    "never.test": (status(NEVER), "could not be resolved"),
    "no-such.test": (status("NXDOMAIN"), "could not be resolved"),
    "huge.test": (always(*[address(f"10.{n >> 8}.{n & 255}.1") for n in range(3000)]), "not public|could not be resolved"),
    "rebind.test": (first_then(BOTH, SECRET), EITHER),
    "rebind-mixed.test": (first_then(BOTH, always(address(PUBLIC), address(PRIVATE))), EITHER),
    "rebind-alias.test": (first_then(BOTH, always(alias("inside.test"), address(PRIVATE, "inside.test"))), EITHER),
    "rebind-local.test": (first_then(BOTH, always(address("127.0.0.1"), address("::1"))), EITHER),
    "flip.test": (lambda number, kind: (SECRET if number % 2 == 0 else BOTH)(number, kind), "not public"),
    "localhost": (always(address(PRIVATE)), "not public"),
    "x.localhost": (always(address(PRIVATE)), "not public"),
}
REBINDING = [name for name in ZONE if name.startswith("rebind")]


def test_a_name_server_that_lies(system, network, everywhere, name_server, start):
    """Rebinding, aliases, mixed responses, and invalid responses: only public addresses receive requests."""
    server = name_server({name: what for name, (what, _) in ZONE.items()})
    account, rebound = system.account(dialect="penny"), system.account(dialect="penny")
    urls = {name: f"http://{name}{'.' if name == 'dotted.test' else ''}/{name}" for name in ZONE}
    register(system, account, [urls[name] for name in ZONE if name not in REBINDING])
    register(system, rebound, [urls[name] for name in REBINDING])
    start(request_timeout="5s")
    system.publish(system.event(account), system.event(rebound))
    wait_until(lambda: len(outcomes(system)) == len(ZONE), 90, "an attempt for each name", every=0.3)
    for name, (_, wanted) in ZONE.items():
        where, (outcome, error) = everywhere.where(f"/{name}"), by_url(system)[urls[name]]
        if name == "flip.test":  # it becomes public after some time
            continue
        if wanted == EITHER or wanted[0].isdigit():
            assert outcome == "delivered" and all(at.startswith(wanted) for at in where), f"{name}: {where} {error}"
        else:
            assert outcome == "retry" and any(words in error for words in wanted.split("|")), f"{name}: {error}"
            assert where == {}, name

    # events continue until each name was resolved again with the other response: then no further event is delivered
    def asked_again():
        system.publish(system.event(rebound))
        last = {url: error for url, (_, error) in by_url(system).items()}
        return all(server.count(name) >= 4 and "not public" in (last[urls[name]] or "") for name in REBINDING)
    wait_until(asked_again, 60, "each name was resolved again, and refused", every=0.5)
    before = {name: everywhere.where(f"/{name}") for name in REBINDING}
    system.publish(*[system.event(rebound) for _ in range(10)])
    system.wait_consumed()
    assert {name: everywhere.where(f"/{name}") for name in REBINDING} == before
    public = (PUBLIC, PUBLIC6, "93.184.")
    assert [at for at, _ in everywhere.connections if not at.startswith(public)] == []


def test_networks_that_are_allowed_and_denied_anew(system, network, everywhere, name_server, start):
    """An allowed address receives requests, from the configured source address; after a restart without the setting, connections are closed and
    nothing reaches it. A denied address receives nothing although it is public."""
    name_server({"inside.test": always(address(PRIVATE)), "own.test": always(address(PUBLIC))})
    account = system.account(dialect="penny")
    register(system, account, ["http://inside.test/name", f"http://{PRIVATE}/literal", "http://own.test/own"])
    dispatcher = start(allow_networks="10.0.0.0/8", source_address="10.9.9.9", deny_networks=f"{PUBLIC}/32")
    first = system.event(account)
    system.publish(first)
    wait_until(lambda: len(system.audit.attempts(first["id"])) >= 3, 60, "an attempt for each webhook")
    assert set(everywhere.connections) == {(PRIVATE, "10.9.9.9")}
    assert everywhere.where("/name") == everywhere.where("/literal") == {PRIVATE: 1}
    assert [at for at in everywhere.open.values()] != [], "the connections are kept"
    dispatcher.stop()
    wait_until(lambda: not everywhere.open, 30, "its connections closed")
    count = len(everywhere.connections)
    dispatcher.start(allow_networks="", source_address="", deny_networks="")
    second = system.event(account)
    system.publish(second)
    wait_until(lambda: len(system.audit.attempts(second["id"])) >= 3, 60, "an attempt for each webhook")
    assert {at for at, _ in itertools.islice(everywhere.connections, count, None)} == {PUBLIC}
    assert everywhere.where("/name") == everywhere.where("/literal") == {PRIVATE: 1}
