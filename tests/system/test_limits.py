"""The API applies the lengths in api/openapi.yaml: each maximum is accepted, and one more is refused at its place. Everything that is accepted can be sent."""
import base64
import itertools

import pytest

from support.api import problem
from support.console import Console

DIALECTS = ("penny", "merchant", "devengo", "payconex")
TOO_LONG = ("may have", "may name", "too long", "longer than", "at most", "are allowed")


class Description:
    def __init__(self, json):
        self.json = json

    def resolve(self, schema):
        while "$ref" in schema:
            at = self.json
            for key in schema["$ref"].removeprefix("#/").split("/"):
                at = at[key]
            schema = at
        return schema

    def branches(self, schema):
        schema = self.resolve(schema)
        return [b for one in schema["oneOf"] for b in self.branches(one)] if "oneOf" in schema else [schema]

    def example(self, schema, name=""):
        """The smallest value that fits the schema, except for a few names whose values must be valid."""
        schema = self.branches(schema)[0]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if "type" not in schema:
            return {}
        kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
        if kind == "object":
            return {key: self.example(schema["properties"][key], key) for key in schema.get("required", ())}
        if kind == "array":
            return [self.example(schema["items"])] * schema.get("minItems", 0)
        texts = {"uri": "https://example.com/hook", "date-time": "2026-01-01T00:00:00Z" if name == "from" else "2026-01-02T00:00:00Z"}
        return {"string": texts.get(schema.get("format"), "*"), "integer": 1, "boolean": True}[kind]

    def limits(self, schema, name=""):
        """(pointer, maximum, function that makes a value of a given length there) of each limited text and list below."""
        for branch in self.branches(schema):
            if "maxLength" in branch:
                start = "https://example.com/" if branch.get("format") == "uri" else f"a={'x' * 250},b=" if name == "tracestate" else ""
                yield "", branch["maxLength"], lambda n, start=start: start + "x" * (n - len(start))
            if "maxItems" in branch:
                yield "", branch["maxItems"], lambda n: [f"x{i}.*" for i in range(n)]
            if "items" in branch:
                for pointer, most, make in self.limits(branch["items"]):
                    yield f"/0{pointer}", most, lambda n, make=make: [make(n)]
            for key, below in branch.get("properties", {}).items():
                for pointer, most, make in self.limits(below, key):
                    yield f"/{key}{pointer}", most, lambda n, key=key, make=make, branch=branch: self.example(branch) | {key: make(n)}


@pytest.fixture
def who(system, api):
    """(dialect, path) -> the caller."""
    made = {}

    def of(dialect, path):
        kind = "anybody" if path.startswith("/v1/auth") or path == "/v1/console/session" else "console" if path.startswith("/v1/console") else "key"
        if (dialect, kind) not in made:
            account = system.account(dialect=dialect)
            if kind == "console":
                made[dialect, kind] = Console(api.url)
                email, password, _ = api.user(account, *(["--totp"] if path.endswith("verify") else []))
                made[dialect, kind].sign_in(email, password).raise_for_status()
            else:
                made[dialect, kind] = (Console(api.url) if path.startswith("/v1/console") else api.anybody()) if kind == "anybody" else api.caller(account)
            made[dialect, kind].parameters = {"accountId": account, "event_id": "evt-1"}
            if kind == "key":
                hook = system.webhook(account, "https://example.com/hook", "PAYCONEX_BATCH_SETTLEMENT" if dialect == "payconex" else "*")["id"]
                made[dialect, kind].parameters |= {"id": hook, "webhookID": hook}
        return made[dialect, kind]
    return of


def refusal(answer):
    """(pointers, detail) of the refusal of a length; None if it is accepted."""
    body = answer.json() if answer.headers.get("Content-Type") == "application/problem+json" else {}
    detail = body.get("detail", "")
    return ([e["pointer"] for e in body.get("errors", [])], detail) if answer.status_code in (400, 422) and any(word in detail for word in TOO_LONG) else None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_limit_is_taken_and_one_more_is_not(api, who, dialect):
    """Every member of every body, and every query parameter."""
    described = Description(api.anybody().get(f"/openapi.json?dialect={dialect}").json())
    wrong, tried = [], 0
    for (path, operations), method in itertools.product(described.json["paths"].items(), ("get", "post", "put", "patch")):
        operation = operations.get(method)
        if operation is None:
            continue
        caller = who(dialect, path)
        filled = path.format(**caller.parameters)
        schema = described.resolve(operation.get("requestBody", {})).get("content", {}).get("application/json", {}).get("schema")
        for pointer, most, make in described.limits(schema) if schema else ():
            tried += 1
            below, above = (refusal(caller.call(method.upper(), filled, make(n))) for n in (most, most + 1))
            if below is not None or above is None or above[0] != [pointer]:
                wrong.append((method, path, pointer, most, below, above))
        for parameter in map(described.resolve, (*operations.get("parameters", ()), *operation.get("parameters", ()))):
            most = described.resolve(parameter["schema"]).get("maxLength")
            if parameter["in"] == "query" and most is not None:
                tried += 1
                below, above = (refusal(caller.get(filled, params={parameter["name"]: "x" * n})) for n in (most, most + 1))
                if below is not None or above is None:
                    wrong.append((method, path, parameter["name"], most, below, above))
    assert not wrong and tried > 10, "\n".join(map(str, wrong))


