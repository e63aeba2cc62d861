"""Limits that make guessing expensive without locking out other users: counts of passwords and codes, and bounds on sessions."""
import concurrent.futures
import itertools
import time

import pyotp
import pytest

from support.api import Caller, problem
from support.console import Console, signed_in

CODES = 5  # guesses of a user's second factor that are checked in a quarter of an hour
WRONG_CODE, TOO_MANY = "urn:posthorn:problem:wrong-code", "urn:posthorn:problem:too-many-requests"


@pytest.fixture
def account(system):
    return system.account(dialect="merchant")


@pytest.fixture
def balanced(start_api):
    """An API that trusts X-Forwarded-For, so that a test can use any address."""
    return start_api(forwarded_for="127.0.0.0/8")


class Place:
    """An address of callers."""

    def __init__(self, api, address):
        self.api, self.headers = api, {"X-Forwarded-For": address}

    def tokens(self, email, password, **more):
        return Caller(self.api.url).post("/v1/auth/tokens", {"email": email, "password": password} | more, headers=self.headers)

    def console(self, email, password):
        console = Console(self.api.url)
        answer = console.post("/v1/console/session", {"email": email, "password": password}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return console


def wrong_code(secret):
    """Six digits that are not a code of the authenticator, now or in the next minutes."""
    good = {pyotp.TOTP(secret).at(int(time.time()) + 30 * step) for step in range(-2, 12)}
    return next(code for code in ("123456", *(f"{n:06}" for n in range(20))) if code not in good)


# Passwords ---------------------------------------------------------------------------------------------------------


def test_one_address_cannot_lock_a_user_out_everywhere(balanced, account):
    email, password, made = balanced.user(account, "--totp")
    stranger = Place(balanced, "198.51.100.7")
    answers = [stranger.tokens(email, "x" * 12).status_code for _ in range(60)]
    assert answers == [401] * 5 + [429] * 55
    code = pyotp.TOTP(made["totp_secret"]).now()
    assert Place(balanced, "203.0.113.9").tokens(email, password, otp=code).status_code == 201


def test_an_ipv6_network_counts_as_one_address(balanced, account):
    email, password, _ = balanced.user(account)
    answers = [Place(balanced, f"2001:db8:1:2::{n:x}").tokens(email, "x" * 12).status_code for n in range(1, 9)]
    assert answers == [401] * 5 + [429] * 3
    answers = [Place(balanced, f"2001:db8:1:{n:x}::1").tokens(email, "x" * 12).status_code for n in range(3, 6)]
    assert answers == [401] * 3, "other networks"
    mapped = [Place(balanced, f"::ffff:192.0.2.{n}").tokens(email, "x" * 12).status_code for n in range(1, 9)]
    assert mapped == [401] * 8, "IPv4 addresses, however they are written, are not one network of a caller"


def test_many_addresses_are_counted_for_the_user_but_not_where_he_is_known(balanced, account):
    email, password, made = balanced.user(account, "--totp")
    known = Place(balanced, "203.0.113.9")
    console = known.console(email, password)
    assert console.verify(otp=pyotp.TOTP(made["totp_secret"]).now()).status_code == 200
    answers = [Place(balanced, f"198.51.100.{n // 5}").tokens(email, "x" * 12).status_code for n in range(60)]
    assert answers == [401] * 50 + [429] * 10
    assert known.tokens(email, "x" * 12).status_code == 401, "a session from there is still open"
    problem(Place(balanced, "203.0.113.10").tokens(email, password), 429)


def test_an_address_that_is_refused_makes_no_more_rows(system, balanced):
    stranger = Place(balanced, "198.51.100.7")
    answers = [stranger.tokens(f"nobody-{n}@example.com", "x" * 12).status_code for n in range(130)]
    assert answers == [401] * 100 + [429] * 30
    assert system.db.value("select count(*) from posthorn.api_login") == 201  # the address, and 100 e-mail addresses with one pair each


# Codes -------------------------------------------------------------------------------------------------------------


def ways(api, email, password):
    """Every way to try a code of a user's second factor, each from a separate address."""
    places = (Place(api, f"198.51.100.{n}") for n in itertools.count(1))
    sessions = [place.console(email, password) for place in itertools.islice(places, 6)]
    while True:
        for console in sessions:
            place = next(places)
            yield lambda code, place=place: place.tokens(email, password, otp=code)
            yield lambda code, console=console: console.verify(otp=code)
            yield lambda code, console=console: console.verify(recovery_code=code)


def outcome(answer):
    """Whether the code was checked (401 wrong-code) or the guess refused (429)."""
    kind = answer.json()["type"]
    assert (answer.status_code, kind) in ((401, WRONG_CODE), (429, TOO_MANY)), answer.text
    return kind == WRONG_CODE


@pytest.mark.threads
@pytest.mark.parametrize("at_once", [1, 12])
def test_guesses_at_the_second_factor_count_whichever_way_they_come(system, balanced, account, at_once):
    email, password, made = balanced.user(account, "--totp")
    wrong = wrong_code(made["totp_secret"])
    attempts = list(itertools.islice(ways(balanced, email, password), 24))
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        looked_at = list(pool.map(lambda attempt: outcome(attempt(wrong)), attempts))
    assert sum(looked_at) == CODES
    Place(balanced, "192.0.2.1").console(email, password)  # signing in by password alone resets nothing
    right = pyotp.TOTP(made["totp_secret"])
    answers = [attempt(right.now()) for attempt in itertools.islice(ways(balanced, email, password), 2)]
    assert [problem(answer, 429)["type"] for answer in answers] == [TOO_MANY] * 2, "the right code, too, and everywhere"
    assert all(0 < int(answer.headers["Retry-After"]) <= 900 for answer in answers)
    system.db.query("update posthorn.api_login set since = since - interval '16 minutes' where subject like 'code:%'")
    again = Place(balanced, "192.0.2.2").console(email, password)
    assert again.verify(otp=right.now()).status_code == 200
    assert [outcome(attempt(wrong)) for attempt in itertools.islice(ways(balanced, email, password), 3)] == [True] * 3, "a right code ends the count"


def test_guesses_do_not_come_back_before_a_quarter_of_an_hour_without_any(system, balanced, account):
    """Five guesses, of which the first is nearly a quarter of an hour old: the sixth is not checked when that time has passed."""
    email, password, made = balanced.user(account, "--totp")
    wrong = wrong_code(made["totp_secret"])
    attempts = ways(balanced, email, password)
    assert outcome(next(attempts)(wrong))
    system.db.query("update posthorn.api_login set since = since - interval '14 minutes' where subject like 'code:%'")
    assert [outcome(attempt(wrong)) for attempt in itertools.islice(attempts, 4)] == [True] * 4
    system.db.query("update posthorn.api_login set since = since - interval '2 minutes' where subject like 'code:%'")
    assert not outcome(next(attempts)(wrong))


def test_confirming_a_second_factor_counts_too(api, account):
    email, password, _ = api.user(account)
    console = Console(api.url)
    console.sign_in(email, password)
    secret = console.post("/v1/console/second-factor").json()["secret"]
    confirm = "/v1/console/second-factor/confirm"
    assert [outcome(console.post(confirm, {"otp": wrong_code(secret)})) for _ in range(7)] == [True] * 5 + [False] * 2
    problem(console.post(confirm, {"otp": pyotp.TOTP(secret).now()}), 429)


# Sessions ----------------------------------------------------------------------------------------------------------


def test_sign_ins_by_password_alone_do_not_end_verified_sessions(system, api, account):
    console = signed_in(api, account)
    for _ in range(25):
        assert Console(api.url).sign_in(console.email, console.password).status_code == 200
    assert console.get("/v1/webhooks").status_code == 200
    assert system.db.value("select count(*) from posthorn.console_session where not verified") == 10


def test_the_sessions_of_a_user_are_bounded(system, api, account):
    """Many sessions, refreshed many times, use at most as many rows as the bounds allow; the newest continues."""
    penny = system.account(dialect="penny")
    email, password, _ = api.user(penny)
    user = system.db.value("select id from posthorn.api_user where email = %s", email)
    system.db.query("insert into posthorn.api_session (uuid, user_id, created_at, expires_at) select gen_random_uuid(), %s, now() - interval '1 hour', "
                    "now() + interval '1 day' from generate_series(1, 150)", user)
    tokens = api.anybody().post("/v1/auth/tokens", {"email": email, "password": password}).json()
    assert system.db.value("select count(*) from posthorn.api_session") == 100
    for _ in range(110):
        answer = api.anybody().post("/v1/auth/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 201, answer.text
        tokens = answer.json()
    assert system.db.value("select count(*) from posthorn.api_refresh") == 101
    assert Caller(api.url, tokens["token"]).get("/v1/webhooks").status_code == 200


def test_a_closed_user_keeps_no_second_factor(system, api, account):
    console = signed_in(api, account)
    system.admin("user", "close", console.email)
    (row,) = system.db.query("select totp_secret from posthorn.api_user where email = %s", console.email)
    assert row["totp_secret"] is None
