"""The proof of a request's origin for a receiver, checked with other libraries and manually."""
import base64
import hashlib
import hmac
import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

SIGNATURE_HEADERS = {"webhook-signature", "x-signature"}


def x_signature(key, body):
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def only(receiver, path):
    (request,) = receiver.wait_for(1, path)
    return request


def test_kinds(system, receiver):
    """Every kind of signature and authentication, on one event."""
    account = system.account(dialect="merchant", signature_key="the merchant's own key")
    system.admin("source-key", "create", "--account", account, "--name", "till", "--secret", "the source key's secret")
    hooks = {
        "standard": system.webhook(account, receiver.url("/standard"), signature="standard"),
        "source": system.webhook(account, receiver.url("/source"), signature="source_key", source_key="till"),
        "merchant": system.webhook(account, receiver.url("/merchant"), signature="signature_key"),
        "none": system.webhook(account, receiver.url("/none"), signature="none"),
        "basic": system.webhook(account, receiver.url("/basic"), auth="basic", username="Aladdin", password="open sesame: ü"),
        "bearer": system.webhook(account, receiver.url("/bearer"), auth="bearer", token="a.b-c~d+e/f=="),
    }
    system.dispatcher()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    event = system.event(account, "ach.settled", traceparent=trace)
    system.publish(event)
    requests = {name: only(receiver, f"/{name}") for name in hooks}

    for name, request in requests.items():
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["webhook-id"] == event["id"]
        assert request.headers["webhook-timestamp"].isdigit()
        assert request.headers["user-agent"].startswith("posthorn/")
        assert request.headers["traceparent"] == trace
        assert len(request.headers) == len(request.header_list), "a header occurs twice"
        if name not in ("basic", "bearer"):
            assert "authorization" not in request.headers

    for name in ("standard", "source", "merchant"):
        request = requests[name]
        assert Webhook(hooks[name]["secret"]).verify(request.body, request.headers) == json.loads(request.body)
    assert requests["source"].headers["x-signature"] == x_signature("the source key's secret", requests["source"].body)
    assert requests["merchant"].headers["x-signature"] == x_signature("the merchant's own key", requests["merchant"].body)
    assert "x-signature" not in requests["standard"].headers
    for name in ("none", "basic", "bearer"):
        assert not SIGNATURE_HEADERS & set(requests[name].headers), "the default of merchants is no signature"
    assert requests["basic"].headers["authorization"] == "Basic " + base64.b64encode("Aladdin:open sesame: ü".encode()).decode()
    assert requests["bearer"].headers["authorization"] == "Bearer a.b-c~d+e/f=="
    system.wait_delivered(len(hooks))
    system.assert_balanced(records=1)


def test_flipped_byte_fails(system, receiver):
    """Body, id and timestamp are covered."""
    account = system.account(dialect="penny")
    verifier = Webhook(system.webhook(account, receiver.url("/hook"))["secret"])
    system.dispatcher()
    system.publish(system.event(account))
    request = only(receiver, "/hook")
    verifier.verify(request.body, request.headers)
    for at in (0, len(request.body) // 2, len(request.body) - 1):
        flipped = bytearray(request.body)
        flipped[at] ^= 1
        with pytest.raises(WebhookVerificationError):
            verifier.verify(bytes(flipped), request.headers)
    other_second = str(int(request.headers["webhook-timestamp"]) + 1)
    for name, value in (("webhook-id", request.headers["webhook-id"] + "x"), ("webhook-timestamp", other_second)):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(request.body, request.headers | {name: value})


def test_rotation(system, receiver):
    """While a secret is rotated, both sign; after the overlap only the new one does. The devengo dialect's secret is 40
    hexadecimal digits, whose characters are the key."""
    penny, devengo = system.account(dialect="penny"), system.account(dialect="devengo")
    hooks = {"penny": system.webhook(penny, receiver.url("/penny")), "devengo": system.webhook(devengo, receiver.url("/devengo")),
             "at-once": system.webhook(penny, receiver.url("/at-once"))}
    system.dispatcher()

    def verifier(hook):
        secret = hook["secret"]
        return Webhook(secret if secret.startswith("whsec_") else base64.b64encode(secret.encode()).decode())

    def receive():
        receiver.forget()
        system.publish(system.event(penny), system.event(devengo))
        return {name: only(receiver, f"/{name}") for name in hooks}

    for name, request in receive().items():
        verifier(hooks[name]).verify(request.body, request.headers)
    rotated = {name: system.admin("webhook", "rotate-secret", hook["id"], "--overlap", "0s" if name == "at-once" else "1h", "--json")
               for name, hook in hooks.items()}
    assert all(rotated[name]["secret"] != hooks[name]["secret"] for name in hooks)
    for name, request in receive().items():
        verifier(rotated[name]).verify(request.body, request.headers)
        if name == "at-once":
            with pytest.raises(WebhookVerificationError):
                verifier(hooks[name]).verify(request.body, request.headers)
        else:
            verifier(hooks[name]).verify(request.body, request.headers)
    system.wait_delivered(6)
    system.assert_balanced(records=4)
