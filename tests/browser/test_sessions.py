"""Attacks with the browser: cookies, other origins, frames, and what the pages may load."""
import json

import pytest
from playwright.sync_api import expect

from support.receiver import answer
from support.waiting import wait_until

HOOK = {"label": "Forged", "url": "https://example.com/forged", "events": ["ach.settled"], "authentication": {"type": "none"},
        "signature": {"type": "none"}}
# All requests that a page of another origin can send without a preflight request of the browser, and two that it cannot.
FORGERIES = """async ({target, body, id}) => {
    const form = document.createElement("form");
    form.method = "post"; form.enctype = "text/plain"; form.action = target + "/v1/webhooks"; form.target = "sink";
    const field = document.createElement("input");
    field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}';
    form.append(field); document.body.append(form); form.submit();
    const tries = [
        ["POST", "/v1/webhooks", {mode: "no-cors", headers: {"Content-Type": "text/plain"}, body}],
        ["POST", "/v1/webhooks", {headers: {"Content-Type": "application/json", "X-CSRF-Token": "guess"}, body}],
        ["POST", "/v1/webhooks/" + id + "/disable", {mode: "no-cors"}],
        ["POST", "/v1/webhooks/" + id + "/test", {mode: "no-cors"}],
        ["DELETE", "/v1/webhooks/" + id, {}],
        ["POST", "/v1/console/session", {mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: '{"email":"a","password":"b"}'}],
        ["DELETE", "/v1/console/session", {}],
        ["GET", "/v1/webhooks", {}],
    ];
    const read = [];
    for (const [method, path, options] of tries)
        await fetch(target + path, {method, credentials: "include", ...options}).then(async r => read.push(await r.text()), () => read.push(""));
    return read;
}"""


@pytest.fixture
def foreign(receiver):
    """The path of a page on another origin: same host, another port, so that even a SameSite cookie is sent along."""
    page = b'<!doctype html><title>Elsewhere</title><iframe name="sink"></iframe>'
    receiver.behave("/elsewhere", answer(body=page, headers={"Content-Type": "text/html"}))
    return receiver.url("/elsewhere")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(console):
    cookies = console.page.context.cookies()
    assert [cookie["name"] for cookie in cookies] == ["__Host-posthorn_session"]
    (cookie,) = cookies
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/"
    assert console.page.evaluate("document.cookie") == ""
    kept = console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert cookie["value"] not in kept and "csrf" not in kept.lower()


def test_each_rise_of_privilege_changes_the_cookie(screens, merchant):
    def cookie():
        return {c["value"] for c in screens.page.context.cookies()}
    screens.go().sign_in(merchant.email, merchant.password)
    screens.expect_asked_for_code()
    before = cookie()
    screens.give_code(merchant.code())
    screens.expect_list()
    assert len(before) == 1 and before.isdisjoint(cookie())


def test_a_page_of_another_origin_can_neither_act_nor_read(console, merchant, foreign, api):
    webhook = merchant.webhook("https://example.com/mine", label="Mine")
    before = merchant.caller.get("/v1/webhooks").json()
    other = console.page.context.new_page()
    for host in ("127.0.0.1", "localhost"):
        other.goto(foreign.replace("127.0.0.1", host))
        read = other.evaluate(FORGERIES, {"target": api.url, "body": json.dumps(HOOK), "id": webhook})
        assert not any(read), f"a page of {host} read {read}"
    after = merchant.caller.get("/v1/webhooks").json()
    assert [w["id"] for w in after["webhooks"]] == [w["id"] for w in before["webhooks"]] == [webhook]
    assert after["webhooks"][0]["status"] == "enabled"
    assert merchant.posthorn.db.query("select 1 from audit.attempts where webhook_id = %s", webhook) == []
    # the same request with the console's own token succeeds: the request itself was correct
    console.page.reload()
    console.expect_list()
    made = console.page.evaluate("""async body => {
        const {csrf} = await (await fetch("/v1/console/session")).json();
        const headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf};
        return (await fetch("/v1/webhooks", {method: "POST", headers, body})).status;
    }""", json.dumps(HOOK))
    assert made == 201


def test_without_the_csrf_token_nothing_is_done(console):
    console.watch.expect_status(403)
    status = console.page.evaluate("""async body =>
        (await fetch("/v1/webhooks", {method: "POST", headers: {"Content-Type": "application/json"}, body})).status""", json.dumps(HOOK))
    assert status == 403


def test_the_console_cannot_be_framed(console, api, receiver):
    framing = f'<!doctype html><title>Framing</title><iframe src="{api.url}/console/"></iframe>'.encode()
    receiver.behave("/framing", answer(body=framing, headers={"Content-Type": "text/html"}))
    other = console.page.context.new_page()
    said = []
    other.on("console", lambda message: said.append(message.text))
    other.goto(receiver.url("/framing"))
    wait_until(lambda: other.evaluate("1") and any("frame" in text.lower() for text in said), 30, "the browser refuses the frame")
    assert all("Posthorn" not in frame.content() for frame in other.frames[1:])


def test_a_script_that_got_into_the_page_would_not_run(console):
    """The policy itself: it forbids everything that an injected element could try."""
    console.page.evaluate("""() => {
        window.ran = [];
        const add = (name, attributes) => document.body.append(Object.assign(document.createElement(name), attributes));
        add("script", {textContent: "ran.push('inline script')"});
        add("script", {src: "data:text/javascript,ran.push('data script')"});
        add("div", {innerHTML: "<img src=x onerror=\\"ran.push('handler')\\">"});
        add("iframe", {src: "javascript:parent.ran.push('url')"});
    }""")
    violations = wait_until(lambda: console.page.evaluate("1") and [line for line in console.watch.wrong if "CSP violation" in line], 30,
                            "the browser reports violations")
    assert violations and console.page.evaluate("window.ran") == []
    console.watch.wrong.clear()


def test_who_signs_in_elsewhere_does_not_end_this_session(console, open_screens, merchant):
    other = open_screens()
    other.enter(merchant)
    console.page.reload()
    console.expect_list()
    expect(console.page.get_by_label("Password")).to_have_count(0)
