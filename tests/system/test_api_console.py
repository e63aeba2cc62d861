"""The console's sessions: sign-in, second factor, CSRF, expiry, throttling; and its pages."""
import http.client
import urllib.parse

import pyotp
import pytest

from support.api import Caller, problem
from support.console import COOKIE, Console, signed_in
from support.programs import Failed, run_program

HOOK = {"label": "Cart", "url": "https://example.com/hook", "events": ["ach.settled"], "authentication": {"type": "none"},
        "signature": {"type": "none"}}


@pytest.fixture
def account(system):
    return system.account(dialect="merchant")


@pytest.fixture
def console(api, account):
    return signed_in(api, account)


def changes(system, **wanted):
    rows = system.audit.query("select * from audit.changes order by changed_at")
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


# The session -----------------------------------------------------------------------------------------------------


def test_nobody_is_signed_in(api):
    assert Console(api.url).get_session() == {"signed_in": False}
    stranger = Console(api.url)
    stranger.cookie = "0" * 64
    assert stranger.get_session() == {"signed_in": False}
    problem(stranger.get("/v1/webhooks"), 401)
    problem(Console(api.url).get("/v1/webhooks"), 401)


def test_the_way_in(api, account):
    email, password, made = api.user(account, "--totp")
    console = Console(api.url)
    answer = console.sign_in(email.upper(), password)
    assert answer.json() == console.get_session() == {
        "signed_in": True, "email": email, "account": {"key": account, "name": "", "dialect": "merchant"}, "second_factor": "enrolled",
        "verified": False, "recovery_codes_left": 0, "csrf": console.csrf}
    attributes = answer.headers["Set-Cookie"].split("; ")
    assert attributes[0].startswith(f"{COOKIE}=") and set(attributes[1:]) == {"Path=/", "Secure", "HttpOnly", "SameSite=Strict"}
    verified = console.verify(otp=pyotp.TOTP(made["totp_secret"]).now())
    assert verified.json()["verified"] is True
    assert console.get("/v1/webhooks").json() == {"webhooks": [], "next_cursor": None}
    assert console.delete("/v1/console/session").status_code == 204
    assert console.cookie is None and console.get_session() == {"signed_in": False}


