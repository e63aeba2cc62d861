"""Makes many rows in one statement, as if dispatchers had written them: with the ledger and the digests, so that the reconciliation balances."""

import datetime
import hashlib
import time

import psycopg

from world import say

BATCH = 500  # rows of a flush, and of a batch of intake
CHUNK = 2000  # flushes in one transaction
PARTITIONS = 4
PROBE = 20_000  # events whose load is timed, to foresee when a larger load ends
LOAD_GROWTH = 1.5  # a larger load needs so much more time for each event
BODY = b'{"amount": 100, "note": "' + b"x" * 373 + b'"}'

# What is summed up of the rows that a statement inserted.
DIGEST = ("insert into posthorn.digest (kind, recorded_at, position_id, row_count, hash_sum)"
          " select '{}', {}, position_id, count(*), sum(hash) from inserted group by 2, 3")
PENDING_DIGEST = "insert into posthorn.pending_digest select position_id, count(*), sum(hash) from inserted group by 1"

# One row for each event of the flushes from `first` to `past`, in the order of the offsets. The flushes divide the time from `since` to `until` evenly.
GIVEN = """with flush as (
    select g, p.id as position_id, g / %(partitions)s * %(batch)s as first,
           %(since)s::timestamptz + (%(until)s::timestamptz - %(since)s) * (g / %(flushes)s::float8) as at
    from generate_series(%(first)s::bigint, %(past)s::bigint - 1) g
    join posthorn.position p on p.source = 'kafka' and p.topic = %(topic)s and p.partition = g %% %(partitions)s
), given as (
    select f.at, f.position_id, f.first + k as "offset", (1 + (f.g * 7 + k) %% cardinality(%(accounts)s::int[]))::int as i,
           case when %(cookbook)s and f.g = 0 and k < 2 then 'evt-cookbook-' || k + 1 else gen_random_uuid()::text end as id
    from flush f cross join generate_series(0, %(batch)s - 1) k
), """
EVENTS = GIVEN + """inserted as (
    insert into posthorn.event as e (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, received_at,
                                     payload_sha256)
    select encode(substr(sha256(convert_to((%(keys)s::text[])[i], 'UTF8') || '\\x00' || convert_to(id, 'UTF8')), 1, 16), 'hex')::uuid,
           (at at time zone 'UTC')::date, position_id, "offset", (%(accounts)s::int[])[i], 'transaction.authorized', id, '/bench', at - interval '1 second', at,
           %(sha256)s
    from given
    returning e.received_at, e.position_id, posthorn.hash(e) as hash
)
""" + DIGEST.format("event", "received_at")
PAYLOADS = GIVEN + """inserted as (
    insert into posthorn.payload as l (recorded_at, position_id, "offset", sealed, body) select at, position_id, "offset", false, %(body)s from given
    returning l.recorded_at, l.position_id, posthorn.hash(l) as hash
)
""" + DIGEST.format("payload", "recorded_at")
ATTEMPTS = GIVEN + """inserted as (
    insert into posthorn.attempt as a (recorded_at, started_at, "offset", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, http_status,
                                       cause, outcome)
    select at, at - interval '10 milliseconds', "offset", position_id, (%(webhooks)s::int[])[i], 1, 1500, %(dispatcher)s, 1,
           case when "offset" %% 100 = 99 then 500 else 200 end, 'e', case when "offset" %% 100 = 99 then 'g' else 'd' end::"char"
    from given
    returning a.recorded_at, a.position_id, posthorn.hash(a) as hash
)
""" + DIGEST.format("attempt", "recorded_at")
PENDING = GIVEN + """inserted as (
    insert into posthorn.pending as p (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at, created_at)
    select (%(webhooks)s::int[])[i], position_id, "offset", 'e', (at at time zone 'UTC')::date, 0, at, at from given
    returning p.position_id, posthorn.hash(p) as hash
)
""" + PENDING_DIGEST
LEDGER = GIVEN + """inserted as (
    insert into posthorn.ledger as l (recorded_at, position_id, first_offset, next_offset, records, gaps, events, repeated, dead_lettered, matched,
                                      dispatcher_id)
    select at, position_id, first, first + %(batch)s, %(batch)s, 0, %(batch)s, 0, 0, %(batch)s, %(dispatcher)s from flush
    returning l.recorded_at, l.position_id, posthorn.hash(l) as hash
)
""" + DIGEST.format("ledger", "recorded_at")
POSITIONS = """update posthorn.position set first_offset = 0, next_offset = n, last_offset = n - 1, last_timestamp = 0, last_check = 0
from (select id as of, (%(past)s::bigint - partition + %(partitions)s - 1) / %(partitions)s * %(batch)s as n from posthorn.position where topic = %(topic)s) m
where id = of and n > 0"""


