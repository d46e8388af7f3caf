"""Where a test lies: the test of x/y.py is tests/x/test_y.py, so that nobody has to search for it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# Tests of several files at once: contracts that every entry of a registry keeps, and what a user meets.
CROSSING = {
    "test_doctest.py": "examples in docstrings",
    "test_layout.py": "this rule",
    "test_readme.py": "what README.md and docs/ say",
    "dfdetect/test_package.py": "public names and commands",
    "dfdetect/test_clip_models.py": "models over clips, from training to verdicts",
    "dfdetect/audit/test_kinds.py": "every kind of leak",
    "dfdetect/explain/test_methods.py": "every method of explanation",
    "dfdetect/fakes/test_kinds.py": "every kind of fake",
    "dfdetect/models/test_contract.py": "every model",
    "dfdetect/models/test_jax.py": "every model on another backend",
    "dfdetect/report/test_committed.py": "the reports under reports/",
    "dfdetect/train/test_paired.py": "trainings on pairs, from the manifest on",
    "face_extraction/sources/test_contract.py": "every data set",
}


def source_of(test: Path) -> Path:
    """The file that a test is of; `__main__.py` for test_main.py."""
    name = test.stem.removeprefix("test_")
    return ROOT / test.relative_to(TESTS).parent / (f"__{name}__.py" if name == "main" else f"{name}.py")


@pytest.mark.parametrize(
    "test", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS))
)
def test_each_test_has_its_source(test):
    name = test.relative_to(TESTS).as_posix()
    assert source_of(test).is_file() != (name in CROSSING), f"no {source_of(test)}, or needlessly in CROSSING"


def test_the_exceptions_are_there():
    assert not [name for name in CROSSING if not (TESTS / name).is_file()]
