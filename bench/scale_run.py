"""Measures the cost of Posthorn's important statements beside many stored rows, with a separate PostgreSQL and Kafka.

bench/scale                    all parts (many hours)
bench/scale rows audit         only these
bench/scale --quick            small sizes: for a first look, not a measurement

parts:
  rows           an event and an attempt, per million rows already in the current day; random and time-ordered ids
  audit          the queries of auditors and operators, and the statements of the hot path, beside these rows
  days           the statements of the hot path beside many days of partitions
  restart        the start of two dispatchers, and the death of one, beside rows of the running hour
  subscriptions  fresh deliveries beside a million subscriptions of others
  pending        fresh deliveries beside a million pending deliveries of one webhook

bench/README.md describes the measurements and how to read them. Exits with status 1 if something that can be verified is wrong.
"""

import argparse
import pathlib
import signal
import sys

sys.dont_write_bytecode = True

import psycopg

import report
import scale_audit
import scale_ratio
import scale_restart
import scale_rows
from scale_statements import Part
from world import Failure, World, build, say

# Of each part: its function, and the title of its section.
PARTS = {
    "rows": (scale_rows.measure, "Rows: the cost of an event and of an attempt"),
    "audit": (scale_audit.measure, "Audit: statements beside many events"),
    "days": (scale_audit.measure_days, "Days: statements beside many days of partitions"),
    "restart": (scale_restart.measure, "Restart: two dispatchers start, and one is killed"),
    "subscriptions": (scale_ratio.measure_subscriptions, "Subscriptions: fresh deliveries beside those of others"),
    "pending": (scale_ratio.measure_pending, "Pending deliveries: fresh deliveries beside those of one webhook"),
}
WITH_KAFKA = {"restart", "subscriptions", "pending"}
BYTES_AN_EVENT = 1500  # with its payload, attempt, indexes, and what temporary files need, more or less
# Of each size: its default, with --quick, what it is.
SIZES = {
    "events": (50_000_000, 200_000, "events of rows, audit and restart"), "step": (1_000_000, 50_000, "events of one step of rows"),
    "days": (400, 20, "days of partitions"), "subscriptions": (1_000_000, 10_000, "subscriptions of others, a tenth of them in one account"),
    "pending": (1_000_000, 10_000, "pending deliveries of one webhook"),
    "deliveries": (50_000, 5_000, "fresh deliveries of a round of subscriptions and pending"),
    "rounds": (3, 1, "of subscriptions and pending, in turn without and with the others"), "limit": (300, 300, "seconds after which a statement is cancelled"),
    "body": (400, 400, "bytes of a payload in rows"),
}


class Stopped(KeyboardInterrupt):
    """SIGTERM. psycopg cancels a statement under way for this exception, and not for SystemExit."""


def stop(*_):
    raise Stopped


def read_options():
    parser = argparse.ArgumentParser(prog="bench/scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    for name, (usual, quick, what) in SIZES.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{what} ({usual:,}; with --quick {quick:,})")
    parser.add_argument("--spread", choices=("day", "hour"), default="day", help="the rows of audit lie in the day so far (UTC), or in the running hour")
    parser.add_argument("--report", type=pathlib.Path, help="write the report to this file, too, after each part")
    parser.add_argument("--bin", type=pathlib.Path, help="where the programs are; without it the release preset is built")
    parser.add_argument("--set", action="append", default=[], metavar="POSTHORN_NAME=VALUE", help="a setting of the dispatchers; may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave the directory with data and logs behind")
    options = parser.parse_args()
    if unknown := [name for name in options.part if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; the parts are {', '.join(PARTS)}")
    for name, (usual, quick, _) in SIZES.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    if options.step % scale_rows.BLOCK or options.events % options.step:
        parser.error(f"--step must be a multiple of {scale_rows.BLOCK:,}, and --events of --step")
    options.settings = dict(setting.split("=", 1) for setting in options.set)
    options.part = [name for name in PARTS if name in options.part or not options.part]
    return options


def text_of(parts, options):
    """The report as Markdown."""
    command = f"bench/scale{' --quick' if options.quick else ''}"
    lines = ["# Posthorn beside many rows", "", f"Measured by `{command}`: {report.machine()}. bench/README.md says how to read it.", ""]
    for part in parts:
        lines += [f"## {part.title}", "", *part.lines]
    lines += report.verification_section([sentence for part in parts for sentence in part.wrong], [sentence for part in parts for sentence in part.checked])
    return "\n".join(lines)


def measure(world, options, parts):
    """Measures one part after the other, and adds them to the list. The report is written after each."""
    free = world.free_bytes()
    if {"rows", "audit", "restart"} & set(options.part) and free < options.events * BYTES_AN_EVENT:
        raise Failure(f"{options.events:,} events need about {options.events * BYTES_AN_EVENT >> 30} GB in {world.directory}; {free >> 30} GB are free")
    for name in options.part:
        function, title = PARTS[name]
        parts.append(Part(title))
        say(name)
        try:
            function(world, options, parts[-1])
        except (Failure, psycopg.Error) as failure:
            say(f"{name}: {failure}")
            parts[-1].wrong.append(f"{name}: {failure}")
        except BaseException:
            parts[-1].wrong.append(f"{name}: the run was stopped during this part")
            raise
        world.drop_databases()
        if options.report:
            options.report.write_text(text_of(parts, options) + "\n", encoding="utf-8")


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, stop)  # through the clean-up
    parts = []
    try:
        with World(build(options.bin), options.keep, sink_keep=2 * options.deliveries + 100_000, with_kafka=bool(WITH_KAFKA & set(options.part))) as world:
            measure(world, options, parts)
    finally:
        print(text_of(parts, options))  # also what was measured before a run was stopped
    return 1 if any(part.wrong for part in parts) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench/scale: {failure}")
    except KeyboardInterrupt as interrupt:
        sys.exit(143 if isinstance(interrupt, Stopped) else 130)
