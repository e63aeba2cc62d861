"""The console's screens as a person uses them: by role and by visible text. No test depends on the markup of the page."""
import os
import pathlib

from playwright.sync_api import expect

from support.ports import ROOT

CONSOLE = pathlib.Path(os.environ.get("POSTHORN_CONSOLE_DIST", ROOT / "console/dist"))  # what posthorn-api serves

WIDE_AND_NARROW = ({"width": 1280, "height": 800}, {"width": 360, "height": 740})


class Screens:
    """One browser session. `page` is the page; `watch` notes what must not happen on it (watch.py)."""

    def __init__(self, page, base, watch):
        self.page = page
        self.base = base
        self.watch = watch

    # finding

    def button(self, name, within=None):
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def heading(self, name, within=None):
        return (within or self.page).get_by_role("heading", name=name, exact=True)

    def dialog(self, name):
        return self.page.get_by_role("dialog", name=name, exact=True)

    def alert(self, within=None):
        return (within or self.page).get_by_role("alert")

    def clipboard(self):
        """The copied text, read by pasting it elsewhere (the console's own pages may not read the clipboard)."""
        other = self.page.context.new_page()
        other.set_content("<textarea></textarea>")
        other.get_by_role("textbox").press("Control+V")
        text = other.get_by_role("textbox").input_value()
        other.close()
        return text

    # signing in

    def go(self, path="/console/"):
        self.page.goto(self.base + path)
        return self

    def sign_in(self, email, password, within=None):
        within = within or self.page
        within.get_by_label("E-mail").fill(email)
        within.get_by_label("Password").fill(password)
        self.button("Sign in", within).click()

    def give_code(self, code, within=None):
        within = within or self.page
        within.get_by_label("Authentication code").fill(code)
        self.button("Continue", within).click()

    def give_recovery_code(self, code):
        self.expect_asked_for_code()
        use = self.button("Use a recovery code instead")
        if use.is_visible():
            use.click()
        self.page.get_by_label("Recovery code").fill(code)
        self.button("Continue").click()

    def enter(self, merchant):
        """Signs the merchant in, to the list of webhooks."""
        self.go().sign_in(merchant.email, merchant.password)
        self.give_code(merchant.code())
        self.expect_list()
        return self

    def expect_list(self):
        expect(self.heading("Webhooks")).to_be_visible()
        expect(self.button("Add Webhook").first).to_be_visible()

    def expect_asked_for_code(self):
        expect(self.heading("Two factor authentication")).to_be_visible()

    # the form of a webhook

    def open_add(self):
        self.button("Add Webhook").first.click()
        form = self.dialog("Add Webhook")
        expect(form).to_be_visible()
        return form

    def open_edit(self, label):
        """Opens it with a click on the webhook in the list, as the merchants' documentation describes."""
        self.button(label).click()
        form = self.dialog("Edit Webhook")
        expect(form).to_be_visible()
        return form

    def choose(self, form, group, choice):
        form.get_by_role("group", name=group, exact=True).get_by_role("radio", name=choice, exact=True).check()

    def fill(self, form, label=None, url=None, events=(), basic=None, signature=None, source_key=None):
        """Fills in the given fields; the others stay unchanged."""
        if label is not None:
            form.get_by_label("Webhook Label").fill(label)
        if url is not None:
            form.get_by_label("Hook URL").fill(url)
        for event in events:
            form.get_by_label("Search events").fill(event)
            form.get_by_role("checkbox", name=event).check()
        if basic is not None:
            self.choose(form, "Authentication", "Basic")
            form.get_by_label("Username").fill(basic[0])
            form.get_by_label("Password").fill(basic[1])
        if signature is not None:
            self.choose(form, "Signature", signature)
        if source_key is not None:
            form.get_by_label("Source key", exact=True).select_option(source_key)

    def add(self, **fields):
        form = self.open_add()
        self.fill(form, **{"label": "Cart", "events": ["transaction.sale.success"], "signature": "None"} | fields)
        self.button("Add Hook", form).click()
        expect(form).to_have_count(0)

    def row(self, label):
        """The webhook in the list."""
        return self.page.get_by_role("row").filter(has_text=label)

    # the page of one webhook

    def open_webhook(self, webhook, tab=""):
        self.go(f"/console/settings/webhooks/{webhook}{tab}")

    def delivery(self, event):
        """Its row."""
        return self.page.get_by_role("table", name="Deliveries").get_by_role("row").filter(has_text=event)

    def open_delivery(self, event):
        """Opens one delivery and returns the drawer."""
        self.delivery(event).get_by_role("button").click()
        return self.drawer(event)

    def drawer(self, event):
        drawer = self.page.get_by_role("dialog").filter(has_text=event)
        expect(drawer).to_be_visible()
        return drawer

    def open_all(self, within):
        """Opens everything that is folded."""
        folded = within.locator("details:not([open]) > summary")
        while folded.count() > 0:
            folded.first.click()
