"""Start and end of the programs: --topics, --check-config, signals."""
import json
import os
import secrets
import signal
import subprocess

import pytest

from support.api import Api
from support.kafka import binary_record
from support.programs import clean_environment, program
from support.receiver import answer
from support.waiting import wait_until

BAD_TOPICS = [
    ("", "is empty"), (" ", "is empty"), ("a,,b", "name 2 of the list is empty"), ("a,^b", "mixed"), ("^a,^b", "an expression must be the only entry"),
    ("a b", "is not a topic's name"), ("..", "is not a topic's name"), ("x" * 250, "is not a topic's name"), ("^(a", "is not a regular expression"),
]


def run(system, *arguments, **settings):
    return subprocess.run([program("posthorn-dispatcher"), *arguments], env=clean_environment(system.settings(**settings)), capture_output=True,
                          text=True, timeout=60)


# Topics ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("topics", "said"), BAD_TOPICS)
def test_topics_that_cannot_be_meant(system, topics, said):
    """Refused at the start, and by --check-config with the same message."""
    for arguments in ((), ("--check-config",)):
        done = run(system, *arguments, topics=topics)
        assert done.returncode == 2 and "--topics" in done.stderr and said in done.stderr, (arguments, done)


def test_check_config_checks_all(system):
    done = run(system, "--check-config", topics=" a , b ")
    assert done.returncode == 0 and "topics = a,b\n" in done.stdout
    for setting, value in (("retry_schedule", "soon"), ("ca_file", "/nowhere"), ("source_address", "here"), ("dead_letter_topic", "a b"),
                           ("system_topic", ""), ("memory_max", 4 * 1048576 - 1)):
        done = run(system, "--check-config", **{setting: value})
        assert done.returncode == 2 and setting.replace("_", "-") in done.stderr, (setting, done)
    assert run(system, "--check-config", memory_max=4 * 1048576).returncode == 0  # four of the largest records


