"""The sample events of the four products are delivered in the products' formats, field by field; and the two open formats."""
import json
import re

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook

PENNY_DATA = {"id": "txn_1", "amount": 1250, "currency": "USD", "card": {"last4": "4242"}}

# The bytes of this one are important: its amounts are texts, and a number written as 5.00 must not change.
MERCHANT_DATA = (
    '{ "type": "transaction", "key": "1nftvzx7xtcggm3", "amount_detail": {"amount": "5.00"}, "authcode": "538228", '
    '"tip": 5.00, "big": 12345678901234567890.10, "note": "caf\\u00e9 \\/ café" }')
MERCHANT_ID = "c088bc2884a2c3b4043991b04d96ceda7c65043778233dedb26bfd5853705dfd"

PAYCONEX_DATA = {
    "updateId": "aupres_5249941f13564471b3be9f96a6d532c1",
    "url": "https://api.payconex.net/api/v4/accounts/{account}/account-updater/updates/{updateId}",
}

DEVENGO_OBJECT = {
    "id": "acc_4JuSDCyaSckH1N0YC8cH4d", "status": "active", "created_at": "2023-08-17T14:27:05Z", "name": "Testing webhooks",
    "bank": {"name": "Prepaid Financial Services Limited, S.E", "bic": "PFSSESM1XXX"},
    "identifiers": [{"type": "iban", "iban": "ES9267130002000000000226"}],
    "currency": "EUR",
    "balance": {"total": {"cents": 0, "currency": "EUR"}, "available": {"cents": 0, "currency": "EUR"}},
    "metadata": {}, "closed_at": None,
}


class Shapes:
    """One webhook of each format, and the requests that they received."""

    def __init__(self, system, receiver):
        self.system = system
        self.receiver = receiver

    def subscribe(self, dialect, events, key=None, **options):
        self.account = self.system.account(key, dialect=dialect)
        self.hook = self.system.webhook(self.account, self.receiver.url(f"/{dialect}"), events=events, **options)
        return self.account

    def received(self, event, path):
        """The only request for the event, its body as JSON."""
        self.receiver.wait_for(1, path)
        (request,) = [r for r in self.receiver.requests(path) if r.headers["webhook-id"] == event["id"]]
        return request, json.loads(request.body)


@pytest.fixture
def shapes(system, receiver):
    system.dispatcher()
    return Shapes(system, receiver)


def test_products(shapes):
    system = shapes.system
    events = {}

    account = shapes.subscribe("penny", "transaction.authorized")
    events["penny"] = system.event(account, data=PENNY_DATA)
    account = shapes.subscribe("merchant", "transaction.sale.success", key="7qwnw4j2kmqvrb3")
    events["merchant"] = system.event(account, "transaction.sale.success", id=MERCHANT_ID, time="2021-04-07T15:14:26Z")
    account = shapes.subscribe("payconex", "ACCOUNT_UPDATER_BATCH_UPDATES", key="220615031547")
    payconex_hook = shapes.hook
    events["payconex"] = system.event(account, "ACCOUNT_UPDATER_BATCH_UPDATES", data=PAYCONEX_DATA)
    account = shapes.subscribe("devengo", "account.created,account.activated")
    devengo_hook = shapes.hook
    events["devengo"] = system.event(account, "account.created", id="evt_4AzCpWGzp4NAJURIwaOwXR", data=DEVENGO_OBJECT,
                                     time="2023-08-17T14:27:05Z")
    system.publish(*(event for name, event in events.items() if name != "merchant"))
    merchant = events["merchant"]
    system.topics.produce(system.topic, [{
        "key": merchant["account"], "value": MERCHANT_DATA,
        "headers": [(f"ce_{name}", merchant[name]) for name in ("id", "type", "time", "account")],
    }])
    system.wait_delivered(4)

    _, body = shapes.received(events["penny"], "/penny")
    assert list(body) == ["event_id", "event_identifier", "data"]
    assert body == {"event_id": events["penny"]["id"], "event_identifier": "transaction.authorized", "data": PENNY_DATA}

    request, body = shapes.received(merchant, "/merchant")
    assert list(body) == ["type", "event_triggered", "event_type", "event_body", "event_id"]
    assert body == {
        "type": "event", "event_triggered": "2021-04-07 15:14:26", "event_type": "transaction.sale.success",
        "event_body": {"merchant": {"merch_key": "7qwnw4j2kmqvrb3"}, "object": json.loads(MERCHANT_DATA)}, "event_id": MERCHANT_ID}
    assert MERCHANT_DATA.encode() in request.body, "the data must keep its bytes"

    _, body = shapes.received(events["payconex"], "/payconex")
    assert list(body) == ["id", "wbhid", "event", "payload"]
    assert re.fullmatch("not_[0-9a-f]{32}", body["id"])
    assert re.fullmatch("wbh_[0-9a-f]{32}", body["wbhid"]) and body["wbhid"] == payconex_hook["id"]
    assert (body["event"], body["payload"]) == ("ACCOUNT_UPDATER_BATCH_UPDATES", PAYCONEX_DATA)

    request, body = shapes.received(events["devengo"], "/devengo")
    assert list(body) == ["id", "api_version", "type", "created_at", "data"]
    assert body == {"id": "evt_4AzCpWGzp4NAJURIwaOwXR", "api_version": "v1", "type": "account.created",
                    "created_at": "2023-08-17T14:27:05Z", "data": {"object": DEVENGO_OBJECT}}
    assert re.fullmatch("[0-9a-f]{40}", devengo_hook["secret"]) and re.fullmatch("whk_[0-9A-Za-z]{22}", devengo_hook["id"])
    system.assert_balanced(records=4)


