"""The rows that the reconciliation reads do not depend on PostgreSQL's statistics, which may be missing or out of date in a partition that has just been filled. The rows are
counted with auto_explain: those that each node of each plan read and discarded."""
import json
import pathlib
import re
import subprocess

import psycopg
import pytest

from support.programs import clean_environment, program
from support.protocol import key_of

RECORDS, FLUSHES = 2000, 1000
AUTO_EXPLAIN = ("-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c auto_explain.log_timing=off "
                "-c auto_explain.log_nested_statements=on -c auto_explain.log_format=json -c auto_explain.log_level=notice -c client_min_messages=notice")
STATISTICS = {"none": "reltuples = -1, relpages = 0", "of empty tables": "reltuples = 0, relpages = 0", "of one row": "reltuples = 1, relpages = 1", "fresh": None}


def fill(system, records=RECORDS, flushes=FLUSHES):
    """Events, payloads, attempts and the ledger's rows of many small flushes, as dispatchers would write them."""
    account = system.account()
    system.webhook(account, "http://127.0.0.1:9/")
    system.db.query(f"""
        do $$ declare t regclass; begin
            for t in select oid from pg_class where relnamespace = 'posthorn'::regnamespace and relkind = 'r' loop
                execute format('alter table %s set (autovacuum_enabled = off)', t);
            end loop;
        end $$;
        insert into posthorn.dispatcher (name) values ('filler');
        insert into posthorn.position (source, topic, partition, next_offset, first_offset, last_offset, last_timestamp, last_check)
            select 'kafka', 'filled', p, {records} / 4, 0, {records} / 4 - 1, 0, 0 from generate_series(0, 3) p;
        insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
            select gen_random_uuid(), posthorn.period_of(now()), p.id, o, 1, 'a.b', p.id || '-' || o, '/test', now(), ''
            from posthorn.position p, generate_series(0, {records} / 4 - 1) o;
        insert into posthorn.payload (position_id, "offset", sealed, body) select position_id, "offset", false, '{{}}' from posthorn.event;
        insert into posthorn.attempt (started_at, "offset", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, cause, outcome)
            select now(), "offset", position_id, 1, 1, 1000, 1, 1, 'e', 'd' from posthorn.event;
        insert into posthorn.ledger (position_id, first_offset, next_offset, records, gaps, events, repeated, dead_lettered, matched, dispatcher_id)
            select p.id, o, o + {records // flushes}, {records // flushes}, 0, {records // flushes}, 0, 0, {records // flushes}, 1
            from posthorn.position p, generate_series(0, {records} / 4 - 1, {records // flushes}) o;
        select posthorn.accept_changes('a test')""")


def add_attempts(system, rows, at="now()", outcome="'d'"):
    """Attempts alone, recorded at the given time; `n` is the number of each, from 1."""
    system.db.query("insert into posthorn.attempt (recorded_at, started_at, \"offset\", position_id, webhook_id, version, duration_us, dispatcher_id, attempt, cause, outcome)"
                    f" select {at}, now(), n, 1, 1, 1, 1000, 1, 1, 'e', ({outcome})::\"char\" from generate_series(1, {rows}) n")


def set_statistics(system, kind):
    system.db.query("delete from pg_statistic s using pg_class c where c.oid = s.starelid and c.relnamespace = 'posthorn'::regnamespace")
    if STATISTICS[kind] is None:
        system.db.query("analyze")
    else:
        system.db.query(f"update pg_class set {STATISTICS[kind]} where relnamespace = 'posthorn'::regnamespace and relkind in ('r', 'p', 'i')")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_read(plans):
    """Rows that all nodes returned or discarded."""
    return sum((node.get("Actual Rows", 0) + sum(value for name, value in node.items() if name.startswith("Rows Removed"))) * node.get("Actual Loops", 0)
               for plan in plans for node in nodes(plan["Plan"]))


def plans_of(text):
    """All plans of auto_explain in the messages to a client."""
    decoder = json.JSONDecoder()
    return [decoder.raw_decode(text, found.end())[0] for found in re.finditer(r"plan:\s*", text)]


