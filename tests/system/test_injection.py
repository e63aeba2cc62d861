"""No text that a user may choose adds a header, splits a request, or reaches another account: generated texts with line
ends, NUL, colons and the like are sent through the API and Kafka, and the raw bytes at the receiver are checked."""
import base64
import json
import re
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from support.raw_server import RawServer
from support.waiting import wait_until

pytestmark = pytest.mark.malformed

SETTINGS = settings(max_examples=120, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck))
PIECES = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\u0100", "\ufeff", "\u010a\u010d", "\t", " ", ":", ": ", ";", ",",
          "%0d%0a", "%00", "\\r\\n", "\\", '"', "'", "{", "}", "@", "#", "?", "&", "=", "/", "//", "..", "\u00e9", "\U0001f600",
          "X-Injected: 1", "Host: evil", "Authorization: Basic eDp5", "Content-Length: 0", "Transfer-Encoding: chunked",
          "POST /victim HTTP/1.1", "webhook-id: stolen", "a", "b-1", "evt"]
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=8).map("".join).filter(
    lambda text: not any(0xD800 <= ord(c) <= 0xDFFF for c in text))
MILD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7e), min_size=1, max_size=20)
FIELD = st.one_of(HOSTILE, MILD)
ALWAYS = {"host", "accept", "user-agent", "content-type", "content-length", "webhook-id", "webhook-timestamp"}
SOMETIMES = {"webhook-signature", "x-signature", "authorization", "traceparent"}


@pytest.fixture
def server():
    made = RawServer({})
    yield made
    made.stop()


def parse(raw):
    """(target, {header: value}, body) of a request that is well-formed, and has only our headers."""
    head, body = raw.split(b"\r\n\r\n", 1)
    request, *lines = head.split(b"\r\n")
    assert re.fullmatch(rb"POST /[!-~\x80-\xff]* HTTP/1\.1", request), raw
    headers = {}
    for line in lines:
        assert re.fullmatch(rb"[A-Za-z-]+: [\x20-\x7e]+", line), raw
        name, value = line.decode().split(": ", 1)
        assert name.lower() not in headers, raw
        headers[name.lower()] = value
    assert ALWAYS <= set(headers) <= ALWAYS | SOMETIMES, raw
    assert int(headers["content-length"]) == len(body)
    json.loads(body)
    return request.split()[1].decode("latin-1"), headers, body


def test_nothing_of_a_webhook_breaks_out(system, api, server):
    """Label, URL, token, user name, password, source key: refused, or sent unchanged."""
    penny, merchant, victim = (system.account(dialect=d) for d in ("penny", "merchant", "penny"))
    system.webhook(victim, server.url("/victim"))
    system.admin("source-key", "create", "--account", merchant, "--name", "key", "--secret", "a" * 32)
    callers = {account: api.caller(account) for account in (penny, merchant)}
    taken = {}  # webhook's path -> the expected Authorization

    def post(account, body, wanted):
        answer = callers[account].post("/v1/webhooks", body)
        assert answer.status_code in (201, 400, 422), answer.text
        assert answer.status_code == 201 or answer.headers["Content-Type"] == "application/problem+json"
        if answer.status_code == 201:
            taken[body["url"]] = wanted

    @SETTINGS
    @given(FIELD, FIELD)
    def as_penny(path, token):
        post(penny, {"url": server.url(f"/{secrets.token_hex(4)}{path}"), "events": ["*"], "authorization_token": token}, f"Bearer {token}")

    @SETTINGS
    @given(FIELD, FIELD, FIELD, FIELD)
    def as_merchant(label, username, password, source_key):
        basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        post(merchant, {"url": server.url(f"/{secrets.token_hex(8)}"), "label": label, "events": ["ach.settled"],
                        "authentication": {"type": "basic", "username": username, "password": password},
                        "signature": {"type": "source_key", "source_key": "key" if len(source_key) < 8 else source_key}}, basic)
    as_penny()
    as_merchant()
    assert len(taken) > 20, "too little was taken: this test proves nothing"
    system.dispatcher(request_timeout="10s")
    system.publish(system.event(penny), system.event(merchant, type="ach.settled"))
    wait_until(lambda: len({a["webhook_id"] for a in system.audit.attempts()}) == len(taken), 90, f"an attempt at each of {len(taken)} webhooks", every=0.3)
    assert [(a["url"], a["error"]) for a in system.audit.attempts() if a["outcome"] != "delivered"] == []
    assert server.requests["/victim"] == 0
    seen = {}
    for raw in server.raw:
        target, headers, _ = parse(raw)
        seen[target.split("?")[0]] = headers.get("authorization")
    assert len(server.raw) == len(taken) == len(seen)
    for url, wanted in taken.items():
        path = re.split(r"[?#]", url.split(str(server.port), 1)[1])[0]
        hits = [value for target, value in seen.items() if target[:9] == path[:9]]
        assert hits == [wanted], (url, hits)


