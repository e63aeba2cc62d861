"""Every row that is removed, doubled or changed manually is reported by audit.reconciliation and `posthorn-admin audit verify` (promise 8)."""
import datetime
import json
import random
import subprocess

import psycopg
import pytest
from psycopg.rows import dict_row
from support.kafka import binary_record
from support.programs import clean_environment, program
from support.waiting import wait_until

TABLES = ("event", "payload", "attempt", "pending", "cancellation", "repeat", "dead_letter", "ledger", "digest")

# Another value of a column, by its type.
OTHER = {"int2": "coalesce({c}, 0) + {n}", "int4": "coalesce({c}, 0) + {n}", "int8": "coalesce({c}, 0) + {n}", "numeric": "{c} + {n}",
         "timestamptz": "coalesce({c}, now()) + {n} * interval '1 microsecond'", "date": "{c} + 1", "bool": "not coalesce({c}, {n} % 2 = 0)", "uuid": "gen_random_uuid()",
         "text": "coalesce({c}, '') || {n}", "bytea": "coalesce({c}, '') || {n}::text::bytea", "char": "case {c} when 'r' then 'd' else 'r' end::\"char\""}
COLUMNS = """select a.attname as name, t.typname as type from pg_attribute a join pg_type t on t.oid = a.atttypid
             where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum"""


def missing(connection):
    return connection.execute("select coalesce(sum(missing), 0) as missing from audit.reconciliation").fetchone()["missing"]


class Hand:
    """A superuser who makes one random change."""

    def __init__(self, connection, chance):
        self.connection, self.chance = connection, chance
        self.columns = {table: connection.execute(COLUMNS, (f"posthorn.{table}",)).fetchall() for table in TABLES}
        self.columns["digest"] = [c for c in self.columns["digest"] if c["name"] != "recorded_at"]  # if it moves within its hour, it still proves the same
        self.rows = {table: connection.execute(f"select tableoid::regclass::text as part, ctid from posthorn.{table}").fetchall() for table in TABLES}
        assert all(self.rows.values()), {table: len(rows) for table, rows in self.rows.items()}

    def tamper(self, table, at=None):
        """(what was done, the row that was there)"""
        at = at or self.chance.choice(self.rows[table])
        here = f"{at['part']} where ctid = '{at['ctid']}'"
        row = self.connection.execute(f"select * from {here}").fetchone()
        done = self.chance.choice(("changed",) * 4 + ("removed",) + ("doubled",) * (table not in ("event", "pending")))
        column = self.chance.choice(self.columns[table])
        # without triggers, nothing reports the change
        self.connection.execute("select set_config('session_replication_role', %s, true)", (self.chance.choice(("origin", "replica")),))
        if done == "removed":
            count = self.connection.execute(f"delete from {here}").rowcount
        elif done == "doubled":
            count = self.connection.execute(f"insert into posthorn.{table} select * from {here}").rowcount
        else:
            value = OTHER[column["type"]].format(c=f"\"{column['name']}\"", n=self.chance.randint(1000, 9999))  # no key of another row
            count = self.connection.execute(f"update posthorn.{table} set \"{column['name']}\" = {value} where tableoid = '{at['part']}'::regclass"
                                            f" and ctid = '{at['ctid']}'").rowcount
        assert count == 1
        return f"{table} {done} {column['name'] if done == 'changed' else ''} {row}", row


def verify(system):
    done = subprocess.run([program("posthorn-admin"), "audit", "verify", "--json"], env=clean_environment(system.settings()), capture_output=True, text=True,
                          timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def fill(system, trial, count):
    """Rows of every kind, after all programs have stopped."""
    gone, dead = trial.webhook_ids[1:]
    dispatcher = system.dispatcher(retry_schedule="1h")
    trial.publish(count)
    system.topics.produce(system.topic, [{"value": b"no JSON"}] * 5 + [
        binary_record({"id": f"{trial.name}{n}", "type": "transaction.authorized", "account": trial.account, "data": {}}) | {"key": "again"} for n in range(5)])
    system.wait_consumed()
    wait_until(lambda: system.db.value("select count(*) from posthorn.attempt where outcome = 'd'") == count, 60, "deliveries")
    wait_until(lambda: system.db.value("select count(distinct webhook_id) from posthorn.pending") == 2, 60, "what waits")
    system.admin("webhook", "disable", gone)
    wait_until(lambda: system.db.value("select count(*) from posthorn.cancellation") > 0, 60, "what is cancelled")
    wait_until(lambda: system.db.value("select count(distinct webhook_id) from posthorn.pending") == 1, 60, "all of it")
    dispatcher.stop()
    assert dead


@pytest.mark.timeout(900)
def test_tampering_is_found_each_time(system, trials, scale, figures):
    trial = trials(paths=["/ok/0", "refused", "refused"])
    fill(system, trial, 300)
    seed = random.randrange(1 << 30)
    found = dict.fromkeys(TABLES, 0)
    with psycopg.connect(system.url, row_factory=dict_row) as connection:
        hand = Hand(connection, random.Random(seed))
        assert missing(connection) == 0 and verify(system)[0] == 0, "found before anything was done"
        for number in range(scale(180, 3000)):
            with connection.transaction(force_rollback=True):
                table = TABLES[number % len(TABLES)]
                what, _ = hand.tamper(table)
                assert missing(connection) > 0, f"audit.reconciliation does not show it, seed {seed}: {what}"
                # what `audit verify` reads, without the program itself
                assert connection.execute("select count(*) as n from posthorn.difference").fetchone()["n"] > 0, f"not verified, seed {seed}: {what}"
                found[table] += 1
        assert missing(connection) == 0
    figures(tampered=sum(found.values()), found=found, seed=seed)


@pytest.mark.timeout(900)
def test_verify_finds_each_of_many(system, trials, scale, figures):
    """Many changes at once, and the program itself, which reports the instant and the table of each."""
    trial = trials(paths=["/ok/0", "refused", "refused"])
    fill(system, trial, 300)
    seed = random.randrange(1 << 30)
    done = {}
    with psycopg.connect(system.url, row_factory=dict_row) as connection:
        hand = Hand(connection, random.Random(seed))
        for _ in range(scale(30, 60)):
            table = hand.chance.choice([name for name in TABLES if hand.rows[name] and name not in ("pending", "digest")])
            rows = hand.rows[table]
            what, row = hand.tamper(table, rows.pop(hand.chance.randrange(len(rows))))  # each row once
            done[(table, row.get("recorded_at") or row["received_at"])] = what
        connection.commit()
    status, report = verify(system)
    named = [(row["what"].split(";")[0], datetime.datetime.fromisoformat(row["recorded_at"])) for row in report["discrepancies"] if row["recorded_at"]]
    assert status == 1 and report["missing"] >= len(done)
    for (table, at), what in done.items():
        assert any(f" of {table}" in said and moment == at for said, moment in named), f"seed {seed}: {what}\n{report['discrepancies']}"
    figures(instants=len(done), seed=seed)
