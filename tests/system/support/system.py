"""The Posthorn of one test: its own database, topics and consumer group on the run's servers, and its dispatchers."""
import concurrent.futures
import datetime
import secrets
import uuid

import psycopg

from .database import Audit, Database, with_login
from .kafka import FORMS, Topics
from .programs import BIN, Dispatcher, run_admin, run_program
from .waiting import wait_until

AUDIT_PASSWORD = "audit"
# Each program has its own login, so that every test proves that its rights are sufficient (schema/0009_roles.sql).
OWNER, DISPATCHER, API = "posthorn_admin", "test_dispatcher", "test_api"

KAFKA_PROPERTIES = "session.timeout.ms=6000;topic.metadata.refresh.interval.ms=1000"
# For dispatchers that a test kills or stops: others take over their partitions after two seconds.
MISSED_SOON = {"kafka_properties": KAFKA_PROPERTIES + ";session.timeout.ms=2000;heartbeat.interval.ms=500"}
# Short pauses for tests, followed by the days that promise 6 requires.
RETRY_SCHEDULE = "200ms,400ms,800ms,1s,2s,4s,8s,16s,30s,1m,5m,30m,2h,12h,24h,24h,24h"


def migrate_template(postgres):
    """Migrates a database that tests copy, once for the run and the day, because migrate makes partitions for the next days; returns its name. The password of a
    login is its name."""
    name = f"posthorn_template_{datetime.datetime.now(datetime.UTC):%Y%m%d}"
    with psycopg.connect(postgres.url("postgres")) as session:
        if session.execute("select from pg_database where datname = %s", [name]).fetchone() is not None:
            return name
        first = session.execute("select from pg_roles where rolname = %s", [OWNER]).fetchone() is None
    if first:
        postgres.execute(f"create role {OWNER} login createrole password '{OWNER}'")
    postgres.execute("drop database if exists posthorn_unfinished")
    postgres.execute(f"create database posthorn_unfinished owner {OWNER}")
    run_admin(["migrate"], {"database_url": with_login(postgres.url("posthorn_unfinished"), OWNER)})
    if first:
        postgres.execute(f"create role {DISPATCHER} login password '{DISPATCHER}' in role posthorn_dispatcher")
        postgres.execute(f"create role {API} login password '{API}' in role posthorn_api")
        postgres.execute(f"alter role posthorn_audit login password '{AUDIT_PASSWORD}'")
        postgres.execute(f"alter role {OWNER} nocreaterole")  # as described in docs/security.md
    postgres.execute(f"alter database posthorn_unfinished rename to {name}")
    return name


