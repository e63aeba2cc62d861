"""The measurements of bench/run: the yardstick, the pipeline that processes a backlog, and the spread of one event's requests."""

import concurrent.futures
import dataclasses
import time

from world import Dispatcher, Failure, Strangers, process_cpu_us, say, wait_for

EVENT_TYPE = "transaction.authorized"
IN_FLIGHT = (64, 128, 256)  # the result of the result of the yardstick is the best of these


@dataclasses.dataclass(frozen=True)
class Shape:
    """The subscribers: `accounts` accounts with `fan_out` webhooks each."""

    prefix: str
    accounts: int
    fan_out: int

    @property
    def topic(self):
        return f"bench.{self.prefix.rstrip('-')}"

    @property
    def webhooks(self):
        return self.accounts * self.fan_out


def make_subscribers(world, shape):
    """Creates accounts and webhooks with posthorn-admin, as an operator does."""

    def account(number):
        key = f"{shape.prefix}{number}"
        world.admin("account", "create", key, "--dialect", "penny", "--if-absent")
        return key

    def webhook(number):
        url = f"http://127.0.0.1:{world.sink.port}/ok/{shape.prefix}{number}"
        world.admin("webhook", "create", "--account", f"{shape.prefix}{number // shape.fan_out}", "--url", url, "--events", EVENT_TYPE)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(account, range(shape.accounts)))
        list(pool.map(webhook, range(shape.webhooks)))
    world.make_topic(shape.topic, 4)


def position_sum(world, topic):
    """The number of records of a topic that the positions have passed."""
    return int(world.sql(f"select coalesce(sum(next_offset), 0) from posthorn.position where topic = '{topic}'")[0][0])


def measure_yardstick(world, requests, body_bytes, webhooks):
    """One round: measures each number in flight once; returns the results by that number."""
    results = {}
    for in_flight in IN_FLIGHT:
        world.sink.reset()
        strangers, before = Strangers(), process_cpu_us(world.sink.process.pid)
        result = world.yardstick(requests=requests, concurrency=in_flight, webhooks=webhooks, body=body_bytes)
        ours = process_cpu_us(world.sink.process.pid) - before + result["cpu_us_per_request"] * result["requests"]
        results[in_flight] = {**result, "strangers": strangers.share(ours)}
    return results


def mean_of_yardsticks(before, after):
    """The interpolated result of the yardstick: if the machine becomes slower or faster meanwhile, both sides of the ratio change alike."""
    return {in_flight: {"requests_per_second": (before[in_flight]["requests_per_second"] + after[in_flight]["requests_per_second"]) / 2,
                        "cpu_us_per_request": (before[in_flight]["cpu_us_per_request"] + after[in_flight]["cpu_us_per_request"]) / 2,
                        "strangers": max(before[in_flight]["strangers"], after[in_flight]["strangers"])} for in_flight in IN_FLIGHT}


def watch_deliveries(world, dispatcher, total, seconds):
    """Waits for all of them; returns (requests received, CPU, strangers) as of the first delivery."""

    def snapshot():
        dispatcher.check_alive()
        stats = world.sink.stats()
        return stats if stats["requests"] else None

    stats = wait_for("the first delivery", snapshot, 60)
    first = stats["requests"], world.cpu_us(dispatcher), Strangers()
    deadline = time.monotonic() + seconds
    while stats["requests"] < total:
        if time.monotonic() > deadline:
            raise Failure(f"{stats['requests']} of {total} deliveries after {seconds} s\n{dispatcher.last_words()}")
        time.sleep(0.1)
        stats = snapshot()
    return first


