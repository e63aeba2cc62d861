"""Loading, empty and error states, and that nothing typed is lost when the server stops or the session ends."""
import pytest
from playwright.sync_api import expect

from merchant import Merchant
from support.waiting import wait_until


@pytest.fixture
def own_api(start_api):
    """A separate posthorn-api, which the test may stop."""
    return start_api()


@pytest.fixture
def own(open_screens, own_api, merchant):
    made = open_screens(at=own_api)
    made.enter(merchant)
    return made


def test_the_empty_list_says_what_to_do(console):
    expect(console.page.get_by_text("No webhooks yet")).to_be_visible()
    expect(console.button("Add Webhook")).to_be_visible()


def test_while_it_loads_it_says_so(console):
    console.page.route("**/v1/webhooks?*", lambda route: None)  # no response
    console.page.reload()
    expect(console.page.get_by_role("status").filter(has_text="Loading")).to_be_visible()
    console.page.unroute_all(behavior="ignoreErrors")


def test_the_server_goes_away_and_comes_back(own, own_api, merchant):
    merchant.webhook("https://example.com/a", label="Cart")
    expect(own.row("Cart")).to_be_visible()
    own.watch.expect_no_answer()
    own_api.stop()
    expect(own.page.get_by_text("does not respond")).to_be_visible()
    expect(own.row("Cart")).to_be_visible()  # data that was read stays
    own_api.start()
    expect(own.page.get_by_text("does not respond")).to_have_count(0)
    merchant.webhook("https://example.com/b", label="Later")
    expect(own.row("Later")).to_be_visible()  # without a reload


def test_saving_while_the_server_is_away_loses_nothing(own, own_api, merchant):
    form = own.open_add()
    own.fill(form, label="Cart", url="https://example.com/a", events=["ach.settled"], basic=("u", "p"), signature="None")
    own.watch.expect_no_answer()
    own_api.stop()
    own.button("Add Hook", form).click()
    expect(own.alert(form)).to_contain_text("does not respond")
    own_api.start()
    own.button("Add Hook", form).click()
    expect(form).to_have_count(0)
    expect(own.row("Cart")).to_be_visible()
    (made,) = merchant.caller.get("/v1/webhooks").json()["webhooks"]
    assert made["label"] == "Cart" and made["authentication"]["username"] == "u"


def test_an_ended_session_asks_again_and_loses_nothing(console, merchant):
    form = console.open_add()
    console.fill(form, label="Cart", url="https://example.com/a", events=["ach.settled"], signature="None")
    console.watch.expect_status(401, 403)
    merchant.end_sessions()
    console.button("Add Hook", form).click()
    again = console.dialog("Your session has ended")
    expect(again).to_be_visible()
    console.sign_in(merchant.email, merchant.password, within=again)
    console.give_code(merchant.code(), within=again)
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    expect(console.row("Cart")).to_be_visible()
    assert len(merchant.caller.get("/v1/webhooks").json()["webhooks"]) == 1


def test_somebody_else_who_signs_in_sees_nothing_of_it(console, merchant, posthorn, api):
    merchant.webhook("https://example.com/a", label="Private")
    expect(console.row("Private")).to_be_visible()
    console.watch.expect_status(401, 403)
    merchant.end_sessions()
    again = console.dialog("Your session has ended")
    expect(again).to_be_visible()
    other = Merchant(posthorn, api)
    console.sign_in(other.email, other.password, within=again)
    console.give_code(other.code(), within=again)
    expect(again).to_have_count(0)
    console.expect_list()
    expect(console.page.get_by_text("Private")).to_have_count(0)


def test_too_many_requests_are_waited_out(console, merchant):
    console.watch.expect_status(429)
    said = console.page.get_by_text("Too many requests")
    database = merchant.posthorn.db

    def refused():  # as if the user had made that many requests in this minute
        database.query("update posthorn.api_rate r set used = 2000000000 from posthorn.api_user u where u.uuid = r.credential and u.email = %s",
                       merchant.email)
        return said.is_visible()
    wait_until(refused, 60, "the page says that there were too many requests", every=0.5)
    console.expect_list()  # data that was read stays
    database.query("delete from posthorn.api_rate")
    expect(said).to_have_count(0, timeout=120_000)


def test_an_unknown_page_and_an_unknown_webhook_say_so(console):
    console.watch.expect_status(404)
    console.go("/console/settings/webhooks/00000000-0000-4000-8000-000000000000")
    expect(console.page.get_by_text("There is no such webhook")).to_be_visible()
    console.go("/console/nothing/here")
    expect(console.page.get_by_text("There is no such page")).to_be_visible()


def test_light_and_dark(console):
    def background(screens):
        return screens.page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = background(console)
    console.page.emulate_media(color_scheme="dark")
    dark = wait_until(lambda: (now := background(console)) != light and now, 30, "the page is dark when the system is")
    # the switch takes precedence over the system, and is stored
    console.page.get_by_role("radio", name="Light").check(force=True)
    wait_until(lambda: background(console) == light, 30, "light by the switch")
    console.page.reload()
    console.expect_list()
    assert background(console) == light
    console.page.get_by_role("radio", name="System").check(force=True)
    wait_until(lambda: background(console) == dark, 30, "as the system again")
