"""Adding, editing and deleting webhooks in the dialogs of the merchants' documentation, and the requests that then arrive at the URL."""
import base64
import hashlib
import hmac
import json
import re

import pytest
from playwright.sync_api import expect

from support.waiting import wait_until

SALE, RETURNED = "transaction.sale.success", "ach.returned"
AUTHENTICATIONS = {"none": None, "basic": ("cart", "pass:wörd \"quoted\"")}
SIGNATURES = ("None", "Source Key", "Signature Key")


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("authentication", AUTHENTICATIONS)
def test_an_added_webhook_receives_what_was_chosen(console, merchant, receiver, authentication, signature):
    """From the form through PostgreSQL and Kafka to the receiver."""
    keys = {"Source Key": merchant.source_key("web"), "Signature Key": merchant.signature_key}
    merchant.source_key("another")
    console.page.reload()
    basic = AUTHENTICATIONS[authentication]
    path = f"/form/{merchant.account}"
    console.add(label="Shopping cart", url=receiver.url(path), events=[SALE, RETURNED], basic=basic, signature=signature,
                source_key="web" if signature == "Source Key" else None)
    row = console.row("Shopping cart")
    for text in (receiver.url(path), SALE, "No deliveries yet"):
        expect(row).to_contain_text(text)

    merchant.publish(type="ach.settled")  # not chosen
    event, other = merchant.publish(type=SALE, data={"amount_detail": {"amount": "5.00"}}) + merchant.publish(type=RETURNED)
    requests = receiver.wait_for(2, path)
    bodies = {json.loads(r.body)["event_type"]: json.loads(r.body) for r in requests}
    assert set(bodies) == {SALE, RETURNED} and len(requests) == 2
    assert bodies[SALE]["event_body"] == {"merchant": {"merch_key": merchant.account}, "object": {"amount_detail": {"amount": "5.00"}}}
    for request in requests:
        expected = None if basic is None else "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        assert request.headers.get("authorization") == expected
        signed = keys.get(signature) and hmac.new(keys[signature].encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers.get("x-signature") == signed


def test_the_events_are_searched_by_name_and_description_and_chosen(console):
    form = console.open_add()
    options = form.get_by_role("checkbox")
    expect(options.first).to_be_visible()
    everything = options.count()
    assert everything >= 23
    form.get_by_label("Search events").fill("chargeback-of-no-kind")
    expect(options).to_have_count(0)
    form.get_by_label("Search events").fill("account closure")  # words of the description
    expect(options).to_have_count(1)
    options.check()
    form.get_by_label("Search events").fill("ach.set")
    form.get_by_role("checkbox", name="ach.settled").check()
    chosen = form.get_by_role("list", name="Chosen events").get_by_role("listitem")
    expect(chosen).to_have_count(2)
    console.button("Remove ach.settled", form).click()
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_text("cau.account_closed")
    # Escape first empties the search, and only then applies to the form
    form.get_by_label("Search events").press("Escape")
    expect(options).to_have_count(everything)
    expect(form).to_be_visible()


FIELD_ERRORS = [
    ("Webhook Label", "", "label"), ("Webhook Label", "x" * 251, "at most 250"),
    ("Hook URL", "", "Enter the URL"), ("Hook URL", "ftp://example.com/", "begin with https"),
    ("Hook URL", "https://exa mple.com/", "spaces"), ("Hook URL", "https://user:pw@example.com/", "Authentication"),
    ("Hook URL", "https://example.com/#part", "#"), ("Hook URL", "https://", "complete"),
    ("Hook URL", "https://example.com/" + "x" * 2048, "at most 2048"),
    ("Username", "", "user name"), ("Username", "a:b", "colon"), ("Username", "x" * 61, "at most 60"),
    ("Password", "", "password"), ("Password", "x" * 1001, "at most 1000"),
]


def test_every_field_is_checked_as_one_types(console):
    """Each error appears without sending anything, is tied to its field for screen readers, and disappears when it is corrected."""
    form = console.open_add()
    console.fill(form, label="Cart", url="https://example.com/", events=[SALE], basic=("cart", "secret"), signature="None")
    before = len(console.watch.requests)
    for name, wrong, said in FIELD_ERRORS:
        field = form.get_by_label(name)
        good = field.input_value()
        field.fill(wrong)
        field.blur()
        expect(field, f"{name}: {wrong[:30]!r}").to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(re.escape(said), re.IGNORECASE))
        field.fill(good)
        expect(field).not_to_have_attribute("aria-invalid", "true")
    assert [request for request in console.watch.requests[before:] if request[0] != "GET"] == []


