"""Bad requests: each receives its own status, and a detail with the error and its place. No account can access another one."""
import http.client
import json
import re
import socket

import pytest

from support.api import Caller, problem
from support.tables import lines
from support.waiting import wait_until

pytestmark = pytest.mark.malformed

URL = "https://example.com/hook"


@pytest.fixture
def account(system):
    return system.account(dialect="penny")


@pytest.fixture
def caller(api, account):
    return api.caller(account)


@pytest.mark.parametrize("body, pointer", [
    ({"url": 7}, "/url"), ({"url": None}, "/url"), ({}, "/url"), ({"url": URL, "events": "transaction.authorized"}, "/events"),
    ({"url": URL, "events": [7]}, "/events/0"), ({"url": URL, "events": ["transaction.authorized", "no.such"]}, "/events/1"),
    ({"url": URL, "events": ["ach.settled"]}, "/events/0"), ({"url": URL, "events": ["a*b"]}, "/events/0"),
    ({"url": URL, "events": [""]}, "/events/0"), ({"url": URL, "events": ["*"] * 1001}, "/events"),
    ({"url": URL, "authorization_token": 7}, "/authorization_token"), ({"url": URL, "authorization_token": "a\nb"}, "/authorization_token"),
    ({"url": URL, "authorization_token": ""}, "/authorization_token"), ({"url": URL, "status": "off"}, "/status"),
    ({"url": URL, "nonsense": 1}, "/nonsense"), ({"url": URL, "a/b~c": 1}, "/a~1b~0c"), ({"url": URL, "id": "x"}, "/id"),
])
def test_a_wrong_member_is_named(caller, body, pointer):
    problem(caller.post("/v1/webhooks", body), 422, pointer)


def test_bad_urls_are_refused(start_api, account):
    """URLs that do not fit into a line of the table, and the table of all ways to write an address that is not public: 422, with
    the reason. Public addresses are accepted."""
    caller = start_api(allow_networks="", allow_ports="80,443").caller(account)
    hidden = ["", "https://exa mple.com/", "https://example.com/\r\nX: y", "https://example.com\t/", "https://" + "a" * 3000,
              "https://" + "a." * 200 + "example/", "https://example.com/#part"]
    forbidden, public = lines("forbidden-urls"), lines("public-urls")
    assert len(forbidden) >= 150
    for url in hidden + forbidden:
        found = problem(caller.post("/v1/webhooks", {"url": url}), 422, "/url")
        assert len(found["errors"][0]["detail"]) > 10, url
    assert caller.get("/v1/webhooks").json()["webhooks"] == []
    for url in public:
        assert caller.post("/v1/webhooks", {"url": url}).status_code == 201, url


@pytest.mark.parametrize("raw, status", [
    (b"", 400), (b"{", 400), (b"[]", 422), (b"null", 400), (b'"text"', 400), (b'{"url": "a", "url": "b"}', 400),
    (b'{"url": "https://example.com/\xff"}', 400), (b'{"url": "\\u0000"}', 400), (b'{"url": "\\ud800"}', 400),
    (b"[" * 60000, 400), (b'{"url": "' + b"a" * 70000 + b'"}', 413), (b"a=b", 400)])
def test_bodies_that_cannot_be_read(caller, raw, status):
    problem(caller.call("POST", "/v1/webhooks", data=raw, headers={"Content-Type": "application/json"}), status)


