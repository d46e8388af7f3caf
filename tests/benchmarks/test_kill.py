"""The kill run tells a command that goes on after a kill from one that does not; and a short run of it."""

import random

import numpy as np
import pytest

from benchmarks.kill import WORK, Command, check, files_left, main, table
from face_extraction.images import write_image

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
    tally = check(command, tmp_path / kind, kills=8, rng=random.Random(1))
    assert bool(tally.faults) == faults
    assert all(fault.endswith("lines differs") for fault in tally.faults)
    assert tally.kills == 8
    assert tally.moments[WORK] > 0


LEAVES = """
import pathlib, sys
out = pathlib.Path(sys.argv[1]); out.mkdir(exist_ok=True)
if not out.name.startswith("whole"):
    (out / ".tmp-1-a.png").touch()
"""


def test_temporary_files_that_stay_are_a_difference(tmp_path):
    command = Command(lambda out: ["-S", "-c", LEAVES, str(out)], lambda out: {})
    tally = check(command, tmp_path / "leaves", kills=1, rng=random.Random(1))
    assert tally.faults[0] == "round 1: temporary files differs"
    assert "leaves: round 1: temporary files differs" in table({"leaves": tally})


def test_another_exit_status_than_0_and_1_ends_the_run(tmp_path):
    fails = "import sys; print('no such thing', file=sys.stderr); sys.exit(2)"
    command = Command(lambda out: ["-S", "-c", fails], lambda out: {})
    with pytest.raises(SystemExit, match="exit status 2\nno such thing"):
        check(command, tmp_path / "fails", kills=1, rng=random.Random(1))


GIVES_UP = """
import pathlib, sys
out = pathlib.Path(sys.argv[1]); out.mkdir(exist_ok=True)
(out / "said").write_text("done" if out.name == "whole" or "--retry" in sys.argv else "given up")
"""


@pytest.mark.parametrize(("ending", "faults"), [(("--retry",), False), ((), True)])
def test_the_last_call_has_what_a_user_adds(tmp_path, ending, faults):
    command = Command(
        lambda out: ["-S", "-c", GIVES_UP, str(out)], lambda out: {"said": (out / "said").read_text()}, ending
    )
    tally = check(command, tmp_path / "again", kills=1, rng=random.Random(1))
    assert ("round 1: said differs" in tally.faults) == faults


def test_a_short_run_finds_no_difference(tmp_path):
    """`python -m benchmarks.kill` is the long one."""
    for number in range(10):
        for label in ("real", "fake"):
            write_image(tmp_path / f"raw/{label}/{number}.png", np.full((64, 64, 3), number, np.uint8))
    argv = ["-m", "face_extraction", "folders", "--root", str(tmp_path / "raw"), "--workers", "1", "--out"]
    command = Command(lambda out: [*argv, str(out)], files_left)
    tally = check(command, tmp_path / "extract", kills=2, rng=random.Random(5))
    assert (tally.kills, tally.faults) == (2, [])


@pytest.mark.slow
def test_no_command_loses_anything(capsys):
    status = main(["--kills", "3"])
    assert status == 0, capsys.readouterr().out