def test_all_of_the_fields_are_required(console, merchant):
    form = console.open_add()
    console.choose(form, "Authentication", "Basic")
    console.button("Add Hook", form).click()
    for name in ("Webhook Label", "Hook URL", "Username", "Password"):
        expect(form.get_by_label(name)).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_role("group", name="Events", exact=True)).to_contain_text("Choose one event or more")
    # the first wrong field has the focus
    expect(form.get_by_label("Webhook Label")).to_be_focused()
    assert merchant.caller.get("/v1/webhooks").json()["webhooks"] == []


def test_what_only_the_server_knows_stands_at_its_field(console, merchant):
    """A URL that no check in the browser can refuse, and a source key that was removed while the form was open."""
    console.watch.expect_status(422)
    form = console.open_add()
    console.fill(form, label="Cart", url="http://169.254.169.254/latest/meta-data", events=[SALE], signature="None")
    console.button("Add Hook", form).click()
    url = form.get_by_label("Hook URL")
    expect(url).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Webhook Label")).to_have_value("Cart")
    url.fill("https://example.com/hook")
    expect(url).not_to_have_attribute("aria-invalid", "true")
    console.button("Add Hook", form).click()
    expect(form).to_have_count(0)
    assert [w["url"] for w in merchant.caller.get("/v1/webhooks").json()["webhooks"]] == ["https://example.com/hook"]


def test_the_buttons_stand_where_the_documentation_says(console, merchant):
    form = console.open_add()
    parts = (console.button("Close", form), console.button("Add Hook", form), form)

    def boxes():  # none has one while the form is drawn again because its choices have arrived
        found = [part.bounding_box() for part in parts]
        return found if all(found) else None
    close, add, box = wait_until(boxes, 30, "the form is drawn")
    assert close["x"] < box["x"] + box["width"] / 3 and add["x"] + add["width"] > box["x"] + box["width"] * 2 / 3
    assert min(close["y"], add["y"]) > box["y"] + box["height"] * 2 / 3


def test_closing_the_form_adds_nothing(console, merchant):
    form = console.open_add()
    console.fill(form, label="Half", url="https://example.com/half")
    console.button("Close", form).click()
    expect(form).to_have_count(0)
    # Escape, which may be pressed by accident, asks first
    form = console.open_add()
    console.fill(form, label="Half")
    form.get_by_label("Webhook Label").press("Escape")
    console.button("Abandon Changes").click()
    expect(form).to_have_count(0)
    form = console.open_add()
    expect(form.get_by_label("Webhook Label")).to_have_value("")
    console.page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert merchant.caller.get("/v1/webhooks").json()["webhooks"] == []


