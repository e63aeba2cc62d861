"""Parts `subscriptions` and `pending`: fresh deliveries beside many subscriptions, or many pending deliveries, of others, as a ratio to the same without
them."""

import measure as speed
import report
import scale_fill
from world import Sink, say

ACCOUNTS = 100  # that receive the fresh deliveries, on a webhook each
PARTS = ("dispatcher", "PostgreSQL")


class Variant:
    """A database with subscribers for this measurement, and its rounds. `prepare` is called before each."""

    def __init__(self, world, name, database, prefix=None, prepare=None):
        self.world, self.name, self.database, self.prepare = world, name, database, prepare
        prefix = prefix or f"{database}-"
        self.shape = speed.Shape(prefix=prefix, accounts=ACCOUNTS, fan_out=1)
        self.rounds, self.deliveries, self.wrong = [], 0, []
        world.use_database(self.database)
        speed.make_subscribers(world, self.shape)

    def measure(self, events, settings, kept=True):
        self.world.use_database(self.database)
        if self.prepare:
            self.prepare(self.world)
        result = speed.measure_pipeline(self.world, self.shape, events, settings)
        say(f"  {self.name}: {speed.describe(result)}")
        self.wrong += speed.check_received(result)
        self.deliveries += events
        self.rounds += [result] if kept else []

    def verify(self):
        """What is wrong, as sentences."""
        self.world.use_database(self.database)
        return self.wrong + speed.verify(self.world, self.shape, self.deliveries)


def measure_rounds(variants, options):
    """The variants take turns; the first turn is not counted."""
    for variant in variants:
        variant.measure(max(ACCOUNTS, options.deliveries // 10), options.settings, kept=False)
    for _ in range(options.rounds):
        for variant in variants:
            variant.measure(options.deliveries, options.settings)


def figures(result):
    return result["per_second"], *(result["cpu_us"][part] for part in PARTS)


def table(part, variants):
    """Medians of the rounds, and of the ratios of each round to the round of the first variant in the same turn."""
    rows = []
    for variant in variants:
        cells = [variant.name]
        for index in range(1 + len(PARTS)):
            value = report.median(figures(one)[index] for one in variant.rounds)
            ratio = report.median(figures(one)[index] / figures(base)[index] for one, base in zip(variant.rounds, variants[0].rounds, strict=True))
            cells.append(f"{value:,.1f} ({ratio:.2f})")
        rows.append((*cells, f"{report.median(one['strangers'] for one in variant.rounds):.0%}"))
    part.table(("medians (ratio to the first line)", "deliveries/s", *(f"{name}, CPU µs a delivery" for name in PARTS), "used by others"), rows)


def finish(part, variants, options):
    measure_rounds(variants, options)
    table(part, variants)
    wrong = [sentence for variant in variants for sentence in variant.verify()]
    part.verify(wrong, f"{part.title.partition(':')[0]}: the receiver received each fresh delivery once, and `audit.reconciliation` shows 0 missing of them.")


def measure_subscriptions(world, options, part):
    variants = [Variant(world, "no others", "alone"), Variant(world, f"{options.subscriptions:,} others", "crowd")]
    accounts, largest = max(2, options.subscriptions // 10), max(100, options.subscriptions // 10)
    say(f"subscriptions: making {options.subscriptions:,} in {accounts:,} accounts")
    with scale_fill.connect(world) as connection:
        made = scale_fill.make_subscriptions(connection, options.subscriptions, accounts, largest)
    if made != options.subscriptions:
        part.wrong.append(f"{made:,} subscriptions were made instead of {options.subscriptions:,}")
    part.text(f"{options.subscriptions:,} subscriptions in {accounts:,} accounts, {largest:,} of them in one account. {options.rounds} rounds of "
              f"{options.deliveries:,} deliveries to {ACCOUNTS} other accounts, in turn with a database without these subscriptions.")
    finish(part, variants, options)


def hold(world):
    world.sql("update posthorn.queue set lease = null, lease_until = '-infinity', held_until = now() + interval '1 day', next_due = now() + interval '1 day'"
              " where webhook_id in (select webhook_id from posthorn.pending limit 1)")


def hang(world):
    world.sql("update posthorn.queue set lease = null, lease_until = '-infinity', held_until = '-infinity', next_due = now(), failing_since = null"
              " where webhook_id in (select webhook_id from posthorn.pending limit 1)")


def make_pending(world, events, port):
    """Pending deliveries of one webhook, whose receiver never responds."""
    world.admin("account", "create", "slow", "--dialect", "penny")
    world.admin("webhook", "create", "--account", "slow", "--url", f"http://127.0.0.1:{port}/hang/", "--events", "transaction.authorized")
    with scale_fill.connect(world) as connection:
        subscriber = scale_fill.subscriber(connection.execute("select a.key, a.id, w.id from posthorn.account a join posthorn.webhook w on w.account_id = a.id"
                                                              " where a.key = 'slow'").fetchone())
        fill = scale_fill.Fill(connection, "bench.slow", [subscriber], events, scale_fill.day_so_far(connection), pending=True)
        fill.load()
        connection.execute("insert into posthorn.queue (webhook_id, next_due) values (%s, now())", [subscriber["webhook"]])
        fill.settle()
        return fill.events, scale_fill.check(connection, fill.events, pending=fill.events)[0]


def measure_pending(world, options, part):
    hanging = Sink(world.binary("bench-sink"), world.directory / "hanging.log", 1_000_000)
    try:
        variants = [Variant(world, "none pending", "none")]
        world.use_database("pending")
        say(f"pending: making {options.pending:,} pending deliveries")
        pending, part.wrong = make_pending(world, options.pending, hanging.port)
        for name, prepare in (("webhook held", hold), ("receiver hangs", hang)):
            variants.append(Variant(world, f"{pending:,} pending, {name}", "pending", f"{prepare.__name__}-", prepare))
        part.text(f"{pending:,} pending deliveries of one webhook. {options.rounds} rounds of {options.deliveries:,} deliveries to {ACCOUNTS} other accounts, "
                  "in turn. *Held*: nothing is due for a day, as with an open breaker. *Hangs*: a dispatcher leases the webhook, and its requests time out.")
        finish(part, variants, options)
        if hanging.stats()["requests"] == 0:
            part.wrong.append("the hanging receiver got no request: the pending deliveries were not due")
        world.use_database("pending")
        fresh = sum(variant.deliveries for variant in variants[1:])
        with scale_fill.connect(world) as connection:
            wrong, seconds = scale_fill.check(connection, pending + fresh, pending)
        part.verify(wrong, f"`audit.reconciliation` shows {pending:,} pending and 0 missing after the rounds ({seconds:.1f} s).")
    finally:
        hanging.stop()

