"""posthorn-producer on a real Kafka: what it publishes, and how it reports what it could not publish."""
import json
import os
import pathlib
import pty
import secrets
import signal
import subprocess

import pytest

from support.kafka import Topics
from support.programs import clean_environment, program


class Producing:
    """A separate topic, and the program publishing to it."""

    def __init__(self, servers, directory):
        self.servers = servers
        self.directory = directory
        self.topics = Topics(servers.kafka.brokers)
        self.topic = self.topics.create(f"produced-{secrets.token_hex(4)}")

    def settings(self):
        return {"kafka_brokers": self.servers.kafka.brokers, "topic": self.topic}

    def start(self, *arguments, **options):
        return subprocess.Popen([program("posthorn-producer"), *map(str, arguments)], env=clean_environment(self.settings()),
                                **({"stderr": subprocess.PIPE, "text": True} | options))

    def run(self, *arguments, stdin=None, status=0):
        """Runs it to its end, asserts this exit status, and returns its messages."""
        process = self.start(*arguments, stdin=subprocess.PIPE)
        said = process.communicate(stdin, timeout=120)[1]
        assert process.returncode == status, f"ended with {process.returncode}: {said}"
        return said

    @staticmethod
    def rest(process):
        """The output of a program from here to its end. communicate() is not used, because it ignores the buffer that readline() filled."""
        process.stdin.close()
        process.wait(60)
        return process.stderr.read()

    def file(self, name, lines):
        path = self.directory / name
        path.write_text("".join(line + "\n" for line in lines))
        return path

    def ids(self, count):
        return [record.header("ce_id") for record in self.topics.read(self.topic, count)]


@pytest.fixture
def producing(servers, test_directory):
    return Producing(servers, test_directory)


def line(id, data=None, **members):
    return json.dumps({"id": id, "type": "ach.settled", "account": "acme", "data": data or {"n": 1}} | members)


def test_one_event_by_options(producing):
    data = '{"amount": 5.00, "big": 12345678901234567890}'
    producing.run("--id", "e-1", "--type", "ach.settled", "--account", "acme", "--time", "2021-04-07T17:14:26.5+02:00",
                  "--source", "/ledger", "--data", data)
    (record,) = producing.topics.read(producing.topic, 1)
    assert record.key == b"acme"
    assert record.value.decode() == data  # byte for byte: 5.00 stays 5.00
    assert dict(record.headers) == {
        "ce_specversion": b"1.0", "ce_id": b"e-1", "ce_type": b"ach.settled", "ce_source": b"/ledger", "ce_account": b"acme",
        "ce_time": b"2021-04-07T15:14:26.500000Z", "content-type": b"application/json"}


def test_files_and_standard_input(producing):
    first = producing.file("first.jsonl", [line(f"a-{i}") for i in range(500)])
    second = producing.file("second.jsonl", ["", line("b-0"), "  "])
    said = producing.run(first, "-", second, stdin=line("c-0") + "\n" + line("c-1"))  # the last one without a line feed
    assert "503 read, 503 acknowledged, 0 refused, 0 not acknowledged" in said
    ids = producing.ids(503)
    assert sorted(ids) == sorted([f"a-{i}" for i in range(500)] + ["b-0", "c-0", "c-1"])
    assert [id for id in ids if id.startswith("a-")] == [f"a-{i}" for i in range(500)]  # the order within an account is kept


def test_bad_lines_are_named_and_kept(producing):
    bad = {2: "not json", 4: '{"id":"x"}', 5: line("new\nline"), 6: line("e", account=None), 8: line("t", time="today"),
           9: '{"id":"a","id":"b","type":"t","account":"a","data":1}', 11: line("long", data="x" * 3000)}
    lines = [bad.get(number, line(f"good-{number}")) for number in range(1, 12)]
    path, rejected = producing.file("events.jsonl", lines), producing.directory / "rejected"
    said = producing.run("--value-max", 2000, "--rejected", rejected, path, status=1)
    for number, words in {2: "not JSON", 4: "type is missing", 5: "id is not 1 to 255 visible ASCII", 6: "account is missing",
                          8: "time is not RFC 3339", 9: '"id" appears twice', 11: "at most 2000"}.items():
        (message,) = [m for m in said.splitlines() if m.startswith(f"{path}:{number}: ")]
        assert words in message
    assert rejected.read_text().splitlines() == list(bad.values())
    assert sorted(producing.ids(4)) == ["good-1", "good-10", "good-3", "good-7"]