def test_blanks_around_names(system, receiver):
    """' a, b' consumes both."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"))
    other = system.topics.create(f"other-{secrets.token_hex(4)}")
    system.dispatcher(topics=f" {system.topic}, {other}")
    system.publish(system.event(account))
    system.publish(system.event(account), topic=other)
    receiver.wait_for(2, "/hook")
    system.wait_delivered(2)


def test_own_topics_are_not_consumed(system, receiver):
    """The topics of dead letters and of own events. Named: refused. Matched by an expression: excluded, because otherwise each dead letter would become a new
    one, without end."""
    for own, option in ((system.dead_letter_topic, "--dead-letter-topic"), (system.system_topic, "--system-topic")):
        for topics in (own, f"{system.topic}, {own}"):
            done = run(system, "--check-config", topics=topics)
            assert done.returncode == 2 and f"{own} is the {option}" in done.stderr, done
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"))
    system.topics.create(system.dead_letter_topic, partitions=1)
    system.dispatcher(topics=f"^(events|dead-letter|posthorn)-{system.tag}$", kafka_properties="topic.blacklist=^nothing-of-the-kind$")
    system.topics.produce(system.topic, [{"value": "no JSON"}, binary_record(system.event(account))])
    receiver.wait_for(1, "/hook")
    system.topics.read(system.dead_letter_topic, 1)
    # a copy that the broker has: a dispatcher that consumed it would have read it before the following record
    system.publish(system.event(account), topic=system.dead_letter_topic)
    system.publish(system.event(account), topic=system.system_topic)
    system.publish(system.event(account))
    receiver.wait_for(2, "/hook")
    system.wait_consumed()
    system.wait_delivered(2)
    assert {row["topic"] for row in system.db.query("select topic from posthorn.position")} == {system.topic}
    assert system.audit.books()["dead_lettered"] == 1 and receiver.count("/hook") == 2


def test_own_topics_differ(system):
    done = run(system, "--check-config", system_topic=system.dead_letter_topic)
    assert done.returncode == 2 and "--system-topic and --dead-letter-topic are the same topic" in done.stderr, done
    done = run(system, "--check-config", topics=None, system_topic=None, dead_letter_topic=None)
    assert done.returncode == 0, done
    for line in ("topics = posthorn.events", "system-topic = posthorn.system-events", "system-events = no", "dead-letter-topic = posthorn.dead-letter"):
        assert line in done.stdout.splitlines()


def published_and_consumed(system, account, disabled):
    """Publishes an event to the topic of own events, waits until everything before it is consumed, and asserts that this many own events were published."""
    wait_until(lambda: system.audit.count("events", event_type="webhook.disabled") == disabled, 60, f"{disabled} own events consumed")
    marker = system.event(account)
    system.publish(marker, topic=system.system_topic)
    wait_until(lambda: any(d["state"] == "delivered" for d in system.audit.deliveries(marker["id"])), 60, "the marker delivered")
    system.wait_consumed(system.system_topic)
    wait_until(lambda: system.audit.books()["pending"] == 0, 60, "nothing pending")
    assert system.db.query("select * from posthorn.outbox") == []
    assert system.topics.end_offsets(system.system_topic) == {0: disabled + 1}
    records = system.topics.read(system.system_topic, disabled + 1)
    assert [r.header("ce_type") for r in records] == ["webhook.disabled"] * disabled + [marker["type"]]


@pytest.mark.parametrize("topics", ["events-{tag}", "^events-{tag}$", "^(events|posthorn)-{tag}$"])
def test_system_events(system, receiver, topics):
    """Beside a list, an expression, and an expression that matches the topic, too: each own event is consumed once. An own event about a disabled webhook that
    subscribes to everything causes no further one."""
    account = system.account(dialect="merchant")
    receiver.behave("/gone", answer(410))
    gone = system.webhook(account, receiver.url("/gone"))
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(topics=topics.format(tag=system.tag), system_events="yes", gone_after="0s", retry_schedule="50ms,50ms,50ms,50ms,3d")
    system.publish(system.event(account))
    published_and_consumed(system, account, 1)
    assert system.admin("webhook", "show", gone["id"], "--json")["status"] == "disabled"
    told = [json.loads(r.body) for r in receiver.wait_for(3, "/hook")]
    assert receiver.count("/hook") == 3 and sum(gone["id"] in json.dumps(body) for body in told) == 1
    system.assert_balanced(records=3)


def test_an_own_event_that_disables_a_webhook(system, receiver):
    """It fails for the webhook that subscribes to it: that one is disabled, too, with a further event; then it ends."""
    account = system.account(dialect="merchant")
    for path in ("/gone", "/watch"):
        receiver.behave(path, answer(410))
    system.webhook(account, receiver.url("/gone"), events="transaction.*")
    system.webhook(account, receiver.url("/watch"), events="webhook.disabled")
    system.webhook(account, receiver.url("/hook"))
    system.dispatcher(system_events="yes", gone_after="0s", retry_schedule="50ms,50ms,50ms,50ms,3d")
    system.publish(system.event(account))
    published_and_consumed(system, account, 2)
    receiver.wait_for(4, "/hook")
    system.assert_balanced(records=4)


# Signals -----------------------------------------------------------------------------------------------------------


def test_sighup_drains_and_others_are_ignored(system, receiver):
    """Requests in flight at SIGHUP are awaited and recorded; SIGUSR1, SIGUSR2 and SIGPIPE have no effect."""
    account = system.account(dialect="merchant")
    receiver.behave("/hook", answer(200, delay=1))
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        dispatcher.process.send_signal(number)
    system.publish(system.event(account))
    receiver.wait_for(1, "/hook")
    dispatcher.process.send_signal(signal.SIGHUP)
    assert dispatcher.wait() == 0, dispatcher.log()
    assert "event=draining signal=1" in dispatcher.log() and "event=stopped" in dispatcher.log()
    assert system.audit.count("attempts", outcome="delivered") == 1
    system.assert_balanced(records=1)


def test_the_api_and_signals(system, start_api):
    for end in (signal.SIGHUP, signal.SIGTERM):
        api = start_api()
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            api.process.send_signal(number)
        assert api.anybody().get("/healthz").status_code == 200
        api.process.send_signal(end)
        assert api.process.wait(30) == 0 and f"event=draining signal={int(end)}" in api.log()


def early(command, settings, number):
    """The exit status of a program that receives the signal as soon as its own code may run: when main() begins."""
    process = subprocess.Popen(command, env=clean_environment(settings) | {"LD_BIND_NOW": "1"}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        held, others = 1 << (number - 1), 1 << (signal.SIGUSR2 - 1)

        def is_held():
            fields = dict(line.split(":\t") for line in open(f"/proc/{process.pid}/status").read().splitlines() if ":\t" in line)
            blocked = int(fields["SigBlk"], 16)
            return blocked & held and not blocked & others  # the C library blocks all signals for a moment, for example while it creates a thread
        while process.poll() is None and not is_held():  # the first moment at which it shows that the signal will not kill it
            pass
        process.send_signal(number)
        process.stdin.close()
        return process.wait(60)
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_comes_early(system, test_directory, number):
    """A signal before the configuration is read is a request to end, not a failure."""
    api = Api(system, test_directory)
    assert early([program("posthorn-dispatcher")], system.settings(), number) == 0
    assert early([program("posthorn-api")], api.settings, number) == 0
    assert early([program("posthorn-producer"), "--topic", system.topic], system.settings(), number) == 128 + number


def test_signals_are_held_before_anything_is_read(system):
    """The programs wait for their configuration, which is a pipe: a signal meanwhile is not lost, and does not kill the program."""
    pipe = system.directory / f"pipe-{secrets.token_hex(4)}"
    for name in ("posthorn-dispatcher", "posthorn-api", "posthorn-producer"):
        os.mkfifo(pipe)
        process = subprocess.Popen([program(name), "--config", str(pipe)], env=clean_environment({}), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open(pipe, "w") as end:  # the program is there, and reads
            for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP):
                process.send_signal(number)
            end.write("nonsense = 1\n")
        said = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 2 and "there is no option 'nonsense'" in said, (name, process.returncode, said)
        os.unlink(pipe)


def test_nohup_stays(system):
    """SIGHUP that is ignored when the dispatcher starts does not end it."""
    dispatcher = system.dispatcher(start=False)
    dispatcher.through = ["nohup"]
    dispatcher.start()
    dispatcher.process.send_signal(signal.SIGHUP)
    dispatcher.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: dispatcher.get("/readyz")[0] == 200, 30, "it goes on")
    dispatcher.stop()
    assert "signal=1" not in dispatcher.log().replace("signal=15", "")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGHUP])
def test_the_producer_and_signals(servers, test_directory, system, number):
    """SIGHUP ends reading and waits for outstanding acknowledgements, as SIGTERM does; the others have no effect."""
    process = subprocess.Popen([program("posthorn-producer"), "--topic", system.topic], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=clean_environment({"kafka_brokers": servers.kafka.brokers}))
    process.stdin.write('{"id": "e-1", "type": "t", "account": "a", "data": 1}\n')
    process.stdin.flush()
    system.topics.read(system.topic, 1)
    process.send_signal(number)
    if number != signal.SIGHUP:
        process.stdin.write('{"id": "e-2", "type": "t", "account": "a", "data": 1}\n')
        process.stdin.flush()
        system.topics.read(system.topic, 2)
    else:
        assert process.stderr.readline() == "standard input:1: stopped after this line by signal 1\n"
    process.stdin.close()
    assert process.wait(60) == (129 if number == signal.SIGHUP else 0)
    process.stderr.close()
