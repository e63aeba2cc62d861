"""Unexpected values: in every query parameter, path parameter and body of every route of the description. Each receives a response, none a 500, and
afterwards the API responds as before."""
import itertools
import json
import re
import urllib.parse

import pytest

from support.console import signed_in

pytestmark = pytest.mark.malformed

NUMBERS = ["0", "-1", "1", "200", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "1e9", "0x10", "1.5",
           " 1", "+1", "١", "NaN", "Infinity"]
TIMES = ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
         "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00:00+99:99", "2026-01-01T00:00:00." + "9" * 40 + "Z",
         "2026-01-01", "now", "infinity", "-infinity", "epoch", "294276-12-31T23:59:59Z", "4713-01-01T00:00:00 BC"]
TEXTS = ["", " ", "a" * 300, "a" * 9000, "%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%F0%9F%98%80", "%e2%80%ae", "%", "%4", "%zz", "'", "'; select 1; --",
         "\"", "\\", "{}", "[]", "null", "..", "%2e%2e%2f", "%2F", "a/b", "a,b", "%0d%0aX-A:b", "$1", "%25s%25n",
         "2026-01-01T00:00:00.000000Z/1/1", "2026-01-01T00:00:00.000000Z/999999999/999999999999999999", "9999-12-31T23:59:59.999999Z/0/0",
         "1970-01-01T00:00:00.000000Z/1/1", "00000000-0000-0000-0000-000000000000", "wbh_0", "whk_", "2026-01-31/1/1", "9999-99-99/1/1"]
VALUES = TEXTS + NUMBERS + TIMES
BODIES = [None, True, 0, -1, 2**31, 2**63 - 1, 1.5, 1e308, "", " ", "a" * 70000, "\u0000", "\u0001", "\U0001f600", "\u202e", [], [None], [[]], ["a"] * 1001, {}, {"a": {}}, {"": ""},
          {"type": None}, {"type": "basic"}, {"type": "basic", "username": "a" * 5000, "password": ""}, *TIMES[:6], "9999-99-99/1/1", "2026-01-31/1/1",
          "2026-01-31/999999999/999999999999999999"]


