"""An account and a user who works for it: creates them, and computes the codes of the authenticator."""
import secrets
import time

import pyotp

from support.waiting import wait_until

STEP = 30  # seconds for which a code is valid


class Merchant:
    """A user of a separate account. `totp`: whether the user already has a second factor."""

    def __init__(self, posthorn, api, totp=True, **account):
        self.posthorn = posthorn
        self.api = api
        self.signature_key = f"signature-key-{secrets.token_hex(8)}"
        self.account = posthorn.account(dialect="merchant", signature_key=self.signature_key, **account)
        self.email, self.password, made = api.user(self.account, *(["--totp"] if totp else []))
        self.authenticator = pyotp.TOTP(made["totp_secret"]) if totp else None
        self.used, self.used_step = None, 0
        self._caller = None

    @property
    def caller(self):
        """The same account through the API, with a key."""
        self._caller = self._caller or self.api.caller(self.account)
        return self._caller

    def source_key(self, name):
        """A source key; returns its text."""
        key = f"source-key-{secrets.token_hex(8)}"
        self.posthorn.admin("source-key", "create", "--account", self.account, "--name", name, "--secret", key)
        return key

    def code(self):
        """A code that was not used yet. Each is valid once; the one of the next half minute is already valid, so that waiting
        for a second one is seldom necessary."""
        def fresh():
            now = int(time.time())
            step = max(now // STEP, self.used_step + 1)
            # nor one that expires while it is typed
            return step if step <= now // STEP + 1 and (step > now // STEP or now % STEP < STEP - 5) else None
        self.used_step = wait_until(fresh, 3 * STEP, "a code of the authenticator that was not used", every=0.1)
        self.used = self.authenticator.at(self.used_step * STEP)
        return self.used

    def webhook(self, url, **fields):
        """Creates a webhook with the API; returns its id."""
        body = {"label": "Cart", "url": url, "events": ["transaction.sale.success"], "authentication": {"type": "none"},
                "signature": {"type": "none"}} | fields
        answer = self.caller.post("/v1/webhooks", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def publish(self, count=1, type="transaction.sale.success", **fields):
        """Publishes events of the account to Kafka; returns their ids."""
        events = [self.posthorn.event(self.account, type=type, **fields) for _ in range(count)]
        self.posthorn.publish(*events)
        return [event["id"] for event in events]

    def end_sessions(self):
        """Makes the session expire, as if the user had been away for too long."""
        self.posthorn.db.query("delete from posthorn.console_session s using posthorn.api_user u where u.id = s.user_id and u.email = %s",
                               self.email)
