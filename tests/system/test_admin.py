"""posthorn-admin: what it writes, what it refuses, and its messages."""
import concurrent.futures
import hashlib
import json
import subprocess
import uuid

import pytest
from standardwebhooks import Webhook
from support.database import Database
from support.programs import Failed, clean_environment, program, run_admin
from support.receiver import answer
from support.tables import lines
from support.waiting import wait_until


def refused(system, *arguments):
    """Asserts that the command is refused with a message of the program; returns the message."""
    with pytest.raises(Failed) as caught:
        system.admin(*arguments)
    assert caught.value.status in (1, 2)
    assert caught.value.stderr.startswith("posthorn-admin: ")
    return caught.value.stderr


def admin_with_input(system, text, *arguments):
    done = subprocess.run([program("posthorn-admin"), *map(str, arguments)], env=clean_environment(system.settings()), input=text,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def database(servers):
    """The URL of an empty database."""
    name = f"admin_{uuid.uuid4().hex[:12]}"
    servers.postgres.execute(f"create database {name}")
    yield servers.postgres.url(name)
    servers.postgres.execute(f"drop database {name} with (force)")


@pytest.fixture
def empty(database):
    made = Database(database)
    yield made
    made.close()


# migrate ---------------------------------------------------------------------------------------------------------------------------------------------------


def states(output):
    return {row["state"] for row in output}


def test_migrate_twice_is_harmless(database, empty):
    settings = {"database_url": database}
    assert states(run_admin(["migrate", "--dry-run", "--json"], settings)) == {"would be applied"}
    assert empty.value("select count(*) from pg_namespace where nspname = 'posthorn'") == 0
    assert states(run_admin(["migrate", "--json"], settings)) == {"applied"}
    assert states(run_admin(["migrate", "--json"], settings)) == {"was there"}
    assert empty.value("select count(*) from pg_inherits where inhparent = 'posthorn.attempt'::regclass") >= 4


def test_migrate_from_several_processes_at_once_is_harmless(database, empty):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda _: run_admin(["migrate", "--json"], {"database_url": database}), range(4)))
    by_version = [[output[n]["state"] for output in outputs] for n in range(len(outputs[0]))]
    for seen in by_version:
        assert sorted(seen) == ["applied", "was there", "was there", "was there"]
    assert empty.value("select count(*) from public.posthorn_migration") == len(by_version) >= 20


def test_a_changed_migration_is_named(database, empty):
    run_admin(["migrate"], {"database_url": database})
    empty.query("update public.posthorn_migration set sha256 = repeat('0', 64) where version = 2")
    with pytest.raises(Failed) as caught:
        run_admin(["migrate"], {"database_url": database})
    assert "schema/0002_" in caught.value.stderr and "never changed" in caught.value.stderr


def test_a_failing_migration_leaves_nothing_and_names_the_line(database, empty):
    empty.query("create schema audit")  # 0004 creates it
    with pytest.raises(Failed) as caught:
        run_admin(["migrate"], {"database_url": database})
    assert "schema/0004_audit.sql" in caught.value.stderr and "already exists" in caught.value.stderr
    assert empty.value("select to_regclass('public.posthorn_migration') is null and to_regnamespace('posthorn') is null")
    empty.query("drop schema audit")
    assert states(run_admin(["migrate", "--json"], {"database_url": database})) == {"applied"}


def test_a_newer_database_is_noted(system):
    system.db.query("insert into public.posthorn_migration (version, name, sha256) values (9999, '9999_future.sql', '')")
    done = subprocess.run([program("posthorn-admin"), "migrate"], env=clean_environment(system.settings()), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "9999_future.sql" in done.stderr


def test_without_migration_every_command_says_what_to_do(database):
    for command in (["status"], ["account", "list"], ["audit", "verify"], ["partitions", "make"]):
        with pytest.raises(Failed) as caught:
            run_admin(command, {"database_url": database})
        assert "posthorn-admin migrate" in caught.value.stderr, command


# The command line ------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, said", [
    (["acount", "list"], "did you mean: account"),
    (["account", "lst"], "the commands of account are: create, list"),
    (["account"], "the commands of account are: create, list"),
    (["account", "show"], "KEY is missing"),
    (["account", "show", "a", "b"], "unexpected argument 'b'"),
    (["account", "create", "x"], "--dialect"),
    (["account", "create", "x", "--dialect", "pony"], "'pony' is not one of penny|merchant|payconex|devengo"),
    (["account", "create", "two words", "--dialect", "penny"], "visible ASCII"),
    (["account", "list", "--colour"], "--colour"),
    (["webhook", "show", "nonsense"], "UUID, wbh_"),
    (["webhook", "show", str(uuid.uuid4())], "there is no webhook"),
    (["webhook", "update", str(uuid.uuid4()), "--label", "x"], "there is no webhook"),
    (["event", "show", "nobody"], "there is no event nobody"),
    (["position", "reset", "--topic", "t", "--partition", "0", "--to", "7"], "t"),
    (["position", "reset", "--topic", "t", "--partition", "x", "--to", "end"], "is not a whole number"),
    (["dead-letter", "show", "t", "0", "1"], "there is no dead letter"),
    (["dead-letter", "show", "t", "zero", "1"], "is not a whole number"),
    (["replay", "--webhook", str(uuid.uuid4())], "there is no webhook"),
    (["redeliver", "e", "--webhook", "w"], "is not a webhook id"),
    (["source-key", "create", "--account", "nobody", "--name", "n"], "there is no account nobody"),
    (["event-type", "create", "a b", "--description", "d"], "visible ASCII"),
    (["help", "nothing"], "no command"),
])
def test_mistakes_are_explained(system, arguments, said):
    assert said in refused(system, *arguments)


