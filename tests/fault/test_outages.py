"""PostgreSQL and Kafka stop, are killed, hang, run out of space and lose their latest data while events flow (promises 1, 2, 7, 8)."""
import os
import pathlib
import re
import signal
import subprocess
import uuid

import psycopg
import pytest
from confluent_kafka import Producer, TopicPartition

from proxy import Proxy
from support.kafka import CLIENT, Topics, binary_record
from support.servers import Postgres, gone, run
from support.system import System, migrate_template
from support.waiting import wait_until
from trial import MixedServers, Trial


def stop_and_start(server):
    server.stop()
    server.start()


def kill_and_start(server):
    server.kill()
    server.start()


def kill_a_backend(postgres, database):
    """PostgreSQL then ends all backends and recovers: data that was not on disk is lost, including rows committed asynchronously. It accepts connections until it has
    noticed, so the end of all sessions is waited for."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        rows = connection.execute("select pid, application_name from pg_stat_activity where datname = %s", (database,)).fetchall()
    flush = next((pid for pid, name in rows if name.endswith("flush")), None)
    if flush is not None:
        os.kill(flush, signal.SIGKILL)
        for pid, _ in rows:
            wait_until(lambda pid=pid: gone(pid), 30, "the sessions are gone")
    wait_until(lambda: answers(postgres), 60, "PostgreSQL has recovered", every=0.1)


def answers(postgres):
    try:
        postgres.execute("select 1")
        return True
    except psycopg.OperationalError:
        return False


def more(trial, count=1500, deadline=120):
    """Waits until this many more requests have arrived: the system is working."""
    trial.wait_received(trial.sink.received() + count, deadline)


@pytest.mark.timeout(900)
def test_postgres_outages_under_load(system, trials, scale, figures):
    postgres = system.servers.postgres
    trial = trials(paths=["/ok/a", "/ok/b", "/delay/30/c"])
    for number in range(2):
        system.dispatcher(f"d{number}")
    trial.publish_in_background(10_000_000, chunk=250, pause=0.15)
    outages = {
        "stopped": lambda: stop_and_start(postgres), "killed": lambda: kill_and_start(postgres),
        "backend killed": lambda: kill_a_backend(postgres, system.database), "connections cut": lambda: postgres.cut_connections(system.database),
    }
    done = 0
    for _ in range(scale(2, 10)):
        for outage in outages.values():
            more(trial)
            outage()
            done += 1
    more(trial)
    trial.stop_publishing()
    trial.wait_over()
    trial.assert_good(kills=2 * done, figures=figures, survived=True)  # two dispatchers, each with its unflushed attempts
    figures(kills=0, outages=done)
    assert all(d.process.returncode == 0 for d in system.dispatchers)


@pytest.mark.timeout(900)
def test_kafka_outages_under_load(system, trials, scale, figures):
    kafka = system.servers.kafka
    trial = trials()
    for number in range(2):
        system.dispatcher(f"d{number}")
    trial.publish_in_background(10_000_000, chunk=250, pause=0.15)

    def pause():
        """Waits until each dispatcher has been silent for so long that its partitions belong to another one. It must have some: it may have lost them while Kafka
        was down before."""
        for dispatcher in system.dispatchers:
            wait_until(lambda d=dispatcher: d.metrics()['posthorn_partitions{state="claimed"}'] > 0, 120, f"{dispatcher.name} has partitions again", every=0.2)
        before = [d.log().count("lost=1") for d in system.dispatchers]
        kafka.pause()
        for dispatcher, count in zip(system.dispatchers, before, strict=True):
            wait_until(lambda d=dispatcher, n=count: d.log().count("lost=1") > n, 120, f"{dispatcher.name} has lost its partitions", every=0.2)
        kafka.resume()
    done = 0
    for _ in range(scale(1, 5)):
        for outage in (lambda: stop_and_start(kafka), lambda: kill_and_start(kafka), pause):
            more(trial)
            outage()
            done += 1
    more(trial)
    trial.stop_publishing()
    trial.wait_over()
    trial.assert_good(kills=2 * done, figures=figures, survived=True)
    figures(kills=0, outages=done)
    assert all(d.process.returncode == 0 for d in system.dispatchers)


def test_disk_full(system, trials, figures):
    """The database is in a small file system that becomes full. Refused flushes are kept and sent again; nothing is read meanwhile."""
    postgres = system.servers.postgres
    place = pathlib.Path(system.directory) / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=0777", "tmpfs", str(place)]).returncode != 0:
        pytest.skip("only root may mount a small file system")
    ballast = place / "ballast"
    try:
        space = place / "space"
        space.mkdir()
        subprocess.run(["chown", "postgres", str(space)], check=True)
        postgres.execute(f"create tablespace small location '{space}'")
        system.db.close(), system.audit.close()
        postgres.execute(f"alter database {system.database} set tablespace small")
        trial = trials()
        dispatcher = system.dispatcher()
        trial.publish(1000)
        trial.wait_received(500)
        with open(ballast, "wb") as file:  # until nothing is left
            try:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
            except OSError:
                pass
        trial.publish(3000)
        wait_until(lambda: "53100" in dispatcher.log(), 60, "the dispatcher has met the full disk")
        figures(refused=dispatcher.metrics()["posthorn_flushes_refused_total"], memory_mb=round(dispatcher.memory() / 1e6))
        ballast.unlink()
        trial.wait_over()
        trial.assert_good(kills=1, figures=figures, survived=True)
        figures(kills=0)
    finally:
        ballast.unlink(missing_ok=True)
        for dispatcher in system.dispatchers:
            dispatcher.kill()
        system.db.close(), system.audit.close()
        postgres.execute(f"alter database {system.database} set tablespace pg_default")
        postgres.execute("drop tablespace if exists small")
        subprocess.run(["umount", str(place)])


class Pair:
    """A primary with one standby, and the proxy to which the programs connect."""

    def __init__(self, directory, synchronous):
        self.primary = Postgres(directory / "primary")
        sync = ("synchronous_standby_names=*",) if synchronous else ()
        (directory / "primary").mkdir()
        self.primary.start()
        user, password = self.primary.credentials()
        hba = self.primary.directory / "data/pg_hba.conf"
        hba.write_text(hba.read_text() + "\nhost replication all 127.0.0.1/32 scram-sha-256\n")
        self.primary.execute("select pg_reload_conf()")
        self.standby = Postgres(directory / "standby")
        self.standby.directory.mkdir(parents=True)
        (self.standby.directory / "password").write_text(password)
        place = self.standby.directory / "data"
        place.mkdir()
        place.chmod(0o700)
        subprocess.run(["chown", "postgres", str(place)], check=True)
        name = f"user={user} password={password} host=127.0.0.1 port={self.primary.port} application_name=standby"
        run("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", self.primary.tool("pg_basebackup"),
            "-d", name, "-D", place, "-R", "-X", "stream", "-c", "fast")
        self.standby.start()
        self.primary.execute("alter system set synchronous_standby_names = '%s'" % ("*" if sync else ""))
        self.primary.execute("select pg_reload_conf()")
        self.proxy = Proxy(self.primary.port)

    def part(self):
        """Cuts the standby off from the primary."""
        self.standby.execute("alter system set primary_conninfo = ''")
        self.standby.execute("select pg_reload_conf()")
        wait_until(lambda: not self._receiving(), 30, "the standby is cut off")

    def _receiving(self):
        with psycopg.connect(self.standby.url("postgres"), autocommit=True) as connection:
            return connection.execute("select count(*) from pg_stat_wal_receiver").fetchone()[0]

    def fail_over(self):
        self.primary.kill()
        self.standby.execute("select pg_promote(true, 60)")
        self.proxy.retarget(self.standby.port)

    def remove(self):
        self.proxy.stop()
        for one in (self.primary, self.standby):
            one.remove()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("replication", ["asynchronous", "synchronous"])
def test_failover_to_a_promoted_standby(servers, test_directory, figures, replication):
    """Asynchronous: the standby does not have the newest transactions; their records are read from Kafka again. Synchronous: nothing is lost."""
    if os.geteuid() != 0:
        pytest.skip("makes a second cluster as another user: needs root")
    pair = Pair(test_directory, replication == "synchronous")
    system = trial = None
    try:
        template = migrate_template(pair.primary)
        system = System(MixedServers(kafka=servers.kafka, postgres=pair.primary, shared=servers.kafka), template, test_directory)
        system.url = pair.proxy.database_url(system.url)
        system.db.close(), system.audit.close()
        system.db.url = system.url
        system.audit.url = pair.proxy.database_url(system.audit.url)
        trial = Trial(system)
        for number in range(2):
            system.dispatcher(f"d{number}")
        trial.publish_in_background(10_000_000, chunk=250, pause=0.15)
        more(trial)
        late = None
        if replication == "asynchronous":
            pair.part()
            late = system.dispatcher("late")  # the standby does not have it
            more(trial, 6000)
            trial.stop_publishing()  # no event follows the last lost one that would show the gap
            system.wait_consumed()
        system.db.close(), system.audit.close()
        pair.fail_over()
        system.servers.postgres = pair.standby
        if replication == "synchronous":
            more(trial)
            trial.stop_publishing()
        trial.wait_over()
        found = trial.assert_good(kills=5, figures=figures)
        figures(kills=0, sent_again=found.duplicated)
        if late:
            assert found.duplicated >= 3000, "the standby was to lack something"
    finally:
        if trial:
            trial.close()
        if system:
            for dispatcher in system.dispatchers:
                dispatcher.kill()
            system.db.close(), system.audit.close()
        pair.remove()


def test_aborted_transactions_are_gaps(system, trials):
    trial = trials()
    system.dispatcher()
    producer = Producer(CLIENT | {"bootstrap.servers": system.servers.kafka.brokers, "transactional.id": f"t-{uuid.uuid4()}"})
    producer.init_transactions(30)
    for round in range(6):
        producer.begin_transaction()
        ids = [f"t{round}-{n}" for n in range(50)]
        if round % 2 == 0:
            trial.published.events(ids, trial.paths)
        for one in ids:
            producer.produce(system.topic, **binary_record({"id": one, "type": "transaction.authorized", "account": trial.account, "data": {}}) | {"key": one})
        producer.flush(30)
        producer.commit_transaction(30) if round % 2 == 0 else producer.abort_transaction(30)
    trial.count += 150
    trial.publish(10)
    wait_until(lambda: trial.sink.received() >= trial.pairs, 60, "all committed events")
    wait_until(lambda: system.audit.books()["records"] == trial.count, 30, "all in the books")
    trial.assert_good()
    assert system.db.value("select sum(gaps) from posthorn.ledger") >= 150


def test_partitions_added_begin_at_their_beginning(system, trials):
    from confluent_kafka.admin import NewPartitions
    trial = trials()
    system.dispatcher()
    trial.publish(500)
    system.topics.admin.create_partitions([NewPartitions(system.topic, 8)])[system.topic].result(30)
    system.topics = Topics(system.servers.kafka.brokers)  # one that has them

    def spread():
        trial.publish(100)
        return len([p for p, end in system.topics.end_offsets(system.topic).items() if end > 0]) == 8
    wait_until(spread, 60, "records in all eight partitions", every=0.5)
    trial.wait_over()
    trial.assert_good()


def test_records_that_expired_unread_stop_the_partition(system, trials):
    """Nothing is skipped silently: the partition stops until an operator intervenes, who sees what is lost."""
    trial = trials()
    dispatcher = system.dispatcher()
    trial.publish(400)
    trial.wait_over()
    dispatcher.stop()
    system.topics.produce(system.topic, [{"key": f"lost{n}", "value": "{}"} for n in range(400)])
    ends = system.topics.end_offsets(system.topic)
    system.topics.produce(system.topic, [{"key": f"lost{n}", "value": "{}"} for n in range(400)])
    futures = system.topics.admin.delete_records([TopicPartition(system.topic, p, end) for p, end in ends.items()])
    for future in futures.values():
        future.result(30)
    dispatcher.start(wait=False)
    wait_until(lambda: system.db.value("select count(*) from posthorn.position where stopped is not null") == 4, 60, "all partitions stopped")
    assert re.search(r"event=partition_stopped .*expired", dispatcher.log())
    for partition in range(4):
        system.admin("position", "reset", "--topic", system.topic, "--partition", partition, "--to", "beginning")
    system.wait_consumed()
    assert system.audit.books()["dead_lettered"] == 400
    assert system.audit.books()["missing"] == 0
