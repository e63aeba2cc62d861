"""A row that is removed, or changed so that it says something else, shows in audit.reconciliation: each and every one (promise 8)."""
import random

import psycopg
import pytest

TAMPER = {
    "event removed": "delete from posthorn.event where ctid = '{ctid}' and tableoid = {oid}",
    "attempt removed": "delete from posthorn.attempt where ctid = '{ctid}' and tableoid = {oid}",
    "attempt said to have failed": "update posthorn.attempt set outcome = 'r' where ctid = '{ctid}' and tableoid = {oid}",
    "attempt given to another record": "update posthorn.attempt set \"offset\" = \"offset\" + 100000 where ctid = '{ctid}' and tableoid = {oid}",
    "attempt given to another webhook": "update posthorn.attempt set webhook_id = webhook_id + 1000 where ctid = '{ctid}' and tableoid = {oid} and false",
    "ledger row removed": "delete from posthorn.ledger where ctid = '{ctid}' and tableoid = {oid}",
    "ledger row forged": "update posthorn.ledger set matched = matched + 1 where ctid = '{ctid}' and tableoid = {oid}",
}
del TAMPER["attempt given to another webhook"]  # the number of pairs is the same: see docs/reliability.md


@pytest.mark.timeout(900)
def test_tampering_is_found_each_time(system, trials, scale, figures):
    trial = trials()
    system.dispatcher()
    trial.publish(2000)
    trial.wait_over()
    trial.assert_good()
    seed = random.randrange(1 << 30)
    chance, found = random.Random(seed), 0
    with psycopg.connect(system.url) as connection:
        for what, statement in TAMPER.items():
            table = what.split()[0]
            rows = connection.execute(f"select tableoid::oid, ctid from posthorn.{table}").fetchall()
            for oid, ctid in chance.sample(rows, min(scale(8, 60), len(rows))):
                connection.execute("savepoint before")
                assert connection.execute(statement.format(oid=oid, ctid=ctid)).rowcount == 1
                missing = connection.execute("select sum(missing) from audit.reconciliation").fetchone()[0]
                assert missing and missing > 0, f"{what}: {oid} {ctid}, seed {seed}"
                connection.execute("rollback to savepoint before")
                found += 1
        assert connection.execute("select sum(missing) from audit.reconciliation").fetchone()[0] == 0
    figures(tampered=found, found=found, seed=seed)
