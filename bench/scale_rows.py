"""Part `rows`: the cost of an event and of an attempt, per million that are already stored in the current day."""

import dataclasses

import scale_fill
from scale_writer import BATCH, FLUSH_BATCHES, IDS, Writer
from world import say

BLOCK = 10_000  # events between two readings of PostgreSQL's counters
SUBSCRIBERS = 100


@dataclasses.dataclass
class Cost:
    """Of rows of one kind: wall time and CPU of the server process in µs, bytes of WAL."""

    rows: int = 0
    wall_us: float = 0
    cpu_us: float = 0
    wal: int = 0

    def add(self, other):
        self.rows += other.rows
        self.wall_us += other.wall_us
        self.cpu_us += other.cpu_us
        self.wal += other.wal

    def each(self):
        return self.wall_us / self.rows, self.cpu_us / self.rows, self.wal / self.rows


class Meter:
    """Measures blocks of events, and of attempts."""

    def __init__(self, writer, connection):
        self.writer, self.connection = writer, connection

    def wal(self):
        return self.connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()[0]

    def one(self, session, write, calls):
        """The cost of a block: so many calls of the function, over that session."""
        cpu, wal = session.cpu_us(), self.wal()
        seconds = sum(write() for _ in range(calls))
        return Cost(BLOCK, seconds * 1e6, session.cpu_us() - cpu, self.wal() - wal)

    def step(self, events):
        """(cost of the events, cost of their attempts) of one step."""
        stored, attempted = Cost(), Cost()
        for _ in range(events // BLOCK):
            stored.add(self.one(self.writer.intake_session, self.writer.intake, BLOCK // BATCH))
            attempted.add(self.one(self.writer.flush_session, self.writer.flush, BLOCK // BATCH // FLUSH_BATCHES))
        return stored, attempted


def day(connection):
    return connection.execute("select (now() at time zone 'UTC')::date").fetchone()[0]


def measure_ids(world, options, part, ids):
    """The steps with ids of one kind: a list of (cost of events, cost of attempts)."""
    world.use_database(f"rows_{ids}")
    steps = []
    with scale_fill.connect(world) as connection:
        writer = Writer(world, "bench.rows", scale_fill.PARTITIONS, scale_fill.make_subscribers(connection, "rows-", SUBSCRIBERS), ids, options.body)
        meter, today = Meter(writer, connection), day(connection)
        for number in range(options.events // options.step):
            steps.append(meter.step(options.step))
            say(f"  {ids} ids, {(number + 1) * options.step:,} events: {describe(steps[-1])}")
            if day(connection) != today:
                part.wrong.append(f"{ids} ids: the day (UTC) ended, and a new partition began, after {(number + 1) * options.step:,} events; start earlier")
                break
        writer.close()
        wrong, seconds = scale_fill.check(connection, len(steps) * options.step)
        part.verify(wrong, f"`audit.reconciliation` shows each event and attempt once and 0 missing (rows, {ids} ids; {seconds:.0f} s).")
    world.drop_databases()  # their space is needed for the next
    return steps


def describe(step):
    return "; ".join(f"{kind} {wall:.1f} µs, {cpu:.1f} µs CPU, {wal:,.0f} B of WAL" for kind, (wall, cpu, wal) in
                     zip(("event", "attempt"), (cost.each() for cost in step), strict=True))


def grouped(steps):
    """The steps 1, 2, 3–5, 6–10, 11–20, 21–50, …: (first, last) of each group."""
    bounds = sorted({n * 10 ** power for n in (1, 2, 5) for power in range(7) if n * 10 ** power <= len(steps)} | {len(steps)})
    return list(zip([1, *(bound + 1 for bound in bounds)], bounds, strict=False))


def mean(steps, kind):
    total = Cost()
    for step in steps:
        total.add(step[kind])
    return total.each()


def table(part, steps, kind, step_size):
    rows = []
    for first, last in grouped(steps):
        values, base = mean(steps[first - 1:last], kind), mean(steps[:1], kind)
        cells = [f"{value:,.1f} ({value / one:.2f})" for value, one in zip(values, base, strict=True)]
        rows.append((f"{(first - 1) * step_size:,} – {last * step_size:,}", *cells))
    part.table((f"{('events', 'attempts')[kind]} already stored", "wall time, µs", "PostgreSQL's CPU, µs", "WAL, bytes"), rows)


def measure(world, options, part):
    part.text(f"One session calls `posthorn.intake()` with {BATCH} events, another `posthorn.record()` and `posthorn.move()` with "
              f"{FLUSH_BATCHES * BATCH:,} attempts. Each figure is per row and the mean over the rows of its line; in parentheses: divided by that of the "
              f"first {options.step:,}. Payloads have {options.body} bytes.")
    for ids in IDS:
        say(f"rows: {options.events:,} events with {ids} ids")
        steps = measure_ids(world, options, part, ids)
        part.lines += [f"### {'Random ids (as UUIDv4)' if ids == 'random' else 'Ids in the order of time (as UUIDv7, ULID)'}", ""]
        for kind in range(2):
            table(part, steps, kind, options.step)