def test_wrong_passwords_are_all_alike_and_throttled(api, account):
    email, password, _ = api.user(account)
    console = Console(api.url)
    wrong = problem(console.sign_in(email, "x" * 12), 401)
    assert problem(console.sign_in("nobody@example.com", "x" * 12), 401)["detail"] == wrong["detail"]
    for _ in range(4):
        problem(console.sign_in(email, "x" * 12), 401)
    answer = console.sign_in(email, password)
    problem(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 900 and console.cookie is None


def test_before_the_second_factor_only_its_routes_answer(api, account):
    """Every route of the description that an account may use, with a cookie after the password only."""
    email, password, _ = api.user(account, "--totp")
    console = Console(api.url)
    console.sign_in(email, password)
    paths = api.anybody().get("/openapi.json").json()["paths"]
    asked = 0
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method == "parameters" or operation.get("security") == [] or path.startswith("/v1/console/"):
                continue
            filled = path.replace("{id}", "0f8e6b1c-41a1-4c9d-8a49-0d3c1a5f7b11").replace("{event_id}", "e").replace(
                "{accountId}", account).replace("{webhookID}", "wbh_5249941f13564471b3be9f96a6d532c1")
            assert problem(console.call(method.upper(), filled, {}), 403)["type"] == "urn:posthorn:problem:second-factor", path
            asked += 1
    assert asked > 20


def test_the_cookie_and_the_token_change_with_each_rise_of_privilege(api, account):
    email, password, made = api.user(account, "--totp")
    planted = Console(api.url)
    planted.cookie = "ab" * 32
    planted.sign_in(email, password)
    assert planted.cookie != "ab" * 32, "never what the browser brought along"
    before, csrf = planted.cookie, planted.csrf
    planted.verify(otp=pyotp.TOTP(made["totp_secret"]).now()).raise_for_status()
    assert planted.cookie != before and planted.csrf != csrf
    old = Console(api.url)
    old.cookie = before
    assert old.get_session() == {"signed_in": False}
    verified = planted.cookie
    planted.sign_in(email, password)
    old.cookie = verified
    assert old.get_session() == {"signed_in": False}, "signing in again ends the earlier session of this browser"


def test_the_database_has_no_token(system, console):
    rows = system.db.query("select row_to_json(s)::text as row from posthorn.console_session s")
    assert rows and all(console.cookie not in row["row"] and console.csrf not in row["row"] for row in rows)


def test_a_session_ends_by_itself(system, api, account, console):
    system.db.query("update posthorn.console_session set used_at = now() - interval '29 minutes'")
    assert console.get("/v1/webhooks").status_code == 200
    (row,) = system.db.query("select used_at > now() - interval '1 minute' as fresh from posthorn.console_session")
    assert row["fresh"], "a request keeps it alive"
    for what in ("expires_at = now() - interval '1 second'", "used_at = now() - interval '31 minutes'"):
        other = signed_in(api, account)
        system.db.query(f"update posthorn.console_session set {what}")
        problem(other.get("/v1/webhooks"), 401)
        assert other.get_session() == {"signed_in": False}


def test_closing_ends_it(system, api, account, console):
    system.admin("user", "close", console.email)
    problem(console.get("/v1/webhooks"), 401)
    other = signed_in(api, account)
    system.admin("account", "close", account)
    problem(other.get("/v1/webhooks"), 401)


# CSRF --------------------------------------------------------------------------------------------------------------


def test_what_writes_needs_the_csrf_token(console, api, account):
    other = signed_in(api, account)
    for token in (None, "", "0" * 64, other.csrf, console.csrf[:-1]):
        answer = console.post("/v1/webhooks", HOOK, headers={"X-CSRF-Token": token})
        assert problem(answer, 403)["type"] == "urn:posthorn:problem:foreign-request"
    for method in ("PATCH", "PUT", "DELETE"):
        problem(console.call(method, "/v1/webhooks/0f8e6b1c-41a1-4c9d-8a49-0d3c1a5f7b11", {}, headers={"X-CSRF-Token": None}), 403)
    problem(console.call("DELETE", "/v1/console/session", headers={"X-CSRF-Token": None}), 403)
    assert console.post("/v1/webhooks", HOOK).status_code == 201


def test_pages_of_other_origins_get_nothing(console):
    for headers in ({"Origin": "https://evil.example", "Sec-Fetch-Site": None}, {"Origin": "null", "Sec-Fetch-Site": None},
                    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        problem(console.post("/v1/webhooks", HOOK, headers=headers), 403)
        problem(console.get("/v1/webhooks", headers=headers), 403)
        problem(console.get("/v1/console/session", headers=headers), 403)
        problem(console.post("/v1/console/session", {"email": console.email, "password": console.password}, headers=headers), 403)
    assert console.get_session()["signed_in"], "and the session is still there"
    assert console.get("/v1/webhooks", headers={"Origin": None, "Sec-Fetch-Site": None}).status_code == 200, "an older browser"


def test_an_api_key_needs_no_token_and_is_no_session(api, account, console):
    key = api.caller(account)
    assert key.post("/v1/webhooks", HOOK).status_code == 201
    for method, path in (("DELETE", "/v1/console/session"), ("POST", "/v1/console/session/verify"),
                         ("POST", "/v1/console/second-factor"), ("POST", "/v1/console/second-factor/confirm")):
        problem(key.call(method, path, {}), 401)
    problem(console.delete("/v1/auth/tokens"), 409)


# The second factor ---------------------------------------------------------------------------------------------------


def test_setting_up_a_second_factor(system, api, account):
    email, password, _ = api.user(account)
    console = Console(api.url)
    assert console.sign_in(email, password).json()["second_factor"] == "none"
    problem(console.verify(otp="123456"), 409)
    problem(console.post("/v1/console/second-factor/confirm", {"otp": "123456"}), 409)
    first, second = (console.post("/v1/console/second-factor").json() for _ in range(2))
    uri = urllib.parse.urlsplit(second["uri"])
    assert uri.scheme == "otpauth" and uri.netloc == "totp" and urllib.parse.unquote(uri.path) == f"/Posthorn:{email}"
    assert pyotp.parse_uri(second["uri"]).secret == second["secret"] != first["secret"]
    confirm = "/v1/console/second-factor/confirm"
    assert problem(console.post(confirm, {"otp": pyotp.TOTP(first["secret"]).now()}), 401)["type"] == "urn:posthorn:problem:wrong-code"
    before = console.cookie
    answer = console.post(confirm, {"otp": pyotp.TOTP(second["secret"]).now()})
    codes, session = answer.json()["recovery_codes"], answer.json()["session"]
    assert len(set(codes)) == 10 and session["verified"] and session["recovery_codes_left"] == 10 and console.cookie != before
    assert console.get("/v1/webhooks").status_code == 200
    problem(console.post("/v1/console/second-factor"), 409)
    problem(console.post(confirm, {"otp": pyotp.TOTP(second["secret"]).now()}), 409)
    assert any(row["before"]["second_factor_at"] is None and row["after"]["second_factor_at"] and row["actor"] == f"user:{email}"
               and str(row["address"]).startswith("127.0.0.1") for row in changes(system, object="api_user", action="update"))
    again = Console(api.url)
    again.sign_in(email, password)
    problem(again.verify(otp=pyotp.TOTP(second["secret"]).now()), 401)  # that code has confirmed it: each code is valid once


def test_a_code_is_good_once(api, account):
    email, password, made = api.user(account, "--totp")
    code = pyotp.TOTP(made["totp_secret"]).now()
    one, other = Console(api.url), Console(api.url)
    one.sign_in(email, password), other.sign_in(email, password)
    assert one.verify(otp=code).status_code == 200
    problem(other.verify(otp=code), 401)
    problem(api.anybody().post("/v1/auth/tokens", {"email": email, "password": password, "otp": code}), 401)


def test_a_recovery_code_is_good_once_and_written_down(system, api, account):
    email, password, _ = api.user(account)
    console = Console(api.url)
    console.sign_in(email, password)
    codes = console.enrol()
    for number, typed in enumerate((codes[0], codes[1].upper().replace("-", " "))):
        again = Console(api.url)
        again.sign_in(email, password)
        answer = again.verify(recovery_code=typed)
        assert answer.status_code == 200 and answer.json()["recovery_codes_left"] == 9 - number
        assert again.get("/v1/webhooks").status_code == 200
    again = Console(api.url)
    again.sign_in(email, password)
    assert problem(again.verify(recovery_code=codes[0]), 401)["type"] == "urn:posthorn:problem:wrong-code"
    problem(again.verify(recovery_code=""), 401)
    used = changes(system, object="recovery_code", action="update", actor=f"user:{email}")
    assert len(used) == 2 and "hash" not in used[0]["after"]
    assert [row["after"] for row in changes(system, object="console_session", action="verify")] == [
        {"by": "enrolment"}, {"by": "recovery code"}, {"by": "recovery code"}]
    stored = system.db.query("select encode(hash, 'escape') as hash from posthorn.recovery_code")
    assert not {row["hash"] for row in stored} & set(codes)


def test_guesses_at_the_second_factor_are_throttled(system, api, account):
    email, password, made = api.user(account, "--totp")
    one, other = Console(api.url), Console(api.url)
    one.sign_in(email, password), other.sign_in(email, password)
    wrong = ({"otp": "000000"}, {"recovery_code": "0000-0000-0000-0000"}) * 3
    for number, guess in enumerate(wrong):
        problem((one if number % 2 else other).verify(**guess), 429 if number == 5 else 401)
    answer = other.verify(otp=pyotp.TOTP(made["totp_secret"]).now())
    problem(answer, 429)  # also a correct one, and from another browser
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    system.db.query("update posthorn.api_login set since = since - interval '16 minutes'")
    assert other.verify(otp=pyotp.TOTP(made["totp_secret"]).now()).status_code == 200


def test_either_code_but_not_both(console):
    problem(console.verify(), 422)
    problem(console.verify(otp="123456", recovery_code="x"), 422)
    problem(console.verify(otp=123456), 422, "/otp")


def test_the_operator_takes_a_second_factor_away(system, api, account):
    email, password, _ = api.user(account)
    console = Console(api.url)
    console.sign_in(email, password)
    codes = console.enrol()
    assert system.admin("user", "reset-second-factor", email, "--json")["second_factor"] is False
    problem(console.get("/v1/webhooks"), 401)
    assert console.sign_in(email, password).json()["second_factor"] == "none"
    problem(console.verify(recovery_code=codes[0]), 409)
    assert len(console.enrol()) == 10
    with pytest.raises(AssertionError, match="there is no user nobody@example.com"):
        system.admin("user", "reset-second-factor", "nobody@example.com")


# What a session sees ---------------------------------------------------------------------------------------------------


def test_every_account_speaks_merchant_in_the_console(system, api):
    for dialect, event, form in (("penny", "transaction.authorized", "0f8e6b1c-41a1-4c9d-8a49-0d3c1a5f7b11"),
                                 ("devengo", "account.created", "whk_"), ("payconex", "PAYCONEX_BATCH_SETTLEMENT", "wbh_")):
        account = system.account(dialect=dialect)
        console = signed_in(api, account)
        assert event in [each["name"] for each in console.get("/v1/event-types").json()["event_types"]]
        problem(console.post("/v1/webhooks", HOOK), 422, "/events/0")  # the account's catalogue, not merchant's
        made = console.post("/v1/webhooks", HOOK | {"events": [event]})
        assert made.status_code == 201 and made.json()["label"] == "Cart", made.text
        assert made.json()["id"].startswith(form) or dialect == "penny"
        (row,) = system.db.query("select format from posthorn.webhook where uuid::text is not null order by id desc limit 1")
        assert row["format"] == dialect
        (listed,) = console.get("/v1/webhooks").json()["webhooks"]
        assert listed["id"] == made.json()["id"] and listed["authentication"] == {"type": "none"}


def test_another_account_does_not_exist(system, api, console):
    theirs = api.caller(system.account(dialect="merchant")).post("/v1/webhooks", HOOK).json()["id"]
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/secret"), ("GET", "/attempts")):
        problem(console.call(method, f"/v1/webhooks/{theirs}{rest}", {} if method != "GET" else None), 404)
    assert console.get("/v1/webhooks").json()["webhooks"] == []


# The pages ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pages(test_directory):
    folder = test_directory / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Posthorn</title>")
    (folder / "assets/index-1a2b3c4d.js").write_text("let x")
    (folder / "assets/style-1a2b3c4d.css").write_text("a {}")
    (folder / "favicon.svg").write_text("<svg/>")
    (test_directory / "secret.txt").write_text("not to be served")
    (folder / "link.txt").symlink_to(test_directory / "secret.txt")
    return folder


def test_the_pages(start_api, pages):
    anybody = Caller(start_api(console=pages).url)
    for path in ("/", "/console"):
        answer = anybody.get(path, allow_redirects=False)
        assert answer.status_code == 302 and answer.headers["Location"] == "/console/"
    for path in ("/console/", "/console/webhooks", "/console/webhooks/0f8e6b1c/deliveries"):
        page = anybody.get(path)
        assert page.status_code == 200 and page.text == (pages / "index.html").read_text()
        assert page.headers["Content-Type"] == "text/html; charset=utf-8" and page.headers["Cache-Control"] == "no-cache"
        assert page.headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin" and "camera=()" in page.headers["Permissions-Policy"]
    for name, kind in (("assets/index-1a2b3c4d.js", "text/javascript; charset=utf-8"),
                       ("assets/style-1a2b3c4d.css", "text/css; charset=utf-8"), ("favicon.svg", "image/svg+xml")):
        answer = anybody.get(f"/console/{name}")
        assert answer.text == (pages / name).read_text() and answer.headers["Content-Type"] == kind
        assert ("immutable" in answer.headers["Cache-Control"]) == name.startswith("assets/")
        again = anybody.get(f"/console/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == answer.headers["ETag"]
        assert anybody.call("HEAD", f"/console/{name}").headers["Content-Length"] == str(len(answer.content))


def test_nothing_but_the_pages(start_api, pages):
    api = start_api(console=pages)
    for path in ("/console/../secret.txt", "/console/%2e%2e/secret.txt", "/console/..%2fsecret.txt", "/console/link.txt",
                 "/console//etc/passwd.x", "/console/assets/none.js", "/console/assets/../../secret.txt"):
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)  # which leaves the path as it is
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 404 and b"not to be served" not in answer.read(), path
        connection.close()


def test_without_pages(api):
    assert "--console" in problem(api.anybody().get("/console/"), 404)["detail"]


def test_a_wrong_directory_is_refused_at_the_start(system, test_directory):
    (test_directory / "empty").mkdir()
    for directory, word in (("empty", "index.html"), ("nowhere", "No such file")):
        with pytest.raises(Failed, match=word) as failed:
            run_program("posthorn-api", ["--listen", "127.0.0.1:1"],
                        system.settings(console=test_directory / directory, kafka_properties=None, request_timeout=None), timeout=30)
        assert failed.value.status == 1
