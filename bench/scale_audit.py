"""Parts `audit` and `days`: statements beside many rows of one day, and beside many days."""

import datetime
import re
import time

import scale_fill
from scale_statements import Hot, compare, shown, timed, timed_admin, timed_psql
from world import ROOT, say

SUBSCRIBERS = 100
FLUSHES_A_DAY = 2  # of days
FIRST_EVENTS = 10_000  # beside which the hot path is measured first
RECIPE = re.compile(r"([^\n]+)\n+```sql\n(.*?)^```$", re.M | re.S)


def recipes():
    """(what it is for, statement) of each statement of docs/audit-cookbook.md."""
    page = (ROOT / "docs/audit-cookbook.md").read_text(encoding="utf-8")
    return [(text.strip("# ").rstrip(":."), statement.strip()) for text, statement in RECIPE.findall(page)]


def measure_recipes(world, options, part):
    rows = []
    for name, statement in recipes():
        seconds, output = timed_psql(world, options.limit, statement)
        if "-- empty" in statement and output.strip():
            part.wrong.append(f"cookbook, {name}: must be empty, and has {len(output.splitlines())} rows")
        rows.append((name, shown(seconds, options.limit)))
        say(f"  {rows[-1][1]:>12}  {name}")
    part.table(("docs/audit-cookbook.md, as `posthorn_audit` in psql", "time"), rows)


def close_all(connection, limit):
    """Closes what can be closed, as dispatchers do; returns (seconds, calls, seconds of the longest)."""
    longest, calls, started, more = 0.0, 0, time.monotonic(), True
    while more and time.monotonic() - started < limit:
        begun = time.monotonic()
        more = connection.execute("select more from posthorn.close_new('150 ms')").fetchone()[0]
        longest, calls = max(longest, time.monotonic() - begun), calls + 1
    return time.monotonic() - started, calls, longest


def measure_reconciliation(world, connection, options, part, events):
    """Nothing closed, then all closed; then the commands of posthorn-admin and the housekeeping of dispatchers."""
    chunks = connection.execute("select count(*) from posthorn.chunk").fetchone()[0]
    wrong, seconds = scale_fill.check(connection, events)
    part.verify(wrong, f"`audit.reconciliation` shows {events:,} events and 0 missing ({part.title.partition(':')[0].lower()}).")
    rows = [(f"`audit.reconciliation`, nothing closed ({chunks:,} hours of partitions)", f"{seconds:,.1f} s")]
    seconds, calls, longest = close_all(connection, options.limit)
    rows += [(f"closing all, {calls:,} calls", f"{seconds:,.1f} s"), ("the longest of these calls", f"{longest:,.2f} s")]
    for name, statement in (("`audit.reconciliation`, all closed", "select * from audit.reconciliation"),
                            ("`posthorn.close_new()`, as every 2 seconds", "select * from posthorn.close_new('150 ms')"),
                            ("`posthorn.close_old()`, as every 10 seconds", "select * from posthorn.close_old('150 ms')"),
                            ("`posthorn.count_activity()`", "select posthorn.count_activity()"),
                            ("`posthorn.make_partitions()`", "select posthorn.make_partitions()"),
                            ("`posthorn.expire()`", "select posthorn.expire()")):
        rows.append((name, shown(timed(connection, statement, options.limit), options.limit)))
    for words in (("status",), ("audit", "verify")):
        seconds, wrong = timed_admin(world, options.limit, *words)
        part.wrong += wrong
        rows.append((f"`posthorn-admin {' '.join(words)}`", shown(seconds, options.limit)))
    for name, value in rows:
        say(f"  {value:>12}  {name}")
    part.table(("statement", "time"), rows)


def closed_hours(connection):
    return connection.execute("select count(distinct hour) from posthorn.seal").fetchone()[0]


def measure_first(world, connection, subscribers, fill):
    """The hot path beside the first events of a load; returns (Hot, its figures)."""
    fill.load(FIRST_EVENTS)
    fill.settle()
    hot = Hot(world, connection, subscribers)
    hot.make_backlog()
    return hot, hot.measure()


def measure(world, options, part):
    """Part `audit`."""
    world.use_database("audit")
    with scale_fill.connect(world) as connection:
        subscribers = scale_fill.make_subscribers(connection, "audit-", SUBSCRIBERS)
        between, more = scale_fill.day_so_far(connection), 0
        if options.spread == "hour":
            between, more = scale_fill.hour_of_load(connection, subscribers, options.events)
        fill = scale_fill.Fill(connection, "bench.audit", subscribers, options.events, between, cookbook=True)
        hot, before = measure_first(world, connection, subscribers, fill)
        say(f"audit: making {options.events:,} events from {between[0]:%H:%M} to {between[1]:%H:%M} UTC")
        seconds = fill.load()
        fill.settle()
        scale_fill.wait_for_time(connection, between[1])
        part.text(f"{fill.events:,} events, payloads and attempts from {between[0]:%H:%M} to {between[1]:%H:%M} UTC, made in {seconds:,.0f} s. "
                  f"A statement that takes longer than {options.limit} s is cancelled.")
        after = hot.measure()
        hot.close()
        measure_reconciliation(world, connection, options, part, more + fill.events + hot.events)
        part.text(f"{closed_hours(connection)} hours were closed.")
        compare(part, before, after, (f"beside {FIRST_EVENTS:,} events", f"beside {fill.events:,}"))
        measure_recipes(world, options, part)


def measure_days(world, options, part):
    """Part `days`."""
    world.use_database("days")
    with scale_fill.connect(world) as connection:
        subscribers = scale_fill.make_subscribers(connection, "days-", SUBSCRIBERS)
        today = scale_fill.Fill(connection, "bench.today", subscribers, FIRST_EVENTS, scale_fill.day_so_far(connection), cookbook=True)
        hot, before = measure_first(world, connection, subscribers, today)
        say(f"days: making {options.days} days of partitions")
        begun = time.monotonic()
        scale_fill.make_days(connection, options.days)
        midnight = scale_fill.day_so_far(connection)[0]
        past = midnight - datetime.timedelta(options.days), midnight
        days = scale_fill.Fill(connection, "bench.days", subscribers, options.days * FLUSHES_A_DAY * 40, past, batch=40)
        days.load()
        days.settle()
        partitions = connection.execute("select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind = 'r'").fetchone()[0]
        part.text(f"{partitions:,} partitions with {FLUSHES_A_DAY * 40} events a day, made in {time.monotonic() - begun:,.0f} s.")
        after = hot.measure()
        hot.close()
        compare(part, before, after, ("4 days", f"{options.days + 4} days"))
        measure_reconciliation(world, connection, options, part, today.events + hot.events + days.events)
