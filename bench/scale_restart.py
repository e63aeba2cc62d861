"""Part `restart`: the time until two dispatchers are ready, and until one has taken over the partitions of the other, beside many rows of the running hour."""

import contextlib
import time

import measure as speed
import scale_fill
from world import Dispatcher, say, wait_for

SHAPE = speed.Shape(prefix="restart-", accounts=40, fan_out=1)
NAMES = ("restart-a", "restart-b")
EVENTS = 2000  # published before one is killed, and again after it
PATIENCE_S = 3600


def wait_ready(dispatchers, begun):
    """Seconds from `begun` until each is ready, in order."""
    seconds = {}

    def all_ready():
        for dispatcher in dispatchers:
            if dispatcher not in seconds and dispatcher.is_ready():
                seconds[dispatcher] = time.monotonic() - begun
        return len(seconds) == len(dispatchers)

    wait_for("both dispatchers ready", all_ready, PATIENCE_S)
    return sorted(seconds.values())


def positions_of(connection, name):
    """Id and next offset of each position that this dispatcher owns."""
    return connection.execute("select p.id, coalesce(p.next_offset, 0) from posthorn.position p join posthorn.dispatcher d on d.id = p.dispatcher_id"
                              " where p.topic = %s and d.name = %s", [SHAPE.topic, name]).fetchall()


def publish(world):
    """Publishes events and waits until the positions have passed them all."""
    passed = speed.position_sum(world, SHAPE.topic) + EVENTS
    world.load(SHAPE.topic, SHAPE.prefix, SHAPE.accounts, EVENTS)
    wait_for("every attempt recorded", lambda: speed.position_sum(world, SHAPE.topic) >= passed, PATIENCE_S)


def taken_over(connection, lost, killed_at):
    """Seconds after the kill until the first of the positions was claimed by another dispatcher, and until its first attempt there began."""
    return connection.execute(
        "select extract(epoch from min(p.claimed_at))::float8 - %s, extract(epoch from min(a.started_at))::float8 - %s"
        " from unnest(%s::int[], %s::bigint[]) u (id, next) join posthorn.position p on p.id = u.id"
        " join posthorn.attempt a on a.position_id = u.id and a.\"offset\" >= u.next",
        [killed_at, killed_at, [position for position, _ in lost], [offset for _, offset in lost]]).fetchone()


def one(world, connection, part, settings):
    """Starts both, kills one; returns the seconds until the first and the second were ready, until the claim, and until the first delivery."""
    world.sink.reset()
    begun = time.monotonic()
    with contextlib.ExitStack() as running:
        dispatchers = []
        for name in NAMES:
            dispatchers.append(Dispatcher(world, SHAPE.topic, settings, name))
            running.callback(dispatchers[-1].kill)
        ready = wait_ready(dispatchers, begun)
        wait_for("partitions at both", lambda: all(positions_of(connection, name) for name in NAMES), PATIENCE_S)
        publish(world)
        lost = positions_of(connection, NAMES[0])
        killed_at = time.time()
        dispatchers[0].kill()
        publish(world)
        claimed, delivered = taken_over(connection, lost, killed_at)
        dispatchers[1].stop()
    stats = world.sink.stats()
    part.wrong += speed.check_received({**stats, "received": stats["requests"], "deliveries": 2 * EVENTS})
    say(f"  ready after {ready[0]:.1f} and {ready[1]:.1f} s; claimed {claimed:.1f} s after the kill, delivered {delivered:.1f} s after it")
    return (*ready, claimed, delivered)


def measure(world, options, part):
    world.use_database("restart")
    speed.make_subscribers(world, SHAPE)
    with scale_fill.connect(world) as connection:
        before = one(world, connection, part, options.settings)
        subscribers = scale_fill.make_subscribers(connection, "filled-", 100)
        between, more = scale_fill.hour_of_load(connection, subscribers, options.events)
        fill = scale_fill.Fill(connection, "bench.filled", subscribers, options.events, between)
        say(f"restart: making {options.events:,} events from {between[0]:%H:%M} to {between[1]:%H:%M} UTC")
        fill.load()
        fill.settle()
        scale_fill.wait_for_time(connection, between[1])
        after = one(world, connection, part, options.settings)
        part.text(f"{fill.events:,} events from {between[0]:%H:%M} to {between[1]:%H:%M} UTC, of another topic than the one that is consumed.")
        names = ("start until the first is ready", "start until both are ready", "kill until another has claimed a partition", "kill until its first delivery")
        part.table(("seconds from", "no rows", f"beside {fill.events:,} events", "ratio"),
                   [(name, f"{was:.2f}", f"{now:.2f}", f"{now / was:.2f}") for name, was, now in zip(names, before, after, strict=True)])
        part.text("A killed dispatcher keeps its partitions until Kafka's `session.timeout.ms` has passed, which is 10 s for dispatchers.")
        if not part.wrong:
            part.checked.append("Restart: the receiver received each event once, before and after the kill.")
        wrong, seconds = scale_fill.check(connection, more + fill.events + 4 * EVENTS)
        part.verify(wrong, f"Restart: `audit.reconciliation` shows 0 missing ({seconds:.1f} s).")
