"""Every screen in light and dark, wide and narrow: axe-core finds nothing serious, nothing needs horizontal scrolling.
With --docs DIR, the screenshots and the report are written there (tests/browser/screenshots)."""
import io
import itertools

import pyotp
import pytest
from PIL import Image
from playwright.sync_api import expect

from accessibility import GRAVE, describe, run_axe
from merchant import Merchant
from screens import WIDE_AND_NARROW
from support.receiver import answer
from support.waiting import wait_until

COLOURS = 64  # size of a screenshot's palette: small files without a visible difference


def save(picture, path):
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


@pytest.fixture
def look(report):
    """look(screens, name): checks the present screen, and takes its screenshots."""
    def at(screens, name):
        page, wrong = screens.page, []
        views = list(itertools.product(("light", "dark"), zip(("wide", "narrow"), WIDE_AND_NARROW, strict=True)))
        if report.directory is None:
            views = [views[0], views[3]]  # both themes and both widths, in half the time
        for theme, (width, size) in views:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size(size)
            page.evaluate("() => Promise.allSettled(document.getAnimations().filter(a => a.effect.getTiming().iterations !== Infinity).map(a => a.finished))")
            picture = page.screenshot(animations="disabled")  # before axe checks: now the other theme and width are drawn on all elements
            result = run_axe(page)
            report.add(name, f"{theme}, {width}", result)
            wrong += [f"{name}, {theme}, {width}: {describe([v])}" for v in result["violations"] if v["impact"] in GRAVE]
            over = page.evaluate("document.documentElement.scrollWidth") - size["width"]
            if over > 0:
                wrong.append(f"{name}, {theme}, {width}: {over} px too wide")
            if report.directory is not None:
                save(picture, report.directory / f"{name}-{theme}-{width}.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(WIDE_AND_NARROW[0])
        assert not wrong, "\n".join(wrong)
    return at


def test_signing_in(screens, posthorn, api, look):
    screens.watch.expect_status(401)
    newcomer = Merchant(posthorn, api, totp=False)
    screens.go()
    expect(screens.page.get_by_label("Password")).to_be_visible()
    look(screens, "sign-in")
    screens.sign_in(newcomer.email, "wrong password")
    expect(screens.alert()).to_be_visible()
    look(screens, "sign-in-refused")
    screens.sign_in(newcomer.email, newcomer.password)
    expect(screens.heading("Set up two factor authentication")).to_be_visible()
    look(screens, "second-factor-set-up")
    secret = screens.page.get_by_text("Or type this secret").locator("code").inner_text()
    newcomer.authenticator = pyotp.TOTP(secret.replace(" ", ""))
    screens.page.get_by_label("Authentication code").fill(newcomer.code())
    screens.button("Enable two factor").click()
    expect(screens.heading("Save your recovery codes")).to_be_visible()
    look(screens, "recovery-codes")
    screens.button("I have saved them").click()
    screens.expect_list()
    look(screens, "webhooks-empty")
    screens.button("Sign out").click()
    screens.sign_in(newcomer.email, newcomer.password)
    screens.expect_asked_for_code()
    look(screens, "second-factor")
    screens.button("Use a recovery code instead").click()
    look(screens, "second-factor-recovery-code")


def test_forms(console, merchant, look):
    console.watch.expect_status(422)
    merchant.source_key("Web shop")
    merchant.webhook("https://cart.example.com/hooks/inventory", label="Shopping cart",
                     events=["product.inventory.adjusted", "product.inventory.ordered", "transaction.sale.success"],
                     authentication={"type": "basic", "username": "cart", "password": "secret"})
    console.page.reload()
    form = console.open_add()
    look(console, "webhook-add")
    console.button("Add Hook", form).click()
    expect(form.get_by_label("Webhook Label")).to_have_attribute("aria-invalid", "true")
    look(console, "webhook-add-errors")
    console.fill(form, label="Book-keeping", url="https://books.example.com/events", basic=("books", "secret"), signature="Source Key")
    form.get_by_label("Search events").fill("settle")
    for name in ("ach.settled", "settlement.batch.success"):
        form.get_by_role("checkbox", name=name).check()
    look(console, "webhook-add-filled")
    console.button("Close", form).click()
    form = console.open_edit("Shopping cart")
    look(console, "webhook-edit")
    console.button("Reset Webhook Authentication", form).click()
    look(console, "webhook-edit-reset-authentication")
    console.button("Close", form).click()
    expect(console.dialog("Abandon changes?")).to_be_visible()
    look(console, "webhook-abandon-changes")
    console.button("Keep Editing").click()
    console.button("Delete Hook", form).click()
    expect(console.dialog("Delete this webhook?")).to_be_visible()
    look(console, "webhook-delete")


@pytest.fixture
def busy(merchant, receiver, posthorn):
    """Webhooks in every state of health; returns (id of the failing one, event that waits for its next try)."""
    path = f"/screens/{merchant.account}"
    receiver.behave(path + "/failing", answer(200), answer(200), answer(503, body=b'{"error": "closed for maintenance"}', delay=0.05),
                    answer(503, body=b'{"error": "closed for maintenance"}', headers={"Retry-After": "3600"}))
    merchant.webhook("https://cart.example.com/hooks/inventory", label="Shopping cart",
                     events=["product.inventory.adjusted", "product.inventory.ordered", "transaction.sale.voided"])
    merchant.webhook(receiver.url(path + "/books"), label="Book-keeping", events=["transaction.sale.success"])
    failing = merchant.webhook(receiver.url(path + "/failing"), label="Warehouse", events=["transaction.sale.success", "transaction.refund.success"],
                               authentication={"type": "basic", "username": "warehouse", "password": "secret"},
                               signature={"type": "signature_key"})
    off = merchant.webhook("https://old.example.com/hook", label="Old reports")
    merchant.caller.post(f"/v1/webhooks/{off}/disable").raise_for_status()
    sale = {"type": "transaction", "key": "1nftvzx7xtcggm3", "amount_detail": {"amount": "5.00"}, "authcode": "538228"}
    for number in range(2):
        merchant.publish(type="transaction.sale.success", data=sale)
        receiver.wait_for(number + 1, path + "/failing")
    (event,) = merchant.publish(type="transaction.sale.success", data=sale)
    receiver.wait_for(4, path + "/failing")
    wait_until(lambda: len(posthorn.audit.attempts(event)) >= 3, 60, "the attempts are recorded")
    return failing, event


def test_list_and_webhook(console, busy, look):
    webhook, event = busy
    console.page.reload()
    expect(console.row("Warehouse")).to_contain_text("Failing")
    expect(console.row("Book-keeping")).to_contain_text("Healthy")
    look(console, "webhooks")
    console.open_webhook(webhook)
    expect(console.delivery(event)).to_contain_text("Pending")
    expect(console.page.get_by_role("img", name="Chart").first).to_be_visible()
    look(console, "webhook")
    drawer = console.open_delivery(event)
    expect(drawer.get_by_role("article")).to_have_count(2)
    console.open_all(drawer)
    look(console, "delivery")
    console.button("Close", drawer).click()
    console.page.get_by_text("Show as a table").click()
    console.page.get_by_role("search").get_by_label("State").select_option("Failed")
    expect(console.page.get_by_text("No delivery matches the filter")).to_be_visible()
    look(console, "webhook-filtered")
    console.button("Redeliver all failed").click()
    look(console, "webhook-redeliver")
    console.button("Close", console.dialog("Redeliver all failed")).click()
    console.button("Send test event").click()
    expect(console.dialog("Send a test event").get_by_label("Event")).to_be_visible()
    look(console, "webhook-test-event")
    console.button("Close", console.dialog("Send a test event")).click()
    console.page.get_by_role("link", name="Signature").click()
    console.button("Show secret").click()
    expect(console.button("Hide secret")).to_be_visible()
    look(console, "webhook-signature")
    console.button("Rotate secret").click()
    look(console, "webhook-rotate-secret")
    console.button("Keep It").click()
    console.button("Disable").click()
    expect(console.page.get_by_text("Nothing is sent to this webhook")).to_be_visible()
    look(console, "webhook-disabled")


def test_trouble(console, merchant, look):
    merchant.webhook("https://example.com/a", label="Cart")
    expect(console.row("Cart")).to_be_visible()
    console.watch.expect_status(401, 403, 404, 503)
    console.watch.expect_no_answer()
    console.page.context.set_offline(True)
    expect(console.page.get_by_text("You are offline")).to_be_visible()
    look(console, "offline")
    console.page.context.set_offline(False)
    expect(console.page.get_by_text("You are offline")).to_have_count(0)
    console.open_webhook("00000000-0000-4000-8000-000000000000")
    expect(console.page.get_by_text("There is no such webhook")).to_be_visible()
    look(console, "webhook-unknown")
    console.go()
    console.expect_list()
    merchant.end_sessions()
    expect(console.dialog("Your session has ended")).to_be_visible()
    look(console, "session-ended")
