"""The documentation is correct: its examples are run unchanged, and the list of options is printed by the programs.

Of each page, the code blocks that name a file (```c publish.c) are written to it, and the blocks marked sh are run in their order, in
a folder that looks like a checkout with a quickstart: build/release, producer/ and .local/env. The audit role runs blocks marked sql. Blocks marked console
are transcripts and not run. Events that a block publishes must reach the webhook that the page created."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from standardwebhooks import WebhookVerificationError

from support.programs import BIN, clean_environment
from support.ports import ROOT
from support.system import OWNER

URL = "https://example.com/hooks"  # the URL in the pages
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def blocks(page):
    """(language, file name or None, text) of each code block."""
    found = BLOCK.findall((ROOT / page).read_text())
    assert found, f"{page} has no code blocks"
    return [(language, name or None, text) for language, name, text in found]


def block(page, language, containing):
    (text,) = [text for found, _, text in blocks(page) if found == language and containing in text]
    return text


class Checkout:
    """Creates a folder in which the examples of a page work."""

    def __init__(self, system, directory, url):
        self.system, self.directory, self.url = system, directory, url
        (directory / "build").mkdir(parents=True)
        (directory / "build/release").symlink_to(BIN.parent)
        (directory / "producer").symlink_to(ROOT / "producer")
        (directory / ".local").mkdir()
        key = directory / ".local/master.key"
        key.write_text(system.master_key)
        self.variables = {
            "POSTHORN_KAFKA_BROKERS": system.servers.kafka.brokers, "POSTHORN_TOPIC": system.topic,
            "POSTHORN_DATABASE_URL": system.url_of(OWNER), "POSTHORN_AUDIT_URL": system.audit.url, "POSTHORN_MASTER_KEY_FILE": str(key),
            "SUPERUSER_URL": system.url,
        }

    def write_env(self, **more):
        lines = [f"export {name}='{value}'\n" for name, value in (self.variables | more).items()]
        (self.directory / ".local/env").write_text("".join(lines))

    def run(self, language, name, text):
        """Runs a block; returns its output."""
        text = text.replace(URL, self.url)
        if name is not None:
            (self.directory / name).write_text(text)
        if language == "sh":
            return self._bash(text)
        if language == "sql":
            return self._bash('psql --no-psqlrc --set ON_ERROR_STOP=1 "$POSTHORN_AUDIT_URL"', stdin=text)
        return ""

    def _bash(self, script, stdin=None):
        environment = clean_environment({})
        environment["PATH"] = f"{os.path.dirname(sys.executable)}:{BIN}:{environment['PATH']}"
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", f". .local/env\n{script}"], cwd=self.directory, env=environment,
                              input=stdin, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"this example fails with {done.returncode}:\n{script}{stdin or ''}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def checkout(system, receiver, test_directory):
    return Checkout(system, test_directory / "checkout", receiver.url("/hooks"))


def node(script, *arguments):
    """Runs JavaScript; returns its output."""
    done = subprocess.run(["node", "-e", script, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_readme(system, receiver, checkout):
    account = system.account("penny-demo", dialect="penny")
    checkout.write_env(PENNY_ACCOUNT=account)
    system.dispatcher()
    queries = []
    for language, name, text in blocks("README.md"):
        if language == "sql" or "audit verify" in text:
            queries.append((language, name, text))  # when all is delivered
        else:
            checkout.run(language, name, text)
    requests = receiver.wait_for(4, "/hooks")
    assert {request.headers["webhook-id"] for request in requests} == {"pay-1", "pay-2", "pay-3", "pay-4"}
    system.wait_delivered(4)

    answers = [checkout.run(*query) for query in queries]
    assert "delivered" in answers[0] and "(1 row)" in answers[0]
    assert receiver.url("/hooks") in answers[1]
    verify_python(checkout, requests[0])
    if shutil.which("node"):
        verify_node(checkout, requests[0])


def verify_python(checkout, request):
    secret = json.loads((checkout.directory / "webhook.json").read_text())["secret"]
    names = {}
    exec((checkout.directory / "verify.py").read_text(), names)
    assert names["receive"](request.body, request.headers, secret) == json.loads(request.body)
    with pytest.raises(WebhookVerificationError):
        names["receive"](request.body + b" ", request.headers, secret)


def verify_node(checkout, request):
    secret = json.loads((checkout.directory / "webhook.json").read_text())["secret"]
    script = (checkout.directory / "verify.js").read_text() + \
        "\nconsole.log(isGenuine(...process.argv.slice(1).map((a, i) => i == 1 ? JSON.parse(a) : a)));"
    headers = json.dumps(dict(request.headers.items()))
    assert node(script, request.body.decode(), headers, secret) == "true"
    assert node(script, request.body.decode() + " ", headers, secret) == "false"


def test_getting_started(system, receiver, checkout):
    checkout.write_env()
    system.dispatcher()
    shown = None
    for language, name, text in blocks("docs/getting-started.md"):
        if "event show" in text:
            system.wait_delivered(1)
            shown = checkout.run(language, name, text)
        else:
            checkout.run(language, name, text)
    (request,) = receiver.requests("/hooks")
    assert request.headers["webhook-id"] == "first-1"
    assert "delivered" in shown


def test_operating(system, checkout):
    checkout.write_env()
    for language, name, text in blocks("docs/operating.md"):
        checkout.run(language, name, text)


def test_publishing_from_c_and_python(system, receiver, checkout):
    """The longer examples of the page about publishing, with this test's addresses instead of those in the page."""
    account = system.account("7qwnw4j2kmqvrb3", dialect="merchant")
    system.webhook(account, receiver.url("/hooks"), signature="standard")
    system.dispatcher()
    checkout.write_env()
    here = lambda text: text.replace("127.0.0.1:9092", system.servers.kafka.brokers).replace("posthorn.events", system.topic)
    c = here(block("docs/publishing.md", "c", "int main"))
    python = here(block("docs/publishing.md", "python", "confluent_kafka")).replace("pay-1", "pay-2")
    kcat = here(block("docs/publishing.md", "sh", "kcat")).replace("pay-1", "pay-3")
    checkout.run("c", "publish.c", c)
    checkout.run("python", "publish.py", python)
    checkout.run("sh", None, 'cc publish.c -o publish -I producer -L build/release/lib -Wl,-rpath,"$PWD/build/release/lib" -lposthorn-producer\n'
                             f"./publish\npython3 publish.py\n{kcat}")
    requests = receiver.wait_for(3, "/hooks")
    assert {request.headers["webhook-id"] for request in requests} == {"pay-1", "pay-2", "pay-3"}
    system.wait_delivered(3)


