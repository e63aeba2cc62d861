"""A real Apache Kafka and a real PostgreSQL for this test run, started by deploy/kafka and deploy/postgres. Tests may kill them."""
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import urllib.parse

import psycopg

from .ports import DEPLOY, free_port, run
from .tls import Authority
from .waiting import wait_until


def gone(pid):
    """Whether a process has ended. An ended process that was not waited for has no command line."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except OSError:
        return True


class Server:
    """One server in its own directory. stop() is orderly, kill() is kill -9; start() afterwards starts it again
    on the same port with the same data."""

    name = None
    sign = None  # the file or folder in its directory that its command line contains
    settings = ()

    def __init__(self, directory):
        self.directory = directory / self.name
        self.port = free_port()

    def pid(self):
        raise NotImplementedError

    def runs(self):
        """The same as is_alive in deploy/lib.sh. It runs before and after each test, and a shell would be too slow."""
        try:
            command = pathlib.Path(f"/proc/{self.pid()}/cmdline").read_bytes().decode().replace("\0", " ")
        except (OSError, ValueError, IndexError):
            return False
        return str((self.directory / self.sign).resolve()) in command

    def start(self):
        if not self.runs():
            run(DEPLOY / self.name / "start", self.directory, self.port, *self.settings)

    def stop(self):
        run(DEPLOY / self.name / "stop", self.directory)

    def signal(self, number):
        os.kill(self.pid(), number)

    def kill(self):
        """Sends SIGKILL; returns when the process and all its children have ended. PostgreSQL's sessions are processes that notice it
        by themselves, and may still answer one statement."""
        pid = self.pid()
        os.kill(pid, signal.SIGSTOP)  # so that no further child is started meanwhile
        children = [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(map(gone, (pid, *children))), 30, f"{self.name} gone after kill -9")

    def remove(self):
        self.stop()
        shutil.rmtree((self.directory / "data").resolve(), ignore_errors=True)


class Kafka(Server):
    name, sign = "kafka", "server.properties"
    settings = ("group.min.session.timeout.ms=1000",)  # see MISSED_SOON in system.py

    @property
    def brokers(self):
        return f"127.0.0.1:{self.port}"

    def pid(self):
        return int((self.directory / "kafka.pid").read_text())

    def start(self):
        super().start()
        self.resume()

    def pause(self):
        """The broker hangs: connections stay open, without responses."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)


class SecuredKafka(Kafka):
    """With a second listener, SASL_SSL on `tls_port`: PLAIN with `user` and `password`, or SCRAM-SHA-512 (a test creates the user),
    its certificate from `authority`."""

    def __init__(self, directory):
        super().__init__(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.tls_port, controller = free_port(), free_port()
        (self.directory / "controller-port").write_text(f"{controller}\n")  # otherwise deploy/kafka/start chooses one
        self.user, self.password = "posthorn", f"kafka-{secrets.token_hex(8)}"
        self.authority = Authority(self.directory, "kafka-authority")
        certificate = self.authority.issue("kafka-broker")
        store = self.directory / "kafka-keystore.pem"
        store.write_bytes(certificate.key.read_bytes() + certificate.chain.read_bytes())
        listeners = f"PLAINTEXT://{self.brokers},SASL_SSL://127.0.0.1:{self.tls_port},CONTROLLER://127.0.0.1:{controller}"
        self.settings += (
            f"listeners={listeners}", f"advertised.listeners={listeners}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
            ("listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
             f'user_{self.user}="{self.password}";'),
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "ssl.keystore.type=PEM", f"ssl.keystore.location={store}",
        )


class Postgres(Server):
    name, sign = "postgres", "data"
    # In these tests, only processes end, not the machine; therefore nothing is lost without fsync.
    settings = ("fsync=off", "log_min_duration_statement=2s", "log_line_prefix=%m [%p] %d %a ", "max_wal_size=4GB")

    def pid(self):
        return int((self.directory / "data/postmaster.pid").read_text().splitlines()[0])

    def tool(self, name):
        """The path of a program of this server's version."""
        return f"/usr/lib/postgresql/{(self.directory / 'data/PG_VERSION').read_text().strip()}/bin/{name}"

    def url(self, database):
        """The connection URI of the superuser."""
        return f"{(self.directory / 'url').read_text().strip()}/{database}"

    def credentials(self):
        """(user, password) of the superuser."""
        parts = urllib.parse.urlsplit(self.url("postgres"))
        return parts.username, parts.password

    def execute(self, statement, database="postgres"):
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def cut_connections(self, database):
        """Ends all sessions of a database, as a failover or a pooler does."""
        self.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            f"where datname = '{database}' and pid <> pg_backend_pid()"
        )


class Pooler:
    """pgBouncer in transaction mode before the run's PostgreSQL, for one test; every client is this user."""

    def __init__(self, postgres, directory, user, password):
        self.port = free_port()
        self.address = f"postgresql://{user}@127.0.0.1:{self.port}"
        config = directory / "pgbouncer.ini"
        config.write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={postgres.port} user={user} password={password}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 4\nserver_reset_query_always = 0\n")
        # it refuses to run as root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] if os.geteuid() == 0 else []
        self.log_path = directory / "pgbouncer.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([*as_user, "/usr/sbin/pgbouncer", str(config)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd="/")
        wait_until(self.answers, 30, f"pgBouncer on port {self.port}")

    def answers(self):
        assert self.process.poll() is None, f"pgBouncer ended:\n{self.log_path.read_text()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, database):
        return f"{self.address}/{database}"

    def stop(self):
        self.process.kill()  # after SIGTERM, it waits until its clients have gone
        self.process.wait(30)


class Servers:
    """Both, started once for the run."""

    def __init__(self, directory):
        self.kafka = SecuredKafka(directory)
        self.postgres = Postgres(directory)

    def ensure_running(self):
        """Starts the servers that the previous test has left killed or stopped."""
        self.kafka.start()
        self.postgres.start()

    def remove(self):
        self.kafka.remove()
        self.postgres.remove()
