"""The model of the commit protocol (tests/fault/protocol.pml) is correct, and finds an error if any part of the protocol is left out."""
import re
import shutil
import subprocess

import pytest

from support.ports import ROOT

MODEL = ROOT / "tests/fault/protocol.pml"


def check(directory, *defines):
    """(errors, states) of an exhaustive search."""
    assert shutil.which("spin"), "Debian's package spin is not installed"
    run = dict(cwd=directory, check=True, capture_output=True, text=True, timeout=240)
    subprocess.run(["spin", *defines, "-a", str(MODEL)], **run)
    subprocess.run(["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=2000", "-o", "pan", "pan.c"], **run)
    said = subprocess.run(["./pan", "-m200000"], **(run | {"check": False})).stdout
    assert "error: max search depth too small" not in said and "Search not completed" not in said or "errors: 1" in said, said
    return int(re.search(r"errors: (\d+)", said)[1]), int(float(re.search(r"([\d.e+]+) states, stored", said)[1]))


def test_the_protocol_holds(tmp_path, figures):
    errors, states = check(tmp_path)
    figures(states=states)
    assert errors == 0
    assert states > 10_000  # it has searched


@pytest.mark.parametrize("part", ["FENCE", "STAY", "ORDER", "PARK", "RECORDED"])
def test_a_protocol_without_it_fails(tmp_path, part):
    assert check(tmp_path, f"-DBROKEN_{part}")[0] == 1
