"""The servers and programs that a benchmark needs: started in a separate directory, and stopped at its end.

Kafka and PostgreSQL come from deploy/, the programs from the build folder. CPU is read from /proc.
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
PROGRAMS = ("posthorn-admin", "posthorn-dispatcher", "bench-sink", "bench-yardstick", "bench-load")
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
MASTER_KEY = "00112233445566778899aabbccddeeff" * 2  # seals the secrets of a database that exists only during the run


class Failure(Exception):
    """Something that the benchmark needs failed; the text contains the reason."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def wait_for(what, condition, seconds):
    """Repeats the condition until it is true and returns its value; raises Failure after that many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def clean_environment(**more):
    """Our environment without the caller's POSTHORN_ variables, which may belong to another Posthorn."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTHORN_")}
    return {**kept, **more}


def run(*command, env=None, timeout=600):
    """Runs a command to its end and returns its output; raises Failure with the end of its output if it fails, or takes longer."""
    name = f"{pathlib.Path(str(command[0])).name} {' '.join(map(str, command[1:4]))} …"
    try:
        result = subprocess.run([str(word) for word in command], env=env or clean_environment(), timeout=timeout,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name}: not within {timeout} s") from None
    if result.returncode != 0:
        words = (result.stderr.strip() or result.stdout.strip())[-2000:]
        raise Failure(f"{name}: {words}")
    return result.stdout


def build(binaries):
    """The folder of the programs: the given one, or that of the release preset, which is then built."""
    if binaries:
        return binaries.resolve()
    say("building (cmake --preset release)")
    for words in (["cmake", "-S", ROOT, "--preset", "release", "-DPOSTHORN_TESTS=OFF"], ["cmake", "--build", ROOT / "build/release"]):
        run(*words, timeout=1800)
    return ROOT / "build/release/bin"


def free_port():
    return int(run(DEPLOY / "free-port"))


def stat_fields(pid):
    """The fields of /proc/PID/stat from the third on, or None if the process does not exist."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def process_cpu_us(pid):
    """User and system time of a process with all its threads."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) * TICK_US if fields else 0.0


def family_cpu_us(pid):
    """The same for a process, its children, and its children that have already ended (PostgreSQL)."""
    fields = stat_fields(pid)
    total = sum(int(fields[i]) for i in (11, 12, 13, 14)) * TICK_US if fields else 0.0
    for entry in os.listdir("/proc"):
        child = stat_fields(entry) if entry.isdigit() else None
        if child and int(child[1]) == pid:
            total += (int(child[11]) + int(child[12])) * TICK_US
    return total


