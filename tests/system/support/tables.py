"""The lists in tests/tables, which unit tests read, too."""
from .ports import ROOT


def lines(name):
    found = (ROOT / "tests/tables" / name).read_text().splitlines()
    return [line for line in found if line and not line.startswith("#")]
