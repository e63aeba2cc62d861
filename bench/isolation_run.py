"""The run of bench/isolation: each attack in rounds with and without it."""
import argparse
import json
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile

from attacks import callers, control, names, receivers, records, roles, subscriptions
from attacks.report import compare, table
from attacks.stage import Broken, Stage
from support.servers import Servers
from support.system import migrate_template
from world import say

ATTACKS = [*control.ATTACKS, *receivers.ATTACKS, *names.ATTACKS, *records.ATTACKS, *subscriptions.ATTACKS, *callers.ATTACKS, *roles.ATTACKS]


def read_options():
    parser = argparse.ArgumentParser(prog="bench/isolation", description="Measures what each attack does to another account's p99.")
    parser.add_argument("attack", nargs="*", help="only these (--list names them)")
    parser.add_argument("--list", action="store_true", help="list the attacks")
    parser.add_argument("--rounds", type=int, default=3, help="of each attack, each without it and beside it (3)")
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement (5)")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file; figures of other attacks in it stay")
    parser.add_argument("--compare", type=pathlib.Path, nargs=2, metavar=("BEFORE", "AFTER"), help="print the table of two such files")
    options = parser.parse_args()
    known = {attack.name for attack in ATTACKS}
    if wrong := [name for name in options.attack if name not in known]:
        parser.error(f"there is no attack {wrong[0]}; --list names them")
    return options


def measure(servers, template, attack, options, directory):
    """The rounds of one attack: [(alone, beside)], and what broke, or None."""
    rounds, broke = [], None
    stage = Stage(servers, template, directory / attack.name)
    try:
        attack.prepare(stage)
        stage.start(attack)
        for number in range(attack.rounds or options.rounds):
            alone = stage.measure(options.seconds)
            attack.begin(stage, number)
            try:
                beside = stage.measure(options.seconds)
            finally:
                attack.end(stage)
            rounds.append((alone, beside))
            for what, megabytes in stage.memory_mb().items():
                attack.memory[what] = max(attack.memory.get(what, 0), megabytes)
            say(f"  {attack.name}: alone {alone.shown()}, beside {beside.shown()}")
            stage.check_alive()
            if number + 1 < (attack.rounds or options.rounds):
                stage.settle()
    except Broken as why:
        broke = str(why)
        say(f"  {attack.name}: {broke}")
    finally:
        stage.close()
    return rounds, broke


def summary(attack, rounds, broke):
    """What is kept of an attack: medians over the rounds."""
    kept = {"means": attack.means, "resource": attack.resource, "what": attack.what, "broke": broke, "notes": attack.notes, "memory_mb": attack.memory}
    for part in ("delivery", "api"):
        pairs = [(getattr(alone, part), getattr(beside, part)) for alone, beside in rounds]
        if pairs:
            kept[part] = {"alone_ms": statistics.median(a.p99_ms for a, _ in pairs), "beside_ms": statistics.median(b.p99_ms for _, b in pairs),
                          "ratio": statistics.median(b.p99_ms / a.p99_ms for a, b in pairs),
                          "ratios": [b.p99_ms / a.p99_ms for a, b in pairs], "failed": statistics.median(b.failed for _, b in pairs)}
    return kept


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the clean-up
    options = read_options()
    if options.list:
        print("\n".join(f"{attack.name:24} {attack.means}: {attack.what}" for attack in ATTACKS))
        return
    if options.compare:
        print(compare(*(json.loads(path.read_text()) for path in options.compare)))
        return
    figures = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    directory = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-isolation-"))
    directory.chmod(0o755)
    servers = Servers(directory)
    try:
        servers.ensure_running()
        template = migrate_template(servers.postgres)
        for attack in ATTACKS:
            if not options.attack or attack.name in options.attack:
                say(f"{attack.name}: {attack.means}, {attack.what}")
                figures[attack.name] = summary(attack, *measure(servers, template, attack, options, directory))
                if options.json:
                    options.json.write_text(json.dumps(figures, indent=1))
                servers.ensure_running()
    finally:
        servers.remove()
        shutil.rmtree(directory, ignore_errors=True)
    print(table(figures))


if __name__ == "__main__":
    main()