def machine_cpu_us():
    """CPU that the whole machine has used so far, including what the hypervisor gave to other machines."""
    user, nice, system, _, _, irq, softirq, steal = (int(n) for n in pathlib.Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * TICK_US


class Strangers:
    """The share of the machine used by processes that are not part of a measurement, and disturb it."""

    def __init__(self):
        self.machine_us, self.wall = machine_cpu_us(), time.monotonic()

    def share(self, ours_us):
        """The share of all cores, from 0 to 1, given our own use since this object was created."""
        had = (time.monotonic() - self.wall) * 1e6 * os.cpu_count()
        return max(0.0, (machine_cpu_us() - self.machine_us - ours_us) / had)


class Sink:
    """bench-sink and its counts."""

    def __init__(self, binary, log, keep, *options):
        self.log = open(log, "ab")
        self.process = subprocess.Popen([binary, "--port", "0", "--all-loopback", "--keep", str(keep), *options], env=clean_environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if "listening" not in line:
            raise Failure(f"bench-sink did not start; see {log}")
        self.port = int(line.rpartition(":")[2])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, path, method="GET"):
        self.connection.request(method, path)
        return self.connection.getresponse().read()

    def stats(self):
        return json.loads(self.ask("/stats"))

    def spread(self):
        return json.loads(self.ask("/spread"))

    def reset(self):
        self.ask("/reset", "POST")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.log.close()


class Dispatcher:
    """One posthorn-dispatcher process."""

    def __init__(self, world, topic, options, name="bench"):
        port = free_port()
        self.log_path = world.directory / f"dispatcher-{name}.log"
        self.log = open(self.log_path, "ab")
        self.port = port
        env = world.environment(POSTHORN_TOPICS=topic, POSTHORN_LISTEN=f"127.0.0.1:{port}", POSTHORN_NAME=name,
                                POSTHORN_DATABASE_URL=world.logins["posthorn_dispatcher"],
                                POSTHORN_ALLOW_NETWORKS="127.0.0.0/8", POSTHORN_ALLOW_PORTS="any", **options)
        self.process = subprocess.Popen([world.binary("posthorn-dispatcher")], env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)

    def last_words(self):
        return self.log_path.read_text(errors="replace")[-1500:]

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failure(f"the dispatcher ended with status {self.process.returncode}:\n{self.last_words()}")

    def is_ready(self):
        self.check_alive()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def kill(self):
        """Ends it as a crash does. Does nothing if it has ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def stop(self):
        self.process.terminate()
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "SIGKILL, because it did not drain within 60 s"
        self.log.close()
        if status != 0:
            raise Failure(f"the dispatcher ended with {status} after SIGTERM:\n{self.last_words()}")


class World:
    """Kafka, PostgreSQL with a migrated database, and a sink, in a directory that is removed at the end. `with_kafka` false: without Kafka and sink."""

    def __init__(self, binaries, keep_directory, sink_keep, with_kafka=True):
        self.binaries = pathlib.Path(binaries)
        self.keep_directory = keep_directory
        self.sink_keep = sink_keep
        self.with_kafka = with_kafka
        self.sink = self.kafka = self.postgres_pid = None
        missing = [name for name in PROGRAMS if not (self.binaries / name).is_file()]
        if missing:
            raise Failure(f"{', '.join(missing)} not in {self.binaries}; without --bin they are built")

    def binary(self, name):
        return str(self.binaries / name)

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-bench-"))
        self.directory.chmod(0o755)  # PostgreSQL's user must be able to enter it
        say(f"servers and logs in {self.directory}")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        if self.with_kafka:
            kafka_port = free_port()
            self.kafka = f"127.0.0.1:{kafka_port}"
            run(DEPLOY / "kafka/start", self.directory / "kafka", kafka_port)
            self.kafka_pid = int((self.directory / "kafka/kafka.pid").read_text())
        run(DEPLOY / "postgres/start", self.directory / "postgres", free_port(), "shared_buffers=512MB", "max_wal_size=4GB")
        self.postgres_pid = int((self.directory / "postgres/data/postmaster.pid").read_text().split()[0])
        self.server = (self.directory / "postgres/url").read_text().strip()
        if self.with_kafka:
            self.sink = Sink(self.binary("bench-sink"), self.directory / "sink.log", self.sink_keep)
        self.use_database("posthorn")

    def use_database(self, name):
        """Everything that follows uses this database. It is created and migrated if it does not exist."""
        self.database = f"{self.server}/{name}"  # the superuser's
        if not self.psql("postgres", f"select 1 from pg_database where datname = '{name}'"):
            self.psql("postgres", f"create database {name}")
            self.admin("migrate")
        self.logins = {role: self.make_login(role) for role in ("posthorn_dispatcher", "posthorn_api")}

    def drop_databases(self):
        """Drops the databases of use_database(), except the first one."""
        for row in self.psql("postgres", "select datname from pg_database where not datistemplate and datname not in ('postgres', 'posthorn')"):
            self.psql("postgres", f"drop database {row[0]} with (force)")

    def make_login(self, role):
        """Creates a login with that role's rights, once for all databases; returns the database's address for it."""
        login = role.replace("posthorn", "bench")
        if not self.sql(f"select 1 from pg_roles where rolname = '{login}'"):
            self.sql(f"create role {login} login password '{login}' in role {role}")
        return f"postgresql://{login}:{login}@{self.database.rpartition('@')[2]}"

    def stop(self):
        if self.sink:
            self.sink.stop()
        if self.postgres_pid and not self.keep_directory:
            self.stop_postgres_at_once()
        for server in ("kafka", "postgres"):
            if (self.directory / server).exists():
                run(DEPLOY / server / "stop", self.directory / server)
        if not self.keep_directory:
            data = self.directory / "postgres/data"
            if data.is_symlink():
                shutil.rmtree(data.resolve())
            shutil.rmtree(self.directory)

    def stop_postgres_at_once(self):
        """Its data are removed, so they need not be written first, which can take minutes."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.postgres_pid, signal.SIGQUIT)
        wait_for("PostgreSQL's end", lambda: (stat_fields(self.postgres_pid) or "Z")[0] == "Z", 60)

    def free_bytes(self):
        """Free space where PostgreSQL's data are."""
        return shutil.disk_usage((self.directory / "postgres/data").resolve()).free

    def environment(self, **more):
        kafka = {"POSTHORN_KAFKA_BROKERS": self.kafka} if self.kafka else {}
        return clean_environment(**kafka | {"POSTHORN_DATABASE_URL": self.database, "POSTHORN_MASTER_KEY": MASTER_KEY} | more)

    def admin(self, *words, timeout=600, **environment):
        return run(self.binary("posthorn-admin"), *words, env=self.environment(**environment), timeout=timeout)

    def sql(self, query):
        """The rows of a query, as lists of texts."""
        return self.psql(self.database.rpartition("/")[2], query)

    def psql(self, database, query):
        text = run("psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", f"{self.server}/{database}", "-c", query)
        return [line.split("\t") for line in text.splitlines()]

    def make_topic(self, name, partitions):
        run(DEPLOY / "kafka/tool", self.directory / "kafka", "topics", "--bootstrap-server", self.kafka, "--create", "--if-not-exists",
            "--topic", name, "--partitions", partitions)

    def load(self, topic, prefix, accounts, events):
        """Publishes events; the accounts PREFIX0, PREFIX1, … take turns."""
        return json.loads(run(self.binary("bench-load"), "--brokers", self.kafka, "--topic", topic, "--account", prefix,
                              "--accounts", accounts, "--events", events))

    def yardstick(self, **options):
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        return json.loads(run(self.binary("bench-yardstick"), "--port", self.sink.port, *words))

    def cpu_us(self, dispatcher):
        """CPU that each part has used so far."""
        return {"dispatcher": process_cpu_us(dispatcher.process.pid), "PostgreSQL": family_cpu_us(self.postgres_pid),
                "Kafka": process_cpu_us(self.kafka_pid), "sink": process_cpu_us(self.sink.process.pid)}
