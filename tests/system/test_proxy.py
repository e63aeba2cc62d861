"""--proxy: all requests are sent through it."""
import pytest

from support.raw_server import RawServer
from support.waiting import wait_until


@pytest.fixture
def proxy():
    server = RawServer({"merchant.example:443": lambda server: [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"]})
    yield server
    server.stop()


def test_requests_leave_by_the_proxy(system, proxy, receiver):
    """The proxy resolves the names, which this machine does not know. The proxy of the environment is not used."""
    account = system.account(dialect="penny")
    urls = {"plain": "http://merchant.example/hook", "secure": "https://merchant.example/hook", "private": "http://10.1.2.3/hook"}
    hooks = dict(zip(urls, system.webhooks(account, list(urls.values())), strict=True))
    dispatcher = system.dispatcher(proxy=f"http://127.0.0.1:{proxy.port}", environment={"http_proxy": receiver.url("/")})
    event = system.event(account)
    system.publish(event)
    wait_until(lambda: system.audit.count("attempts") >= 3, 60, "an attempt for each webhook", every=0.1)
    attempts = {a["webhook_id"]: a for a in system.audit.attempts(event["id"])}
    found = {name: attempts[hook["id"]] for name, hook in hooks.items()}
    assert (found["plain"]["outcome"], found["plain"]["http_status"]) == ("delivered", 200)
    assert found["secure"]["outcome"] == "retry" and found["secure"]["error"] == "the proxy refused to connect: its response has the status 403"
    assert found["private"]["outcome"] == "retry" and "10.1.2.3" in found["private"]["error"]
    assert dict(proxy.requests) == {"http://merchant.example/hook": 1, "merchant.example:443": 1}
    assert receiver.count() == 0
    assert any(event["id"].encode() in raw for raw in proxy.raw)
    assert "event=proxy" in dispatcher.log(), "it says what the guard cannot do then"