def test_editing_all_fields_and_keeping_or_resetting_the_authentication(console, merchant, receiver):
    path = f"/edit/{merchant.account}"
    webhook = merchant.webhook(receiver.url("/before"), label="Cart", authentication={"type": "basic", "username": "old", "password": "pw"})
    stored = lambda: merchant.caller.get(f"/v1/webhooks/{webhook}").json()
    console.page.reload()

    # keep: reset, then undo the reset; the rest changes
    form = console.open_edit("Cart")
    expect(form.get_by_label("Username")).to_have_count(0)  # the stored value is not shown
    console.button("Reset Webhook Authentication", form).click()
    expect(form.get_by_label("Username")).to_have_count(0)
    console.choose(form, "Authentication", "Basic")
    form.get_by_label("Username").fill("forgotten")
    console.button("Keep Current Configuration", form).click()
    expect(console.button("Reset Webhook Authentication", form)).to_be_visible()
    console.fill(form, label="Till", url=receiver.url(path), events=[RETURNED])
    console.button(f"Remove {SALE}", form).click()
    console.choose(form, "Signature", "Signature Key")
    console.button("Save Changes", form).click()
    expect(form).to_have_count(0)
    expect(console.row("Till")).to_contain_text(RETURNED)
    now = stored()
    assert (now["label"], now["url"], now["events"]) == ("Till", receiver.url(path), [RETURNED])
    assert now["authentication"] == {"type": "basic", "username": "old"} and now["signature"] == {"type": "signature_key"}
    merchant.publish(type=RETURNED)
    (request,) = receiver.wait_for(1, path)
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"old:pw").decode()

    # reset: a new user name and password
    form = console.open_edit("Till")
    console.button("Reset Webhook Authentication", form).click()
    console.fill(form, basic=("new", "word"))
    console.button("Save Changes", form).click()
    expect(form).to_have_count(0)
    merchant.publish(type=RETURNED)
    request = receiver.wait_for(2, path)[1]
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"new:word").decode()


def test_abandoned_changes_change_nothing(console, merchant):
    webhook = merchant.webhook("https://example.com/a", label="Cart")
    before = merchant.caller.get(f"/v1/webhooks/{webhook}").json()
    console.page.reload()
    form = console.open_edit("Cart")
    console.fill(form, label="Other", url="https://example.com/b")
    console.button("Close", form).click()
    # after cancelling, the form is unchanged
    question = console.dialog("Abandon changes?")
    console.button("Keep Editing", question).click()
    expect(question).to_have_count(0)
    expect(form.get_by_label("Webhook Label")).to_have_value("Other")
    # Escape on the form asks, too
    form.get_by_label("Webhook Label").press("Escape")
    console.button("Abandon Changes").click()
    expect(form).to_have_count(0)
    assert merchant.caller.get(f"/v1/webhooks/{webhook}").json() == before
    # an unchanged form closes at once
    form = console.open_edit("Cart")
    console.button("Close", form).click()
    expect(form).to_have_count(0)


def test_deleting_asks_in_a_second_modal(console, merchant, receiver):
    path = f"/delete/{merchant.account}"
    merchant.webhook(receiver.url(path), label="Doomed")
    merchant.webhook(receiver.url(path + "/other"), label="Other")
    console.page.reload()
    form = console.open_edit("Doomed")
    console.button("Delete Hook", form).click()
    question = console.dialog("Delete this webhook?")
    expect(question).to_contain_text("Doomed")
    console.page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(form).to_be_visible()
    assert len(merchant.caller.get("/v1/webhooks").json()["webhooks"]) == 2
    console.button("Delete Hook", form).click()
    console.button("Yes, Delete It", question).click()
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    expect(console.row("Doomed")).to_have_count(0)
    expect(console.row("Other")).to_be_visible()
    merchant.publish()
    receiver.wait_for(1, path + "/other")
    assert receiver.count(path) == 0


def test_two_people_edit_the_same_webhook(console, merchant):
    """Members that another user changed meanwhile, and this form did not, keep the other user's values."""
    webhook = merchant.webhook("https://example.com/a", label="Cart")
    console.page.reload()
    form = console.open_edit("Cart")
    merchant.caller.patch(f"/v1/webhooks/{webhook}", {"url": "https://example.com/by-the-other"}).raise_for_status()
    console.fill(form, label="Till")
    console.button("Save Changes", form).click()
    expect(form).to_have_count(0)
    now = merchant.caller.get(f"/v1/webhooks/{webhook}").json()
    assert (now["label"], now["url"]) == ("Till", "https://example.com/by-the-other")
