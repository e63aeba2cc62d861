"""Times statements: those of the hot path, repeated, and long ones, with a limit."""

import dataclasses
import statistics
import time

import psycopg

import scale_fill
from scale_writer import FLUSH_BATCHES, Writer
from world import Failure, clean_environment, run

BACKLOG = 1000  # due deliveries of the webhook that is leased
EVENT_QUERIES = ("select * from audit.events where event_id = 'evt-cookbook-1'", "select * from audit.deliveries where event_id = 'evt-cookbook-1'",
                 "select * from audit.attempts where event_id = 'evt-cookbook-1'")


@dataclasses.dataclass
class Part:
    """What a part of bench/scale found: the lines of its section of the report, and what is wrong and what was verified, as sentences."""

    title: str
    lines: list = dataclasses.field(default_factory=list)
    wrong: list = dataclasses.field(default_factory=list)
    checked: list = dataclasses.field(default_factory=list)

    def table(self, columns, rows):
        """Adds a table; `columns` are its heads, and all but the first are numbers."""
        self.lines += [f"| {' | '.join(columns)} |", f"| --- |{' ---: |' * (len(columns) - 1)}"]
        self.lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows] + [""]

    def text(self, text):
        self.lines += [text, ""]

    def verify(self, wrong, checked):
        """Adds sentences about what is wrong, or, if there are none, the sentence about what was verified."""
        self.wrong += wrong
        self.checked += [] if wrong else [checked]


def shown(seconds, limit=None):
    if seconds is None:
        return f"over {limit} s"
    return f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def timed(connection, statement, limit):
    """Seconds until all its rows are here, or None if that takes longer than the limit."""
    connection.execute(f"set statement_timeout = '{limit}s'")
    begun = time.monotonic()
    try:
        cursor = connection.execute(statement)
        if cursor.description:
            cursor.fetchall()
        return time.monotonic() - begun
    except psycopg.errors.QueryCanceled:
        return None
    finally:
        connection.execute("set statement_timeout = 0")


def timed_admin(world, limit, *words):
    """(seconds, or None if a statement exceeds the limit; what failed, as sentences) of a command of posthorn-admin."""
    begun = time.monotonic()
    try:
        world.admin(*words, timeout=20 * limit, PGOPTIONS=f"-c statement_timeout={limit}s")
    except Failure as failure:
        if "statement timeout" in str(failure):
            return None, []
        return time.monotonic() - begun, [str(failure)]
    return time.monotonic() - begun, []


def timed_psql(world, limit, statement):
    """(seconds or None, output) of a statement that an auditor runs with psql."""
    options = f"-c statement_timeout={limit}s -c role=posthorn_audit"
    begun = time.monotonic()
    try:
        output = run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", world.database, "-c", statement, env=clean_environment(PGOPTIONS=options),
                     timeout=2 * limit)
    except Failure as failure:
        if "statement timeout" not in str(failure):
            raise
        return None, ""
    return time.monotonic() - begun, output


class Hot:
    """The statements of the hot path: each measure() repeats them, with fresh rows, and returns the median seconds of each by name."""

    def __init__(self, world, connection, subscribers, topic="bench.hot"):
        self.connection = connection
        self.writer = Writer(world, topic, scale_fill.PARTITIONS, subscribers)
        self.webhook = subscribers[1]["webhook"]
        self.events = 0

    def make_backlog(self):
        """Redeliveries of stored events, but not of the first two, which the cookbook asks for. The counts of the ledger do not include them."""
        self.connection.execute(
            "select posthorn.park(array_agg(%s::int), array_agg(position_id), array_agg(\"offset\"), array_agg('d'::\"char\"), array_agg(period),"
            " array_agg(0::smallint), array_agg(now()), array_agg(null::bigint))"
            " from (select * from posthorn.event order by position_id, \"offset\" offset 2 limit %s) e", [self.webhook, BACKLOG])

    def free_lease(self):
        self.connection.execute("update posthorn.queue set lease = null, lease_until = '-infinity', next_due = now() where webhook_id = %s", [self.webhook])

    def lease_and_due(self):
        """Seconds of posthorn.lease() and of posthorn.due()."""
        writer, dispatcher = self.writer, self.writer.dispatcher
        self.free_lease()
        begun = time.perf_counter()
        leased = writer.flush_session.call(f"select webhook_id, account_id, failing_since, gone from posthorn.lease({dispatcher}, 20, 20)").ntuples
        between = time.perf_counter()
        due = writer.flush_session.call(f"select * from posthorn.due({dispatcher}, 20, array[{self.webhook}], array[16])").ntuples
        if leased != 1 or due != 16:
            raise Failure(f"posthorn.lease() returned {leased} webhooks instead of 1, and posthorn.due() {due} deliveries instead of 16")
        return between - begun, time.perf_counter() - between

    def one_round(self):
        """Seconds of each statement."""
        seconds = {}
        begun = time.perf_counter()
        self.writer.claim(self.writer.turn % self.writer.partitions)
        seconds["claim of a partition"] = time.perf_counter() - begun
        seconds["intake of 500 events"] = statistics.mean(self.writer.intake() for _ in range(FLUSH_BATCHES))
        seconds["flush of 1,000 attempts"] = self.writer.flush()
        self.events += FLUSH_BATCHES * scale_fill.BATCH
        seconds["posthorn.lease()"], seconds["posthorn.due(), 16 rows"] = self.lease_and_due()
        for name, query in zip(("audit.events", "audit.deliveries", "audit.attempts"), EVENT_QUERIES, strict=True):
            begun = time.perf_counter()
            if len(self.connection.execute(query).fetchall()) != 1:
                raise Failure(f"not one row: {query}")
            seconds[f"one event of {name} by id"] = time.perf_counter() - begun
        return seconds

    def measure(self, rounds=20):
        self.one_round()  # fills caches
        found = [self.one_round() for _ in range(rounds)]
        return {name: statistics.median(seconds[name] for seconds in found) for name in found[0]}

    def close(self):
        self.writer.close()


def compare(part, before, after, heads):
    """Adds a table of two results of Hot.measure(), with their ratios."""
    part.table(("statement", *heads, "ratio"), [(name, shown(before[name]), shown(after[name]), f"{after[name] / before[name]:.2f}") for name in before])