def test_missing_settings_are_explained(system):
    for missing, said in (("database_url", "POSTHORN_DATABASE_URL"), ("master_key", "POSTHORN_MASTER_KEY")):
        with pytest.raises(Failed) as caught:
            run_admin(["account", "create", "x", "--dialect", "penny"], system.settings(**{missing: None}))
        assert said in caught.value.stderr
    with pytest.raises(Failed) as caught:
        run_admin(["account", "create", "x", "--dialect", "penny"], system.settings(master_key="abc"))
    assert "64 hexadecimal digits" in caught.value.stderr
    with pytest.raises(Failed) as caught:
        run_admin(["status"], system.settings(database_url="postgresql://u:hunter2@127.0.0.1:1/none"))
    assert "127.0.0.1" in caught.value.stderr and "hunter2" not in caught.value.stderr


def test_every_command_has_help_and_stands_in_the_manual(system):
    everything = system.admin("help")
    manual = system.admin("--manual")
    commands = [line.split("  ")[1].split() for line in everything.splitlines() if line.startswith("  ") and line[2] not in " -"]
    assert len(commands) > 30
    for words in commands:
        name = [w for w in words if w == w.lower() and "[" not in w]
        if name == ["help"]:
            continue
        assert "Usage: posthorn-admin " + " ".join(name) in system.admin(*name, "--help")
        assert ".SS " + " ".join(name) in manual


def test_options_of_commands_do_not_come_from_the_environment(system):
    """POSTHORN_NAME is the dispatcher's name, and POSTHORN_TOPIC the topic to which to publish."""
    settings = system.settings(name="dispatcher-7", dialect="merchant")
    made = run_admin(["account", "create", "acme", "--dialect", "penny", "--json"], settings)
    assert (made["name"], made["dialect"]) == ("", "penny")


def test_the_actor_is_remembered(system):
    system.admin("--actor", "alice", "account", "create", "acme", "--dialect", "penny")
    (change,) = system.admin("change", "list", "--by", "alice", "--json")
    assert (change["object"], change["action"], change["program"], change["after"]["key"]) == ("account", "insert", "posthorn-admin", "acme")


# Accounts --------------------------------------------------------------------------------------------------------------------------------------------------


def test_account_is_made_once(system):
    made = system.admin("account", "create", "acme", "--dialect", "penny", "--name", "Acme & Sons", "--json")
    assert made | {"key": "acme", "name": "Acme & Sons", "dialect": "penny", "status": "active", "payloads_readable": True} == made
    assert "--if-absent" in refused(system, "account", "create", "acme", "--dialect", "penny")
    again = system.admin("account", "create", "acme", "--dialect", "penny", "--if-absent", "--json")
    assert again["uuid"] == made["uuid"]
    assert "dialect penny, not devengo" in refused(system, "account", "create", "acme", "--dialect", "devengo", "--if-absent")
    assert [a["key"] for a in system.admin("account", "list", "--json")] == ["acme"]


def test_a_merchants_signature_key_is_shown_once(system):
    made = system.admin("account", "create", "m1", "--dialect", "merchant", "--json")
    assert len(made["signature_key"]) == 64
    assert "signature_key" not in system.admin("account", "create", "m1", "--dialect", "merchant", "--if-absent", "--json")
    shown = system.admin("account", "show", "m1", "--json")
    assert shown["has_signature_key"] is True and "signature_key" not in shown
    given = system.admin("account", "create", "m2", "--dialect", "merchant", "--signature-key", "s3cret", "--json")
    assert given["has_signature_key"] is True and "signature_key" not in given
    assert system.admin("account", "create", "p", "--dialect", "penny", "--json")["has_signature_key"] is False


def test_keys_are_sealed_for_their_row_and_not_in_the_audit(system):
    system.admin("account", "create", "m1", "--dialect", "merchant", "--signature-key", "plainly-visible")
    system.admin("account", "create", "m2", "--dialect", "merchant", "--signature-key", "plainly-visible")
    rows = system.db.query("select data_key, signature_key from posthorn.account")
    assert all(b"plainly-visible" not in bytes(row["signature_key"]) for row in rows)
    assert rows[0]["signature_key"] != rows[1]["signature_key"] and len(rows[0]["data_key"]) == 1 + 4 + 12 + 32 + 16
    assert "plainly-visible" not in json.dumps(system.admin("change", "list", "--json"))


def test_close_and_erase(system):
    system.account("acme")
    assert system.admin("account", "close", "acme", "--json")["status"] == "closed"
    assert system.admin("account", "erase-payloads", "acme", "--json")["payloads_readable"] is False
    assert "closed" in refused(system, "webhook", "create", "--account", "acme", "--url", "http://h/", "--events", "*")
    assert "no account nobody" in refused(system, "account", "close", "nobody")


# Webhooks --------------------------------------------------------------------------------------------------------------------------------------------------


