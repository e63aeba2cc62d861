"""The deliveries of a webhook, as the console shows them: lists, one delivery with its request, health, statistics, secrets."""
import datetime
import json

import pytest

from support.api import problem
from support.console import signed_in
from support.receiver import answer
from support.waiting import wait_until

HOOK = {"label": "Cart", "events": ["*"], "authentication": {"type": "basic", "username": "u", "password": "geheim"},
        "signature": {"type": "standard"}}
SALE = "transaction.sale.success"


@pytest.fixture
def account(system):
    return system.account("7qwnw4j2kmqvrb3", dialect="merchant", signature_key="merchant-key")


@pytest.fixture
def console(api, account):
    return signed_in(api, account)


def make(console, receiver, path="/hook", **changed):
    made = console.post("/v1/webhooks", HOOK | {"url": receiver.url(path)} | changed)
    assert made.status_code == 201, made.text
    return f"/v1/webhooks/{made.json()['id']}"


def listed(console, hook, query=""):
    """All pages; (id, state) of each."""
    found, cursor = [], ""
    while cursor is not None:
        page = console.get(f"{hook}/deliveries?limit=3{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert page.status_code == 200, page.text
        assert page.json()["next_cursor"] != cursor, "it goes on"
        found += page.json()["deliveries"]
        cursor = page.json()["next_cursor"]
    return found


def ids(deliveries):
    return [each["event_id"] for each in deliveries]


def test_deliveries_and_one_of_them(system, api, account, console, receiver):
    receiver.behave("/hook", answer(), answer(500), answer())
    hook = make(console, receiver)
    system.dispatcher()
    first = system.event(account, type=SALE, data={"type": "transaction", "note": "<script>alert(1)</script>\u202e"})
    system.publish(first)
    receiver.wait_for(1, "/hook")
    second = system.event(account, type="ach.settled")
    system.publish(second)
    wait_until(lambda: [d["state"] for d in listed(console, hook)] == ["delivered", "delivered"], 30, "two deliveries in the list", every=0.1)
    later, earlier = listed(console, hook)
    assert (later["event_id"], later["attempts"], later["last_http_status"], later["test"]) == (second["id"], 2, 200, False)
    assert (earlier["event_id"], earlier["attempts"], earlier["event_type"]) == (first["id"], 1, SALE)
    assert earlier["first_attempt_at"] == earlier["last_attempt_at"] <= earlier["delivered_at"] and earlier["next_attempt_at"] is None

    one = console.get(f"{hook}/deliveries/{second['id']}").json()
    assert [(a["attempt"], a["outcome"], a["http_status"]) for a in one["attempts"]] == [(1, "retry", 500), (2, "delivered", 200)]
    one = console.get(f"{hook}/deliveries/{first['id']}").json()
    received = receiver.requests("/hook")[0]
    assert one["request"]["body"] == received.body.decode() and not one["request"]["body_dropped"] and not one["request"]["body_cut"]
    assert one["request"]["body_size"] == len(received.body)
    shown = {name.lower(): value for name, value in one["request"]["headers"].items()}
    for name in ("content-type", "webhook-id", "webhook-timestamp"):
        assert shown[name] == received.headers[name]
    for name in ("authorization", "webhook-signature"):
        assert shown[name][:3] == received.headers[name][:3] and "•" in shown[name] and shown[name] != received.headers[name]
    assert "geheim" not in json.dumps(one)

    for query, wanted in (("&state=delivered", 2), ("&state=pending", 0), ("&state=failed", 0), (f"&event_type={SALE}", 1),
                          ("&event_type=none", 0), (f"&event_id={first['id']}", 1), ("&event_id=none", 0), (f"&event_id={first['id']}&state=failed", 0),
                          ("&to=2026-01-01T00:00:00Z&from=2025-12-31T00:00:00Z", 0), ("&from=2026-01-01T00:00:00%2B02:00", 2)):
        assert len(listed(console, hook, query)) == wanted, query
    for query in ("state=lost", "limit=0", "limit=201", "from=yesterday", "cursor=x", "cursor=2026-01-01T00:00:00Z/1", "cursor=2026-01-01T00:00:00Z/1/2x"):
        problem(console.get(f"{hook}/deliveries?{query}"), 400)
    problem(console.get(f"{hook}/deliveries/none"), 404)
    other = make(console, receiver, "/other")
    problem(console.get(f"{other}/deliveries/{first['id']}"), 404)  # an event, but not of this webhook

    system.db.query("delete from posthorn.payload")
    one = console.get(f"{hook}/deliveries/{first['id']}").json()["request"]
    assert one["body"] is None and one["body_dropped"] and one["headers"]["Content-Type"] == "application/json"


def test_pages_lose_nothing_and_show_nothing_twice(system, account, console, receiver):
    """Many deliveries share a flush, and therefore the instant at which they are recorded."""
    hook = make(console, receiver)
    system.dispatcher()
    events = [system.event(account, type=SALE) for _ in range(40)]
    system.publish(*events)
    system.wait_delivered(40)
    assert sorted(ids(listed(console, hook))) == sorted(event["id"] for event in events)
    at = [d["last_attempt_at"] for d in listed(console, hook)]
    assert len(at) == 40
    # also if they were counted some minutes ago
    wait_until(lambda: console.get(hook).json()["health"]["successes_24h"] == 40, 30, "counted", every=0.1)
    assert sorted(ids(listed(console, hook))) == sorted(event["id"] for event in events)


def test_what_waits_fails_and_is_cancelled_is_listed(system, account, console, receiver):
    receiver.behave("/hook", answer(500))
    hook = make(console, receiver)
    system.dispatcher(retry_schedule="200ms,1h")
    event = system.event(account, type=SALE)
    system.publish(event)
    wait_until(lambda: [(d["state"], d["attempts"]) for d in listed(console, hook, "&state=pending")] == [("pending", 2)], 30,
               "a delivery that waits", every=0.1)
    (waiting,) = listed(console, hook)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert datetime.datetime.fromisoformat(waiting["next_attempt_at"]) > now and waiting["last_http_status"] == 500
    health = wait_until(lambda: failing(console, hook), 30, "a webhook that fails", every=0.1)
    assert health["pending"] == 1 and health["failures_24h"] == 2 and health["successes_24h"] == 0 and health["last_success_at"] is None
    assert health["next_attempt_at"] >= waiting["next_attempt_at"] and health["failing_since"] <= health["last_failure_at"] and health["last_error"]
    console.post(f"{hook}/disable").raise_for_status()
    wait_until(lambda: system.db.query("select 1 from posthorn.cancellation"), 60, "it is cancelled", every=0.1)
    assert [d["state"] for d in listed(console, hook, "&state=cancelled")] == ["cancelled"]
    assert ids(listed(console, hook)) == [event["id"]] and listed(console, hook, "&state=pending") == []
    assert console.get(hook).json()["health"]["state"] == "disabled"


def failing(console, hook):
    health = console.get(hook).json()["health"]
    return health if health["state"] == "failing" and health["failures_24h"] == 2 else None


def test_a_test_is_in_the_list_too(system, account, console, receiver):
    hook = make(console, receiver)
    assert console.get(hook).json()["health"] == {
        "state": "idle", "last_success_at": None, "last_failure_at": None, "last_error": None, "failing_since": None, "next_attempt_at": None,
        "pending": 0, "successes_24h": 0, "failures_24h": 0}
    sent = console.post(f"{hook}/test", {}).json()
    (waiting,) = listed(console, hook)
    assert waiting["event_id"] == sent["event_id"] and waiting["test"] and waiting["state"] == "pending" and waiting["attempts"] == 0
    assert console.get(hook).json()["health"]["pending"] == 1
    system.dispatcher()
    wait_until(lambda: listed(console, hook)[0]["state"] == "delivered", 30, "the test delivered", every=0.1)
    one = console.get(f"{hook}/deliveries/{sent['event_id']}").json()
    assert one["request"]["body"] == receiver.requests("/hook")[0].body.decode() and one["attempts"][0]["cause"] == "test"
    wait_until(lambda: console.get(hook).json()["health"]["state"] == "ok", 30, "a webhook that is well", every=0.1)


def test_statistics_count_each_attempt_once(system, account, console, receiver):
    """Any of several dispatchers may count."""
    receiver.behave("/hook", answer(500), answer(500), answer(500), answer())
    hook = make(console, receiver)
    for _ in range(2):
        system.dispatcher()
    system.publish(*[system.event(account, type=SALE) for _ in range(30)])
    system.wait_delivered(30)
    made = system.db.value("select count(*) from posthorn.attempt")

    def counted():
        shown = console.get(f"{hook}/statistics").json()
        return shown if sum(b["delivered"] + b["failed"] for b in shown["buckets"]) >= made else None
    shown = wait_until(counted, 30, "all attempts counted", every=0.1)
    assert shown["bucket_seconds"] == 60 and 60 <= len(shown["buckets"]) <= 61
    assert sum(b["delivered"] for b in shown["buckets"]) == 30 and sum(b["failed"] for b in shown["buckets"]) == made - 30 == 3
    for bucket in shown["buckets"]:
        if bucket["delivered"] + bucket["failed"] == 0:
            assert bucket["p50_ms"] is bucket["p95_ms"] is bucket["max_ms"] is None
        else:
            assert 0 < bucket["p50_ms"] <= bucket["p95_ms"] <= bucket["max_ms"]
    longest = system.db.value("select max(duration_us) from posthorn.attempt")
    assert max(b["max_ms"] or 0 for b in shown["buckets"]) == pytest.approx(longest / 1000, abs=0.06)
    whole = console.get(f"{hook}/statistics?buckets=1&from={shown['from']}").json()
    assert sum(b["delivered"] + b["failed"] for b in whole["buckets"]) == made and len(whole["buckets"]) <= 2
    for query in ("buckets=0", "buckets=201", "from=2999-01-01T00:00:00Z", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to=never"):
        problem(console.get(f"{hook}/statistics?{query}"), 400)


def test_percentiles_are_known_to_a_fifth(system, account, console, receiver):
    hook = make(console, receiver)
    system.db.query("insert into posthorn.attempt (started_at, \"offset\", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, http_status, "
                    "cause, outcome) select now(), g, 1, (select max(id) from posthorn.webhook), 1, g * 1000, 1, 1, 200, 'e', 'd' from generate_series(1, 1000) g")
    system.db.query("select posthorn.count_activity_between(now() - interval '1 hour', now() + interval '1 hour')")
    (bucket,) = [b for b in console.get(f"{hook}/statistics").json()["buckets"] if b["delivered"]]
    assert bucket["delivered"] == 1000 and bucket["max_ms"] == 1000
    assert bucket["p50_ms"] == pytest.approx(500, rel=0.2) and bucket["p95_ms"] == pytest.approx(950, rel=0.2)


def test_attempts_that_were_committed_late_are_counted(system, account, console, receiver):
    """Five minutes after their minute was counted; and once, however often it is compared."""
    hook = make(console, receiver)
    add = ("with made as (insert into posthorn.attempt as t (recorded_at, started_at, \"offset\", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, "
           "cause, outcome) select date_trunc('minute', now()) - interval '5 minutes', now(), n, 1, max(w.id), 1, 1000, 1, 1, 'e', 'd' from posthorn.webhook w, "
           "generate_series(%s::int, %s::int) n group by n returning recorded_at, posthorn.hash(t) as hash) "
           "insert into posthorn.digest (recorded_at, kind, position_id, row_count, hash_sum) select recorded_at, 'attempt', 1, count(*), sum(hash) from made group by 1")
    counted = "select coalesce(sum(delivered), 0) from posthorn.{}"

    def compare():
        system.db.query("update posthorn.activity_clock set checked_to = date_trunc('minute', now()) - interval '10 minutes'")
        wait_until(lambda: system.db.query("select posthorn.count_activity()") and
                   system.db.value("select checked_to > now() - interval '5 minutes' from posthorn.activity_clock"), 60, "all minutes compared", every=0.01)
    system.db.query("update posthorn.activity_clock set counted_to = now() - interval '10 minutes'")
    system.db.query(add, 1, 3)
    compare()
    assert system.db.value(counted.format("activity")) == 3
    system.db.query(add, 4, 8)
    system.db.query("select posthorn.count_activity()")
    assert system.db.value(counted.format("activity")) == 3, "the minute was compared already"
    for _ in range(2):
        compare()
        assert system.db.value(counted.format("activity")) == system.db.value(counted.format("activity_quarter")) == 8
    assert len(console.get(f"{hook}/attempts").json()["attempts"]) == 8


ATTEMPTS = ("insert into posthorn.attempt (recorded_at, started_at, \"offset\", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, cause, outcome) "
            "select at, at - (n %% 2) * interval '1 second', n / 4, 1 + n / 2 %% 2, w.id, 1, 1000 * (i * 12 + n), 1, 1, 'e', 'd' from posthorn.webhook w, "
            "generate_series(0, 11) n, unnest(%s::timestamptz[]) with ordinality as t (at, i) where w.id = (select max(id) from posthorn.webhook)")


def test_pages_of_attempts_lose_and_repeat_none(system, account, console, receiver):
    """With the same times, at the edges of minutes, in days for which activity is not kept, and in minutes that were counted and not compared yet."""
    hook = make(console, receiver)
    system.db.query("select posthorn.make_partition('attempt', d::date, d::date + 1) from generate_series((now() at time zone 'UTC')::date - 31, "
                    "(now() at time zone 'UTC')::date - 1, interval '1 day') d")
    minute = system.db.value("select date_trunc('minute', now())")
    days = [minute - datetime.timedelta(days=n) for n in range(11)]
    system.db.query("update posthorn.activity_clock set kept_from = %s, counted_to = %s, checked_to = %s", days[10], minute, days[9])
    times = [minute - datetime.timedelta(minutes=m, microseconds=s) for m in (30 * 1440, 14401, 14400, 14397, 12960, 12959, 1500, 3) for s in (0, 1)]
    system.db.query(ATTEMPTS, times)
    system.db.query("select posthorn.count_activity_between(%s, %s)", days[10], minute)
    seen, asked, pages = [], {"from": "1970-01-01T00:00:00Z", "limit": 7}, 0
    while asked is not None:
        page = console.get(f"{hook}/attempts", params=asked).json()
        seen += page["attempts"]
        asked = None if page["next_cursor"] is None else asked | {"cursor": page["next_cursor"]}
        pages += 1
        assert pages < 1000, "the cursor does not advance"
    wanted = system.db.query('select duration_us from posthorn.attempt order by recorded_at desc, started_at desc, position_id desc, "offset" desc')
    assert len(wanted) == 12 * len(times)
    assert [a["duration_ms"] for a in seen] == [row["duration_us"] / 1000 for row in wanted]


def test_old_counts_are_dropped(system):
    system.db.query("insert into posthorn.activity values (1, now() - interval '15 days', 1, 1, 0, 1, 1), (1, now() - interval '13 days', 1, 1, 0, 1, 1)")
    system.db.query("insert into posthorn.activity_minute values (now() - interval '15 days', 1), (now() - interval '13 days', 1)")
    system.db.query("update posthorn.activity_clock set counted_to = now() - interval '2 hours'")
    assert system.db.value("select posthorn.count_activity()") == 0
    assert system.db.value("select count(*) from posthorn.activity") == system.db.value("select count(*) from posthorn.activity_minute") == 1
    assert system.db.value("select counted_to > now() - interval '3 seconds' from posthorn.activity_clock")


def test_signature_options(system, account, console, api):
    assert console.get("/v1/signature-options").json() == {"source_keys": [], "signature_key": True}
    for name in ("web", "app"):
        system.admin("source-key", "create", "--account", account, "--name", name, "--secret", "source-secret")
    assert console.get("/v1/signature-options").json() == {"source_keys": [{"name": "app"}, {"name": "web"}], "signature_key": True}
    other = api.caller(system.account(dialect="penny"))
    assert other.get("/v1/signature-options").json() == {"source_keys": [], "signature_key": False}


def test_the_secret_is_shown_and_that_is_written_down(system, account, console, receiver, api):
    hook = make(console, receiver)
    made = console.post(f"{hook}/secret", {}).json()["secret"]
    assert console.get(f"{hook}/secret").json() == {"secret": made, "format": "whsec"}
    (row,) = [r for r in system.audit.query("select * from audit.changes where action = 'show secret'")]
    assert row["actor"] == f"user:{console.email}" and row["object"] == "webhook" and made not in str(row)
    problem(api.caller(account).get(f"{hook}/secret"), 401)
    unsigned = make(console, receiver, signature={"type": "none"})
    problem(console.get(f"{unsigned}/secret"), 404)
    devengo = signed_in(api, system.account(dialect="devengo"))
    hook = make(devengo, receiver)
    assert devengo.get(f"{hook}/secret").json()["format"] == "hex" and len(devengo.get(f"{hook}/secret").json()["secret"]) == 40


def test_nothing_of_another_account(system, account, console, receiver, api):
    hook = make(console, receiver)
    system.dispatcher()
    event = system.event(account, type=SALE)
    system.publish(event)
    system.wait_delivered(1)
    other = signed_in(api, system.account(dialect="merchant"))
    mine = make(other, receiver, "/mine")
    for rest in ("/deliveries", f"/deliveries/{event['id']}", "/statistics", "/secret"):
        problem(other.get(f"{hook}{rest}"), 404)
    problem(other.get(f"{mine}/deliveries/{event['id']}"), 404)
    assert other.get(f"{mine}/deliveries?event_id={event['id']}").json()["deliveries"] == []
    (cursor,) = [f"{row['at']}/{row['position_id']}/{row['offset']}" for row in system.db.query(
        "select posthorn.shown_time(now()) as at, position_id, \"offset\" from posthorn.event")]
    assert listed(other, mine, f"&cursor={cursor}") == []
