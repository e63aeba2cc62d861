"""The requests of the console to posthorn-api, without a browser."""
import pyotp

from .api import Caller

COOKIE = "__Host-posthorn_session"


class Console(Caller):
    """One browser. It keeps the cookie itself (requests sends Secure cookies only over TLS) and the CSRF token."""

    def __init__(self, base):
        super().__init__(base)
        self.cookie = self.csrf = None
        self.secret = None  # of the second factor, once it is known

    def call(self, method, path, body=None, headers=None, **options):
        given = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        given |= {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        given |= {"X-CSRF-Token": self.csrf} if self.csrf and method != "GET" else {}
        given |= headers or {}
        answer = super().call(method, path, body, headers={k: v for k, v in given.items() if v is not None}, **options)
        self.take(answer)
        return answer

    def take(self, answer):
        """Keeps the cookie, and the CSRF token of each response that shows the session, as the browser and the page do."""
        header = answer.headers.get("Set-Cookie")
        if header is not None:
            name, value = header.split(";")[0].split("=", 1)
            assert name == COOKIE
            self.cookie = value or None
        if answer.headers.get("Content-Type") == "application/json" and isinstance(answer.json(), dict):
            session = answer.json().get("session", answer.json())
            self.csrf = session.get("csrf", self.csrf) if isinstance(session, dict) else self.csrf
        return answer

    def get_session(self):
        answer = self.get("/v1/console/session")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sign_in(self, email, password):
        return self.post("/v1/console/session", {"email": email, "password": password})

    def verify(self, **given):
        return self.post("/v1/console/session/verify", given)

    def enrol(self):
        """Sets up a second factor; returns the recovery codes."""
        made = self.post("/v1/console/second-factor")
        assert made.status_code == 200, made.text
        self.secret = made.json()["secret"]
        answer = self.post("/v1/console/second-factor/confirm", {"otp": pyotp.TOTP(self.secret).now()})
        assert answer.status_code == 200, answer.text
        return answer.json()["recovery_codes"]


def signed_in(api, account, *options):
    """A browser of a new user of the account whose second factor is verified."""
    email, password, made = api.user(account, "--totp", *options)
    console = Console(api.url)
    console.email, console.password, console.secret = email, password, made["totp_secret"]
    assert console.sign_in(email, password).status_code == 200
    answer = console.verify(otp=pyotp.TOTP(console.secret).now())
    assert answer.status_code == 200, answer.text
    return console
