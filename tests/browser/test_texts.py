"""Hostile texts: every text of a merchant, a producer or a receiver is shown as text, breaks no screen and runs nothing.
The watch of every page (watch.py) shows that nothing ran: no dialog, no error, no request elsewhere, no violation of the policy."""
import pytest
from playwright.sync_api import expect

from screens import WIDE_AND_NARROW
from support.receiver import answer
from support.waiting import wait_until

SCRIPT = '<script>alert(1)</script><img src=x onerror="alert(2)"><svg onload=alert(3)>'
TEXTS = {
    "html": SCRIPT + "<b>bold</b>&amp;<!--",
    "attribute": "\" onfocus=\"alert(4)\" autofocus=\"' onclick='alert(5)",
    "template": "{{7*7}}${7*7}<%= 7 %>javascript:alert(6)",
    "right-to-left": "\u202e\u2067שלום עולם مرحبا\u202e\u2066 https://example.com",
    "unbroken": "W" * 240,
    "zalgo": "Z\u0335\u0321\u0322\u0327\u0328\u0300\u0301\u0302\u0303" * 20,
    "emoji": "👩‍👩‍👧‍👦🏴‍☠️" * 20,
}


def assert_fits(screens):
    """Nothing needs horizontal scrolling, wide or narrow."""
    for size in WIDE_AND_NARROW:
        screens.page.set_viewport_size(size)
        width = screens.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{width} px wide in a window of {size['width']} px"
    screens.page.set_viewport_size(WIDE_AND_NARROW[0])


def test_a_hostile_label_is_typed_listed_edited_and_deleted(console, merchant):
    for number, text in enumerate(TEXTS.values()):
        console.add(label=text, url=f"https://example.com/{number}")
    console.page.reload()
    for number, text in enumerate(TEXTS.values()):
        row = console.row(f"https://example.com/{number}")
        expect(row.get_by_role("button")).to_have_text(text)
    assert_fits(console)
    for number, text in enumerate(TEXTS.values()):
        console.row(f"https://example.com/{number}").get_by_role("button").click()
        form = console.dialog("Edit Webhook")
        expect(form.get_by_label("Webhook Label")).to_have_value(text)
        console.button("Delete Hook", form).click()
        question = console.dialog("Delete this webhook?")
        expect(question).to_contain_text(text)
        assert_fits(console)
        console.button("Yes, Delete It", question).click()
        expect(console.page.get_by_role("dialog")).to_have_count(0)
    assert merchant.caller.get("/v1/webhooks").json()["webhooks"] == []


def test_a_hostile_url_is_text(console, merchant):
    urls = ["https://example.com/?q=" + SCRIPT.replace(" ", "%20"), "https://example.com/" + "W" * 2000,
            "https://example.com/%E2%80%AEgpj.exe"]
    for number, url in enumerate(urls):
        merchant.webhook(url, label=f"Webhook {number}")
    console.page.reload()
    for number, url in enumerate(urls):
        expect(console.row(f"Webhook {number}")).to_contain_text(url)
    assert_fits(console)


def test_ten_thousand_characters_are_refused_in_the_form_and_shown_where_they_got_in(console, merchant):
    form = console.open_add()
    label = form.get_by_label("Webhook Label")
    label.fill("x" * 10_000)
    label.blur()
    expect(label).to_have_attribute("aria-invalid", "true")
    console.button("Close", form).click()
    webhook = merchant.webhook("https://example.com/", label="Cart")
    merchant.posthorn.db.query("update posthorn.webhook set label = repeat(%s, 500) where public_id::text = %s", SCRIPT, webhook)
    assert merchant.posthorn.db.value("select max(length(label)) from posthorn.webhook where public_id::text = %s", webhook) > 10_000
    console.page.reload()
    expect(console.row("https://example.com/")).to_contain_text("alert(1)")
    assert_fits(console)


@pytest.mark.parametrize("name", [*TEXTS, "long", "binary"])
def test_a_hostile_answer_and_event_are_text(console, merchant, receiver, name):
    """The receiver's response, the event's data and the event's id, which all come from outside."""
    text = {"long": SCRIPT * 130, "binary": "\x00\x01\x1b[31m\ufffe" + SCRIPT}.get(name) or TEXTS[name]
    path = f"/hostile/{merchant.account}"
    receiver.behave(path, answer(500, body=text.encode(errors="replace"), headers={"Content-Type": "text/html", "Retry-After": "600"}))
    webhook = merchant.webhook(receiver.url(path), label="Hostile")
    (event,) = merchant.publish(id="<img/src=x/onerror=alert(7)>" + merchant.account, data={"note": text})
    receiver.wait_for(1, path)
    wait_until(lambda: merchant.posthorn.audit.attempts(event), 60, "the attempt is recorded")
    console.open_webhook(webhook)
    drawer = console.open_delivery(event)
    console.open_all(drawer)
    answered = drawer.get_by_role("region", name="Response to attempt 1")
    expect(answered).to_contain_text("alert(1)" if name in ("html", "long", "binary") else text[:60])
    sent = drawer.get_by_role("region", name="Body of the request")
    expect(sent).to_contain_text('"note"')
    assert_fits(console)
