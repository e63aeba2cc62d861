"""The servers of the run: they start again after kill -9 with their data, on which other tests rely."""
import psycopg

from support.kafka import Topics, bare_record


def test_kafka_survives_kill(servers):
    topics = Topics(servers.kafka.brokers)
    topics.create("survivor", partitions=2)
    records = [bare_record({"id": str(i), "account": f"a{i}", "type": "x", "data": {}}) for i in range(1000)]
    places = topics.produce("survivor", records)
    servers.kafka.kill()
    servers.kafka.start()
    assert len(set(places)) == 1000
    assert sorted((r.partition, r.offset) for r in topics.read("survivor", 1000)) == sorted(places)


def test_postgres_survives_kill(servers):
    servers.postgres.execute("create table survivor as select 42 as x")
    servers.postgres.kill()
    servers.postgres.start()
    with psycopg.connect(servers.postgres.url("postgres")) as connection:
        assert connection.execute("select x from survivor").fetchall() == [(42,)]


def test_pooler_shares_sessions(servers, pooler):
    with psycopg.connect(pooler.url("postgres"), autocommit=True) as one:
        with psycopg.connect(pooler.url("postgres"), autocommit=True) as other:
            pids = {c.execute("select pg_backend_pid()", prepare=False).fetchone() for c in (one, other)}
    assert len(pids) == 1
