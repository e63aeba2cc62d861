"""The main path: an event in Kafka becomes a signed request and a row in the audit."""
import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from support.kafka import FORMS


@pytest.mark.parametrize("form", FORMS)
def test_event_arrives_signed_and_recorded(system, receiver, form):
    account = system.account(dialect="penny")
    webhook = system.webhook(account, receiver.url("/hook"), events="transaction.authorized")
    system.dispatcher()
    event = system.event(account, data={"amount": 100, "note": "grüße"})
    system.publish(event, form=form)

    (request,) = receiver.wait_for(1, "/hook")
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == event["id"]
    assert json.loads(request.body)["data"] == event["data"]

    verifier = Webhook(webhook["secret"])
    assert verifier.verify(request.body, request.headers) == json.loads(request.body)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(bytes([request.body[0] ^ 1]) + request.body[1:], request.headers)

    system.wait_delivered(1)
    (attempt,) = system.audit.attempts(event["id"])
    assert (attempt["account"], attempt["attempt"], attempt["outcome"], attempt["http_status"]) == (account, 1, "delivered", 200)
    assert attempt["url"] == receiver.url("/hook")
    system.assert_balanced(records=1)