class System:
    def __init__(self, servers, template, directory):
        self.servers = servers
        self.directory = directory
        self.tag = secrets.token_hex(4)
        self.database = f"test_{self.tag}"
        servers.postgres.execute(f"create database {self.database} template {template} owner {OWNER}")
        self.url = servers.postgres.url(self.database)  # for the test itself, as superuser
        self.db = Database(self.url)
        self.audit = Audit(with_login(self.url, "posthorn_audit", AUDIT_PASSWORD))
        self.topics = Topics(servers.kafka.brokers)
        self.master_key = secrets.token_hex(32)
        self.dispatchers = []
        self.topic = f"events-{self.tag}"
        self.dead_letter_topic = f"dead-letter-{self.tag}"
        self.system_topic = f"posthorn-{self.tag}"
        self.topics.create(self.topic)
        self.topics.create(self.system_topic, partitions=1)

    def url_of(self, login):
        """The database's address for one of the programs' logins."""
        return with_login(self.url, login)

    def settings(self, **changed):
        """The options of the programs by name, for posthorn-admin; None omits one."""
        return {
            "kafka_brokers": self.servers.kafka.brokers,
            "database_url": self.url_of(OWNER),
            "master_key": self.master_key,
            "topics": self.topic,
            "group": f"group-{self.tag}",
            "dead_letter_topic": self.dead_letter_topic,
            "system_topic": self.system_topic,
            "allow_networks": "127.0.0.0/8",
            "allow_ports": "any",
            "retry_schedule": RETRY_SCHEDULE,
            "request_timeout": "2s",
            "connect_timeout": "1s",
            "store_payload": "plain",
            "kafka_properties": KAFKA_PROPERTIES,
        } | changed

    # programs

    def admin(self, *arguments):
        """posthorn-admin with this database; parsed JSON with --json."""
        return run_admin([str(a) for a in arguments], self.settings())

    def produce(self, *arguments, stdin=None):
        """posthorn-producer to this topic."""
        return run_program("posthorn-producer", ["--topic", self.topic, *arguments], self.settings(), stdin)

    def dispatcher(self, name=None, start=True, wait=True, folder=BIN, environment=None, **settings):
        """A started dispatcher; it is stopped at the end of the test."""
        settings = self.settings(**{"database_url": self.url_of(DISPATCHER)} | settings)
        made = Dispatcher(name or f"dispatcher-{len(self.dispatchers) + 1}", settings, self.directory, folder, environment)
        self.dispatchers.append(made)
        return made.start(wait) if start else made

    # what is in the database

    def account(self, key=None, dialect="penny", **options):
        """Creates an account; returns its key."""
        key = key or f"account-{secrets.token_hex(4)}"
        self.admin("account", "create", key, "--dialect", dialect, *flags(options))
        return key

    def webhook(self, account, url, events="*", **options):
        """Creates a webhook; returns the output of posthorn-admin (id, secret)."""
        return self.admin("webhook", "create", "--account", account, "--url", url, "--events", events, *flags(options),
                          "--json")

    def webhooks(self, account, urls, **options):
        """Creates many webhooks, in the order of the URLs."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda url: self.webhook(account, url, **options), urls))

    # events

    def event(self, account, type="transaction.authorized", **fields):
        """One event as a dict, with a fresh id and some data unless given."""
        return {"id": f"evt-{uuid.uuid4()}", "type": type, "account": account, "time": "2026-01-02T03:04:05.678Z",
                "data": {"amount": 100}} | fields

    def publish(self, *events, form="binary", topic=None):
        """Publishes events (dicts) with confluent-kafka; returns their (partition, offset)."""
        return self.topics.produce(topic or self.topic, [FORMS[form](event) for event in events])

    # what must be true

    def wait_delivered(self, count, deadline=120):
        """Waits until this many deliveries are delivered according to the audit, and none is open."""
        def settled():
            books = self.audit.books()
            return books if books["delivered"] >= count and books["pending"] == 0 else None
        return wait_until(settled, deadline, f"{count} deliveries delivered, none pending", every=0.2)

    def wait_consumed(self, topic=None, deadline=120):
        """Waits until the positions have passed everything that was published."""
        topic = topic or self.topic
        ends = {p: end for p, end in self.topics.end_offsets(topic).items() if end > 0}

        def passed():
            rows = self.db.query("select partition, next_offset from posthorn.position where topic = %s order by log_epoch", topic)
            at = {row["partition"]: row["next_offset"] for row in rows}
            return all((at.get(p) or 0) >= end for p, end in ends.items())
        wait_until(passed, deadline, f"positions at {ends}", every=0.1)

    def assert_balanced(self, records=None):
        """Promise 8: nothing is missing, and every consumed record is accounted for."""
        rows = self.audit.query("select * from audit.reconciliation")
        assert rows, "audit.reconciliation is empty"
        for row in rows:
            assert row["missing"] == 0, f"missing: {row}"
            assert row["records"] == row["events"] + row["repeated"] + row["dead_lettered"], f"records: {row}"
            assert row["matched"] == row["delivered"] + row["pending"] + row["failed"] + row["cancelled"], f"matched: {row}"
        if records is not None:
            assert sum(row["records"] for row in rows) == records

    # the end

    def logs(self):
        """(name, end of the log) of each dispatcher."""
        return [(d.name, d.log()[-20000:]) for d in self.dispatchers]

    def close(self):
        """Drains the dispatchers and drops the database; a dispatcher that does not drain fails the test."""
        try:
            self.servers.ensure_running()
            for dispatcher in self.dispatchers:
                dispatcher.stop()
        finally:
            for dispatcher in self.dispatchers:
                dispatcher.kill()
            self.db.close()
            self.audit.close()
            try:
                self.servers.postgres.execute(f"drop database {self.database} with (force)")
            except psycopg.Error as error:
                print(f"the database {self.database} stays: {error}")


def flags(options):
    """{"signature_key": "x"} as --signature-key x"""
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