def rows_read_by(system, *statements):
    """The number of rows that each statement reads, by statement, in one session."""
    read = {}
    with psycopg.connect(system.url, autocommit=True, options=AUTO_EXPLAIN) as connection:
        texts = []
        connection.add_notice_handler(lambda diagnostic: texts.append(diagnostic.message_primary or ""))
        for statement in statements:
            texts.clear()
            connection.execute(statement)
            plans = [plan for text in texts for plan in plans_of(text)]
            assert plans, "auto_explain says nothing"
            read[statement] = rows_read(plans)
    return read


def verify(system):
    """The output of `posthorn-admin audit verify`, and the plans of its statements and of the functions that they call."""
    environment = clean_environment(system.settings(database_url=system.url)) | {"PGOPTIONS": AUTO_EXPLAIN}
    done = subprocess.run([program("posthorn-admin"), "audit", "verify", "--json"], env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return json.loads(done.stdout), plans_of(done.stderr)


@pytest.mark.parametrize("kind", STATISTICS)
def test_audit_verify_reads_the_same_with_any_statistics(system, kind):
    fill(system)
    set_statistics(system, kind)
    books, plans = verify(system)
    assert (books["missing"], books["records"], books["delivered"], books["verdict"]) == (0, RECORDS, RECORDS, "the reconciliation balances")
    assert len(plans) > 10, "auto_explain says nothing"
    # Each row of four tables is read four times, and returned by some nodes.
    assert rows_read(plans) < 60 * 3 * RECORDS, f"{rows_read(plans)} rows for {RECORDS} records"
    for plan in plans:
        loops = [node for node in nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan" and node.get("Actual Loops", 0) > 100 and node["Relation Name"] != "expired"]
        assert loops == [], plan["Query Text"][:300]


@pytest.mark.parametrize("kind", STATISTICS)
def test_each_sort_of_discrepancy_is_found_with_any_statistics(system, kind):
    """In a closed hour and after it, in every flush of an hour, and with closed hours whose counts differ."""
    fill(system)
    system.db.query("""
        set session_replication_role = replica;
        insert into posthorn.seal (position_id, first_offset, next_offset, hour, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled)
            select p.id, 0, 100, date_trunc('hour', now()), 100, 100, 0, 0, 100, 100, 0, 0 from posthorn.position p;
        insert into posthorn.seal (position_id, first_offset, next_offset, hour, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled)
            select p.id, 100, 110, date_trunc('hour', now()), 9, 9, 0, 0, 9, 9, 0, 0 from posthorn.position p where p.partition = 0;
        delete from posthorn.event where position_id = (select id from posthorn.position where partition = 1) and "offset" in (4, 300);
        delete from posthorn.attempt where position_id = (select id from posthorn.position where partition = 3);
        delete from posthorn.ledger where position_id = (select id from posthorn.position where partition = 2) and first_offset = 200;
        reset session_replication_role""")
    set_statistics(system, kind)
    books, plans = verify(system)
    found = [(row["partition"], row["first_offset"], row["what"]) for row in books["discrepancies"] if row["what"] and "digest" not in row["what"]]
    assert (0, 100, "the seal says 9 records, 9 events, 9 deliveries; the ledger 10, 10, 10") in found, found
    assert {(1, 4, "1 events, the ledger says 2"), (1, 300, "1 events, the ledger says 2")} <= set(found), found
    assert (2, 200, "not accounted for") in found, found
    assert sum("0 deliveries, the ledger says 2" in what for partition, _, what in found if partition == 3) >= 90
    # One for the closed hour; two events; 500 deliveries; a gap of two offsets; digests of missing rows: 2 events, 500 attempts, one row of the ledger.
    assert books["missing"] == 3 + 2 + 500 + 2 + 503, books["missing"]
    assert rows_read(plans) < 100 * 3 * RECORDS, f"{rows_read(plans)} rows for {RECORDS} records"


def test_hot_statements_read_few_rows_with_any_statistics(system):
    """Claim, intake and flush of a batch, beside thousands of rows."""
    fill(system)
    position = system.db.value("select id from posthorn.position where partition = 0")
    owner = "6f1c1c0e-0000-4000-8000-000000000001"
    past = RECORDS // 4
    for kind in STATISTICS:
        set_statistics(system, kind)
        read = rows_read_by(
            system, f"select * from posthorn.claim('kafka', 'filled', 0, '{owner}', 1, 4)", f"select * from posthorn.recorded({position}, {past})",
            (f"select * from posthorn.intake(0, array[gen_random_uuid()], array[{position}], array[{past}::bigint], array[1], array['a.b'], array['n'], array['/t'], array[now()],"
             " array[''::bytea], array[null], array[null::bigint], false, array[''::bytea])"),
            (f"select posthorn.move(1, (select flush_seq + 1 from posthorn.dispatcher where id = 1), array[{position}], array['{owner}'::uuid], array[{past}::bigint],"
             f" array[{past + 1}::bigint], array[{past}::bigint], array[0::bigint], array[0::bigint], array[{past}::bigint], array[1], array[1], array[0], array[0], array[0])"))
        assert max(read.values()) < 500, f"{kind}: {read}"
        past += 1


def test_what_is_closed_is_not_read_again(system):
    """All rows are older than a minute and closed, and then new ones come: neither the reconciliation nor closing reads more of the old ones than their last block range."""
    records = 50 * RECORDS
    fill(system, records, FLUSHES)
    system.db.query("""
        select posthorn.make_partition(p, d::date, d::date + 1) from unnest(array['payload', 'attempt', 'ledger', 'digest']) p,
            generate_series((now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date - 1, interval '1 day') d;
        update posthorn.event set received_at = received_at - interval '10 minutes';
        update posthorn.payload set recorded_at = recorded_at - interval '10 minutes';
        update posthorn.attempt set recorded_at = recorded_at - interval '10 minutes';
        update posthorn.ledger set recorded_at = recorded_at - interval '10 minutes';
        delete from posthorn.digest;
        select posthorn.accept_changes('a test')""")
    system.db.query("select posthorn.close_new('2 minutes')")
    assert system.db.query("select distinct sealed, missing from audit.reconciliation") == [{"sealed": True, "missing": 0}]
    system.db.query("vacuum full posthorn.event, posthorn.payload, posthorn.attempt")  # without the versions before the update
    system.db.query("select brin_summarize_new_values(c.oid) from pg_class c join pg_am a on a.oid = c.relam"
                    " where c.relnamespace = 'posthorn'::regnamespace and c.relkind = 'i' and a.amname = 'brin'")
    position = system.db.value("select id from posthorn.position where partition = 0")
    system.db.query(f"""
        insert into posthorn.repeat (position_id, "offset", of_position_id, of_offset) values ({position}, {records // 4}, {position}, 0);
        insert into posthorn.ledger (position_id, first_offset, next_offset, records, gaps, events, repeated, dead_lettered, matched, dispatcher_id)
            values ({position}, {records // 4}, {records // 4} + 1, 1, 0, 0, 1, 0, 0, 1);
        update posthorn.position set next_offset = next_offset + 1 where id = {position};
        insert into posthorn.digest (kind, position_id, row_count, hash_sum) select 'repeat', position_id, 1, posthorn.hash(r) from posthorn.repeat r;
        insert into posthorn.digest (kind, position_id, row_count, hash_sum) select 'ledger', position_id, 1, posthorn.hash(l) from posthorn.ledger l where repeated = 1""")
    for kind in STATISTICS:
        set_statistics(system, kind)
        read = rows_read_by(system, "select * from audit.reconciliation", "select * from posthorn.close_new('1 minute')", "select * from posthorn.close_old('1 minute')")
        assert max(read.values()) < records, f"{kind}: {read}"
    assert system.db.value("select sum(missing) from audit.reconciliation") == 0


def test_the_number_of_delivered_attempts_is_estimated(system):
    """Else a query of a day's attempts is planned for a few rows, and takes a minute for a million."""
    fill(system)
    for day in range(2):
        add_attempts(system, 10000, at=f"now() + {day} * interval '1 day'")
    system.db.query("analyze")
    plan = system.db.value("explain (format json) select * from audit.attempts where recorded_at >= now() - interval '1 day' and outcome = 'delivered' and cause = 'event'")
    estimates = {node["Relation Name"]: node["Plan Rows"] for node in nodes(plan[0]["Plan"]) if node.get("Relation Name", "").startswith("attempt_")}
    assert sum(estimate > 5000 for estimate in estimates.values()) == 2, estimates


def test_failures_of_a_webhook_do_not_read_what_was_delivered(system):
    """From the day after the migration on, whose partition has an index of them."""
    fill(system)
    tomorrow = "recorded_at >= (now() at time zone 'UTC')::date + 1"
    add_attempts(system, 20000, at="now() + interval '1 day'", outcome="case when n % 200 = 0 then 'g' else 'd' end")
    system.db.query("analyze")
    query = f"select http_status, error, count(*) from audit.attempts where {tomorrow} and period >= current_date - 8 and outcome <> 'delivered' and url like '%' group by 1, 2"
    assert rows_read_by(system, query)[query] < 5000
    assert system.db.value(f"select count(*) from audit.attempts where {tomorrow} and outcome <> 'delivered'") == 100


def test_the_newest_rows_are_found_without_autovacuum(system):
    """Of the rows that a chore has summarized, a query of those that came later reads the last block range at most."""
    rows, later = 60_000, 100
    fill(system)
    add_attempts(system, rows)
    system.db.query("select posthorn.run_chore('summarize')")
    since = system.db.value("select clock_timestamp()")
    add_attempts(system, later)
    for statement in (f"select posthorn.count_activity_between('{since}', 'infinity')", f"select * from posthorn.count_digest('attempt', '{since}', 'infinity')"):
        (read,) = rows_read_by(system, statement).values()
        assert later <= read < rows / 2, statement


def test_partitions_of_earlier_days_cost_nothing(system):
    """What a retry, a claim or housekeeping needs is planned without the partitions of earlier days. (Those of payloads are kept for a week only.)"""
    fill(system)
    system.db.query("""
        select posthorn.make_partition(p, d::date, d::date + 1)
            from unnest(array['event', 'attempt', 'cancellation', 'repeat', 'dead_letter', 'ledger', 'digest']) p,
            generate_series((now() at time zone 'UTC')::date - 20, (now() at time zone 'UTC')::date - 1, interval '1 day') d;
        insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
            select 1, position_id, "offset", 'r', period, 0, now() from posthorn.event where "offset" = 1;
        insert into posthorn.queue (webhook_id, lease, lease_until) values (1, 1, now() + interval '1 hour');
        update posthorn.ledger set recorded_at = recorded_at - interval '10 minutes';
        select posthorn.accept_changes('a test')""")
    system.db.query("select posthorn.close_new('1 minute')")
    system.db.query(f"""
        insert into posthorn.ledger (recorded_at, position_id, first_offset, next_offset, records, gaps, events, repeated, dead_lettered, matched, dispatcher_id)
            select now() - interval '5 minutes', id, {RECORDS} / 4, {RECORDS} / 4 + 1, 1, 0, 1, 0, 0, 1, 1 from posthorn.position;
        insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
            select gen_random_uuid(), posthorn.period_of(now()), id, {RECORDS} / 4, 1, 'a.b', 'pending-' || id, '/test', now(), '' from posthorn.position;
        insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
            select 1, id, {RECORDS} / 4, 'e', posthorn.period_of(now()), 0, now() from posthorn.position;
        update posthorn.position set next_offset = next_offset + 1;
        select posthorn.accept_changes('a test')""")  # something to close, with deliveries that are pending
    position = system.db.value("select id from posthorn.position where partition = 0")
    old = system.db.value("select to_char((now() at time zone 'UTC')::date - 4, '_YYYYMMDD')")
    with psycopg.connect(system.url, autocommit=True, options=AUTO_EXPLAIN) as connection:
        texts = []
        connection.add_notice_handler(lambda diagnostic: texts.append(diagnostic.message_primary or ""))
        for statement in ("select * from posthorn.claim('kafka', 'filled', 0, gen_random_uuid(), 1, 4)", f"select * from posthorn.recorded({position}, 100)",
                          "select * from posthorn.due(1, 30, array[1], array[10])", "select posthorn.count_activity()", "select * from posthorn.close_new('1 s')",
                          "select * from posthorn.close_old('1 s')"):
            texts.clear()
            assert connection.execute(statement).fetchall()
            read = {node["Relation Name"] for text in texts for plan in plans_of(text) for node in nodes(plan["Plan"]) if "Relation Name" in node}
            assert read, "auto_explain says nothing"
            assert [name for name in read if re.fullmatch(r".*_\d{8}", name) and name[-9:] < old] == [], statement
    assert system.db.value("select count(*) from posthorn.open_pair") == 4


def fill_pending(system, webhooks, pending):
    """So many webhooks; all pending deliveries are of the first. The second is disabled. A dispatcher has leased both."""
    account = system.account()
    system.webhook(account, "http://127.0.0.1:9/")
    system.db.query(f"""
        insert into posthorn.webhook (public_id, account_id, url, format, signature)
            select 'many-' || n, account_id, url || n, 'standard', 'none' from posthorn.webhook, generate_series(2, {webhooks}) n;
        update posthorn.webhook set status = 'disabled', disabled_reason = 'a test' where id = 2;
        insert into posthorn.dispatcher (name) values ('filler');
        insert into posthorn.position (source, topic, partition, next_offset, first_offset, last_offset, last_timestamp, last_check)
            values ('kafka', 'filled', 0, {pending}, 0, {pending - 1}, 0, 0);
        insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
            select 1, (select id from posthorn.position), n, 'e', posthorn.period_of(now()), 0, now() from generate_series(0, {pending - 1}) n;
        insert into posthorn.queue (webhook_id) values (1), (2) on conflict do nothing""")


def test_statements_about_one_webhook_do_not_read_the_backlog_of_another(system):
    fill_pending(system, webhooks=3, pending=20000)
    leased = "update posthorn.queue set lease = 1, lease_until = now() + interval '1 hour', next_due = 'infinity' where webhook_id = 2"
    for kind in STATISTICS:
        set_statistics(system, kind)
        read = rows_read_by(
            system, leased, "select * from posthorn.due(1, 30, array[2], array[10])", "select posthorn.cancel_due(1, 2, 'a test', 100)",
            "select posthorn.release(1, array[2], array['-infinity'::timestamptz])", "select * from posthorn.webhooks_health(array[2])")
        assert max(read.values()) < 500, f"{kind}: {read}"


def test_deliveries_that_are_due_are_looked_up_by_their_coordinates(system):
    """Not by the time of their payloads, for which a whole block range is read, or all of a table that has just been filled."""
    fill(system, records=20000)
    system.db.query("""
        insert into posthorn.pending (webhook_id, position_id, "offset", cause, period, attempts, next_attempt_at)
            select 1, position_id, "offset", 'e', period, 0, now() from posthorn.event where "offset" < 25;
        insert into posthorn.queue (webhook_id, lease, lease_until) values (1, 1, now() + interval '1 hour')""")
    for kind in STATISTICS:
        set_statistics(system, kind)
        (read,) = rows_read_by(system, "select * from posthorn.due(1, 30, array[1], array[100])").values()
        assert read < 2000, f"{kind}: {read}"


def test_outcomes_of_retries_are_looked_up_by_their_keys(system):
    """A flush reads its own pending deliveries, not all of them, although statistics say that there are nearly none; and each once, however many they are."""
    fill_pending(system, webhooks=2, pending=30_000)
    system.db.query("alter table posthorn.pending set (autovacuum_enabled = off)")
    start = 0
    for kind in (*STATISTICS, "of a large table with one row"):
        if kind in STATISTICS:
            set_statistics(system, kind)
        else:
            system.db.query("update pg_class set reltuples = 1, relpages = 100000 where oid = 'posthorn.pending'::regclass")
        for due in ("null", "now()"):
            (read,) = rows_read_by(system, f"""
                select posthorn.settle(array_agg(1), array_agg(p.id), array_agg({start} + n::bigint), array_agg('e'::"char"), array_agg(1::smallint), array_agg({due}::timestamptz))
                from posthorn.position p, generate_series(1, 500) n""").values()
            start += 500
            assert read < 15_000, f"{kind}, {due}: {read}"
            left = system.db.value('select count(*) from posthorn.pending where "offset" > %s and "offset" <= %s and attempts = 1', start - 500, start)
            assert left == (0 if due == "null" else 500)


def test_a_large_page_of_attempts_in_a_year_of_days(system):
    """Each event is looked up in the days before its attempt; the page is not part of a plan. (It took gigabytes when the planner had copied it for each stored day.)"""
    rows = 1000
    fill(system, records=200, flushes=100)
    system.db.query("""
        select posthorn.make_partition(p, d::date, d::date + 1) from unnest(array['event', 'attempt']) p,
            generate_series((now() at time zone 'UTC')::date - 200, (now() at time zone 'UTC')::date - 1, interval '1 day') d""")
    add_attempts(system, rows)
    system.db.query("update posthorn.attempt set response_body = convert_to(repeat('x', 1000), 'UTF8'), webhook_id = 2, position_id = 1, \"offset\" = 1 where \"offset\" > 0")
    page = f"select posthorn.webhook_attempts(2, now() - interval '1 day', 'infinity', null, null, null, null, null, null, null, {rows})"
    (shown,) = [row["webhook_attempts"] for row in system.db.query(page)]
    assert len(shown["attempts"]) == rows and {a["event_id"] for a in shown["attempts"]} == {"1-1"}
    (read,) = rows_read_by(system, page).values()
    assert read < 40 * rows
    with psycopg.connect(system.url, autocommit=True) as connection:
        connection.execute(page)
        status = pathlib.Path(f"/proc/{connection.info.backend_pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) < 700_000, "the most memory that the session had"


def test_a_changed_event_opens_its_piece_of_the_ledger_alone(system):
    """A claim changes events that it brings forward: the closed hours of a year are not read for each of them."""
    fill(system, records=400, flushes=100)
    system.db.query("""
        insert into posthorn.seal (position_id, first_offset, next_offset, hour, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled)
            select p.id, n, n + 1, now(), 1, 1, 0, 0, 1, 1, 0, 0 from posthorn.position p, generate_series(0, 9999) n;
        analyze posthorn.seal""")
    change = 'update posthorn.event set source = source where position_id = 1 and "offset" in (70, 80)'
    for kind in STATISTICS:
        set_statistics(system, kind)
        system.db.query("analyze posthorn.event")
        (read,) = rows_read_by(system, change).values()
        assert read < 1000, f"{kind}: {read}"
    assert [row["first_offset"] for row in system.db.query("select n as first_offset from generate_series(0, 99) n where not exists "
                                                           "(select from posthorn.seal where position_id = 1 and first_offset = n)")] == [70, 80]


def test_the_attempts_of_a_webhook_are_found_among_those_of_others(system):
    """A page reads the minutes in which the webhook was called, not those of its neighbours."""
    fill(system, records=200, flushes=100)
    add_attempts(system, 100_000, at="now() - interval '3 hours' + n * interval '10 ms'")
    add_attempts(system, 10, at="now() - interval '30 minutes'")
    system.db.query("""
        update posthorn.attempt set webhook_id = 2 where recorded_at between now() - interval '40 minutes' and now() - interval '20 minutes';
        update posthorn.activity_clock set counted_to = now() - interval '1 minute', checked_to = now() - interval '1 minute', kept_from = now() - interval '2 days';
        select posthorn.count_activity_between(now() - interval '1 day', now() - interval '1 minute');
        select brin_summarize_new_values(i.oid) from pg_class i join pg_am a on a.oid = i.relam where a.amname = 'brin' and i.relname like 'attempt_2%'""")
    page = "select posthorn.webhook_attempts(2, now() - interval '1 day', 'infinity', null, null, null, null, null, null, null, 100)"
    for kind in STATISTICS:
        set_statistics(system, kind)
        (shown,) = [row["webhook_attempts"] for row in system.db.query(page)]
        assert len(shown["attempts"]) == 10 and shown["next_cursor"] is None
        (read,) = rows_read_by(system, page).values()
        assert read < 50_000, f"{kind}: {read}"


def test_a_replay_reads_a_bounded_number_of_events_of_other_accounts(system):
    fill(system, records=90000)
    account = system.account()
    hook = system.webhook(account, "http://127.0.0.1:9/")["id"]
    system.db.query("""
        insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
            select gen_random_uuid(), posthorn.period_of(now()), p, 100000, id, 'a.b', 'mine', '/test', now(), ''
            from posthorn.account, unnest(array[1, 4]) p where key = %s""", account)
    environment = clean_environment(system.settings(database_url=system.url)) | {"PGOPTIONS": AUTO_EXPLAIN}
    for kind in STATISTICS:
        set_statistics(system, kind)
        done = subprocess.run([program("posthorn-admin"), "replay", "--webhook", hook, "--state", "all", "--json"], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and json.loads(done.stdout)["looked_at"] == 2, done.stderr[-2000:]
        batches = [rows_read([plan]) for plan in plans_of(done.stderr) if "row_number()" in plan["Query Text"]]
        assert len(batches) == 5 and max(batches) < 7 * 20000, f"{kind}: {batches}"


def test_an_event_of_an_account_is_found_whoever_else_has_its_id(system):
    fill(system)
    system.db.query("update posthorn.event set event_id = 'same'")
    account = system.account()
    system.db.query("""
        insert into posthorn.event (event_key, period, position_id, "offset", account_id, event_type, event_id, source, occurred_at, payload_sha256)
            select %s, posthorn.period_of(now()), 1, 100000, id, 'a.b', 'same', '/test', now(), '' from posthorn.account where key = %s""", key_of(account, "same"), account)
    system.db.query("analyze")
    environment = clean_environment(system.settings(database_url=system.url)) | {"PGOPTIONS": AUTO_EXPLAIN}
    done = subprocess.run([program("posthorn-admin"), "event", "show", "same", "--account", account, "--json"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout), done.stderr[-2000:]
    (found,) = [plan for plan in plans_of(done.stderr) if "event_key = any" in plan["Query Text"]]
    assert rows_read([found]) < 100


def test_the_health_of_a_thousand_webhooks_reads_each_row_once(system):
    """It is one query for all of them, as a list shows them, with a day of activity and more pending deliveries than are counted."""
    webhooks, quarters = 1000, 96  # 97 quarters are shown; the next one may begin during the test
    fill_pending(system, webhooks, pending=1500)
    system.db.query(f"""
        insert into posthorn.activity_quarter select w.id, date_bin('15 minutes', now() - n * interval '15 minutes', 'epoch'), 2, 1
            from posthorn.webhook w, generate_series(0, {quarters - 1}) n""")
    health = "select * from posthorn.webhooks_health(array(select id from posthorn.webhook))"
    shown = {row["webhook_id"]: row["health"] for row in system.db.query(health)}
    assert len(shown) == webhooks and shown[1]["pending"] == 1000
    assert {(row["successes_24h"], row["failures_24h"]) for row in shown.values()} == {(2 * quarters, quarters)}
    for kind in STATISTICS:
        set_statistics(system, kind)
        read = rows_read_by(system, health)[health]
        assert read < 10 * webhooks * quarters, f"{kind}: {read} rows"
