"""Every screen in light and dark, wide and narrow: axe-core finds nothing serious, nothing needs sideways scrolling.
With --docs DIR the screenshots and the report are written there (tests/browser/screenshots)."""
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

COLOURS = 96  # of a screenshot's palette: small files, and no difference to see


def save(page, path):
    image = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


@pytest.fixture
def look(report):
    """look(screens, name): looks at the screen as it stands, and takes its pictures."""
    def at(screens, name):
        page, wrong = screens.page, []
        for theme, (width, size) in itertools.product(("light", "dark"), zip(("wide", "narrow"), WIDE_AND_NARROW)):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size(size)
            page.evaluate("() => Promise.all(document.getAnimations().filter(a => a.effect.getTiming().iterations !== Infinity).map(a => a.finished))")
            result = run_axe(page)
            report.add(name, f"{theme}, {width}", result)
            wrong += [f"{name}, {theme}, {width}: {describe([v])}" for v in result["violations"] if v["impact"] in GRAVE]
            over = page.evaluate("document.documentElement.scrollWidth") - size["width"]
            if over > 0:
                wrong.append(f"{name}, {theme}, {width}: {over} px too wide")
            if report.directory is not None:
                save(page, report.directory / f"{name}-{theme}-{width}.png")
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
