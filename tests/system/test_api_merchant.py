"""The merchant dialect: what the console does, over JSON."""
import base64
import hashlib
import hmac
import json

import pyotp
import pytest

from support.api import Caller, problem

GOOD = {"label": "Cart", "url": "https://example.com/hook", "events": ["product.inventory.adjusted"],
        "authentication": {"type": "none"}, "signature": {"type": "none"}}


@pytest.fixture
def account(system):
    return system.account("7qwnw4j2kmqvrb3", dialect="merchant", signature_key="merchant-key")


@pytest.fixture
def caller(api, account):
    return api.caller(account)


def test_all_of_the_fields_are_required(caller):
    for name in GOOD:
        problem(caller.post("/v1/webhooks", {k: v for k, v in GOOD.items() if k != name}), 422, f"/{name}")
    problem(caller.post("/v1/webhooks", GOOD | {"events": []}), 422, "/events")
    problem(caller.post("/v1/webhooks", GOOD | {"label": ""}), 422, "/label")


def test_the_life_of_a_webhook(system, caller, account):
    system.admin("source-key", "create", "--account", account, "--name", "web", "--secret", "source-secret")
    made = caller.post("/v1/webhooks", GOOD)
    assert made.status_code == 201, made.text
    assert {k: v for k, v in made.json().items() if k in GOOD} == GOOD and made.json()["status"] == "enabled"
    path = f"/v1/webhooks/{made.json()['id']}"
    for change in ({"label": "Other"}, {"url": "https://example.com/b"}, {"events": ["ach.settled", "cau.*"]},
                   {"signature": {"type": "signature_key"}}, {"signature": {"type": "source_key", "source_key": "web"}}):
        before = caller.get(path).json()
        after = caller.patch(path, change).json()
        assert after == before | change | {"updated_at": after["updated_at"]}
    # the password is never shown; "Reset Webhook Authentication" sets all of it again
    after = caller.patch(path, {"authentication": {"type": "basic", "username": "cart", "password": "pw"}}).json()
    assert after["authentication"] == {"type": "basic", "username": "cart"}
    assert caller.patch(path, {"authentication": {"type": "none"}}).json()["authentication"] == {"type": "none"}
    assert caller.delete(path).status_code == 204


@pytest.mark.parametrize("change, pointer", [
    ({"authentication": {"type": "digest"}}, "/authentication/type"),
    ({"authentication": {"type": "basic", "username": "a"}}, "/authentication/password"),
    ({"authentication": {"type": "basic", "username": "a:b", "password": "c"}}, "/authentication/username"),
    ({"authentication": {"type": "none", "password": "c"}}, "/authentication"),
    ({"authentication": "basic"}, "/authentication"),
    ({"signature": {"type": "md5"}}, "/signature/type"),
    ({"signature": {"type": "source_key"}}, "/signature"),
    ({"signature": {"type": "source_key", "source_key": "no such"}}, "/signature/source_key"),
    ({"signature": {"type": "none", "source_key": "web"}}, "/signature"),
    ({"events": ["transaction.authorized"]}, "/events/0"),
    ({"events": ["ach.settled", "*.settled"]}, "/events/1"),
    ({"label": 7}, "/label"),
])
def test_refusals(caller, change, pointer):
    problem(caller.post("/v1/webhooks", GOOD | change), 422, pointer)


def test_notifications_are_signed_and_authenticated_as_chosen(system, caller, account, receiver):
    system.admin("source-key", "create", "--account", account, "--name", "web", "--secret", "source-secret")
    choices = {"/none": ({"type": "none"}, {"type": "none"}),
               "/source": ({"type": "basic", "username": "u", "password": "p"}, {"type": "source_key", "source_key": "web"}),
               "/key": ({"type": "none"}, {"type": "signature_key"})}
    for path, (authentication, signature) in choices.items():
        caller.post("/v1/webhooks", GOOD | {"url": receiver.url(path), "events": ["transaction.sale.success"],
                                            "authentication": authentication, "signature": signature}).raise_for_status()
    system.dispatcher()
    system.publish(system.event(account, type="transaction.sale.success", data={"type": "transaction"}))
    (plain,), (source,), (key,) = (receiver.wait_for(1, path) for path in choices)
    assert json.loads(plain.body)["event_body"]["merchant"] == {"merch_key": account}
    assert not {"x-signature", "webhook-signature", "authorization"} & set(plain.headers)
    assert source.headers["authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
    for request, secret in ((source, b"source-secret"), (key, b"merchant-key")):
        assert request.headers["x-signature"] == hmac.new(secret, request.body, hashlib.sha256).hexdigest()
    system.wait_delivered(3)


def test_a_session_needs_the_second_factor(api, account):
    without = api.user(account)
    log_in = {"email": without[0], "password": without[1]}
    assert "second-factor" in problem(api.anybody().post("/v1/auth/tokens", log_in), 401)["type"]
    problem(api.anybody().post("/v1/auth/tokens", log_in | {"otp": "000000"}), 401)
    email, password, made = api.user(account, "--totp")
    log_in = {"email": email, "password": password}
    assert "second-factor" in problem(api.anybody().post("/v1/auth/tokens", log_in), 401)["type"]
    problem(api.anybody().post("/v1/auth/tokens", log_in | {"otp": "12345"}), 401)
    answer = api.anybody().post("/v1/auth/tokens", log_in | {"otp": pyotp.TOTP(made["totp_secret"]).now()})
    assert answer.status_code == 201
    assert Caller(api.url, answer.json()["token"]).get("/v1/webhooks").status_code == 200
    assert Caller(api.url, answer.json()["refresh_token"]).get("/v1/webhooks").status_code == 401