def create(system, *arguments, account="acme", url="https://example.com/hook", events="*"):
    return system.admin("webhook", "create", "--account", account, "--url", url, "--events", events, "--json", *arguments)


@pytest.mark.parametrize("dialect, prefix, length, secret, signature", [
    ("penny", "", 36, "whsec_", "standard"), ("merchant", "", 36, None, "none"),
    ("payconex", "wbh_", 36, "whsec_", "standard"), ("devengo", "whk_", 26, "", "standard"),
])
def test_a_webhook_looks_as_its_dialect_wants(system, dialect, prefix, length, secret, signature):
    system.account("acme", dialect)
    made = create(system)
    assert made["id"].startswith(prefix) and len(made["id"]) == length
    assert (made["format"], made["status"], made["signature"], made["auth"]) == (dialect, "enabled", signature, "none")
    if secret is None:
        assert made["secret"] is None
    elif secret == "":
        assert len(made["secret"]) == 40 and int(made["secret"], 16) >= 0
    else:
        assert made["secret"].startswith(secret)
    for name in (made["id"], made["uuid"], made["uuid"].replace("-", ""), "wbh_" + made["uuid"].replace("-", "")):
        assert system.admin("webhook", "show", name, "--json")["id"] == made["id"]


@pytest.mark.parametrize("arguments, said", [
    (["--account", "nobody"], "no account 'nobody'"),
    (["--url", "ftp://h/"], "must be http or https"),
    (["--url", "//h/"], "--url"),
    (["--url", "http://"], "--url"),
    (["--url", "http://h/a b"], "control character"),
    (["--url", "http://h/\r\nX: y"], "control character"),
    (["--url", "http://u:p@h/"], "use basic authentication"),
    (["--url", "http://h/#there"], "fragment"),
    (["--url", "http://h/" + "x" * 2048], "2048"),
    (["--url", "http://h:99999/"], "--url"),
    (["--events", ""], "--events"),
    (["--events", ", ,"], "--events"),
    (["--events", "transaction.authorised"], "transaction.authorized"),
    (["--events", "nothing.like.it"], "event-type list"),
    (["--events", "a.*.b"], "prefix.*"),
    (["--events", "a*"], "prefix.*"),
    (["--events", ".*"], "prefix.*"),
    (["--events", "grüße"], "visible ASCII"),
    (["--format", "xml"], "'xml' is not one of"),
    (["--auth", "digest"], "none|basic|bearer"),
    (["--auth", "basic"], "needs --username and --password"),
    (["--username", "a:b", "--password", "p"], "colon"),
    (["--auth", "bearer"], "needs --token"),
    (["--auth", "none", "--token", "t"], "for --auth bearer"),
    (["--token", "two words"], "visible ASCII"),
    (["--signature", "rot13"], "'rot13' is not one of"),
    (["--signature", "source_key"], "needs --source-key"),
    (["--source-key", "absent"], "no source key 'absent'"),
    (["--signature", "signature_key"], "no signature key"),
    (["--signature", "none", "--secret", "x"], "cannot be used with --signature none"),
    (["--secret", "whsec_short"], "24 to 64 bytes"),
    (["--secret", "correct horse battery staple"], "cannot verify with another secret"),
    (["--secret", "0123456789abcdef0123456789abcdef01234567"], "cannot verify with another secret"),
    (["--secret", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="], "cannot verify with another secret"),
    (["--url", "http://h/" + "é" * 700], "including the percent-encoding"),
])
def test_bad_webhooks_are_refused_with_a_reason(system, arguments, said):
    system.account("acme")
    defaults = {"--account": "acme", "--url": "http://h/", "--events": "*"}
    defaults.update({arguments[0]: arguments[1]} if arguments[0] in defaults else {})
    rest = [] if arguments[0] in defaults else arguments
    assert said in refused(system, "webhook", "create", *[part for pair in defaults.items() for part in pair], *rest)
    assert system.db.value("select count(*) from posthorn.webhook") == 0


def test_events_are_trimmed_and_unknown_ones_allowed_when_asked(system):
    system.account("acme")
    made = create(system, "--allow-unknown", events=" my.own , ach.*,my.own,")
    assert made["events"] == ["ach.*", "my.own"]


def test_update_changes_what_is_given_and_moves_the_clock(system):
    system.account("acme")
    made = create(system, "--label", "first", "--token", "tok", events="transaction.authorized")
    before = system.db.value("select v from posthorn.subscription_clock")
    changed = system.admin("webhook", "update", made["id"], "--url", "https://other.example/", "--events", "ach.*,cau.submitted", "--json")
    assert changed | {"url": "https://other.example/", "events": ["ach.*", "cau.submitted"], "label": "first", "auth": "bearer", "version": 2} == changed
    assert "secret" not in changed
    assert system.db.value("select v from posthorn.subscription_clock") > before
    assert system.admin("webhook", "update", made["id"], "--auth", "none", "--json")["auth"] == "none"
    assert system.db.value("select auth_secret is null and auth_username is null from posthorn.webhook") is True
    assert "--username and --password" in refused(system, "webhook", "update", made["id"], "--username", "only")


def test_a_signature_turned_on_later_gets_its_secret(system):
    system.account("acme", "merchant")
    made = create(system)
    assert made["secret"] is None
    assert system.admin("webhook", "update", made["id"], "--signature", "standard", "--json")["secret"].startswith("whsec_")
    assert "secret" not in system.admin("webhook", "update", made["id"], "--signature", "standard", "--json")


def test_enable_disable_delete(system):
    system.account("acme")
    made = create(system)
    disabled = system.admin("webhook", "disable", made["id"], "--reason", "too slow", "--json")
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "too slow")
    enabled = system.admin("webhook", "enable", made["id"], "--json")
    assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
    assert system.admin("webhook", "delete", made["id"], "--json")["status"] == "deleted"
    assert "was deleted" in refused(system, "webhook", "enable", made["id"])
    assert system.admin("webhook", "list", "--json") == []
    assert [w["id"] for w in system.admin("webhook", "list", "--status", "deleted", "--json")] == [made["id"]]
    assert system.admin("webhook", "show", made["id"], "--json")["status"] == "deleted"


def test_lists_are_narrowed(system):
    for account in ("a", "b"):
        system.account(account)
        create(system, account=account)
    assert [w["account"] for w in system.admin("webhook", "list", "--account", "b", "--json")] == ["b"]
    assert len(system.admin("webhook", "list", "--limit", "1", "--json")) == 1


def test_secrets_come_from_standard_input_and_are_not_shown_again(system):
    system.account("acme", "merchant")
    made = json.loads(admin_with_input(system, "pass word\n", "webhook", "create", "--account", "acme", "--url", "http://h/", "--events", "*",
                                       "--username", "me", "--password", "-", "--json"))
    assert (made["auth"], made["username"]) == ("basic", "me")
    admin_with_input(system, "source-secret\n", "source-key", "create", "--account", "acme", "--name", "web", "--secret", "-")
    for command in (["webhook", "show", made["id"]], ["webhook", "list"], ["source-key", "list"], ["change", "list"]):
        said = json.dumps(system.admin(*command, "--json"))
        assert "pass word" not in said and "source-secret" not in said


def test_source_keys(system):
    system.account("acme", "merchant")
    made = system.admin("source-key", "create", "--account", "acme", "--name", "web", "--json")
    assert len(made["secret"]) == 64
    assert "already" in refused(system, "source-key", "create", "--account", "acme", "--name", "web")
    hook = create(system, "--source-key", "web")
    assert (hook["signature"], hook["source_key"]) == ("source_key", "web")
    assert [(k["account"], k["name"], k["webhooks"]) for k in system.admin("source-key", "list", "--json")] == [("acme", "web", 1)]
    changed = system.admin("webhook", "update", hook["id"], "--signature", "none", "--json")
    assert (changed["signature"], changed["source_key"]) == ("none", None)


def test_event_types(system):
    made = system.admin("event-type", "create", "order.placed", "--description", "An order was placed.", "--dialect", "penny", "--json")
    assert made["name"] == "order.placed"
    assert "already" in refused(system, "event-type", "create", "order.placed", "--description", "again")
    assert "order.placed" in [t["name"] for t in system.admin("event-type", "list", "--dialect", "penny", "--json")]
    counts = system.db.query("select dialect, count(*) from posthorn.event_type where name <> 'order.placed' group by 1 order by 1")
    assert [tuple(row.values()) for row in counts] == [("devengo", 25), ("merchant", 23), ("payconex", 2), ("penny", 1), (None, 1)]


def test_a_rotated_secret_signs_beside_the_old_one(system, receiver):
    account = system.account()
    made = system.webhook(account, receiver.url("/hook"))
    rotated = system.admin("webhook", "rotate-secret", made["id"], "--overlap", "1h", "--json")
    assert rotated["secret"] != made["secret"] and rotated["previous_secret_until"] > rotated["updated_at"]
    system.dispatcher()
    system.publish(system.event(account))
    (request,) = receiver.wait_for(1, "/hook")
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(request.body, request.headers)
    system.admin("webhook", "rotate-secret", made["id"], "--overlap", "0s")
    assert system.db.value("select previous_secret is null and previous_secret_until is null from posthorn.webhook") is True


# Positions -------------------------------------------------------------------------------------------------------------------------------------------------


def reset(system, partition, to):
    return system.admin("position", "reset", "--topic", system.topic, "--partition", partition, "--to", to, "--json")


def test_reset_to_the_end_skips_and_says_so(system, receiver):
    system.webhook(system.account("other"), receiver.url("/none"))
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    events = [system.event(account) for _ in range(8)]
    first = system.dispatcher()
    (partition, _), *_ = system.publish(*events[:4])
    system.wait_delivered(4)
    system.wait_consumed()
    first.stop()
    system.publish(*events[4:])
    said = reset(system, partition, "end")
    assert said | {"log_epoch": 2, "was": 4, "next_offset": 8, "log_begins": 0, "log_ends": 8, "events_not_passed": 0} == said
    assert said["skipped"].startswith("4 offsets, 4 to 7")
    first.start()
    later = system.event(account)
    system.publish(later)
    system.wait_delivered(5)
    assert [r.headers["webhook-id"] for r in receiver.requests("/hook")][4:] == [later["id"]]
    epochs = [(p["log_epoch"], p["next_offset"]) for p in system.admin("position", "list", "--topic", system.topic, "--all", "--json")
              if p["partition"] == partition]
    assert epochs == [(1, 4), (2, 9)]
    assert sum(r["missing"] for r in system.audit.query("select missing from audit.reconciliation")) == 0


def test_reset_to_the_beginning_reads_again_and_delivers_nothing_twice(system, receiver):
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    (partition, _), *_ = system.publish(*[system.event(account) for _ in range(4)])
    system.wait_delivered(4)
    said = reset(system, partition, "beginning")  # under the running dispatcher, which loses the partition and claims it again
    assert said["next_offset"] is None and "0 to 3, are read again" in said["skipped"]
    system.publish(system.event(account))
    system.wait_delivered(5)
    wait_until(lambda: system.audit.books()["repeated"] == 4, 60, "four repeats")
    assert receiver.count("/hook") in (5, 6)  # the last one may have been in flight in the old epoch
    system.assert_balanced()


def test_reset_tells_what_was_taken_in_and_not_passed(system):
    account = system.account()
    system.db.query("insert into posthorn.position (source, topic, partition, next_offset, first_offset) values ('kafka', %s, 0, 10, 10)", system.topic)
    system.db.query("insert into posthorn.event (event_key, period, position_id, \"offset\", account_id, event_type, event_id, source, occurred_at, payload_sha256)"
                    " select gen_random_uuid(), posthorn.period_of(now()), p.id, n, a.id, 't', 'e' || n, 's', now(), ''"
                    " from posthorn.position p, posthorn.account a, generate_series(9, 12) n where a.key = %s", account)
    said = run_admin(["position", "reset", "--topic", system.topic, "--partition", "0", "--to", "10", "--json"], system.settings(kafka_brokers=None))
    assert said | {"events_not_passed": 3, "was": 10, "next_offset": 10, "log_epoch": 2, "partition": 0} == said
    assert system.db.value("select owner is null from posthorn.position where log_epoch = 1") is True


def test_reset_outside_of_the_log_is_refused(system):
    system.db.query("insert into posthorn.position (source, topic, partition, next_offset) values ('kafka', %s, 0, 10)", system.topic)
    assert "begins at offset 0 and ends at 0" in refused(system, "position", "reset", "--topic", system.topic, "--partition", "0", "--to", "7")
    assert "beginning, end, or an offset" in refused(system, "position", "reset", "--topic", system.topic, "--partition", "0", "--to", "-1")
    assert system.db.value("select count(*) from posthorn.position") == 1


def test_reset_to_the_end_needs_kafka(system):
    with pytest.raises(Failed) as caught:
        run_admin(["position", "reset", "--topic", system.topic, "--partition", "0", "--to", "end"], system.settings(kafka_brokers=None))
    assert "POSTHORN_KAFKA_BROKERS" in caught.value.stderr


# Dead letters ----------------------------------------------------------------------------------------------------------------------------------------------


def test_a_dead_letter_is_replayed_as_it_was(system, receiver):
    """Its account did not exist yet."""
    event = system.event("late-account")
    system.dispatcher()
    ((partition, offset),) = system.publish(event)
    place = (system.topic, partition, offset)
    (letter,) = wait_until(lambda: system.admin("dead-letter", "list", "--reason", "unknown_account", "--json"), 60, "a dead letter")
    assert (letter["topic"], letter["partition"], letter["offset"], letter["replayed_at"]) == (*place, None)
    assert "amount" not in json.dumps(system.admin("dead-letter", "show", *place, "--json"))
    shown = system.admin("dead-letter", "show", *place, "--reveal", "--json")
    assert json.loads(shown["value"]) == event["data"] and shown["key"] == "late-account"
    assert ["ce_id", __import__("base64").b64encode(event["id"].encode()).decode()] in shown["headers"]

    system.account("late-account")
    system.webhook("late-account", receiver.url("/hook"))
    replayed = system.admin("dead-letter", "replay", *place, "--json")
    assert replayed["topic"] == system.topic
    (request,) = receiver.wait_for(1, "/hook")
    assert request.headers["webhook-id"] == event["id"] and json.loads(request.body)["data"] == event["data"]
    assert "replayed at" in refused(system, "dead-letter", "replay", *place)
    first, again = [r for r in system.topics.read(system.topic, 2) if r.key == b"late-account"]
    assert (first.value, sorted(first.headers)) == (again.value, sorted(again.headers))
    assert system.admin("dead-letter", "list", "--json")[0]["replayed_at"] is not None


@pytest.mark.parametrize("value, headers", [(None, [("ce_id", b"x")]), (b"\xff\x00\x01", [("n", None), ("e", b""), ("b", b"\x00\xff")])])
def test_strange_records_are_replayed_byte_by_byte(system, value, headers):
    system.dispatcher()
    ((partition, offset),) = system.topics.produce(system.topic, [{"key": b"k\xff", "value": value, "headers": headers}])
    wait_until(lambda: system.admin("dead-letter", "list", "--json"), 60, "a dead letter")
    system.admin("dead-letter", "show", system.topic, partition, offset, "--reveal")
    system.admin("dead-letter", "replay", system.topic, partition, offset)
    records = system.topics.read(system.topic, 2)
    assert [(r.key, r.value, r.headers) for r in records] == [(b"k\xff", value, headers)] * 2


def test_an_erased_dead_letter_is_not_published_empty(system):
    system.dispatcher()
    ((partition, offset),) = system.publish({"id": "x", "type": "t", "account": "nobody", "data": 1})
    wait_until(lambda: system.admin("dead-letter", "list", "--json"), 60, "a dead letter")
    system.db.query("update posthorn.dead_letter set key = null, value = null, headers = null, erased_at = now()")
    assert "erased at" in refused(system, "dead-letter", "replay", system.topic, partition, offset)


def test_another_master_key_opens_nothing(system):
    system.dispatcher()
    ((partition, offset),) = system.publish({"id": "x", "type": "t", "account": "nobody", "data": 1})
    wait_until(lambda: system.admin("dead-letter", "list", "--json"), 60, "a dead letter")
    with pytest.raises(Failed) as caught:
        run_admin(["dead-letter", "replay", system.topic, str(partition), str(offset)], system.settings(master_key="00" * 32))
    assert "cannot be opened with this master key" in caught.value.stderr
    assert "another key" in caught.value.stderr


# Events and replays ----------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect, seen_id", [("penny", "event_id"), ("merchant", "event_id"), ("payconex", "id"), ("devengo", "id")])
def test_an_event_is_found_by_what_its_receiver_saw(system, receiver, dialect, seen_id):
    account = system.account(dialect=dialect)
    made = system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    event = system.event(account)
    system.publish(event)
    (request,) = receiver.wait_for(1, "/hook")
    system.wait_delivered(1)
    for name in (event["id"], json.loads(request.body)[seen_id], hashlib.sha256(f"{account}\0{event['id']}".encode()).hexdigest()):
        shown = system.admin("event", "show", name, "--json")
        assert (shown["event_id"], shown["account"]) == (event["id"], account)
        assert [(d["webhook_id"], d["state"], d["attempts"]) for d in shown["deliveries"]] == [(made["id"], "delivered", 1)]
        assert [(a["outcome"], a["http_status"]) for a in shown["attempts"]] == [("delivered", 200)]
    assert "there is no event" in refused(system, "event", "show", event["id"], "--account", "nobody")


def test_an_id_of_two_accounts_must_be_told_apart(system, receiver):
    for key in ("a", "b"):
        system.account(key)
    system.dispatcher()
    system.publish(system.event("a", id="same"), system.event("b", id="same"))
    wait_until(lambda: system.audit.count("events") == 2, 60, "two events")
    assert "--account" in refused(system, "event", "show", "same")
    assert system.admin("event", "show", "same", "--account", "b", "--json")["account"] == "b"


def causes(system, event_id):
    return [a["cause"] for a in system.audit.attempts(event_id)]


def test_redeliver_sends_one_event_again(system, receiver):
    account = system.account()
    made = system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    events = [system.event(account) for _ in range(2)]
    system.publish(*events)
    system.wait_delivered(2)
    system.admin("redeliver", events[0]["id"], "--webhook", made["id"])
    receiver.wait_for(3, "/hook")
    wait_until(lambda: causes(system, events[0]["id"]) == ["event", "redeliver"], 60, "a second attempt")
    assert causes(system, events[1]["id"]) == ["event"]
    system.admin("replay", "--webhook", made["id"], "--event-id", events[1]["id"])
    wait_until(lambda: causes(system, events[1]["id"]) == ["event", "replay"], 60, "a second attempt")
    assert "has no event absent" in refused(system, "redeliver", "absent", "--webhook", made["id"])
    system.assert_balanced(records=2)


def test_replay_makes_failed_deliveries_again(system, receiver):
    account = system.account()
    made = system.webhook(account, receiver.url("/hook"))
    other = system.webhook(account, receiver.url("/other"))
    receiver.behave("/hook", answer(500))
    system.dispatcher(retry_schedule="100ms")
    events = [system.event(account) for _ in range(5)]
    system.publish(*events)
    wait_until(lambda: system.audit.books()["failed"] == 5, 60, "five given up")
    receiver.behave("/hook", answer(200))
    said = system.admin("replay", "--webhook", made["id"], "--from", "2020-01-01T00:00:00Z", "--json")
    assert said == {"looked_at": 5, "queued": 5, "waiting_already": 0, "payload_dropped": 0}
    wait_until(lambda: system.audit.count("deliveries", state="delivered") == 10, 60, "ten delivered")
    assert causes(system, events[0]["id"])[-1] == "replay"
    assert system.admin("replay", "--webhook", made["id"], "--json")["queued"] == 0
    assert system.admin("replay", "--webhook", other["id"], "--state", "delivered", "--to", "2020-01-01T00:00:00Z", "--json")["queued"] == 0
    assert receiver.count("/other") == 5
    system.assert_balanced(records=5)


def test_replay_of_what_was_cancelled_while_disabled(system, receiver):
    account = system.account()
    made = system.webhook(account, receiver.url("/hook"), events="transaction.*")
    system.admin("webhook", "disable", made["id"])
    system.dispatcher()
    cancelled, foreign = system.event(account), system.event(account, type="ach.settled")
    system.publish(cancelled, foreign)
    system.wait_consumed()
    assert "webhook enable first" in refused(system, "replay", "--webhook", made["id"])
    system.admin("webhook", "enable", made["id"])
    assert system.admin("replay", "--webhook", made["id"], "--json")["queued"] == 0
    assert system.admin("replay", "--webhook", made["id"], "--state", "cancelled", "--json")["queued"] == 1
    (request,) = receiver.wait_for(1, "/hook")
    assert request.headers["webhook-id"] == cancelled["id"]


def test_replay_of_what_was_missed_before_there_was_a_webhook(system, receiver):
    account = system.account()
    system.dispatcher()
    missed, foreign = system.event(account), system.event(account, type="ach.settled")
    system.publish(missed, foreign)
    system.wait_consumed()
    made = system.webhook(account, receiver.url("/hook"), events="transaction.*")
    assert system.admin("replay", "--webhook", made["id"], "--state", "all", "--json")["queued"] == 0
    assert system.admin("replay", "--webhook", made["id"], "--state", "missed", "--json")["queued"] == 1
    (request,) = receiver.wait_for(1, "/hook")
    assert request.headers["webhook-id"] == missed["id"]
    wait_until(lambda: causes(system, missed["id"]) == ["replay"], 60, "its attempt")
    assert system.admin("replay", "--webhook", made["id"], "--state", "missed", "--json")["queued"] == 0
    system.assert_balanced(records=2)


def test_what_has_no_payload_any_more_is_counted_and_not_queued(system, receiver):
    account = system.account()
    made = system.webhook(account, receiver.url("/hook"))
    system.dispatcher()
    events = [system.event(account) for _ in range(3)]
    system.publish(*events)
    system.wait_delivered(3)
    system.db.query("delete from posthorn.payload l using posthorn.event e where e.event_id = %s and l.\"offset\" = e.\"offset\""
                    " and l.position_id = e.position_id", events[0]["id"])
    said = system.admin("replay", "--webhook", made["id"], "--state", "all", "--json")
    assert (said["queued"], said["payload_dropped"]) == (2, 1)
    assert "was dropped" in refused(system, "redeliver", events[0]["id"], "--webhook", made["id"])
    receiver.wait_for(5, "/hook")


def test_replay_takes_more_than_one_batch_and_nothing_twice(system):
    account = system.account()
    hook = system.webhook(account, "http://127.0.0.1:9/")
    system.db.query("insert into posthorn.position (source, topic, partition) values ('kafka', 't', 0)")
    system.db.query("with e as (insert into posthorn.event (event_key, period, position_id, \"offset\", account_id, event_type, event_id, source, occurred_at,"
                    " payload_sha256) select gen_random_uuid(), posthorn.period_of(now()), p.id, n, a.id, 't', 'e' || n, 's', now(), ''"
                    " from posthorn.position p, posthorn.account a, generate_series(0, 2499) n returning *)"
                    " insert into posthorn.payload (position_id, \"offset\", sealed, body) select position_id, \"offset\", false, '{}' from e")
    first = system.admin("replay", "--webhook", hook["id"], "--state", "missed", "--json")
    assert (first["looked_at"], first["queued"]) == (2500, 2500)
    again = system.admin("replay", "--webhook", hook["id"], "--state", "missed", "--json")
    assert (again["looked_at"], again["queued"]) == (2500, 0)
    assert system.db.value("select count(*) from posthorn.pending where cause = 'r'") == 2500


# The audit and the rest ------------------------------------------------------------------------------------------------------------------------------------


def verify(system):
    """(exit status, output)"""
    done = subprocess.run([program("posthorn-admin"), "audit", "verify", "--json"], env=clean_environment(system.settings()), capture_output=True,
                          text=True, timeout=60)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("removal, said", [
    ("delete from posthorn.event where \"offset\" = 1", "events, the ledger says"),
    ("delete from posthorn.attempt where \"offset\" = 0", "deliveries, the ledger says"),
    ("delete from posthorn.ledger where first_offset = (select min(first_offset) from posthorn.ledger)", "not accounted for"),
    ("truncate posthorn.ledger", "not accounted for"),
    ("insert into posthorn.ledger select * from posthorn.ledger", "accounted for twice"),
])
def test_verify_finds_what_was_removed(system, receiver, removal, said):
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    system.publish(*[system.event(account) for _ in range(3)])
    system.wait_delivered(3)
    dispatcher.stop()
    status, report = verify(system)
    assert (status, report["records"], report["delivered"], report["missing"], report["discrepancies"]) == (0, 3, 3, 0, [])
    system.db.query(removal)
    status, report = verify(system)
    assert status == 1 and report["missing"] > 0 and report["verdict"] == "the reconciliation does not balance"
    assert any(said in row["what"] for row in report["discrepancies"]), report["discrepancies"]
    assert report["missing"] == sum(row["missing"] for row in report["discrepancies"])


def test_verify_does_not_believe_a_forged_seal(system, receiver):
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    system.publish(*[system.event(account) for _ in range(3)])
    system.wait_delivered(3)
    dispatcher.stop()
    system.db.query("select posthorn.make_partition(p, d::date, d::date + 1) from unnest(array['ledger', 'digest']) p,"
                    " generate_series(now() - interval '1 day', now(), interval '1 day') d")
    system.db.query("update posthorn.ledger set recorded_at = recorded_at - interval '2 hours'")
    assert system.admin("audit", "accept", "--reason", "as if it were older", "--json")["accepted"] > 0
    assert system.admin("partitions", "drop", "--json")["sealed"] == 1
    assert verify(system)[0] == 0
    system.db.query("alter table posthorn.event disable trigger all")
    child = system.db.value("select tableoid::regclass::text from posthorn.event limit 1")
    system.db.query(f"alter table {child} disable trigger all")
    system.db.query("delete from posthorn.event where \"offset\" = 1")
    system.admin("audit", "accept", "--reason", "the digest, too, was forged")
    assert system.audit.books()["missing"] == 0  # the closed hour hides it …
    status, report = verify(system)              # … and verify does not rely on closed hours
    assert status == 1 and report["missing"] == 1
    system.db.query("update posthorn.seal set records = 2, events = 2, matched = 2, delivered = 2")
    assert any("the seal says" in row["what"] for row in verify(system)[1]["discrepancies"])


@pytest.mark.parametrize("change, said", [
    ("update posthorn.attempt set http_status = 201 where \"offset\" = 1", "a row of attempt was changed"),
    ("update posthorn.event set payload_sha256 = 'x' where \"offset\" = 1", "a row of event was changed"),
    ("insert into posthorn.attempt select * from posthorn.attempt where \"offset\" = 1", "1 row of attempt too many"),
    ("delete from posthorn.payload where \"offset\" = 1", "1 row of payload missing"),
])
def test_verify_finds_what_was_changed_and_says_where(system, receiver, change, said):
    account = system.account()
    hook = system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher("alpha")
    system.publish(*[system.event(account) for _ in range(3)])
    system.wait_delivered(3)
    dispatcher.stop()
    system.db.query("set session_replication_role = replica")  # no trigger reports it
    system.db.query(change)
    status, report = verify(system)
    (row,) = report["discrepancies"]
    assert (status, report["missing"], row["missing"], row["topic"]) == (1, 1, 1, system.topic)
    assert row["what"].startswith(said) and row["recorded_at"]
    if "attempt" in said:
        assert "recorded by dispatcher alpha" in row["what"] and f"for webhook {hook['id']}" in row["what"]
    assert system.audit.books()["missing"] == 1
    assert system.admin("audit", "accept", "--reason", "a test", "--json")["accepted"] == 1
    assert verify(system)[0] == 0 and system.audit.books()["missing"] == 0
    (change,) = system.audit.query("select actor, after from audit.changes where object = 'digest'")
    assert change["after"] == {"why": "a test", "sums": 1} and change["actor"]
    assert "--reason" in refused(system, "audit", "accept")


def test_status_shows_the_whole(system, receiver):
    account = system.account()
    hook = system.webhook(account, receiver.url("/hook"))
    receiver.behave("/hook", answer(500))
    system.dispatcher("alpha")
    system.publish(system.event(account))
    receiver.wait_for(2, "/hook")
    wait_until(lambda: system.admin("status", "--json")["webhooks_failing"] == 1, 60, "a failing webhook")
    status = system.admin("status", "--json")
    assert status["migrations_known"] == status["migrations_applied"] and status["code_current"] is True
    assert (status["accounts"], status["webhooks_enabled"], status["deliveries_pending"], status["records"], status["missing"]) == (1, 1, 1, 1, 0)
    assert {p["table"] for p in status["partitions"]} >= {"attempt", "event", "payload", "ledger"}
    assert [d["name"] for d in status["dispatchers"]] == ["alpha"]
    assert status["failing"][0]["account"] == account
    assert "positions:" in system.admin("status")
    system.admin("webhook", "delete", hook["id"])
    status = system.admin("status", "--json")
    assert (status["webhooks_failing"], status["failing_since"], status["failing"]) == (0, None, [])


def test_partitions_are_made_listed_and_dropped(system):
    system.db.query("update posthorn.setting set value = '4' where name = 'partitions_ahead_days'")
    assert system.admin("partitions", "make", "--json")["made"] == 9
    system.db.query("select posthorn.make_partition('attempt', (now() - interval '500 days')::date, (now() - interval '499 days')::date)")
    assert system.admin("partitions", "drop", "--json") == {"dropped": 1, "sealed": 0}
    tables = {row["table"] for row in system.admin("partitions", "list", "--json")}
    assert tables == {"event", "payload", "attempt", "cancellation", "repeat", "dead_letter", "ledger", "digest", "change"}


def test_a_table_cannot_move_the_cursor(system):
    system.admin("account", "create", "acme", "--dialect", "penny", "--name", "evil\x1b[2Jname\n")
    for command in (["account", "list"], ["account", "show", "acme"]):
        assert "\x1b" not in system.admin(*command)


def test_hostile_urls_are_refused_or_named(system):
    """A text that cannot be a webhook's URL is refused. An address that is not public is allowed for an operator, with a note."""
    account = system.account(dialect="penny")
    other_port = {"http://example.com:22/", "http://example.com:5432/", "http://[2606:4700::1111]:6379/"}

    def create(url):
        return subprocess.run([program("posthorn-admin"), "webhook", "create", "--account", account, "--url", url, "--events", "*"],
                              env=clean_environment(system.settings()), capture_output=True, text=True, timeout=60)
    urls = [url for url in lines("forbidden-urls") if url not in other_port]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for url, done in zip(urls, pool.map(create, urls), strict=True):
            if done.returncode == 0:
                assert "is not public: dispatchers send requests to it only with --allow-networks" in done.stderr, url
            else:
                assert done.stderr.startswith("posthorn-admin: --url: "), f"{url}: {done.stderr}"
    assert create("https://example.com/").stderr == ""