def test_ids_made_for_the_product(shapes):
    """An id of another form: each product has its own form, which is the same for all webhooks, except for payconex, where each
    notification has its own id."""
    system = shapes.system
    accounts = {dialect: system.account(dialect=dialect) for dialect in ("merchant", "payconex", "devengo")}
    for dialect, account in accounts.items():
        system.webhooks(account, [shapes.receiver.url(f"/{dialect}/{n}") for n in (1, 2)], events="*")
    events = [system.event(account, "some.type", id="order-17") for account in accounts.values()]
    system.publish(*events)
    system.wait_delivered(6)

    def ids(dialect, member):
        bodies = [json.loads(request.body) for n in (1, 2) for request in shapes.receiver.requests(f"/{dialect}/{n}")]
        return [body[member] for body in bodies]

    one, other = ids("merchant", "event_id")
    assert one == other and re.fullmatch("[0-9a-f]{64}", one)
    one, other = ids("devengo", "id")
    assert one == other and re.fullmatch("evt_[0-9A-Za-z]{22}", one)
    one, other = ids("payconex", "id")
    assert one != other and all(re.fullmatch("not_[0-9a-f]{32}", each) for each in (one, other))
    system.assert_balanced(records=3)


def test_open_formats(shapes):
    system = shapes.system
    account = system.account(dialect="penny")
    system.webhook(account, shapes.receiver.url("/cloudevents"), format="cloudevents")
    standard = system.webhook(account, shapes.receiver.url("/standard"), format="standard")
    event = system.event(account, data={"amount": 5, "text": "ünï"}, time="2026-01-02T03:04:05Z", source="/shop/till-4")
    system.publish(event, form="structured")
    system.wait_delivered(2)

    request, _ = shapes.received(event, "/cloudevents")
    read = from_http_event(HTTPMessage(headers=request.headers, body=request.body))
    assert (read.get_id(), read.get_type(), read.get_source(), read.get_specversion()) == (
        event["id"], event["type"], "/shop/till-4", "1.0")
    assert read.get_time().isoformat() == "2026-01-02T03:04:05+00:00"
    assert read.get_attributes()["account"] == account
    assert read.get_data() == event["data"]

    request, body = shapes.received(event, "/standard")
    assert Webhook(standard["secret"]).verify(request.body, request.headers) == body
    assert body == {"type": event["type"], "timestamp": "2026-01-02T03:04:05Z", "data": event["data"]}
