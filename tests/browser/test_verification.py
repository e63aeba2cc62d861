"""The secret, and the verifying code to copy: the code that the console shows is run with what a real receiver received."""
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from standardwebhooks import Webhook

from support.ports import ROOT

PACKAGES = ROOT / "tests/browser"  # node finds the library of the JavaScript code in its node_modules
LANGUAGES = ("Python", "JavaScript", "PHP", "Go", "Java")

PYTHON = {
    "x-signature": "import hook; body = open('body', 'rb').read(); assert hook.is_genuine(body, {x_signature!r}); assert not hook.is_genuine(body + b' ', {x_signature!r})",
    "standard": """import hook
from standardwebhooks import WebhookVerificationError
body = open('body', 'rb').read()
assert hook.receive(body, {headers!r})['type'] == 'event'
try:
    hook.receive(body + b' ', {headers!r})
except WebhookVerificationError:
    pass
else:
    raise SystemExit('a changed body is taken as genuine')
""",
}
JAVASCRIPT = {
    "x-signature": """import {{ readFileSync }} from "node:fs";
import {{ isGenuine }} from "./hook.mjs";
const body = readFileSync("body");
if (!isGenuine(body, {x_signature!r})) throw new Error("the genuine one is refused");
if (isGenuine(body + " ", {x_signature!r})) throw new Error("a changed body is taken as genuine");
""",
    "standard": """import {{ readFileSync }} from "node:fs";
import {{ receive }} from "./hook.mjs";
const body = readFileSync("body");
if (receive(body, {headers!r}).type !== "event") throw new Error("the genuine one is refused");
let refused = false;
try {{ receive(body + " ", {headers!r}); }} catch {{ refused = true; }}
if (!refused) throw new Error("a changed body is taken as genuine");
""",
}

def run(folder, environment, *command):
    done = subprocess.run(command, cwd=folder, env={"PATH": "/usr/bin:/bin"} | environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"


def run_python(folder, code, way, given, environment):
    (folder / "hook.py").write_text(code)
    run(folder, environment, sys.executable, "-c", PYTHON[way].format(**given))


def run_javascript(folder, code, way, given, environment):
    (folder / "hook.mjs").write_text(code)
    (folder / "try.mjs").write_text(JAVASCRIPT[way].format(**given))
    modules = folder / "node_modules"
    modules.exists() or modules.symlink_to(PACKAGES / "node_modules")
    run(folder, environment, "node", "try.mjs")


@pytest.mark.parametrize("signature, source_key", [("Signature Key", None), ("Source Key", "web")])
def test_the_copied_code_verifies_a_real_notification(console, merchant, receiver, tmp_path, signature, source_key):
    key = merchant.source_key("web") if source_key else merchant.signature_key
    path = f"/verify/{merchant.account}"
    webhook = merchant.webhook(receiver.url(path), signature={"type": "source_key", "source_key": "web"} if source_key else {"type": "signature_key"})
    console.open_webhook(webhook)
    console.page.get_by_role("link", name="Signature").click()
    console.button("Show secret").click()
    shown = console.page.get_by_label("Signing secret", exact=True).last
    expect(shown).to_have_text(re.compile("^whsec_"))
    secret = shown.inner_text()
    merchant.publish(data={"note": "naïve ☃"})
    (request,) = receiver.wait_for(1, path)
    (tmp_path / "body").write_bytes(request.body)
    given = {"x_signature": request.headers["x-signature"],
             "headers": {name: request.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}}
    environment = {"WEBHOOK_SECRET": secret, "WEBHOOK_KEY": key}
    for way, label in (("x-signature", "X-Signature"), ("standard", "Standard Webhooks")):
        console.page.get_by_role("radio", name=label).check(force=True)
        codes = {}
        for language in LANGUAGES:
            console.page.get_by_role("radio", name=language, exact=True).check(force=True)
            block = console.page.get_by_role("region", name=f"Verifying code in {language}")
            expect(block).to_be_visible()
            console.button("Copy the code").click()
            codes[language] = console.clipboard()
            assert codes[language].strip() == block.inner_text().strip()
        assert len(set(codes.values())) == 5
        run_python(tmp_path, codes["Python"], way, given, environment)
        run_javascript(tmp_path, codes["JavaScript"], way, given, environment)


def test_the_secret_is_shown_on_demand_rotated_and_both_sign(console, merchant, receiver):
    path = f"/rotate/{merchant.account}"
    webhook = merchant.webhook(receiver.url(path), signature={"type": "signature_key"})
    console.open_webhook(webhook, "/verification")
    code = console.page.get_by_label("Signing secret", exact=True).last
    expect(code).not_to_contain_text("whsec_")
    console.button("Show secret").click()
    expect(code).to_contain_text("whsec_")
    old = code.inner_text()
    console.button("Hide secret").click()
    expect(code).not_to_contain_text("whsec_")
    console.button("Rotate secret").click()
    console.button("Rotate Secret", console.dialog("Rotate the secret?")).click()
    expect(code).to_contain_text("whsec_")
    expect(code).not_to_have_text(old)
    new = code.inner_text()
    merchant.publish()
    (request,) = receiver.wait_for(1, path)
    for secret in (old, new):
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "event"
    # the audit records who read it and who rotated it
    changes = merchant.posthorn.db.query("select actor, action from audit.changes where actor = %s", f"user:{merchant.email}")
    assert any("secret" in str(row["action"]) for row in changes), changes


def test_without_a_signature_there_is_no_secret_and_a_warning(console, merchant):
    webhook = merchant.webhook("https://example.com/", signature={"type": "none"})
    console.open_webhook(webhook, "/verification")
    expect(console.page.get_by_text("Anyone who knows the URL can send requests to it")).to_be_visible()
    expect(console.button("Show secret")).to_have_count(0)
