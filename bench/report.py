"""The report of bench/run, as Markdown."""

import datetime
import os
import platform
import statistics

RATE_GOAL = 0.65  # pipeline's deliveries a second / yardstick's requests a second, at least
CPU_GOAL = 1.6  # dispatcher's CPU a delivery / yardstick's CPU a request, at most
QUIET = 0.1  # share of the machine used by other programs above which the report warns
SPREAD_GOAL_MS = 50  # from the first to the last of 1,000 requests, under


def median(values):
    return statistics.median(list(values))


def verdict(met):
    return "met" if met else "MISSED"


def rate_ratio(one_round, in_flight):
    return one_round["pipeline"]["per_second"] / one_round["yardstick"][in_flight]["requests_per_second"]


def cpu_ratio(one_round, in_flight):
    return one_round["pipeline"]["cpu_us"]["dispatcher"] / one_round["yardstick"][in_flight]["cpu_us_per_request"]


def rounds_ratios(rounds):
    """(rate ratios, CPU ratios) of the rounds, each against the number in flight with the best result over all rounds. (The best of each
    single round would be a result of chance on a machine whose speed varies.)"""
    def column(ratio, hardest):
        return hardest(([ratio(r, in_flight) for r in rounds] for in_flight in rounds[0]["yardstick"]), key=median)

    return column(rate_ratio, min), column(cpu_ratio, max)


def ratios(rounds):
    """The medians over the rounds."""
    return tuple(median(column) for column in rounds_ratios(rounds))


def machine():
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")),
                 platform.machine())
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"{when}; {os.cpu_count()} cores ({model}), Linux {platform.release()}, load before the run {LOAD_BEFORE:.1f}"


LOAD_BEFORE = os.getloadavg()[0]


def yardstick_table(rounds):
    yield "| yardstick (bare libcurl multi loop) | requests/s | CPU µs a request |"
    yield "| --- | ---: | ---: |"
    for in_flight in rounds[0]["yardstick"]:
        results = [r["yardstick"][in_flight] for r in rounds]
        yield (f"| {in_flight} in flight | {median(x['requests_per_second'] for x in results):,.0f} "
               f"| {median(x['cpu_us_per_request'] for x in results):.1f} |")


def pipeline_table(rounds):
    runs = [r["pipeline"] for r in rounds]
    parts = list(runs[0]["cpu_us"])
    cpu = {part: median(run["cpu_us"][part] for run in runs) for part in parts}
    yield f"| pipeline | deliveries/s | {' | '.join(f'{part}, CPU µs a delivery' for part in parts)} | all |"
    yield f"| --- | ---: | {' | '.join('---:' for _ in parts)} | ---: |"
    for number, one in enumerate(runs, 1):
        yield row(f"round {number}", one["per_second"], one["cpu_us"])
    yield row("**median**", median(run["per_second"] for run in runs), cpu)


def row(name, rate, cpu):
    return f"| {name} | {rate:,.0f} | {' | '.join(f'{us:.1f}' for us in cpu.values())} | {sum(cpu.values()):.1f} |"


def goal_table(rounds):
    rate, cpu = ratios(rounds)
    each = rounds_ratios(rounds)
    yield "| median of the rounds' ratios | here | goal | | rounds |"
    yield "| --- | ---: | ---: | --- | --- |"
    yield f"| deliveries/s ÷ yardstick's requests/s | {rate:.2f} | ≥ {RATE_GOAL} | {verdict(rate >= RATE_GOAL)} | {numbers(each[0])} |"
    yield f"| dispatcher's CPU ÷ yardstick's CPU | {cpu:.2f} | ≤ {CPU_GOAL} | {verdict(cpu <= CPU_GOAL)} | {numbers(each[1])} |"


def numbers(values):
    return ", ".join(f"{value:.2f}" for value in values)


def disturbance(rounds):
    yardstick = max(result["strangers"] for r in rounds for result in r["yardstick"].values())
    pipeline = max(r["pipeline"]["strangers"] for r in rounds)
    yield (f"Other processes of the machine used up to {yardstick:.0%} of it beside the yardstick, {pipeline:.0%} beside the pipeline"
           f"{'.' if max(yardstick, pipeline) <= QUIET else ': **the figures are disturbed; measure again on a quiet machine.**'}")


def pipeline_section(title, rounds):
    first = rounds[0]["pipeline"]
    yield f"## {title}"
    yield ""
    yield (f"{len(rounds)} rounds, each: a backlog of {first['deliveries']:,} deliveries worked off, every attempt recorded, between two runs of the yardstick. "
           f"A request has {first['head_bytes']:.0f} bytes of head and {first['body_bytes']:.0f} of body; the yardstick's "
           f"{rounds[0]['yardstick_head']:.0f} and {rounds[0]['yardstick_body']:.0f}.")
    yield ""
    yield from yardstick_table(rounds)
    yield ""
    yield from pipeline_table(rounds)
    yield ""
    yield from goal_table(rounds)
    yield ""
    yield from disturbance(rounds)
    yield ""


def spread_section(webhooks, spreads, bare):
    yield f"## One event to {webhooks:,} webhooks, connections warm"
    yield ""
    yield f"| ms from the first to the last request's start at the receiver, {len(spreads)} events | pipeline | bare libcurl loop |"
    yield "| --- | ---: | ---: |"
    for name, of in (("median", median), ("least", min), ("most", max)):
        yield f"| {name} | {of(spreads):.1f} | {of(bare):.1f} |"
    yield ""
    yield f"Goal: the median under {SPREAD_GOAL_MS} ms: {verdict(median(spreads) < SPREAD_GOAL_MS)}."
    yield ""


def verification_section(wrong, checked):
    yield "## Verified"
    yield ""
    for line in wrong or checked:
        yield f"- {'WRONG: ' if wrong else ''}{line}"
    yield ""


def write(sections, spread, wrong, checked):
    """The whole report as one text. `sections`: (title, rounds); `spread`: (webhooks, spreads, those of the bare loop)."""
    lines = ["# Posthorn's speed", "", f"Measured by `bench/run`: {machine()}. bench/README.md says how to read it.", ""]
    for title, rounds in sections:
        lines += pipeline_section(title, rounds)
    if spread:
        lines += spread_section(*spread)
    lines += verification_section(wrong, checked)
    return "\n".join(lines)
