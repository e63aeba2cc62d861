"""Runs axe-core on every screen, in light and dark, wide and narrow, and writes the results as a page of docs/."""
import collections

from support.ports import ROOT

AXE = ROOT / "tests/browser/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")
# the report counts all rules of axe with these tags
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def run_axe(page):
    """Returns axe's result for the present page. The debugger inserts the script, to which the page's policy does not apply."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    return page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)


def describe(violations):
    return "\n".join(f"{v['impact']}: {v['id']}: {v['help']}: " + "; ".join(str(n["target"]) + " " + n["failureSummary"].replace("\n", " ")
                                                                        for n in v["nodes"][:5]) for v in violations)


class Report:
    """Writes docs/console/accessibility.md if the run was asked to."""

    def __init__(self, directory):
        self.directory = directory
        self.version = ""
        self.rows = {}  # screen -> {variant: (rules passed, [violations])}

    def add(self, screen, variant, result):
        self.version = result["testEngine"]["version"]
        self.rows.setdefault(screen, {})[variant] = (len(result["passes"]), result["violations"])

    def write(self):
        if self.directory is None or not self.rows:
            return
        variants = list(next(iter(self.rows.values())))
        lines = [
            "# Accessibility of the console", "",
            (f"What [axe-core](https://github.com/dequelabs/axe-core) {self.version} finds on each screen (WCAG 2.2 A and AA, and its best practices),"
             " in light and dark, 1280 and 360 pixels wide. The browser tests run it and fail at anything serious or critical;"
             " `tests/browser/screenshots` writes this page. A cell shows how many rules passed, and what was found."), "",
            "| screen | " + " | ".join(variants) + " |", "| --- |" + " --- |" * len(variants)]
        found = collections.Counter()
        for screen, results in self.rows.items():
            cells = []
            for variant in variants:
                passed, violations = results[variant]
                found.update(v["impact"] for v in violations)
                names = ", ".join(f"{v['impact']}: {v['id']} ({len(v['nodes'])})" for v in violations)
                cells.append(f"{passed} passed, {names or 'nothing found'}")
            lines.append(f"| {screen} | " + " | ".join(cells) + " |")
        counts = ", ".join(f"{found[impact]} {impact}" for impact in ("critical", "serious", "moderate", "minor"))
        lines += ["", f"In all: {counts}."]
        (self.directory / "accessibility.md").write_text("\n".join(lines) + "\n")
