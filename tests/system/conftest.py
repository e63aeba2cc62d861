"""Fixtures of the API's tests, and of tests that need a separate network."""
import socket

import pytest

from support.api import Api
from support.everywhere import Everywhere
from support.hostile_dns import NameServer
from support.namespace import InsideDispatcher, Namespace

DNS = "127.0.0.1", 5353


@pytest.fixture
def start_api(system, test_directory):
    """Starts a posthorn-api of the test's system; settings by name."""
    started = []

    def start(**settings):
        made = Api(system, test_directory, f"api-{len(started) + 1}", **settings)
        started.append(made)
        return made.start()
    yield start
    for api in started:
        api.stop()


@pytest.fixture
def api(start_api):
    return start_api()


@pytest.fixture
def network():
    try:
        made = Namespace()
    except OSError as why:
        pytest.skip(f"network namespaces are needed here: {why}")
    # every address is local: addresses of other machines respond, too
    made.run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo")
    made.run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo")
    yield made
    made.close()


@pytest.fixture
def everywhere(network):
    made = Everywhere(network.listen("::", 80))
    yield made
    made.stop()


@pytest.fixture
def start(network, system, test_directory):
    """Starts a dispatcher in the network; only the given networks are allowed."""
    started = []

    def start_one(**settings):
        changed = {"allow_networks": "", "allow_ports": "80,443", "name_servers": "%s:%d" % DNS}
        made = InsideDispatcher(network, system.servers, "inside", system.settings(**(changed | settings)), test_directory)
        started.append(made)
        system.dispatchers.append(made)
        return made.start()
    yield start_one
    for dispatcher in started:
        dispatcher.stop()
        dispatcher.stop_forwards()


@pytest.fixture
def name_server(network):
    """name_server(zone) starts it."""
    started = []

    def serve(zone):
        started.append(NameServer(network.listen(*DNS, socket.SOCK_DGRAM), network.listen(*DNS), zone))
        return started[0]
    yield serve
    for made in started:
        made.stop()
