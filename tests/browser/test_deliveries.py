"""The page of a webhook: deliveries as they happen, requests and responses, the chart, the filters, and sending again."""
import json
import re

import pytest
from playwright.sync_api import expect

from merchant import Merchant
from screens import CONSOLE
from support.api import Api
from support.receiver import answer

SALE, RETURNED = "transaction.sale.success", "ach.returned"


@pytest.fixture
def path(merchant):
    return f"/deliveries/{merchant.account}"


@pytest.fixture
def webhook(merchant, receiver, path):
    return merchant.webhook(receiver.url(path), label="Cart", events=[SALE, RETURNED],
                            authentication={"type": "basic", "username": "cart", "password": "the-password"},
                            signature={"type": "signature_key"})


def test_deliveries_and_attempts_appear_without_a_reload(console, merchant, receiver, webhook, path):
    receiver.behave(path, answer(200, body=b"thank you"))
    console.open_webhook(webhook)
    expect(console.page.get_by_text("No deliveries in this time")).to_be_visible()
    console.page.evaluate("window.sameDocument = true")
    first, = merchant.publish(type=SALE, data={"amount_detail": {"amount": "5.00"}})
    expect(console.delivery(first)).to_contain_text("Delivered")
    expect(console.delivery(first)).to_contain_text("HTTP 200")
    second, = merchant.publish(type=RETURNED)
    expect(console.delivery(second)).to_contain_text(RETURNED)
    # the newest is on top
    rows = console.page.get_by_role("table", name="Deliveries").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(second)
    expect(rows.nth(2)).to_contain_text(first)
    expect(console.page.get_by_role("img", name=re.compile("2 attempts succeeded, 0 failed"))).to_be_visible()
    assert console.page.evaluate("window.sameDocument")


def test_one_delivery_shows_the_request_every_attempt_and_the_next_try(console, merchant, receiver, webhook, path):
    receiver.behave(path, answer(503, body=b"closed for lunch"), answer(500, body=b"still closed"), answer(200, body=b"thank you"))
    console.open_webhook(webhook)
    event, = merchant.publish(type=SALE, data={"amount_detail": {"amount": "5.00"}})
    drawer = console.open_delivery(event)
    attempts = drawer.get_by_role("article")
    expect(attempts).to_have_count(3)  # they appear while the page is open
    expect(drawer.get_by_role("status", name="State of the delivery")).to_contain_text("Delivered")
    console.open_all(drawer)
    for number, (status, said) in enumerate([("HTTP 503", "closed for lunch"), ("HTTP 500", "still closed"), ("HTTP 200", "thank you")], 1):
        attempt = drawer.get_by_role("article", name=f"Attempt {number}", exact=True)
        expect(attempt).to_contain_text(status)
        expect(attempt).to_contain_text(said)
        expect(attempt).to_contain_text(re.compile(r"\d+(\.\d+)? m?s"))
    # the request as it was sent, with its secrets masked
    sent = receiver.wait_for(3, path)[-1]
    shown = drawer.get_by_role("region", name="Body of the request").inner_text()
    assert json.loads(shown) == json.loads(sent.body)
    console.button("Copy the body as it is sent", drawer).click()
    assert console.clipboard().encode() == sent.body
    expect(drawer).to_contain_text(receiver.url(path))
    for name in ("webhook-id", "Content-Type", "Authorization", "X-Signature"):
        expect(drawer).to_contain_text(re.compile(name, re.IGNORECASE))
    text = drawer.inner_text()
    assert "the-password" not in text and sent.headers["authorization"].split()[1] not in text
    assert merchant.signature_key not in text
    # the drawer is part of the address: a link to it can be sent
    console.page.reload()
    expect(console.drawer(event)).to_contain_text("closed for lunch")
    console.button("Close", console.drawer(event)).click()
    expect(console.page.get_by_role("dialog")).to_have_count(0)


def test_a_failing_webhook_shows_when_it_is_tried_next(console, merchant, receiver, webhook, path):
    receiver.behave(path, answer(500, body=b"no"), answer(500, headers={"Retry-After": "600"}))
    event, = merchant.publish(type=SALE)
    receiver.wait_for(2, path)
    row = console.row("Cart")
    expect(row).to_contain_text("Failing")
    expect(row).to_contain_text(re.compile(r"Next retry in \d+ minutes"))
    console.open_webhook(webhook)
    expect(console.delivery(event)).to_contain_text(re.compile(r"Pending.*HTTP 500.*next try in \d+ minutes", re.DOTALL))
    drawer = console.open_delivery(event)
    expect(drawer.get_by_role("status", name="State of the delivery")).to_contain_text(re.compile(r"Next try in \d+ minutes"))


def test_filters_by_event_state_time_and_id(console, merchant, receiver, webhook, path):
    failing = f"{path}/failing"
    receiver.behave(failing, answer(500, headers={"Retry-After": "600"}))
    sales, returned = merchant.publish(3, type=SALE), merchant.publish(1, type=RETURNED)
    receiver.wait_for(4, path)
    merchant.caller.patch(f"/v1/webhooks/{webhook}", {"url": receiver.url(failing)}).raise_for_status()
    waiting = merchant.publish(1, type=SALE)
    receiver.wait_for(1, failing)
    console.open_webhook(webhook)
    filters = console.page.get_by_role("search", name="Filter deliveries")

    def expect_only(events):
        for event in sales + returned + waiting:
            expect(console.delivery(event)).to_have_count(1 if event in events else 0)
    expect_only(sales + returned + waiting)
    filters.get_by_label("Event", exact=True).select_option(RETURNED)
    expect_only(returned)
    filters.get_by_label("Event", exact=True).select_option("All events")
    filters.get_by_label("State").select_option("Pending")
    expect_only(waiting)
    filters.get_by_label("State").select_option("Delivered")
    expect_only(sales + returned)
    console.page.reload()  # it is in the address
    expect_only(sales + returned)
    console.button("Clear filters").click()
    filters.get_by_label("Event ID").fill(sales[1])
    expect_only(sales[1:2])
    console.button("Clear filters").click()
    expect_only(sales + returned + waiting)
    filters.get_by_label("Time").select_option("From … to …")
    filters.get_by_label("From").fill("2020-01-01T00:00")
    filters.get_by_label("To", exact=True).fill("2020-01-02T00:00")
    expect(console.page.get_by_text("No deliveries in this time")).to_be_visible()
    filters.get_by_label("Time").select_option("Last hour")
    expect_only(sales + returned + waiting)