def connect(world):
    """As the owner; with the settings of the programs."""
    return psycopg.connect(world.database, autocommit=True, options="-c timezone=UTC -c jit=off -c synchronous_commit=off")


def day_so_far(connection):
    """From the beginning of this day (UTC) until now."""
    return connection.execute("select date_trunc('day', now(), 'UTC'), now()").fetchone()


def hour_so_far(connection):
    return connection.execute("select date_trunc('hour', now(), 'UTC'), now()").fetchone()


def make_subscribers(connection, prefix, count, url="http://127.0.0.1:9/cookbook/good/"):
    """Creates accounts PREFIX0, … with a webhook each (the first account is `cookbook`, which the cookbook asks for). Returns key, account and webhook of
    each."""
    connection.execute("insert into posthorn.account (key, dialect) select case when n = 0 then 'cookbook' else %s || n end, 'penny'"
                       " from generate_series(0, %s - 1) n", [prefix, count])
    mine = [f"{prefix}%"]
    connection.execute("insert into posthorn.webhook (public_id, account_id, label, url, format, signature)"
                       " select 'wbh_' || a.key, a.id, a.key, %s || a.key, 'standard', 'none' from posthorn.account a where a.key = 'cookbook' or a.key like %s"
                       " order by a.id", [url, *mine])
    owned = "posthorn.account a join posthorn.webhook w on w.account_id = a.id where a.key = 'cookbook' or a.key like %s"
    connection.execute(f"insert into posthorn.subscription (webhook_id, pattern) select w.id, 'transaction.authorized' from {owned}", mine)
    return [subscriber(row) for row in connection.execute(f"select a.key, a.id, w.id from {owned} order by a.id", mine)]


def subscriber(row):
    """Key and id of an account, and the id of its webhook."""
    return dict(zip(("key", "account", "webhook"), row, strict=True))