def test_limits_are_of_characters(system, api):
    """Characters, as JSON Schema counts them, not bytes."""
    merchant = api.caller(system.account(dialect="merchant"))
    hook = {"label": "ä" * 250, "url": "https://example.com/hook", "events": ["*"], "signature": {"type": "none"},
            "authentication": {"type": "basic", "username": "ä" * 60, "password": "ä" * 1000}}
    made = merchant.post("/v1/webhooks", hook)
    assert made.status_code == 201 and made.json()["label"] == "ä" * 250 and made.json()["authentication"]["username"] == "ä" * 60, made.text
    problem(merchant.post("/v1/webhooks", hook | {"label": "ä" * 251}), 422, "/label")
    problem(merchant.post("/v1/webhooks", hook | {"authentication": hook["authentication"] | {"username": "ä" * 61}}), 422, "/authentication/username")
    problem(merchant.post("/v1/webhooks", hook | {"authentication": hook["authentication"] | {"password": "ä" * 1001}}), 422, "/authentication/password")
    devengo = api.caller(system.account(dialect="devengo"))
    assert devengo.post("/v1/webhooks", {"url": "https://example.com/hook", "description": "ä" * 250}).status_code == 201
    problem(devengo.post("/v1/webhooks", {"url": "https://example.com/hook", "description": "ä" * 251}), 422, "/description")


def test_every_secret_that_is_taken_can_be_sent(system, api, receiver):
    """The longest ones, with the API and posthorn-admin; values that do not fit into the header are refused at once."""
    merchant, penny = system.account(dialect="merchant"), system.account(dialect="penny")
    token, secret = "t" * 4096, "s" * 4096
    hook = {"label": "long", "url": receiver.url("/basic"), "events": ["*"], "signature": {"type": "none"},
            "authentication": {"type": "basic", "username": "😀" * 60, "password": "😀" * 963 + "abc"}}
    made = api.caller(merchant).post("/v1/webhooks", hook)
    assert made.status_code == 201, made.text
    longer = hook | {"authentication": hook["authentication"] | {"password": "😀" * 963 + "abcd"}}
    assert "together may have at most 4095 bytes" in problem(api.caller(merchant).post("/v1/webhooks", longer), 422, "/authentication/password")["detail"]
    assert api.caller(penny).post("/v1/webhooks", {"url": receiver.url("/bearer"), "events": ["*"], "authorization_token": token}).status_code == 201
    problem(api.caller(penny).post("/v1/webhooks", {"url": receiver.url("/bearer"), "authorization_token": token + "t"}), 422, "/authorization_token")
    system.admin("source-key", "create", "--account", penny, "--name", "n" * 255, "--secret", secret)
    system.webhook(penny, receiver.url("/by-admin"), auth="basic", username="u", password="p" * 4094, signature="source_key", source_key="n" * 255)
    for options in ({"auth": "bearer", "token": token + "t"}, {"auth": "basic", "username": "u", "password": "p" * 4095}):
        with pytest.raises(AssertionError, match="may have|1 to 4096"):
            system.webhook(penny, receiver.url("/by-admin"), **options)
    with pytest.raises(AssertionError, match="1 to 255"):
        system.admin("source-key", "create", "--account", penny, "--name", "n" * 256, "--secret", secret)
    system.dispatcher()
    system.publish(system.event(merchant), system.event(penny))
    for path, header in (("/basic", "Basic " + base64.b64encode(("😀" * 60 + ":" + "😀" * 963 + "abc").encode()).decode()), ("/bearer", f"Bearer {token}"),
                         ("/by-admin", "Basic " + base64.b64encode(b"u:" + b"p" * 4094).decode())):
        receiver.wait_for(1, path)
        (request,) = receiver.requests(path)
        assert {k.lower(): v for k, v in request.headers.items()}["authorization"] == header