def test_line_longer_than_memory_for_it(producing):
    giant = '{"id":"giant","data":"' + "x" * 5_000_000 + '"}'
    path, rejected = producing.file("events.jsonl", [line("a"), giant, line("b")]), producing.directory / "rejected"
    said = producing.run("--rejected", rejected, path, status=1)
    assert f"{path}:2: the line is longer than" in said
    assert rejected.read_text() == giant + "\n"
    assert sorted(producing.ids(2)) == ["a", "b"]


def test_what_the_broker_refuses_is_reported_and_kept(producing):
    producing.topic = producing.topics.create(f"narrow-{secrets.token_hex(4)}", max_message_bytes=2000)
    large = line("large", data="x" * 5000)
    path = producing.file("events.jsonl", [line("small-1"), large, line("small-2")])
    rejected = producing.directory / "rejected"
    said = producing.run("--kafka-properties", "linger.ms=0;batch.num.messages=1", "--rejected", rejected, path, status=1)
    assert f"{path}:2: event large was not acknowledged: Broker: Message size too large" in said
    assert rejected.read_text() == large + "\n"
    assert sorted(producing.ids(2)) == ["small-1", "small-2"]


def test_broker_that_hangs(producing):
    """No acknowledgement in time: reported, kept, and published again from the file of rejected lines."""
    producing.run("--id", "warm", "--type", "t", "--account", "acme", "--data", "1")
    ids = [f"e-{i}" for i in range(100)]
    path, rejected = producing.file("events.jsonl", map(line, ids)), producing.directory / "rejected"
    producing.servers.kafka.pause()
    try:
        said = producing.run("--timeout", "2s", "--rejected", rejected, path, status=1)
    finally:
        producing.servers.kafka.resume()
    assert "100 read, 0 acknowledged, 0 refused, 100 not acknowledged" in said
    assert sorted(rejected.read_text().splitlines()) == sorted(path.read_text().splitlines())
    assert "100 acknowledged" in producing.run(rejected)
    assert set(ids) <= set(producing.ids(101))


