"""docs/audit-cookbook.md: each of its statements is run by its role, on a system with rows of every kind. A statement
returns rows, or has "-- empty" and returns none."""
import re
import subprocess

import pytest
from support.receiver import answer
from support.ports import ROOT
from support.waiting import wait_until

STATEMENTS = re.findall(r"^```sql\n(.*?)^```$", (ROOT / "docs/audit-cookbook.md").read_text(), re.M | re.S)


@pytest.fixture
def kitchen(system, receiver):
    """Delivered, failed, pending, cancelled, repeated, refused, replayed."""
    system.account("cookbook")
    hooks = {name: system.webhook("cookbook", receiver.url(f"/cookbook/{name}"), label="cookbook") for name in ("good", "bad", "slow", "stopped")}
    receiver.behave("/cookbook/bad", answer(500, b"no\x00pe"))
    system.admin("webhook", "disable", hooks["stopped"]["id"])
    system.dispatcher(retry_schedule="100ms")
    first, second = (system.event("cookbook", id=f"evt-cookbook-{n}") for n in (1, 2))
    system.publish(first, second, first)
    system.publish(system.event("nobody"))

    def all_there():
        books = system.audit.books()
        return all(books[kind] > 0 for kind in ("delivered", "failed", "cancelled", "repeated", "dead_lettered"))
    wait_until(all_there, 60, "one row of each kind")
    system.admin("redeliver", first["id"], "--webhook", hooks["good"]["id"])
    wait_until(lambda: system.audit.count("attempts", cause="redeliver"), 60, "a redelivery")
    for dispatcher in system.dispatchers:
        dispatcher.stop()
    return system


def test_every_recipe_works(kitchen):
    assert len(STATEMENTS) > 12
    for statement in STATEMENTS:
        done = subprocess.run(["psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--tuples-only", "--no-align", kitchen.audit.url], input=statement,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{statement}\n{done.stderr}"
        assert (done.stdout.strip() == "") == ("-- empty" in statement), f"{statement}\n{done.stdout}"


def test_what_must_be_empty_is_not_when_something_is_wrong(kitchen):
    """The statement that checks completeness finds a manually removed row; the one for duplicates finds one."""
    books, twice = [s for s in STATEMENTS if "-- empty" in s]
    kitchen.db.query("delete from posthorn.attempt where outcome = 'd' and cause = 'e' and \"offset\" = 0")
    assert kitchen.audit.query(books)
    kitchen.db.query("insert into posthorn.attempt select * from posthorn.attempt where outcome = 'd' and cause = 'e'")
    assert kitchen.audit.query(twice)


def test_naming_the_days_reads_those_days_alone(kitchen):
    """The statements of the page about recorded_at and period."""
    kitchen.db.query("select posthorn.make_partition(p, d::date, d::date + 1) from unnest(array['attempt', 'event']) p,"
                     " generate_series(now() - interval '30 days', now() - interval '1 day', interval '1 day') d")
    for view, condition, table in (("attempts", "recorded_at >= now() - interval '2 days'", "attempt"), ("deliveries", "period >= current_date - 1", "event"),
                                   ("events", "period >= current_date - 1", "event")):
        plan = kitchen.db.query(f"explain select * from audit.{view} where {condition}")
        read = set(re.findall(rf" {table}_(\d{{8}})", "\n".join(row["QUERY PLAN"] for row in plan)))
        assert 0 < len(read) < 10, (view, read)
