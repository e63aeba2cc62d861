"""A user without a second factor enables it first; the QR code is read from the screen as a telephone reads it."""
import io
import urllib.parse

import pyotp
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from merchant import Merchant


@pytest.fixture
def newcomer(posthorn, api):
    return Merchant(posthorn, api, totp=False)


def scan(screens):
    """The URI of the secret, as a camera reads it from the screen."""
    code = screens.page.get_by_role("img", name="QR code")
    expect(code).to_be_visible()
    image = Image.open(io.BytesIO(screens.page.screenshot()))  # the whole screen, not only the QR code
    found = zxingcpp.read_barcodes(image)
    assert [str(one.format) for one in found] == ["QR Code"], f"no QR code can be read from the screen: {found}"
    return urllib.parse.urlsplit(found[0].text)


def enrol(screens, newcomer):
    """Continues up to the recovery codes, and returns them."""
    screens.go().sign_in(newcomer.email, newcomer.password)
    expect(screens.heading("Set up two factor authentication")).to_be_visible()
    uri = scan(screens)
    newcomer.authenticator = pyotp.parse_uri(uri.geturl())
    screens.page.get_by_label("Authentication code").fill(newcomer.code())
    screens.button("Enable two factor").click()
    codes = screens.page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    return codes.all_inner_texts()


def test_the_qr_code_and_the_typed_secret_are_the_same(screens, newcomer):
    screens.go().sign_in(newcomer.email, newcomer.password)
    uri = scan(screens)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert newcomer.email in urllib.parse.unquote(uri.path)
    secret = urllib.parse.parse_qs(uri.query)["secret"][0]
    typed = screens.page.get_by_text("Or type this secret").locator("code").inner_text().replace(" ", "")
    assert typed == secret and len(secret) >= 32
    screens.button("Copy the secret").click()
    assert screens.clipboard() == secret


def test_a_wrong_code_does_not_enable_it(screens, newcomer):
    screens.watch.expect_status(401, 422)
    screens.go().sign_in(newcomer.email, newcomer.password)
    screens.page.get_by_label("Authentication code").fill("000000")
    screens.button("Enable two factor").click()
    expect(screens.alert()).to_be_visible()
    screens.go("/console/")
    expect(screens.heading("Set up two factor authentication")).to_be_visible()


def test_enrolment_then_a_recovery_code_which_is_good_once(open_screens, newcomer):
    screens = open_screens()
    codes = enrol(screens, newcomer)
    assert len(set(codes)) == 10
    screens.button("Copy").click()
    assert screens.clipboard().split() == codes
    with screens.page.expect_download() as download:
        screens.button("Download").click()
    assert download.value.path().read_text().split() == codes
    screens.button("I have saved them").click()
    screens.expect_list()

    # they are shown once
    other = open_screens()
    other.watch.expect_status(401)
    other.go().sign_in(newcomer.email, newcomer.password)
    other.expect_asked_for_code()
    expect(other.page.get_by_role("list", name="Recovery codes")).to_have_count(0)
    other.give_recovery_code(codes[3])
    other.expect_list()

    third = open_screens()
    third.watch.expect_status(401)
    third.go().sign_in(newcomer.email, newcomer.password)
    third.give_recovery_code(codes[3])
    expect(third.alert()).to_be_visible()
    third.give_recovery_code(codes[4])
    third.expect_list()


def test_the_code_that_enabled_it_is_used_up(open_screens, newcomer):
    enrol(open_screens(), newcomer)
    other = open_screens()
    other.watch.expect_status(401)
    other.go().sign_in(newcomer.email, newcomer.password)
    other.give_code(newcomer.used)
    expect(other.alert()).to_be_visible()