def test_broker_comes_back(producing):
    """If a broker is killed and started again while events wait, no event is lost or published twice."""
    ids = [f"e-{i}" for i in range(2000)]
    producing.run("--id", "warm", "--type", "t", "--account", "acme", "--data", "1")
    producing.servers.kafka.kill()
    process = producing.start("-", stdin=subprocess.PIPE)
    process.stdin.write("".join(line(id) + "\n" for id in ids))
    process.stdin.flush()
    producing.servers.kafka.start()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    assert sorted(producing.ids(2001)) == sorted(ids + ["warm"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_flushes(producing, number):
    process = producing.start("--kafka-properties", "linger.ms=200", stdin=subprocess.PIPE)
    process.stdin.write("".join(line(f"e-{i}") + "\n" for i in range(50)))
    process.stdin.flush()
    producing.ids(1)  # it reads
    process.send_signal(number)
    assert process.stderr.readline() == f"standard input:50: stopped after this line by signal {int(number)}\n"
    said = producing.rest(process)
    assert process.returncode == 128 + number, said
    assert "50 read, 50 acknowledged, 0 refused, 0 not acknowledged" in said
    assert len(set(producing.ids(50))) == 50


def test_second_signal_gives_up(producing):
    producing.servers.kafka.pause()
    try:
        rejected = producing.directory / "rejected"
        process = producing.start("--rejected", rejected, stdin=subprocess.PIPE)
        process.stdin.write(line("e-1") + "\nnonsense\n")
        process.stdin.flush()
        # the message about the second line shows that the first was accepted; it is written at once
        assert process.stderr.readline().startswith("standard input:2: ")
        process.send_signal(signal.SIGINT)
        assert "stopped after this line by signal 2" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = producing.rest(process)
    finally:
        producing.servers.kafka.resume()
    assert process.returncode == 128 + signal.SIGINT, said
    assert "standard input:1: event e-1 was not acknowledged" in said
    assert rejected.read_text() == "nonsense\n" + line("e-1") + "\n"


def test_memory_is_bounded(producing):
    """300 MB through a pipe."""
    process = producing.start(stdin=subprocess.PIPE)
    for start in range(0, 300_000, 1000):
        process.stdin.write("".join(line(f"e-{i}", data="x" * 900, account=f"a-{i % 50}") + "\n" for i in range(start, start + 1000)))
    process.stdin.flush()
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    (peak,) = [int(words.split()[1]) for words in status.splitlines() if words.startswith("VmHWM:")]
    said = process.communicate(timeout=120)[1]
    assert "300000 acknowledged" in said
    assert peak < 300_000, f"{peak} kB at the peak"


def test_progress_on_a_terminal_only(producing):
    path = producing.file("events.jsonl", [line(f"e-{i}") for i in range(2000)])
    ours, theirs = pty.openpty()
    process = producing.start(path, stderr=theirs, text=False)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the other side of the terminal is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    assert b"\r\x1b[K" in said and b" read, " in said and b"/s" in said
    assert "\x1b" not in producing.run(path)


def test_dry_run_publishes_nothing(producing):
    path = producing.file("events.jsonl", [line("a"), "nonsense"])
    assert f"{path}:2: " in producing.run("--dry-run", path, status=1)
    producing.run(stdin=line("b"))  # in the same partition, because the account is the same
    assert producing.ids(1) == ["b"]


@pytest.mark.parametrize("arguments, words", [
    (["--id", "a", "--type", "t", "--account", "a"], "--data is missing"),
    (["--id", "a", "--type", "t", "--account", "a", "--data", "{"], "--data is not JSON: unexpected end at byte 1"),
    (["--id", "a", "--type", "t", "--account", "a", "--data", "1", "x.jsonl"], "exclude each other"),
    (["--kafka-properties", "no.such.thing=1"], "no.such.thing: No such configuration property"),
    (["--kafka-properties", "nonsense"], "not of the form name=value"),
    (["--timeout", "soon"], "--timeout: 'soon' is not a duration"),
    (["--rejected", "/nowhere/at/all"], "cannot be written: No such file or directory"),
    (["--topic", ""], "--topic is missing: give it, or set POSTHORN_TOPIC"),
    (["--kafka-brokers", ""], "--kafka-brokers is missing: give it, or set POSTHORN_KAFKA_BROKERS"),
    (["--no-such-option"], "there is no option --no-such-option"),
])
def test_usage(producing, arguments, words):
    assert words in producing.run(*arguments, status=2)


def test_rejected_lines_never_overwrite_the_input(producing):
    path = producing.file("events.jsonl", [line("a")])
    assert "is one of the files to publish" in producing.run("--rejected", path, path, status=2)
    assert path.read_text() == line("a") + "\n"


def test_file_that_is_not_there(producing):
    path = producing.file("events.jsonl", [line("a")])
    said = producing.run("missing.jsonl", path, status=1)
    assert "missing.jsonl: cannot be opened: No such file or directory" in said
    assert producing.ids(1) == ["a"]


def test_describes_itself(producing):
    for option, words in [("--help", "--kafka-properties"), ("--version", "posthorn-producer "), ("--manual", ".SH OPTIONS"),
                          ("--check-config", f"topic = {producing.topic}")]:
        process = producing.start(option, stdout=subprocess.PIPE)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and words in out