def test_the_chart_counts_what_the_audit_counts(console, merchant, receiver, webhook, path):
    receiver.behave(path, answer(500), answer(500), answer(200))
    merchant.publish(1, type=SALE)
    receiver.wait_for(3, path)
    merchant.publish(4, type=SALE)
    receiver.wait_for(7, path)
    console.open_webhook(webhook)
    expect(console.page.get_by_role("img", name=re.compile("5 attempts succeeded, 2 failed"))).to_be_visible()
    expect(console.page.get_by_role("img", name=re.compile("the slowest took"))).to_be_visible()
    console.page.get_by_text("Show as a table").click()
    table = console.page.get_by_role("region", name="Attempts over time, as a table").get_by_role("row")
    rows = [row.get_by_role("cell").all_inner_texts() for row in table.all()[1:]]
    assert (sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows)) == (5, 2)
    audit = merchant.posthorn.audit.query("select outcome from audit.attempts where account = %s", merchant.account)
    assert sorted(row["outcome"] for row in audit) == ["delivered"] * 5 + ["retry"] * 2


def test_a_test_event(console, merchant, receiver, webhook, path):
    receiver.behave(path, answer(200, body=b"got the test"))
    console.open_webhook(webhook)
    console.button("Send test event").click()
    dialog = console.dialog("Send a test event")
    dialog.get_by_label("Event").select_option(RETURNED)
    console.button("Send Now", dialog).click()
    drawer = console.page.get_by_role("dialog").filter(has_text=RETURNED)
    expect(drawer.get_by_role("article")).to_contain_text("Test")
    expect(drawer.get_by_role("article")).to_contain_text("HTTP 200")
    (request,) = receiver.wait_for(1, path)
    assert json.loads(request.body)["event_type"] == RETURNED and "x-signature" in request.headers


def test_redelivering_one(console, merchant, receiver, webhook, path):
    event, = merchant.publish(type=SALE)
    receiver.wait_for(1, path)
    console.open_webhook(webhook)
    drawer = console.open_delivery(event)
    console.button("Redeliver", drawer).click()
    expect(drawer.get_by_role("article")).to_have_count(2)
    expect(drawer.get_by_role("article").first).to_contain_text("Redelivery")
    first, second = receiver.wait_for(2, path)
    assert first.body == second.body and first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.fixture
def impatient(system, test_directory):
    """posthorn-api of a Posthorn that gives up after the second attempt, not after days. A test lists it before open_screens:
    a page that is still open when its server stops would report an error."""
    system.dispatcher(retry_schedule="100ms")
    api = Api(system, test_directory, console=CONSOLE).start()
    yield api
    api.stop()


def test_redelivering_all_that_failed_with_progress(impatient, open_screens, receiver):
    merchant = Merchant(impatient.system, impatient)
    path = f"/deliveries/{merchant.account}"
    receiver.behave(path, answer(500))
    webhook = merchant.webhook(receiver.url(path), label="Cart")
    failed = merchant.publish(4)
    console = open_screens(at=impatient)
    console.enter(merchant)
    console.open_webhook(webhook)
    state = console.page.get_by_role("search").get_by_label("State")
    state.select_option("Failed")
    for event in failed:
        expect(console.delivery(event)).to_contain_text("Failed")
    receiver.behave(path, answer(200))
    before = receiver.count(path)
    console.button("Redeliver all failed").click()
    dialog = console.dialog("Redeliver all failed")
    console.button("Redeliver", dialog).click()
    expect(dialog).to_contain_text("All 4 deliveries left the queue")
    assert dialog.get_by_role("progressbar").evaluate("bar => [bar.value, bar.max]") == [4, 4]
    requests = receiver.wait_for(before + 4, path)[before:]
    assert {r.headers["webhook-id"] for r in requests} == set(failed) and len(requests) == 4
    console.button("Close", dialog).click()
    state.select_option("Delivered")
    for event in failed:
        expect(console.delivery(event)).to_contain_text("Delivered")


def test_disable_and_enable(console, merchant, receiver, webhook, path):
    console.open_webhook(webhook)
    console.button("Disable").click()
    expect(console.page.get_by_text("Nothing is sent to this webhook")).to_be_visible()
    expect(console.button("Send test event")).to_be_disabled()
    merchant.publish(type=SALE)
    merchant.posthorn.wait_consumed()  # while the webhook is disabled
    console.button("Enable").click()
    expect(console.page.get_by_text("Nothing is sent to this webhook")).to_have_count(0)
    event, = merchant.publish(type=SALE)
    (request,) = receiver.wait_for(1, path)
    assert request.headers["webhook-id"] == event
    expect(console.delivery(event)).to_contain_text("Delivered")
    assert receiver.count(path) == 1
