"""Settings of a database or a login, which an operator may have changed for other programs: Posthorn's programs work the same, or report what to set."""
import re
import subprocess

import pytest

from support.console import signed_in
from support.programs import clean_environment, program, run_admin
from support.servers import Pooler, free_port
from support.system import API, DISPATCHER, OWNER
from support.waiting import wait_until

UNUSUAL = {
    "datestyle": "'SQL, DMY'", "intervalstyle": "'sql_standard'", "timezone": "'Asia/Kolkata'", "standard_conforming_strings": "off", "bytea_output": "'escape'",
    "extra_float_digits": "-15", "client_encoding": "'LATIN1'", "search_path": "'nowhere'", "quote_all_identifiers": "on", "array_nulls": "off",
    "default_transaction_deferrable": "on", "xmlbinary": "'hex'", "lc_numeric": "'C'", "backslash_quote": "off", "transform_null_equals": "on",
}
REFUSED = {"default_transaction_isolation": ("serializable", "read committed"), "default_transaction_read_only": ("on", "off"),
           "session_replication_role": ("replica", "origin")}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")  # the second one in rows that audit.changes shows
LABEL = "Zürich \\' \\n \u20ac"


@pytest.fixture(params=["direct", "pooled"])
def url_of(request, system, test_directory):
    """The address for a login, of the server or of a pooler in transaction mode."""
    poolers = {}

    def url(login):
        if request.param == "direct":
            return system.url_of(login)
        if login not in poolers:
            directory = test_directory / login
            directory.mkdir()
            directory.chmod(0o755)
            poolers[login] = Pooler(system.servers.postgres, directory, login, login)
        return poolers[login].url(system.database)
    yield url
    for pooler in poolers.values():
        pooler.stop()


def set_for_logins(system, settings, logins=(OWNER, DISPATCHER, API)):
    for login in logins:
        for name, value in settings.items():
            system.db.query(f"alter role {login} in database {system.database} set {name} = {value}")