def operations(api):
    """(method, path, query parameters, members of the body) of each operation; other tests cover the session routes."""
    document = api.anybody().get("/openapi.json").json()

    def resolve(item):
        while "$ref" in item:
            item = eval_pointer(document, item["$ref"])
        return item

    def members(schema):
        schema = resolve(schema)
        found = set(schema.get("properties", {}))
        for part in schema.get("oneOf", []) + schema.get("anyOf", []) + schema.get("allOf", []):
            found |= members(part)
        return found
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            parameters = [resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
            body = resolve(operation.get("requestBody", {})).get("content", {}).get("application/json", {}).get("schema", {})
            yield method.upper(), path, [p["name"] for p in parameters if p["in"] == "query"], sorted(members(body))


def eval_pointer(document, pointer):
    for key in pointer.removeprefix("#/").split("/"):
        document = document[key]
    return document


class World:
    """A webhook and an event of an account of each dialect."""

    def __init__(self, system, api):
        self.system, self.api = system, api
        system.dispatcher()
        self.callers = {}
        for dialect in ("penny", "merchant", "payconex"):
            account = system.account(dialect=dialect)
            caller = api.caller(account)
            body = {"penny": {}, "payconex": {"event": "PAYCONEX_BATCH_SETTLEMENT"},
                    "merchant": {"label": "l", "events": ["*"], "authentication": {"type": "none"}, "signature": {"type": "none"}}}[dialect]
            home = f"/api/v4/accounts/{account}/webhooks" if dialect == "payconex" else "/v1/webhooks"
            made = caller.post(home, body | {"url": "https://example.com/hook", "status": "disabled"} if dialect == "penny" else body | {"url": "https://example.com/hook"})
            assert made.status_code == 201, made.text
            event = system.event(account)
            system.publish(event)
            names = {"id": made.json().get("webhook", made.json())["id"], "event_id": event["id"], "accountId": account}
            self.callers[dialect] = (caller, names | {"webhookID": names["id"]})
        system.wait_consumed()

    def callers_of(self, path):
        dialects = ["payconex"] if path.startswith("/api/v4") else ["penny", "merchant"]
        return [self.callers[dialect] for dialect in dialects]


@pytest.fixture
def world(system, api):
    return World(system, api)


def looked_at(path):
    return not path.startswith(("/v1/auth", "/v1/console"))


def test_statistics_beyond_all_time(world):
    """A reported case: the buckets are so long that their seconds do not fit into a number."""
    caller, names = world.callers["penny"]
    for query in ("from=1970-01-01T00:00:00Z&to=9999-01-01T00:00:00Z&buckets=1", "from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&buckets=200",
                  "from=1970-01-01T00:00:00Z&buckets=1", "to=1970-01-01T00:00:00Z", "to=9999-12-31T23:59:59Z"):
        answer = caller.get(f"/v1/webhooks/{names['id']}/statistics?{query}")
        assert answer.status_code in (200, 400), f"{query}: {answer.text}"
        if answer.status_code == 400:
            assert "from" in answer.json()["detail"] or "to" in answer.json()["detail"]


def test_no_query_parameter_gives_500(world):
    """Each value in each parameter, then repeated, without a value, and all pairs of times."""
    bad, asked = [], 0
    for method, path, queries, _ in operations(world.api):
        if not looked_at(path) or not queries:
            continue
        for caller, names in world.callers_of(path):
            target = path.format_map(names)
            tries = [f"{name}={urllib.parse.quote(value, safe='%/:+,')}" for name in queries for value in VALUES]
            tries += [f"{name}" for name in queries] + [f"{name}=1&{name}=2" for name in queries] + [f"{name}[]=1" for name in queries]
            if {"from", "to"} <= set(queries):
                tries += [f"from={a}&to={b}" + (f"&buckets={n}" if "buckets" in queries else "")
                          for a, b in itertools.product(TIMES[:4] + ["2026-01-01T00:00:00Z"], repeat=2) for n in ("1", "200")]
            for query in tries:
                answer = caller.call(method, f"{target}?{query}")
                asked += 1
                if answer.status_code >= 500:
                    bad.append((method, target, query, answer.status_code))
    assert bad == [] and asked > 1000
    assert world.api.is_ready()


def test_no_path_parameter_gives_500(world):
    bad, asked = [], 0
    for method, path, _, members in operations(world.api):
        if not looked_at(path) or "{" not in path:
            continue
        for caller, names in world.callers_of(path):
            for name in re.findall(r"\{(.*?)\}", path):
                for value in VALUES:
                    target = path.format_map(names | {name: urllib.parse.quote(value, safe="%:+,")})
                    answer = caller.call(method, target, {} if members else None)
                    asked += 1
                    if answer.status_code >= 500:
                        bad.append((method, target, answer.status_code, answer.text))
    assert bad == [] and asked > 1000
    assert world.api.is_ready()


def test_no_body_gives_500(world):
    """Each value in each member of each body, alone and together with valid members."""
    good = {"url": "https://example.com/hook", "label": "l", "events": ["*"], "event": "PAYCONEX_BATCH_SETTLEMENT", "authentication": {"type": "none"},
            "signature": {"type": "none"}, "from": "2026-01-01T00:00:00Z", "type": "transaction.authorized", "data": {}, "batch_id": "b", "batch_date": "2026-01-01 00:00"}
    bad, asked = [], 0
    for method, path, _, members in operations(world.api):
        if not looked_at(path) or not members:
            continue
        for caller, names in world.callers_of(path):
            beside = {name: good[name] for name in members if name in good} | ({"account_id": names["accountId"]} if "account_id" in members else {})
            bodies = [{name: value} for name in members for value in BODIES] + [beside | {name: value} for name in members for value in BODIES]
            for body in bodies + BODIES:
                answer = caller.call(method, path.format_map(names), data=json.dumps(body), headers={"Content-Type": "application/json"})
                asked += 1
                if answer.status_code >= 500:
                    bad.append((method, path, str(body)[:100], answer.status_code, answer.text[:200]))
    assert bad == [] and asked > 1000
    assert world.api.is_ready()


def test_the_consoles_routes_do_not_give_500(system, api):
    """The sign-in, codes and sessions, whose limits are low: a few values each."""
    console = signed_in(api, system.account(dialect="merchant"))
    bad = []
    for method, path, _, members in operations(api):
        if looked_at(path) or method == "DELETE":
            continue
        for name in members:
            for value in (None, 0, "", "\u0000", "\U0001f600", "a" * 20000, [], {}, "a@b.c"):
                for caller in (api.anybody(), console):
                    answer = caller.call(method, path, {name: value})
                    if answer.status_code >= 500:
                        bad.append((method, path, name, value, answer.status_code, answer.text))
    assert bad == []
    assert api.is_ready()
