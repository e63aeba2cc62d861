"""The devengo dialect: the curl lines of the seed's document, run by a shell with only host and credentials changed."""
import base64
import json
import re
import subprocess

import pyotp
import pytest
from standardwebhooks import Webhook

from support.api import Caller, problem

# As the document prints them.
TOKEN = """curl -X POST 'https://api.sandbox.devengo.com/v1/auth/tokens' \\
-H 'Content-Type: application/json' \\
-d '{"email": "[email protected]", "password": "your_password"}'
"""
CREATE = """curl -X POST https://api.sandbox.devengo.com/v1/webhooks \\
-H 'Content-Type: application/json' \\
-H 'Authorization: Bearer THE_SESSION_TOKEN' \\
-d '
{
"url": "https://en53hafv65f7c.x.pipedream.net",
"description": "My webhook example"
}'
"""
EVENTS = """account.activated account.closed account.created account.deactivated account.delayed incoming_payment.confirmed
incoming_payment.created incoming_payment.rejected outgoing_payment.blocked outgoing_payment.confirmed
outgoing_payment.created outgoing_payment.delayed outgoing_payment.denied outgoing_payment.pending
outgoing_payment.processing outgoing_payment.rejected outgoing_payment.retrying outgoing_payment.reversed
outgoing_payment.validating verification.confirmed verification.created verification.delivered verification.expired
verification.failed verification.rejected""".split()