def times_of(value, key=""):
    """(key, value) of all members whose names denote instants."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from times_of(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from times_of(member, key)
    elif value is not None and (key.endswith("_at") or key in ("hour", "at", "next_attempt_due", "failing_since")):
        yield key, value


def assert_rfc_3339(value):
    times = list(times_of(value))
    assert all(isinstance(time, str) and INSTANT.fullmatch(time) for _, time in times), times
    return len(times)


def test_unusual_settings_change_nothing(system, receiver, start_api, url_of):
    set_for_logins(system, UNUSUAL)

    def admin(*arguments):
        return run_admin([*arguments, "--json"], system.settings(database_url=url_of(OWNER)))
    account = admin("account", "create", "unusual", "--dialect", "merchant", "--name", LABEL)["key"]
    by_admin = admin("webhook", "create", "--account", account, "--url", receiver.url("/admin?a=b"), "--events", "transaction.*", "--label", LABEL)
    console = signed_in(start_api(database_url=url_of(API)), account)
    made = console.post("/v1/webhooks", {"label": LABEL, "events": ["transaction.*", "ach.settled"], "url": receiver.url("/api"), "signature": {"type": "standard"},
                                         "authentication": {"type": "basic", "username": "u", "password": "a\\b"}})
    assert made.status_code == 201, made.text
    by_api = made.json()["id"]
    system.dispatcher(database_url=url_of(DISPATCHER))
    event = system.event(account, type="transaction.sale.success", data={"text": "a\\b ü €"})
    system.publish(event)
    system.topics.produce(system.topic, [{"value": b"{\\"}])
    system.wait_delivered(2)
    system.wait_consumed()
    assert all("a\\\\b ü €".encode() in request.body or b"a\\\\b \\u00fc" in request.body for request in receiver.requests("/api") + receiver.requests("/admin"))

    one = console.get(f"/v1/webhooks/{by_api}").json()
    assert one["label"] == LABEL and assert_rfc_3339(one) >= 1
    assert console.patch(f"/v1/webhooks/{by_api}", {"label": LABEL + "\\"}).json()["label"] == LABEL + "\\"
    for path in ("/v1/webhooks", f"/v1/webhooks/{by_api}/deliveries", f"/v1/webhooks/{by_api}/statistics", f"/v1/events/{event['id']}"):
        answer = console.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert assert_rfc_3339(answer.json()) >= 1, f"{path}: {answer.text}"

    assert admin("webhook", "show", by_admin["id"])["label"] == LABEL
    assert {row["label"] for row in admin("webhook", "list")} == {LABEL, LABEL + "\\"}
    [letter] = admin("dead-letter", "list")
    assert assert_rfc_3339(letter) >= 1
    shown = admin("dead-letter", "show", system.topic, str(letter["partition"]), str(letter["offset"]), "--reveal")
    assert shown["value"] == "{\\" and assert_rfc_3339(shown) == 1 and shown["copied"] is True
    status = admin("status")
    assert assert_rfc_3339(status) >= 1 and re.fullmatch(r"\d{4}-\d\d-\d\d", status["partitions"][0]["first_day"])
    for command in (("change", "list"), ("account", "list"), ("audit", "verify"), ("audit", "reconciliation"), ("event", "show", event["id"])):
        assert assert_rfc_3339(admin(*command)) >= 1, command
    system.assert_balanced(records=2)


def end_of(name, settings, *arguments):
    done = subprocess.run([program(f"posthorn-{name}"), *arguments], env=clean_environment(settings), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_session_cannot_set_is_refused_with_its_remedy(system, url_of, name):
    wrong, wanted = REFUSED[name]
    for called, login, arguments in (("admin", OWNER, ("account", "list")), ("api", API, ()), ("dispatcher", DISPATCHER, ())):
        set_for_logins(system, {name: wrong}, [login])
        settings = system.settings(database_url=url_of(login), listen=f"127.0.0.1:{free_port()}") | {"topic": system.topic}
        status, output = end_of(called, settings, *arguments)
        assert status == 1, output
        found = re.search(rf"the setting {name} is '{wrong}' for this login and must be '{wanted}'; to set it: (alter role {login} in database \w+ set \w+ = '[a-z ]+')", output)
        assert found, output
        system.db.query(found.group(1))
    system.servers.postgres.cut_connections(system.database)  # the sessions of a pooler keep the settings with which they started
    run_admin(["account", "list"], system.settings(database_url=url_of(OWNER)))


def test_a_setting_that_changes_while_a_dispatcher_runs(system, receiver):
    """It tries again, and logs the reason, until it can continue."""
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    set_for_logins(system, {"default_transaction_isolation": "serializable"}, [DISPATCHER])
    system.servers.postgres.cut_connections(system.database)
    wait_until(lambda: "must be 'read committed'; to set it: alter role test_dispatcher in database" in dispatcher.log(), 30, "the reason in the log")
    assert dispatcher.get("/readyz")[0] == 503
    set_for_logins(system, {"default_transaction_isolation": "'read committed'"}, [DISPATCHER])
    system.publish(system.event(account))
    system.wait_delivered(1)
    system.assert_balanced(records=1)


def test_settings_of_the_database_itself(system):
    """`posthorn-admin` shows the same, whatever the settings of the database; a client's settings in the environment have no effect either."""
    account = system.account("acme")
    before = system.admin("account", "show", account, "--json")
    for name, value in UNUSUAL.items():
        system.db.query(f"alter database {system.database} set {name} = {value}")
    assert system.admin("account", "show", account, "--json") == before
    environment = clean_environment(system.settings()) | {"PGDATESTYLE": "German", "PGTZ": "Asia/Kolkata", "PGCLIENTENCODING": "LATIN1"}
    done = subprocess.run([program("posthorn-admin"), "account", "show", account], env=environment, capture_output=True, text=True, timeout=60)
    assert before["created_at"] in done.stdout, done.stdout + done.stderr