def header_list(fields):
    return [(name, value.encode()) for name, value in fields]


def test_nothing_of_an_event_breaks_out(system, server):
    """Id, type, source, time, trace, extension attributes and data of a record, in each form: a dead letter, or a
    normal request for its own account."""
    account, victim = system.account(dialect="penny"), system.account(dialect="penny")
    secret = system.webhook(account, server.url("/own"), format="standard", token="t0ken")["secret"]
    system.webhook(victim, server.url("/victim"))
    records = []

    @SETTINGS
    @given(st.sampled_from(["binary", "structured", "bare"]), HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.booleans(), HOSTILE)
    def make(form, id, type, source, trace, name, plain, data):
        fresh = secrets.token_hex(8)
        body = {"text": data, data: 1, "account": victim, "accountId": victim, "merch_key": victim, "ce_account": victim}
        event = {"id": fresh if plain else fresh + id, "type": "a.b" if plain else "a" + type, "account": account, "data": body}
        if form == "binary":
            fields = [("ce_specversion", "1.0"), ("ce_source", "/t" + source), ("ce_id", event["id"]), ("ce_type", event["type"]),
                      ("ce_account", account), ("ce_traceparent", trace), ("traceparent", trace), ("account", victim),
                      ("content-type", "application/json")]
            if name and "\x00" not in name:
                fields.append((name, trace))
            records.append({"key": victim, "headers": header_list(fields), "value": json.dumps(body)})
        elif form == "structured":
            records.append({"key": victim, "headers": [("content-type", b"application/cloudevents+json"), ("ce_account", victim.encode())],
                            "value": json.dumps({"specversion": "1.0", "source": "/t" + source, "traceparent": trace, "ext" + name: trace} | event)})
        else:
            records.append({"key": victim, "value": json.dumps(event | {"x" + name: trace})})
    make()
    # account keys that are similar to the victim's
    for twisted in (victim + "\n", victim + "\r\n", victim + " ", " " + victim, victim + "\x00", victim.upper(), victim + "\u200b", f"{account},{victim}",
                    victim[:-1], victim + "%00", f"{account}\r\nce_account: {victim}", "*", "%", "' or true --"):
        records.append({"key": victim, "headers": header_list([("ce_specversion", "1.0"), ("ce_source", "/t"), ("ce_id", secrets.token_hex(8)), ("ce_type", "a.b"),
                                                               ("ce_account", twisted), ("content-type", "application/json")]), "value": "{}"})
        records.append({"value": json.dumps({"id": secrets.token_hex(8), "type": "a.b", "account": twisted, "data": 1})})
    # the account twice: the last header is used, and duplicate members are refused
    records.append({"headers": header_list([("ce_specversion", "1.0"), ("ce_source", "/t"), ("ce_id", "twice"), ("ce_type", "a.b"), ("ce_account", victim),
                                            ("ce_account", account), ("content-type", "application/json")]), "value": "{}"})
    records.append({"value": f'{{"id":"doubled","type":"a.b","account":"{account}","account":"{victim}","data":1}}'})
    # the ids of one account's events, used by the other
    shared = [system.event(account), system.event(victim)]
    shared[1]["id"] = shared[0]["id"]
    system.topics.produce(system.topic, records)
    system.publish(*shared)
    system.dispatcher()
    system.wait_consumed()
    books = wait_until(lambda: (b := system.audit.books())["pending"] == 0 and b["records"] == len(records) + 2 and b, 90, "all recorded", every=0.2)
    assert books["dead_lettered"] > 30 and books["delivered"] > 30, f"too little of one kind: {books}"
    own = [parse(raw) for raw in server.raw if raw.startswith(b"POST /own ")]
    theirs = [parse(raw) for raw in server.raw if raw.startswith(b"POST /victim ")]
    assert [headers["webhook-id"] for _, headers, _ in theirs] == [shared[1]["id"]], "another account's event arrived"
    assert len(own) + 1 == len(server.raw) == books["delivered"]
    delivered = {row["event_id"] for row in system.audit.events() if row["account"] == account}
    assert "twice" in delivered and "doubled" not in delivered
    assert {headers["webhook-id"] for _, headers, _ in own} == delivered
    for _, headers, body in own:
        assert headers["authorization"] == "Bearer t0ken" and headers["host"] == f"127.0.0.1:{server.port}"
        Webhook(secret).verify(body, headers)
    system.assert_balanced(records=len(records) + 2)
