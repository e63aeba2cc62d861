"""Fixtures of the browser tests: Debian's Chromium with the console that posthorn-api serves, and a real Kafka,
PostgreSQL, dispatcher and receiver. One Posthorn serves the whole run; each test has its own account and user."""
import os
import pathlib
import re

import pytest
from playwright.sync_api import expect, sync_playwright

from accessibility import Report
from merchant import Merchant
from screens import CONSOLE, WIDE_AND_NARROW, Screens
from support.api import Api
from support.receiver import Receiver
from support.ports import ROOT
from support.system import System, migrate_template
from watch import Watch

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FAILURES = ROOT / "build/test-logs/browser"
# timeout of expectations; it bounds a hanging test and asserts nothing about speed
DEADLINE_MS = 1000 * int(os.environ.get("BROWSER_DEADLINE_SECONDS", "30"))

expect.set_options(timeout=DEADLINE_MS)


def pytest_addoption(parser):
    parser.addoption("--docs", metavar="DIR", type=pathlib.Path,
                     help="write the screenshots and the accessibility report there (tests/browser/screenshots)")


@pytest.fixture(scope="session")
def posthorn(session_servers, run_directory):
    """The run's Posthorn, with one dispatcher."""
    directory = run_directory / "browser"
    directory.mkdir()
    made = System(session_servers, migrate_template(session_servers.postgres), directory)
    made.dispatcher()
    yield made
    made.close()


@pytest.fixture(scope="session")
def start_api(posthorn):
    """Starts a posthorn-api that serves the console; settings by name."""
    assert (CONSOLE / "index.html").exists(), f"{CONSOLE} is not built; tests/run browser builds it, or deploy/build-console"
    started = []

    def start(**settings):
        made = Api(posthorn, posthorn.directory, f"api-{len(started) + 1}", **{"console": CONSOLE} | settings)
        started.append(made)
        return made.start()
    yield start
    for api in started:
        api.stop()


@pytest.fixture(scope="session")
def api(start_api):
    return start_api()


@pytest.fixture(scope="session")
def receiver():
    """The receiver of the webhooks; each test uses its own paths."""
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def merchant(posthorn, api):
    """An account with source keys, and a user with a second factor."""
    return Merchant(posthorn, api)


@pytest.fixture
def open_screens(chromium, api, request):
    """Opens a further browser session (with its own cookies) and returns its Screens. It is watched: see watch.py."""
    opened = []

    def make(at=None, **options):
        options = {"viewport": WIDE_AND_NARROW[0], "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce",
                   "color_scheme": "light", "service_workers": "block"} | options
        context = chromium.new_context(**options)
        context.set_default_timeout(DEADLINE_MS)
        context.grant_permissions(["clipboard-write"])
        base = (at or api).url
        page = context.new_page()
        opened.append(Screens(page, base, Watch(page, base)))
        return opened[-1]
    request.node.screens = opened
    yield make
    watches = [screens.watch for screens in opened]
    for screens in opened:
        screens.page.context.close()
    for watch in watches:
        watch.assert_clean()


@pytest.fixture
def screens(open_screens):
    """A browser in which no user is signed in."""
    return open_screens()


@pytest.fixture
def console(screens, merchant):
    """The merchant signed in, on the list of webhooks."""
    screens.enter(merchant)
    return screens


@pytest.fixture(scope="session")
def report(request):
    """The results of axe on all screens; see accessibility.py."""
    made = Report(request.config.getoption("--docs"))
    yield made
    made.write()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test stores, in build/test-logs/browser, a screenshot of each of its pages and the messages of their consoles."""
    outcome = yield
    result = outcome.get_result()
    if not result.failed:
        return
    FAILURES.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{item.nodeid.split('/')[-1]}-{result.when}")[:150]
    for number, screens in enumerate(getattr(item, "screens", ())):
        lines = [screens.page.url, *screens.watch.everything]
        try:
            screens.page.screenshot(path=FAILURES / f"{name}-{number}.png", timeout=10_000)
            lines.insert(0, f"screenshot: {FAILURES / name}-{number}.png")
        except Exception as error:  # the page may be closed or hang: the failure itself matters more
            lines.insert(0, f"no screenshot: {error}")
        result.sections.append((f"page {number}", "\n".join(lines)))
    api = getattr(item, "funcargs", {}).get("api")
    if api is not None:
        result.sections.append(("log of posthorn-api", api.log()[-5000:]))
    sections = "".join(f"\n--- {title}\n{text}\n" for title, text in result.sections)
    (FAILURES / f"{name}.txt").write_text(result.longreprtext + sections)
