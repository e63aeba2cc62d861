"""The figures as Markdown."""

GOAL = 2.0


def shown(part):
    if part is None:
        return ""
    failed = f", {part['failed']:.0f} failed" if part["failed"] else ""
    return f"{part['alone_ms']:,.0f} → {part['beside_ms']:,.0f} ms, **{part['ratio']:.1f}**{failed}"


def ratio(figures):
    """Both ratios in one cell."""
    if figures is None:
        return ""
    if figures["broke"]:
        return figures["broke"]
    return " / ".join(f"{figures[part]['ratio']:.1f}" + (f" ({figures[part]['failed']:.0f} failed)" if figures[part]["failed"] else "")
                      for part in ("delivery", "api"))


def table(figures):
    lines = ["| means | resource | attack | deliveries: p99 alone → beside, ratio | API: p99 alone → beside, ratio | |", "| --- | --- | --- | --- | --- | --- |"]
    for one in figures.values():
        remarks = "; ".join(([one["broke"]] if one["broke"] else []) + one["notes"])
        lines.append(f"| {one['means']} | {one['resource']} | {one['what']} | {shown(one.get('delivery'))} | {shown(one.get('api'))} | {remarks} |")
    return "\n".join(lines)


def compare(before, after):
    lines = ["| means | resource | attack | before: deliveries / API | now: deliveries / API |", "| --- | --- | --- | --- | --- |"]
    for name in {**before, **after}:
        one = after.get(name) or before[name]
        lines.append(f"| {one['means']} | {one['resource']} | {one['what']} | {ratio(before.get(name))} | {ratio(after.get(name))} |")
    return "\n".join(lines)