VERIFY_MAIN = r"""
int main(int argc, char **argv)
{
    unsigned char key[64];
    int size = EVP_DecodeBlock(key, (unsigned char *)argv[1], (int)strlen(argv[1]));
    for (const char *at = argv[1] + strlen(argv[1]); at > argv[1] && at[-1] == '='; at--)
        size--;
    return argc == 6 && is_genuine(key, size, argv[2], argv[3], argv[4], strlen(argv[4]), argv[5]) ? 0 : 1;
}
"""


def test_verifying_in_c(system, receiver, checkout):
    account = system.account(dialect="penny")
    webhook = system.webhook(account, receiver.url("/hooks"))
    system.dispatcher()
    system.publish(system.event(account, data={"amount": 5}))
    (request,) = receiver.wait_for(1, "/hooks")
    checkout.write_env()
    checkout.run("c", "verify.c", block("docs/verifying.md", "c", "is_genuine") + VERIFY_MAIN)
    checkout.run("sh", None, "cc -Wall -Wextra -Werror -D_GNU_SOURCE verify.c -o verify -lcrypto")
    headers, secret = request.headers, webhook["secret"].removeprefix("whsec_")

    def verdict(body):
        words = [secret, headers["webhook-id"], headers["webhook-timestamp"], body, "v1,AAAA " + headers["webhook-signature"]]
        return subprocess.run([checkout.directory / "verify", *words], timeout=60).returncode
    assert verdict(request.body.decode()) == 0
    assert verdict(request.body.decode() + " ") == 1


def test_configuration_is_current(servers):
    printed = subprocess.run([ROOT / "docs/make-configuration", BIN], env=clean_environment({}), capture_output=True, text=True, check=True).stdout
    page = (ROOT / "docs/configuration.md").read_text()
    assert page == printed, "docs/configuration.md is out of date: docs/make-configuration > docs/configuration.md"


@pytest.mark.parametrize("page", sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")] if "build" not in path.parts[-2]))
def test_links_lead_somewhere(page):
    """Links within the repository, and files that the pages name in `code`."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.M | re.S)
    broken = [target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if not (ROOT / page).parent.joinpath(target).exists()]
    named = re.findall(r"`((?:lib|dispatcher|admin|producer|schema|deploy|bench|tests|docs)/[\w./-]+)`", text)
    broken += [name for name in named if not (ROOT / name).exists()]
    assert not broken, f"{page} names what is not there: {broken}"


def test_tests_that_the_architecture_names_exist():
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", (ROOT / "ARCHITECTURE.md").read_text()))
    files = [path for folder in ("system", "fault", "browser") for path in ROOT.glob(f"tests/{folder}/*.py")]
    there = {path.name for path in files} | {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)}
    assert named, "ARCHITECTURE.md names no test"
    assert not named - there, f"there is no {sorted(named - there)}"