def test_media_types(caller):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        problem(caller.call("POST", "/v1/webhooks", data=json.dumps({"url": URL}), headers={"Content-Type": kind}), 415)
    good = caller.call("POST", "/v1/webhooks", data=json.dumps({"url": URL}), headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert good.status_code == 201


def test_methods_and_paths(caller):
    for method, path, allowed in (("DELETE", "/v1/webhooks", "POST, GET"), ("POST", "/v1/webhooks/x", "GET, PATCH, PUT, DELETE"),
                                  ("TRACE", "/v1/events", "POST"), ("OPTIONS", "/v1/event-types", "GET")):
        answer = caller.call(method, path)
        problem(answer, 405)
        assert answer.headers["Allow"] == allowed
    for path in ("/", "/v1", "/v1/webhooks/", "/v1/webhooks/a/b", "/v2/webhooks", "/v1/webhooks/../webhooks/x/y", "/metrics"):
        problem(caller.get(path), 404)
    problem(caller.get("/v1/webhooks/%00"), 400)
    problem(caller.get("/v1/webhooks/%ff"), 400)
    problem(caller.get("/v1/webhooks?cursor=%ff"), 400)
    for limit in ("0", "1001", "x", "1e3", "99999999999999999999"):
        problem(caller.get(f"/v1/webhooks?limit={limit}"), 400)


def test_a_body_of_endless_chunks_is_cut_off(api, account):
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    connection.putrequest("POST", "/v1/webhooks")
    connection.putheader("Authorization", f"Bearer {api.key(account)}")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    with pytest.raises(OSError):
        for _ in range(100000):
            connection.send(b"10000\r\n" + b"a" * 65536 + b"\r\n")
    assert api.is_ready()


def test_a_caller_that_says_nothing_holds_up_nobody(start_api, account):
    api = start_api(connections_max=20)
    silent = [socket.create_connection(("127.0.0.1", api.port), source_address=("127.0.0.2", 0)) for _ in range(10)]  # as many as an address may have
    for connection in silent:
        connection.send(b"POST /v1/webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert api.caller(account).get("/v1/webhooks").status_code == 200
    for connection in silent:
        connection.close()


def test_credentials(system, api, account):
    for header in (None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer wrong", "Bearer phk_x_y", "Bearer ey.a.b", "Bearer " + "x" * 5000):
        caller = api.anybody()
        if header is not None:
            caller.session.headers["Authorization"] = header
        answer = caller.get("/v1/webhooks")
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    made = system.admin("key", "create", "--account", account, "--json")
    caller = Caller(api.url, made["key"])
    assert caller.get("/v1/webhooks").status_code == 200
    system.admin("key", "revoke", made["prefix"])
    problem(caller.get("/v1/webhooks"), 401)
    expired = system.admin("key", "create", "--account", account, "--expires", "1s", "--json")
    system.db.query("update posthorn.api_key set expires_at = now() where prefix = %s", expired["prefix"])
    problem(Caller(api.url, expired["key"]).get("/v1/webhooks"), 401)
    caller = api.caller(account)
    system.admin("account", "close", account)
    problem(caller.get("/v1/webhooks"), 401)
    kept = system.db.query("select * from posthorn.api_key")
    assert made["key"] not in str(kept) and made["key"].rsplit("_", 1)[1] not in json.dumps(system.admin("key", "list", "--json"))


def test_rate_limit_is_shared_by_all_copies(start_api, account):
    copies = [start_api(rate_limit=20), start_api(rate_limit=20)]
    key = copies[0].key(account)
    answers = [Caller(copies[n % 2].url, key).get("/v1/event-types") for n in range(50)]
    refused = [a for a in answers if a.status_code == 429]
    assert len(refused) >= 10  # a new minute may begin once meanwhile
    for answer in answers:
        assert answer.headers["RateLimit-Limit"] == "20"
        assert 0 <= int(answer.headers["RateLimit-Remaining"]) < 20 and 0 < int(answer.headers["RateLimit-Reset"]) <= 60
    problem(refused[0], 429)
    assert int(refused[0].headers["Retry-After"]) > 0


def routes(api, by_key=False):
    """(method, path) of every operation that requires a credential; only those that accept an API key."""
    paths = api.anybody().get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method, operation in item.items()
            if isinstance(operation, dict) and operation.get("security") != []
            and not (by_key and operation["security"] == [{"merchantSession": []}])]


def test_every_route_needs_a_credential(api):
    found = routes(api)
    assert len(found) > 20
    for method, path in found:
        problem(api.anybody().call(method, re.sub(r"\{.*?\}", "x", path), {}), 401)


@pytest.mark.parametrize("dialect", ["penny", "merchant", "devengo", "payconex"])
def test_nothing_of_another_account_can_be_seen_or_touched(system, api, dialect):
    bodies = {"penny": {"url": URL, "events": ["transaction.authorized"]}, "devengo": {"url": URL},
              "merchant": {"label": "l", "url": URL, "events": ["ach.settled"], "authentication": {"type": "none"}, "signature": {"type": "none"}},
              "payconex": {"url": URL, "event": "PAYCONEX_BATCH_SETTLEMENT"}}
    owner_account, other_account = system.account(dialect=dialect), system.account(dialect=dialect)
    owner, other = api.caller(owner_account), api.caller(other_account)

    def home(account):
        return f"/api/v4/accounts/{account}/webhooks" if dialect == "payconex" else "/v1/webhooks"
    made = owner.post(home(owner_account), bodies[dialect]).json()
    hook = made.get("webhook", made)["id"]
    system.dispatcher()
    event = system.event(owner_account, type="x")
    system.publish(event)
    system.wait_consumed()
    assert owner.get(f"/v1/events/{event['id']}").status_code == 200
    before = system.db.query("select * from posthorn.webhook")

    touched = 0
    for method, path in routes(api, by_key=True):
        if "{" not in path:
            continue
        for account in (owner_account, other_account):
            target = path.format(id=hook, webhookID=hook, event_id=event["id"], accountId=account)
            if target.startswith("/api/v4") and target.endswith("/webhooks") and account == other_account:
                continue  # the account's own list
            body = {"event_id": event["id"]} if path.endswith("redeliver") else {"from": "2026-01-01T00:00:00Z"} if path.endswith("replay") else {}
            answer = other.call(method, target, None if method == "GET" else body)
            problem(answer, 404)
            touched += 1
    assert touched >= 20
    assert system.db.query("select * from posthorn.webhook") == before
    listed = other.get(home(other_account)).json()
    assert (listed if isinstance(listed, list) else listed["webhooks"]) == []
    # the account's own event with the same id is separate
    twin = system.event(other_account, type="y", id=event["id"])
    system.publish(twin)
    system.wait_consumed()
    assert other.get(f"/v1/events/{event['id']}").json()["event_type"] == "y"
    assert owner.get(f"/v1/events/{event['id']}").json()["event_type"] == "x"
    if dialect != "payconex":
        assert other.get(f"/v1/webhooks?cursor={hook}").json()["webhooks"] == []
    problem(other.post("/v1/events", {"type": "x", "data": 1, "account": owner_account}), 422, "/account")


def test_no_dialect_opens_another_account(system, api, receiver):
    """Every route, with the credential of every dialect, for objects of accounts of every dialect: no success, nothing
    shown, nothing changed, nothing sent."""
    dialects = ["penny", "merchant", "devengo", "payconex"]
    bodies = {"penny": {"events": ["*"]}, "devengo": {}, "payconex": {"event": "PAYCONEX_BATCH_SETTLEMENT"},
              "merchant": {"label": "l", "events": ["ach.settled"], "authentication": {"type": "none"}, "signature": {"type": "none"}}}
    types = {"penny": "transaction.authorized", "devengo": "outgoing_payment.confirmed", "merchant": "ach.settled", "payconex": "PAYCONEX_BATCH_SETTLEMENT"}
    owned = []  # (account, webhook's id, event's id)
    for dialect in dialects:
        account = system.account(dialect=dialect)
        home = f"/api/v4/accounts/{account}/webhooks" if dialect == "payconex" else "/v1/webhooks"
        made = api.caller(account).post(home, bodies[dialect] | {"url": receiver.url(f"/{dialect}")})
        assert made.status_code == 201, made.text
        event = system.event(account, type=types[dialect])
        owned.append((account, made.json().get("webhook", made.json())["id"], event["id"]))
        system.publish(event)
    system.dispatcher()
    system.wait_consumed()
    wait_until(lambda: system.audit.books()["pending"] == 0, 60, "all delivered")
    delivered, before = receiver.count(), system.db.query("select * from posthorn.webhook order by id")
    assert delivered >= 3

    others = {system.account(dialect=dialect): dialect for dialect in dialects}
    probes, shown = 0, []
    for other in others:
        caller = api.caller(other)
        for account, hook, event in owned:
            for method, path in routes(api, by_key=True):
                body = {"event_id": event, "from": "2026-01-01T00:00:00Z", "webhook_id": hook, "account": account, "accountId": account}
                for whose in (account, other) if "accountId" in path else (account,):
                    target = path.format(id=hook, webhookID=hook, event_id=event, accountId=whose)
                    answer = caller.call(method, target + f"?cursor={hook}&webhook_id={hook}&account={account}", None if method == "GET" else body)
                    probes += 1
                    names_theirs = "{" in path.replace("{accountId}", "") or ("{accountId}" in path and whose == account)
                    if answer.status_code < 400 and (names_theirs or f'"{hook}"' in answer.text):
                        shown.append((others[other], method, target, answer.status_code))
    assert shown == [] and probes > 300
    assert system.db.query("select * from posthorn.webhook order by id") == before
    system.wait_consumed()
    assert receiver.count() == delivered, "an attempt was made for a caller who does not own the webhook"


@pytest.mark.parametrize("trusts, lines, address", [
    ("127.0.0.0/8", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"), ("127.0.0.0/8", ["2001:db8::7"], "2001:db8::7"), ("127.0.0.0/8", ["6.6.6.6, nonsense"], "127.0.0.1"),
    ("127.0.0.0/8", ["9" * 500], "127.0.0.1"), (None, ["192.0.2.7"], "127.0.0.1"), ("10.0.0.0/8", ["192.0.2.7"], "127.0.0.1"),
    ("127.0.0.0/8", ["6.6.6.6", "192.0.2.7"], "192.0.2.7"), ("127.0.0.0/8", ["6.6.6.6, 192.0.2.7:4711"], "192.0.2.7"),
    ("127.0.0.0/8", ["6.6.6.6, [2001:db8::7]:4711"], "2001:db8::7"), ("127.0.0.0/8,10.0.0.0/8", ["6.6.6.6, 192.0.2.7", "10.0.0.2, 10.0.0.1"], "192.0.2.7"),
    ("127.0.0.0/8,10.0.0.0/8", ["6.6.6.6, 192.0.2.7", "10.0.0.2, 10.1.0.1, 11.0.0.1"], "11.0.0.1")])
def test_the_callers_address_behind_a_balancer(system, start_api, account, trusts, lines, address):
    """The last value of the last line is used, and earlier ones only if trusted proxies have written the following ones."""
    api = start_api(forwarded_for=trusts)
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    connection.putrequest("POST", "/v1/webhooks")
    for line in lines:
        connection.putheader("X-Forwarded-For", line)
    body = json.dumps({"url": URL})
    for name, value in (("Authorization", f"Bearer {api.key(account)}"), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    assert connection.getresponse().status == 201
    (change,) = system.audit.query("select address from audit.changes where object = 'webhook'")
    assert str(change["address"]) == address


def test_wrong_networks_of_proxies_are_refused(system, start_api):
    with pytest.raises(AssertionError, match="--forwarded-for: 'true' is not a network"):
        start_api(forwarded_for="true")
