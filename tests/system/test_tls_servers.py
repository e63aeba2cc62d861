"""Kafka with TLS and SASL, PostgreSQL with TLS and a client certificate: all programs, only by configuration."""
import json
import os
import re
import secrets
import shutil
import subprocess

import confluent_kafka
import confluent_kafka.admin
import pytest

from support.api import Api
from support.database import with_login
from support.ports import free_port
from support.programs import clean_environment, program
from support.system import API, DISPATCHER, OWNER
from support.tls import Authority
from support.waiting import wait_until


class Secured:
    """The run's servers with TLS. In this test's database, PostgreSQL accepts the programs only with TLS and a
    client certificate."""

    def __init__(self, system, directory):
        self.system = system
        self.kafka = system.servers.kafka
        self.postgres = system.servers.postgres
        self.mechanism, self.kafka_user, self.kafka_password = "PLAIN", self.kafka.user, self.kafka.password
        self.authority = Authority(directory, "postgres-authority")
        self.stranger = Authority(directory, "stranger")
        self.client = self.authority.issue("posthorn-client", client=True)
        self.client.key.chmod(0o600)
        self._open_postgres()

    def _open_postgres(self):
        data = (self.postgres.directory / "data").resolve()
        owner = data.stat()
        server = self.authority.issue("postgres-server")
        for source, name in ((server.chain, "server.crt"), (server.key, "server.key"), (self.authority.file, "clients.crt")):
            shutil.copy(source, data / name)
            os.chown(data / name, owner.st_uid, owner.st_gid)
            (data / name).chmod(0o600)
        self.hba = data / "pg_hba.conf"
        self.hba_before = self.hba.read_text()
        whose = f"{self.system.database} {OWNER},{DISPATCHER},{API} 127.0.0.1/32"
        self.hba.write_text(f"hostssl {whose} scram-sha-256 clientcert=verify-ca\nhostnossl {whose} reject\n" + self.hba_before)
        self.postgres.execute("alter system set ssl_ca_file = 'clients.crt'")
        self.postgres.execute("alter system set ssl = on")
        self.postgres.execute("select pg_reload_conf()")
        wait_until(lambda: self.system.db.value("show ssl") == "on", 30, "PostgreSQL speaks TLS")

    def close(self):
        self.hba.write_text(self.hba_before)
        self.postgres.execute("alter system reset ssl")
        self.postgres.execute("alter system reset ssl_ca_file")
        self.postgres.execute("select pg_reload_conf()")

    def use_scram(self):
        """From now on the programs log in to Kafka by SCRAM-SHA-512, as a user of their own."""
        self.mechanism, self.kafka_user, self.kafka_password = "SCRAM-SHA-512", "posthorn-scram", f"scram-{secrets.token_hex(8)}"
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.kafka.brokers})
        user = confluent_kafka.admin.UserScramCredentialUpsertion(
            self.kafka_user, confluent_kafka.admin.ScramCredentialInfo(confluent_kafka.admin.ScramMechanism.SCRAM_SHA_512, 4096),
            self.kafka_password.encode())
        for done in admin.alter_user_scram_credentials([user]).values():
            done.result(30)

    def kafka_settings(self, password=None, authority=None):
        authority = authority or self.kafka.authority
        return {"kafka_brokers": f"127.0.0.1:{self.kafka.tls_port}",
                "kafka_properties": f"security.protocol=SASL_SSL;sasl.mechanism={self.mechanism};"
                                    f"sasl.username={self.kafka_user};sasl.password={password or self.kafka_password};"
                                    f"ssl.ca.location={authority.file}"}

    def database_url(self, login, password=None, authority=None):
        authority = authority or self.authority
        return (with_login(self.system.url, login, password or login)
                + f"?sslmode=verify-full&sslrootcert={authority.file}&sslcert={self.client.chain}&sslkey={self.client.key}")

    def settings(self, login, **changed):
        return self.system.settings(**{"database_url": self.database_url(login)} | self.kafka_settings() | changed)


@pytest.fixture
def secured(system, test_directory):
    made = Secured(system, test_directory)
    yield made
    made.close()