def measure_pipeline(world, shape, events, options):
    """One round: loads a backlog, then a dispatcher processes it; returns the time and CPU used."""
    total = events * shape.fan_out
    world.load(shape.topic, shape.prefix, shape.accounts, events)
    passed = position_sum(world, shape.topic) + events
    world.sink.reset()
    dispatcher = Dispatcher(world, shape.topic, options)
    try:
        seen, before, strangers = watch_deliveries(world, dispatcher, total, 300)
        wait_for("every attempt recorded", lambda: position_sum(world, shape.topic) >= passed, 60)
        recorded_ns = time.time_ns()
        after = world.cpu_us(dispatcher)
        disturbed = strangers.share(sum(after.values()) - sum(before.values()))
    finally:
        dispatcher.stop()
    stats = world.sink.stats()
    seconds = (recorded_ns - stats["first_ns"]) / 1e9
    return {
        "deliveries": total,
        "seconds": seconds,
        "per_second": total / seconds,
        "cpu_us": {part: (after[part] - before[part]) / max(1, total - seen) for part in after},
        "strangers": disturbed,
        "received": stats["requests"],
        "distinct": stats["distinct"],
        "duplicates": stats["duplicates"],
        "head_bytes": stats["head_bytes"] / stats["requests"],
        "body_bytes": stats["body_bytes"] / stats["requests"],
    }


def describe(result):
    cpu = ", ".join(f"{part} {us:.1f}" for part, us in result["cpu_us"].items())
    return f"{result['per_second']:,.0f} deliveries/s; CPU µs a delivery: {cpu}; {result['strangers']:.0%} used by others"


def check_received(result):
    if result["received"] == result["distinct"] == result["deliveries"]:
        return []
    return [f"the sink received {result['received']} requests, {result['distinct']} distinct, for {result['deliveries']} deliveries"]


def measure_spread(world, shape, events, options):
    """One event to all webhooks of one account, connections warm: milliseconds from the first to the last request's start.

    Returns them, and the bytes of each request's body."""
    spreads = []
    dispatcher = Dispatcher(world, shape.topic, options)
    try:
        wait_for("the dispatcher ready", dispatcher.is_ready, 60)
        for number in range(events + 1):
            world.sink.reset()
            world.load(shape.topic, shape.prefix, 1, 1)
            wait_for("the event at all webhooks", lambda: world.sink.stats()["requests"] >= shape.webhooks, 60)
            wait_for("every attempt recorded", lambda number=number: position_sum(world, shape.topic) > number, 60)
            spread = world.sink.spread()
            if spread["requests"] != shape.webhooks:
                raise Failure(f"one event to {shape.webhooks} webhooks made {spread['requests']} requests")
            if number > 0:  # the first one opened the connections
                spreads.append(spread["spread_ms"])
    finally:
        dispatcher.stop()
    stats = world.sink.stats()
    return spreads, round(stats["body_bytes"] / stats["requests"])


def measure_bare_spread(world, webhooks, events, body_bytes):
    """The same for the bare libcurl loop, the lower bound for any program that uses libcurl."""
    spreads = []
    for _ in range(events):
        world.sink.reset()
        world.yardstick(requests=webhooks, warm=webhooks, concurrency=webhooks, webhooks=webhooks, fan_out=webhooks, body=body_bytes)
        spreads.append(world.sink.spread()["spread_ms"])
    return spreads


def verify(world, shape, deliveries):
    """Counts the audit's rows; returns the differences as sentences."""
    wrong = []
    accounts = f"account like '{shape.prefix}%'"
    attempts, delivered, pairs = (int(n) for n in world.sql(
        f"select count(*), count(*) filter (where outcome = 'delivered'), count(distinct (event_id, webhook_id)) "
        f"from audit.attempts where {accounts}")[0])
    if (attempts, delivered, pairs) != (deliveries, deliveries, deliveries):
        wrong.append(f"{shape.prefix}: {deliveries} deliveries were owed; audit.attempts has {attempts} rows, {delivered} delivered, "
                     f"{pairs} distinct")
    matched, missing, pending = (int(n) for n in world.sql(
        f"select coalesce(sum(matched), 0), coalesce(sum(missing), 0), coalesce(sum(pending), 0) from audit.reconciliation "
        f"where topic = '{shape.topic}'")[0])
    if (matched, missing, pending) != (deliveries, 0, 0):
        wrong.append(f"{shape.prefix}: audit.reconciliation has {matched} matched of {deliveries}, {missing} missing, {pending} pending")
    say(f"  {shape.prefix}: {attempts} attempts in the audit, {missing} missing")
    return wrong
