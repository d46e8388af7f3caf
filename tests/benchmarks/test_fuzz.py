"""The fuzz run: its seeds are sound, its mutants repeat, its table tells the truth; and a short run of it."""

import os
import signal
import time

import pytest

from benchmarks import fuzz
from benchmarks.fuzz import main, mutate, run_kind, table
from benchmarks.seeds import SEEDS, read_seed
from face_extraction.errors import InputError


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_the_unchanged_file_is_read(kind, tmp_path):
    (tmp_path / "draw").mkdir()
    (tmp_path / "read").mkdir()
    read_seed(kind, tmp_path / "read", SEEDS[kind](tmp_path / "draw"))


def test_a_number_names_its_mutant():
    content = bytes(range(256)) * 20
    mutants = [mutate(content, number) for number in range(200)]
    assert mutants == [mutate(content, number) for number in range(200)]
    assert len(set(mutants)) > 190
    assert mutate(b"", 3) == mutate(b"", 3)


@pytest.fixture
def broken(monkeypatch):
    """A reader that does to each mutant what its number says."""

    def read(kind, folder, content):
        number = int(content)
        if number == 1:
            raise InputError("refused")
        if number == 2:
            raise KeyError("a fault")
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == 4:
            time.sleep(60)

    monkeypatch.setattr("benchmarks.seeds.read_seed", read)
    monkeypatch.setattr(fuzz, "mutate", lambda content, number: str(number).encode())
    monkeypatch.setattr(fuzz, "SECONDS", 1)


def test_each_way_to_fail_is_told(broken):
    tally = run_kind("png", b"", range(6), workers=2)
    assert dict(tally.outcomes) == {"read": 2, "refused": 1, "raised": 1, "ended": 1, "hung": 1}
    assert [line.partition(": ")[0] for line in tally.faults] == ["png 2", "png 3", "png 4"]
    assert "KeyError: 'a fault'" in table({"png": tally})


def test_too_much_memory_is_a_fault(monkeypatch):
    monkeypatch.setattr(fuzz, "PEAK", -1)
    assert "took 0 MB" in run_kind("recipe", b"", range(0), 1).faults[0]


def test_a_short_run_finds_no_fault(capsys):
    """`python -m benchmarks.fuzz` is the long one."""
    status = main(["--mutants", "25", "--seed", "1000"])
    assert status == 0, capsys.readouterr().out