def curl(api, line, **changed):
    line = line.replace("https://api.sandbox.devengo.com", api.url)
    for old, new in changed.items():
        line = line.replace(old, new)
    done = subprocess.run(["bash", "-c", line.replace("curl ", "curl --silent --noproxy '*' ")], capture_output=True,
                          text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def account(system):
    return system.account(dialect="devengo")


@pytest.fixture
def user(api, account):
    return api.user(account)


def log_in(api, user, **more):
    return api.anybody().post("/v1/auth/tokens", {"email": user[0], "password": user[1]} | more)


def session(api, user):
    return Caller(api.url, log_in(api, user).json()["token"])


def test_the_documents_curl_lines(system, api, account, user, receiver):
    line = TOKEN.replace("[email protected]", user[0])
    tokens = curl(api, line, your_password=user[1])
    assert sorted(tokens) == ["refresh_token", "token"]
    header = json.loads(base64.urlsafe_b64decode(tokens["token"].split(".")[0] + "=="))
    assert header["alg"] == "HS256"

    made = curl(api, CREATE.replace("https://en53hafv65f7c.x.pipedream.net", receiver.url("/hook")),
                THE_SESSION_TOKEN=tokens["token"])
    webhook = made["webhook"]
    assert list(made) == ["webhook"]
    assert sorted(webhook) == ["description", "id", "listened_events", "secret", "status", "url"]
    assert re.fullmatch("whk_[0-9A-Za-z]{22}", webhook["id"]) and re.fullmatch("[0-9a-f]{40}", webhook["secret"])
    assert webhook["status"] == "enabled" and webhook["description"] == "My webhook example"
    assert webhook["listened_events"] == EVENTS

    system.dispatcher()
    event = system.event(account, type="account.created", data={"id": "acc_1"})
    system.publish(event)
    (request,) = receiver.wait_for(1, "/hook")
    body = Webhook(base64.b64encode(webhook["secret"].encode()).decode()).verify(request.body, request.headers)
    assert body["type"] == "account.created" and body["data"] == {"object": {"id": "acc_1"}}
    assert Caller(api.url, tokens["token"]).get(f"/v1/events/{body['id']}").json()["event_id"] == event["id"]
    system.wait_delivered(1)


def test_the_life_of_a_webhook(api, user):
    caller = session(api, user)
    made = caller.post("/v1/webhooks", {"url": "https://example.com/a", "listened_events": ["account.closed"]}).json()["webhook"]
    secret = made.pop("secret")
    path = f"/v1/webhooks/{made['id']}"
    assert caller.get(path).json() == {"webhook": made}, "the secret is shown once"
    changed = caller.patch(path, {"description": "second"}).json()["webhook"]
    assert changed == made | {"description": "second"}
    assert caller.patch(path, {"status": "disabled"}).json()["webhook"]["status"] == "disabled"
    assert caller.get("/v1/webhooks").json() == {"webhooks": [changed | {"status": "disabled"}], "next_cursor": None}
    problem(caller.patch(path, {"listened_events": []}), 422, "/listened_events")
    rotated = caller.post(f"{path}/secret").json()
    assert re.fullmatch("[0-9a-f]{40}", rotated["secret"]) and rotated["secret"] != secret
    assert caller.delete(path).status_code == 204
    problem(caller.get(path), 404)


@pytest.mark.threads
def test_refresh_tokens_are_good_once(system, api, account, user):
    first = log_in(api, user).json()
    second = api.anybody().post("/v1/auth/tokens/refresh", {"refresh_token": first["refresh_token"]})
    assert second.status_code == 201, second.text
    caller = Caller(api.url, second.json()["token"])
    assert caller.get("/v1/webhooks").status_code == 200
    # a second use means that the first token was stolen: the whole session ends
    problem(api.anybody().post("/v1/auth/tokens/refresh", {"refresh_token": first["refresh_token"]}), 401)
    problem(caller.get("/v1/webhooks"), 401)
    problem(api.anybody().post("/v1/auth/tokens/refresh", {"refresh_token": second.json()["refresh_token"]}), 401)
    assert log_in(api, user).status_code == 201


def test_tokens_of_the_wrong_kind_are_refused(api, user):
    tokens = log_in(api, user).json()
    problem(Caller(api.url, tokens["refresh_token"]).get("/v1/webhooks"), 401)
    problem(api.anybody().post("/v1/auth/tokens/refresh", {"refresh_token": tokens["token"]}), 401)
    head, body, signature = tokens["token"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    for forged in (f"{none}.{body}.", f"{none}.{body}.{signature}", f"{head}.{body}.{signature[:-2]}AA", f"{head}.{body}."):
        problem(Caller(api.url, forged).get("/v1/webhooks"), 401)


def test_log_out_ends_the_session(api, user):
    tokens = log_in(api, user).json()
    caller = Caller(api.url, tokens["token"])
    assert caller.delete("/v1/auth/tokens").status_code == 204
    problem(caller.get("/v1/webhooks"), 401)
    problem(api.anybody().post("/v1/auth/tokens/refresh", {"refresh_token": tokens["refresh_token"]}), 401)


def test_a_token_is_good_at_every_copy_and_only_for_its_time(start_api, account):
    one = start_api(token_time="1s")
    user = one.user(account)
    other = start_api()
    token = log_in(other, user).json()["token"]
    assert Caller(one.url, token).get("/v1/webhooks").status_code == 200
    short = log_in(one, user).json()["token"]
    payload = json.loads(base64.urlsafe_b64decode(short.split(".")[1] + "=="))
    assert payload["exp"] - payload["iat"] == 1


def test_guessing_passwords_is_throttled(api, user):
    answers = [api.anybody().post("/v1/auth/tokens", {"email": user[0], "password": "wrong"}) for _ in range(7)]
    assert [a.status_code for a in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    problem(log_in(api, user), 429)  # even with the correct one
    nobody = api.anybody().post("/v1/auth/tokens", {"email": "nobody@example.com", "password": "wrong"})
    assert problem(nobody, 401)["detail"] == answers[0].json()["detail"]


def test_a_closed_user_is_out(system, api, user):
    caller = session(api, user)
    assert caller.get("/v1/webhooks").status_code == 200
    system.admin("user", "close", user[0])
    problem(caller.get("/v1/webhooks"), 401)
    problem(log_in(api, user), 401)


def test_the_second_factor_is_asked_for_when_it_is_there(api, account):
    user = api.user(account, "--totp")
    assert "second-factor" in problem(log_in(api, user), 401)["type"]
    code = pyotp.TOTP(user[2]["totp_secret"]).now()
    answer = log_in(api, user, otp=code)
    assert answer.status_code == 201, answer.text
    problem(log_in(api, user, otp=code), 401)  # valid once