class Fill:
    """Events of one topic, each with its payload and one attempt (or, if `pending`, one pending delivery), which load() makes. With `cookbook`, the first two
    have the ids that docs/audit-cookbook.md asks for."""

    def __init__(self, connection, topic, subscribers, events, between, batch=BATCH, pending=False, cookbook=False):
        since, until = between
        self.connection, self.done = connection, 0
        self.statements = [EVENTS, PAYLOADS, PENDING if pending else ATTEMPTS, LEDGER, POSITIONS]
        dispatcher = connection.execute("select posthorn.dispatcher_started('fill')").fetchone()[0]
        self.values = {
            "topic": topic, "cookbook": cookbook, "partitions": PARTITIONS, "batch": batch, "since": since, "until": until,
            "flushes": max(1, -(-events // batch)), "dispatcher": dispatcher, "body": BODY, "sha256": hashlib.sha256(BODY).digest(),
            "keys": [one["key"] for one in subscribers], "accounts": [one["account"] for one in subscribers],
            "webhooks": [one["webhook"] for one in subscribers]}
        connection.execute("insert into posthorn.position (source, topic, partition) select 'kafka', %s, p from generate_series(0, %s - 1) p",
                           [topic, PARTITIONS])

    @property
    def events(self):
        return self.done * self.values["batch"]

    def load(self, events=None):
        """Makes rows until there are so many events, rounded up to flushes; without a number, all. Returns the seconds."""
        begun = time.monotonic()
        last = self.values["flushes"] if events is None else min(self.values["flushes"], -(-events // self.values["batch"]))
        while self.done < last:
            past = min(last, self.done + CHUNK)
            values = self.values | {"first": self.done, "past": past}
            with self.connection.transaction():
                for statement in self.statements:
                    self.connection.execute(statement, values)
            self.done = past
            if past < last:
                say(f"  {self.events:,} events")
        self.connection.execute("update posthorn.activity_clock set counted_to = greatest(counted_to, %s)", [self.values["until"]])
        return time.monotonic() - begun

    def settle(self):
        """What autovacuum does some time after the rows were written."""
        self.connection.execute("vacuum (analyze)")


def hour_of_load(connection, subscribers, events):
    """An interval of the hour in which a load of so many events will end: the hour so far, or, if another hour will have begun, its first ten minutes. Loads
    some events to learn how long it takes; returns the interval and their number."""
    probe = Fill(connection, "bench.probe", subscribers, PROBE, hour_so_far(connection))
    seconds = LOAD_GROWTH * probe.load() * events / PROBE
    since, until = hour_so_far(connection)
    end = until + datetime.timedelta(seconds=seconds)
    if end >= since + datetime.timedelta(hours=1):
        since = end.replace(minute=0, second=0, microsecond=0)
        until = since + datetime.timedelta(minutes=10)
    return (since, until), probe.events


def wait_for_time(connection, instant):
    """Sleeps until then."""
    time.sleep(max(0, connection.execute("select extract(epoch from %s - now())::float8", [instant]).fetchone()[0]))


def reconciliation(connection):
    """(records, matched, pending, missing) in audit.reconciliation, and the seconds that it took."""
    begun = time.monotonic()
    columns = ", ".join(f"coalesce(sum({column}), 0)::bigint" for column in ("records", "matched", "pending", "missing"))
    row = connection.execute(f"select {columns} from audit.reconciliation").fetchone()
    return row, time.monotonic() - begun


def check(connection, records, pending=0):
    """What is wrong with the reconciliation, as sentences, and the seconds that it took."""
    (found, matched, found_pending, missing), seconds = reconciliation(connection)
    if (found, matched, found_pending, missing) == (records, records, pending, 0):
        return [], seconds
    expected = f"{records} records, {pending} pending and 0 missing were expected"
    return [f"audit.reconciliation has {found} records, {matched} matched, {found_pending} pending, {missing} missing; {expected}"], seconds


def make_days(connection, days):
    """Partitions of all tables for so many days before today."""
    parents = [row[0] for row in connection.execute("select relname from pg_class where relnamespace = 'posthorn'::regnamespace and relkind = 'p' order by 1")]
    today = connection.execute("select (now() at time zone 'UTC')::date").fetchone()[0]
    for number in range(days, 0, -1):
        day = today - datetime.timedelta(number)
        with connection.transaction():
            for parent in parents:
                connection.execute("select posthorn.make_partition(%s, %s, %s)", [parent, day, day + datetime.timedelta(1)])


def make_subscriptions(connection, subscriptions, accounts, largest):
    """So many subscriptions, `largest` of them in one account (on webhooks with 100 patterns each, or the account would exceed its bound), the others divided
    among the other accounts, on a webhook each. Returns how many there are."""
    connection.execute("insert into posthorn.account (key, dialect) select 'many-' || n, 'penny' from generate_series(0, %s - 1) n", [accounts])
    ids = [row[0] for row in connection.execute("select id from posthorn.account where key like 'many-%' order by id")]
    webhook = ("insert into posthorn.webhook (public_id, account_id, url, format, signature) select 'many-' || n, (%s::int[])[1 + n %% %s],"
               " 'https://example.com/hooks/' || n, 'standard', 'none' from generate_series(%s::int, %s::int - 1) n returning id")
    pattern = "insert into posthorn.subscription (webhook_id, pattern) select w, 'type.' || p from unnest(%s::int[]) w, generate_series(1, %s) p"
    owned = [row[0] for row in connection.execute(webhook, [ids[:1], 1, 0, largest // 100])]
    connection.execute(pattern, [owned, 100])
    first = largest // 100
    for begin in range(0, subscriptions - largest, 20000):
        past = min(subscriptions - largest, begin + 20000)
        made = [row[0] for row in connection.execute(webhook, [ids[1:], len(ids) - 1, first + begin, first + past])]
        connection.execute(pattern, [made, 1])
    connection.execute("vacuum (analyze)")
    return connection.execute("select count(*) from posthorn.subscription where webhook_id in (select id from posthorn.webhook where public_id like 'many-%')"
                              ).fetchone()[0]
