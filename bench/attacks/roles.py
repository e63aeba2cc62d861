"""Attacks by a database role: the attacker has the password of one of the programs' logins, or of the auditors' login."""
import threading
import time

import psycopg

from support.database import with_login
from support.system import API, AUDIT_PASSWORD, DISPATCHER
from support.waiting import wait_until

from .attack import Attack
from .child import Child
from .records import publish

HOLD_S = 3  # how long one transaction of an attack keeps its locks


def sessions(over, say, url, count, statements, hold):
    """`count` sessions that run these statements repeatedly, each round in one transaction, which is held this long.
    Reports the number of sessions, and the first error."""
    opened, error = [], None
    try:
        for _ in range(count):
            opened.append(psycopg.connect(url, autocommit=True, connect_timeout=10))
    except psycopg.Error as why:
        error = str(why).strip()
    say((len(opened), error))
    errors = []

    def work(connection):
        while not over.is_set():
            try:
                connection.execute("begin")
                for statement in statements:
                    connection.execute(statement)
                over.wait(hold)
                connection.execute("commit")
            except psycopg.Error as why:
                if over.is_set():
                    return
                errors.append(str(why).strip().splitlines()[0])
                try:
                    connection.execute("rollback")
                except psycopg.Error:
                    return
                over.wait(0.2)
            over.wait(0.1)
    threads = [threading.Thread(target=work, args=(connection,), daemon=True) for connection in opened]
    for thread in threads:
        thread.start()
    over.wait()
    for connection in opened:
        try:
            connection.cancel_safe(timeout=5)
        except psycopg.Error:
            pass
    for thread in threads:
        thread.join(20)
    say(errors[:1])


def reason(error):
    """The message of the server, without the address."""
    return str(error).strip().rpartition("FATAL:")[2].strip()


class AtDatabase(Attack):
    login, count, hold, statements = None, 1, HOLD_S, ()

    def begin(self, stage, number):
        url = with_login(stage.system.url, self.login, AUDIT_PASSWORD if self.login == "posthorn_audit" else None)
        self.children.append(Child(sessions, url, self.count, self.statements, self.hold))
        opened, error = self.children[-1].told()
        if error is not None:
            self.note(f"{opened} of {self.count} sessions: {reason(error)}")
        time.sleep(1)  # now the sessions run their statements

    def end(self, stage):
        child = self.children[0]
        child.over.set()
        for text in child.told(60):
            self.note(text)
        super().end(stage)


class AuditCpu(AtDatabase):
    name, means, resource, login, count, hold = "audit-queries", "posthorn_audit", "PostgreSQL's CPU", "posthorn_audit", 20, 0
    what = "20 sessions (the limit) in endless queries, the time limit switched off"
    statements = ("set statement_timeout = 0", "select count(*) from generate_series(1, 20000000)")


class AuditIdle(AtDatabase):
    name, means, resource, login = "audit-open-transaction", "posthorn_audit", "locks, vacuum", "posthorn_audit"
    what = "20 sessions that keep a transaction open on all views"
    count, hold = 20, 60
    statements = tuple(f"select count(*) from (select from audit.{view} limit 1) x" for view in ("attempts", "events", "deliveries", "dead_letters"))


def lock(table):
    return (f"lock table {table} in access exclusive mode",)


class DispatcherLocks(AtDatabase):
    name, means, resource, login = "dispatcher-locks-positions", "posthorn_dispatcher", "lock of posthorn.position", DISPATCHER
    what = f"lock table posthorn.position, for {HOLD_S} s, again and again"
    statements = lock("posthorn.position")


class ApiLocksWebhooks(AtDatabase):
    name, means, resource, login = "api-locks-webhooks", "posthorn_api", "lock of posthorn.webhook", API
    what = f"lock table posthorn.webhook, for {HOLD_S} s, again and again"
    statements = lock("posthorn.webhook")


class ApiLocksQueue(AtDatabase):
    """Row locks, for which the right to update one column is sufficient. Deliveries of failing webhooks write these rows, in flushes that also contain rows of others."""

    name, means, resource, login = "api-locks-queue", "posthorn_api", "row locks of posthorn.queue", API
    what = f"select … from posthorn.queue for update, for {HOLD_S} s, again and again, beside 20 failing webhooks"
    statements = ("select 1 from posthorn.queue for update",)

    def begin(self, stage, number):
        if not hasattr(self, "sink"):
            self.sink = stage.sink("attacker")
        account = stage.attacker(number, [self.sink.url(f"/status/500/{n}") for n in range(20)])
        failing = Child(publish, stage.system.topics.brokers, stage.system.topic, account, 10, "small", 2000)
        failing.told()
        wait_until(lambda: stage.system.db.value("select count(*) from posthorn.queue") > 0, 60, "a webhook that waits", every=0.1)
        super().begin(stage, number)
        self.children.append(failing)


class ApiLocksRates(AtDatabase):
    name, means, resource, login = "api-locks-rates", "posthorn_api", "lock of posthorn.api_rate", API
    what = f"lock table posthorn.api_rate, for {HOLD_S} s, again and again"
    statements = lock("posthorn.api_rate")


class ApiConnections(AtDatabase):
    name, means, resource, login, count, hold = "api-all-connections", "posthorn_api", "PostgreSQL's connections", API, 320, 0
    what = "320 sessions, more than max_connections"
    statements = ("select pg_sleep(1)",)

    def begin(self, stage, number):
        super().begin(stage, number)
        try:
            psycopg.connect(with_login(stage.system.url, DISPATCHER), connect_timeout=10).close()
            self.note("a dispatcher can still connect")
        except psycopg.Error as why:
            self.note(f"a new connection of a dispatcher: {reason(why)}")


class DispatcherCpu(AtDatabase):
    name, means, resource, login, count, hold = "dispatcher-queries", "posthorn_dispatcher", "PostgreSQL's CPU", DISPATCHER, 20, 0
    what = "20 sessions in endless queries"
    statements = ("select count(*) from generate_series(1, 20000000)",)


ATTACKS = [AuditCpu(), AuditIdle(), DispatcherLocks(), DispatcherCpu(), ApiLocksWebhooks(), ApiLocksQueue(), ApiLocksRates(), ApiConnections()]
