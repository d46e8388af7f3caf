"""The mutation run: each mutant is one change, the same seed draws the same, and its outcome is true."""

import json
from pathlib import Path

import pytest

from benchmarks import mutate
from benchmarks.mutate import draw, main, mutants_of, read_rows

SOURCE = '''\
"""1 < 2 in a docstring is no code."""

def least(values: list[int], bound: "int | None" = None) -> int:
    found = True
    for value in values:
        if value < 3 and found:
            continue
        elif not value:
            raise ValueError("−2 < 0")
        found = value + 1 in values
    else:
        return None
    return bound
'''
CHANGES = {
    "found = True": "found = False",
    "if value < 3 and found": {
        "if value <= 3 and found", "if value < 4 and found", "if value < 3 or found",
        "if (not (value < 3 and found))",
    },
    "continue": "pass",
    "elif not value": "elif (not (not value))",
    'raise ValueError("−2 < 0")': "pass",
    "value + 1 in values": {"value - 1 in values", "value + 2 in values", "value + 1 not in values"},
    "return None": "pass",
    "return bound": "return None",
}  # fmt: skip

TEST = "\n\ndef test_add():\n    assert sums.add(1, 2) == 3\n"


def test_every_change_of_one_token_is_found_and_no_other():
    content = SOURCE.encode()
    found = [mutant.apply(content).decode() for mutant in mutants_of(Path("a.py"), content)]
    expected = [
        SOURCE.replace(old, each)
        for old, new in CHANGES.items()
        for each in ({new} if isinstance(new, str) else new)
    ]
    assert sorted(found) == sorted(expected)
    for mutant in mutants_of(Path("a.py"), content):
        changed = mutant.apply(content).decode().splitlines()
        lines = [n for n, (a, b) in enumerate(zip(SOURCE.splitlines(), changed, strict=True), 1) if a != b]
        assert lines == [mutant.line]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree with one module, whose test does not see all of it."""
    root = tmp_path / "root"
    for name, text in {
        "tuning/sums.py": "def add(a, b):\n    return a + b\n\n\ndef twice(a):\n    return a * 2\n",
        "tuning/__init__.py": "",
        "tests/tuning/test_sums.py": f"from tuning import sums\n{TEST}",
        "setup.cfg": "[tool:pytest]\naddopts = --import-mode=importlib\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(mutate, "ROOT", root)
    monkeypatch.setattr(mutate, "HEAVY", ("pytest",))
    return root


def test_the_same_seed_draws_the_same(tree):
    whole = draw(tree, ["tuning"], 99, 0)
    assert len(whole) == 5
    assert draw(tree, ["tuning/sums.py"], 99, 0) == whole
    assert draw(tree, ["tuning"], 3, 0) == draw(tree, ["tuning"], 3, 0) != draw(tree, ["tuning"], 3, 1)


def test_what_the_tests_see_is_killed_and_the_tree_stays_as_it_was(tree, tmp_path, capfd):
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    out = tmp_path / "rows.jsonl"
    command = ["tuning", "--out", str(out), "--tests", str(tree / "tests"), "--workers", "1"]
    assert main([*command, "--mutants", "2"]) == 0
    first = out.read_text()
    assert main(command) == 0
    assert out.read_text().startswith(first)  # it goes on
    outcomes = {(row["line"], row["text"]): row["outcome"] for row in read_rows(out)}
    assert outcomes == {
        (2, "-"): "killed", (2, "return None"): "killed",
        (6, "/"): "survived", (6, "3"): "survived", (6, "return None"): "survived",
    }  # fmt: skip
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before
    assert f"{'tuning/sums.py':<48}{5:>8}{2:>8}\n" in capfd.readouterr().out
    killer = {json.loads(line)["test"].partition(" - ")[0] for line in out.read_text().splitlines()}
    assert killer == {"", "FAILED tests/tuning/test_sums.py::test_add"}


def test_a_mutant_that_never_ends_is_killed(tree, tmp_path):
    (tree / "tuning" / "sums.py").write_text(
        "def add(a, b):\n    while a > 3:\n        pass\n    return a + b\n"
    )
    out = tmp_path / "rows.jsonl"
    tests = str(tree / "tests")
    main(["tuning", "--out", str(out), "--tests", tests, "--workers", "1", "--seconds", "4"])
    outcomes = {row["text"]: row["outcome"] for row in read_rows(out)}
    assert outcomes["(not (a > 3))"] == "too long"


def test_the_mirroring_test_comes_first():
    tests = mutate.ROOT / "tests"
    assert mutate.tests_of("dfdetect/train/fitting.py", tests) == [
        "tests/dfdetect/train/test_fitting.py",
        "tests/dfdetect/train/test_main.py",
    ]
    assert mutate.tests_of("dfdetect/train/__main__.py", tests)[0] == "tests/dfdetect/train/test_main.py"
    assert mutate.tests_of("dfdetect/render/figures/plots.py", tests) == [  # by the import
        "tests/dfdetect/render/figures/test_drawing.py",
        "tests/dfdetect/report/test_tables.py",
    ]
    assert mutate.tests_of("face_extraction/png.py", tests)[0] == "tests/face_extraction/test_images.py"
    assert all((tests / test).is_file() for found in mutate.MORE.values() for test in found)
