"""The console's screens as a person uses them: by role and by the words that stand on them. No test knows the page's markup."""
from playwright.sync_api import expect


class Screens:
    """One browser session. `page` is the page, `watch` what must not happen on it (watch.py)."""

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
