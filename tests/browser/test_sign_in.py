"""Signing in and out: the password, the second factor, recovery codes, and which user needs which."""
import re

from playwright.sync_api import expect

from support.waiting import wait_until


def test_nobody_sees_anything_without_signing_in(screens):
    for path in ("/", "/console/", "/console/settings/webhooks", "/console/settings/webhooks/wbh_1"):
        screens.go(path)
        expect(screens.page.get_by_label("Password")).to_be_visible()
        expect(screens.button("Add Webhook")).to_have_count(0)


def test_password_then_code_then_the_menu(screens, merchant):
    screens.go().sign_in(merchant.email, merchant.password)
    screens.expect_asked_for_code()
    # the password alone is not sufficient
    screens.go("/console/settings/webhooks")
    screens.expect_asked_for_code()
    screens.give_code(merchant.code())
    screens.expect_list()
    menu = screens.page.get_by_role("navigation")
    expect(menu.get_by_text("Settings")).to_be_visible()
    expect(menu.get_by_role("link", name="Webhooks")).to_have_attribute("aria-current", "page")
    # and the user stays signed in
    screens.page.reload()
    screens.expect_list()


def test_a_wrong_password_is_refused_without_telling_who_exists(screens, merchant):
    screens.watch.expect_status(401)
    screens.go()
    said = []
    for email in (merchant.email, "nobody@example.com"):
        screens.sign_in(email, "wrong password")
        expect(screens.alert()).to_be_visible()
        said.append(screens.alert().inner_text())
        screens.page.reload()
    assert said[0] == said[1]
    screens.sign_in(merchant.email, merchant.password)
    screens.expect_asked_for_code()


def test_guesses_of_a_password_are_throttled(screens, merchant):
    screens.watch.expect_status(401, 429)
    screens.go()

    def throttled():
        screens.sign_in(merchant.email, "wrong password")
        expect(screens.alert()).to_be_visible()
        expect(screens.page.get_by_label("Password")).to_have_value("")
        return screens.button("Sign in").is_disabled()
    wait_until(throttled, 120, "signing in is refused for a while")
    expect(screens.alert()).to_contain_text(re.compile(r"again in \d+ s"))


def test_a_code_works_once_and_a_wrong_one_never(open_screens, merchant):
    code = merchant.code()
    first, second = open_screens(), open_screens()
    first.go().sign_in(merchant.email, merchant.password)
    first.give_code(code)
    first.expect_list()
    second.watch.expect_status(401)
    second.go().sign_in(merchant.email, merchant.password)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for refused in (code, wrong):
        second.give_code(refused)
        expect(second.alert()).to_be_visible()
        expect(second.page.get_by_label("Authentication code")).to_have_value("")
    # as people type it, with a space
    fresh = merchant.code()
    second.give_code(f"{fresh[:3]} {fresh[3:]}")
    second.expect_list()


def test_guesses_of_a_code_are_throttled(screens, merchant):
    screens.watch.expect_status(401, 429)
    screens.go().sign_in(merchant.email, merchant.password)
    guesses = iter(range(1_000_000))

    def throttled():
        screens.give_code(f"{next(guesses):06}")
        expect(screens.alert()).to_be_visible()
        expect(screens.page.get_by_label("Authentication code")).to_have_value("")
        return screens.button("Continue").is_disabled()
    wait_until(throttled, 120, "codes are refused for a while")
    expect(screens.alert()).to_contain_text(re.compile(r"again in \d+ s"))


def test_signing_out_ends_the_session_for_good(console):
    cookies = console.page.context.cookies()
    console.button("Sign out").click()
    expect(console.page.get_by_label("Password")).to_be_visible()
    # the browser's back button shows nothing, and the old cookie is not valid
    console.page.go_back()
    expect(console.page.get_by_label("Password")).to_be_visible()
    console.page.context.add_cookies(cookies)
    console.go()
    expect(console.page.get_by_label("Password")).to_be_visible()
