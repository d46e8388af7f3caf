"""The kill run tells a command that goes on where it was cut from one that does not."""

import random

import pytest

from benchmarks.kill import Command, check

# Writes ten lines, a few at a time; what it finds of an earlier start it keeps, or writes again after it.
SLOW = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
path = out / "lines"
there = len(path.read_text().splitlines()) if path.exists() else 0
with path.open("a") as handle:
    for number in range(there if sys.argv[2] == "goes on" else 0, 10):
        handle.write(f"{number}\\n"); handle.flush(); time.sleep(0.02)
"""


@pytest.mark.parametrize(("kind", "faults"), [("goes on", False), ("begins again", True)])
def test_a_difference_is_found(tmp_path, kind, faults):
    command = Command(
        lambda out: ["-S", "-c", SLOW, str(out), kind], lambda out: {"lines": (out / "lines").read_text()}
    )
    found = check(command, tmp_path / kind, kills=8, rng=random.Random(1))
    assert bool(found) == faults
    assert all(fault.endswith("lines differs") for fault in found)
