"""The figures as Markdown."""

MEMORY_MB = 256  # memory of a program above which the report has a remark


def shown(part):
    if part is None:
        return ""
    failed = f", {part['failed']:.0f} failed" if part["failed"] else ""
    return f"{part['alone_ms']:,.0f} → {part['beside_ms']:,.0f} ms, **{part['ratio']:.1f}**{failed}"


def ratio(figures):
    """Both ratios in one cell."""
    if figures is None:
        return ""
    cell = " / ".join(f"{figures[part]['ratio']:.1f}" + (f" ({figures[part]['failed']:.0f} failed)" if figures[part]["failed"] else "")
                      for part in ("delivery", "api") if part in figures)
    return "; ".join(filter(None, (cell, remarks(figures))))


def remarks(one):
    memory = [f"the {what} held {megabytes:,} MB" for what, megabytes in one.get("memory_mb", {}).items() if megabytes > MEMORY_MB]
    return "; ".join(([one["broke"]] if one["broke"] else []) + memory + one["notes"])


def table(figures):
    lines = ["| means | resource | attack | deliveries: p99 alone → beside, ratio | API: p99 alone → beside, ratio | |", "| --- | --- | --- | --- | --- | --- |"]
    for one in figures.values():
        lines.append(f"| {one['means']} | {one['resource']} | {one['what']} | {shown(one.get('delivery'))} | {shown(one.get('api'))} | {remarks(one)} |")
    return "\n".join(lines)


def compare(before, after):
    lines = ["| means | resource | attack | before: deliveries / API | now: deliveries / API |", "| --- | --- | --- | --- | --- |"]
    for name in {**before, **after}:
        one = after.get(name) or before[name]
        lines.append(f"| {one['means']} | {one['resource']} | {one['what']} | {ratio(before.get(name))} | {ratio(after.get(name))} |")
    return "\n".join(lines)