def call(name, settings, *arguments, stdin=None):
    """Runs a program to its end; returns (exit status, all output)."""
    done = subprocess.run([program(f"posthorn-{name}"), *map(str, arguments)], input=stdin,
                          env=clean_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.parametrize("scram", [False, True], ids=["PLAIN", "SCRAM-SHA-512"])
def test_an_event_goes_through_by_tls(system, secured, receiver, test_directory, scram):
    """From the producer, from the API and, as a replayed dead letter, from posthorn-admin, to a webhook, and into the audit."""
    if scram:
        secured.use_scram()
    admin = secured.settings(OWNER)
    for arguments in (("account", "create", "tls-account", "--dialect", "penny"),
                      ("webhook", "create", "--account", "tls-account", "--url", receiver.url("/hook"), "--events", "*")):
        status, output = call("admin", admin, *arguments)
        assert status == 0, output
    system.dispatcher(**secured.settings(DISPATCHER))
    api = Api(system, test_directory, "api", **secured.kafka_settings(), database_url=secured.database_url(API)).start()
    try:
        status, output = call("producer", secured.settings(OWNER), "--topic", system.topic, "--account", "tls-account",
                              "--type", "transaction.authorized", "--id", "by-producer", "--data", '{"amount": "5.00"}')
        assert status == 0, output
        status, output = call("admin", admin, "key", "create", "--account", "tls-account", "--json")
        assert status == 0, output
        key = json.loads(output)["key"]
        caller = api.anybody()
        caller.session.headers["Authorization"] = f"Bearer {key}"
        answer = caller.post("/v1/events", {"id": "by-api", "type": "transaction.authorized", "data": {}})
        assert answer.status_code == 202, answer.text
        ((partition, offset),) = system.publish({"id": "by-admin", "type": "transaction.authorized", "account": "late-account", "data": {}})
        wait_until(lambda: system.db.value("select count(*) from posthorn.dead_letter") == 1, 60, "a dead letter, as its account does not exist yet")
        for arguments in (("account", "create", "late-account", "--dialect", "penny"),
                          ("webhook", "create", "--account", "late-account", "--url", receiver.url("/hook"), "--events", "*"),
                          ("dead-letter", "replay", system.topic, partition, offset)):
            status, output = call("admin", admin, *arguments)
            assert status == 0, output
        system.wait_delivered(3)
        published = {"by-producer", "by-api", "by-admin"}
        assert {r.headers["webhook-id"] for r in receiver.wait_for(3, "/hook")} == published
        assert {a["event_id"] for a in system.audit.attempts() if a["outcome"] == "delivered"} == published
        plain = system.db.query(
            "select a.application_name from pg_stat_activity a left join pg_stat_ssl s using (pid) where a.datname = %s "
            "and a.application_name like 'posthorn%%' and not coalesce(s.ssl and s.version >= 'TLSv1.2' and "
            "s.client_dn = '/CN=posthorn-client', false)", system.database)
        assert plain == [], "connections without TLS or a client's certificate"
        connected = system.db.value("select count(*) from pg_stat_activity where datname = %s and application_name like "
                                    "'posthorn%%'", system.database)
        assert connected >= 6, "the dispatcher's five and the API's"
    finally:
        api.stop()
    system.assert_balanced(records=4)


WRONG = {
    "database password": "password authentication failed",
    "database authority": "certificate verify failed",
    "Kafka password": "(?i)authentication failed",
    "Kafka password, SCRAM": "(?i)authentication failed",
    "Kafka authority": "certificate verify failed",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_and_no_secret(system, secured, receiver, test_directory, wrong):
    """Each program ends with a status other than 0 and reports the reason; the passwords are in no message."""
    bad = f"wrong-{secrets.token_hex(8)}"
    if "SCRAM" in wrong:
        secured.use_scram()
    url, kafka = secured.database_url, secured.kafka_settings()
    changed = {login: {"database_url": url(login)} | kafka for login in (OWNER, DISPATCHER, API)}
    for login, settings in changed.items():
        if wrong == "database password":
            settings["database_url"] = url(login, password=bad)
        elif wrong == "database authority":
            settings["database_url"] = url(login, authority=secured.stranger)
        elif wrong.startswith("Kafka password"):
            settings |= secured.kafka_settings(password=bad)
        else:
            settings |= secured.kafka_settings(authority=secured.stranger)
    event = ("--topic", system.topic, "--account", "a", "--type", "t", "--id", "i", "--data", "{}")
    calls = {"dispatcher": (DISPATCHER, ())}
    if wrong.startswith("Kafka"):  # the API continues: what it does without Kafka works
        calls["producer"] = (OWNER, ("-X", "message.timeout.ms=3000", *event))
        calls["admin"] = (OWNER, ("position", "reset", "--topic", system.topic, "--partition", "0", "--to", "end"))
    else:
        calls["api"] = (API, ())
        calls["admin"] = (OWNER, ("status",))
    secret = (bad, secured.kafka_password, system.master_key)
    for name, (login, arguments) in calls.items():
        settings = system.settings(**changed[login], listen=f"127.0.0.1:{free_port()}") | {"topic": system.topic}
        if name == "producer":  # its own authorities are set by the option
            arguments = ("-X", settings.pop("kafka_properties"), *arguments)
        status, output = call(name, settings, *arguments)
        assert status > 0, f"{name}: {output}"
        assert re.search(WRONG[wrong], output), f"{name}: {output}"
        assert not any(s in output for s in secret), f"{name} tells a secret: {output}"
        status, output = call(name, settings, "--check-config", *([] if name == "admin" else arguments))
        assert status == 0, f"{name}: {output}"
        assert not any(s in output for s in (*secret, settings["database_url"])), f"{name} --check-config: {output}"


@pytest.mark.parametrize("name", ["dispatcher", "producer", "admin"])
@pytest.mark.parametrize("properties", ["sasl.password=a;{}", "sasl.passwort={}"], ids=["semicolon", "typing error"])
def test_a_bad_property_does_not_tell_its_value(system, name, properties):
    """The rest of a password after a ; is not a property; an unknown property may contain a password."""
    secret = f"secret-{secrets.token_hex(8)}"
    settings = system.settings(kafka_properties=properties.format(secret)) | {"topic": system.topic}
    arguments = {"dispatcher": (), "producer": ("--account", "a", "--type", "t", "--id", "i", "--data", "{}"),
                 "admin": ("position", "reset", "--topic", "t", "--partition", "0", "--to", "end")}[name]
    status, output = call(name, settings, *arguments)
    assert status > 0 and secret not in output, output
    assert "sasl.passwort" in output or "not of the form name=value" in output
