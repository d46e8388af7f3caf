"""Rules of form: the test of x/y.py is tests/x/test_y.py, and no function takes a heap of parameters."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# Tests of several files at once: contracts that every entry of a registry keeps, and what a user meets.
CROSSING = {
    "test_doctest.py": "examples in docstrings",
    "test_help.py": "every command and benchmark",
    "test_layout.py": "this rule",
    "test_readme.py": "what README.md and docs/ say",
    "dfdetect/test_clip_models.py": "models over clips, from training to verdicts",
    "dfdetect/models/test_contract.py": "every model",
    "dfdetect/models/test_jax.py": "every model on another backend",
    "dfdetect/report/test_committed.py": "the reports under reports/",
    "dfdetect/train/test_paired.py": "trainings on pairs, from the manifest on",
    "face_extraction/sources/test_contract.py": "every data set",
}

MOST_PARAMETERS = 5
# Functions that may take more, each with the reason.
MANY = {
    "dfdetect/models/build.py build_model": "the public constructor: keywords with defaults, as in Keras",
    "face_extraction/sources/folders.py folders": "a data set's options on the command line are its keywords",
    "face_extraction/sources/lists.py listed": "a data set's options on the command line are its keywords",
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


def with_many_parameters(path: Path) -> list[str]:
    """The functions of a file with more than `MOST_PARAMETERS`, without self, *args and **kwargs."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if len([one for one in given if one.arg not in ("self", "cls")]) > MOST_PARAMETERS:
                found.append(f"{path.relative_to(ROOT).as_posix()} {node.name}")
    return found


def test_more_than_five_parameters_are_carried_by_a_type():
    folders = ("dfdetect", "face_extraction", "tuning", "benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert sorted(name for path in files for name in with_many_parameters(path)) == sorted(MANY)


def doors() -> list[str]:
    """The files and folders in CONTRIBUTING.md's table; a bare name lies beside the file before it."""
    table = re.findall(r"^\| .* \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)
    found, folder = [], ""
    for name in re.findall(r"`([\w./]+(?:\.(?:py|css|toml)|/))`", " ".join(table)):
        found.append(name if "/" in name else folder + name)
        folder = found[-1].rpartition("/")[0] + "/"
    return found


@pytest.mark.parametrize("door", doors())
def test_the_doors_of_contributing_are_there(door):
    assert (ROOT / door.replace("REPORT", "report_a")).exists()


def test_the_doors_are_found():
    assert "dfdetect/train/early_stopping.py" in doors()
    assert "dfdetect/render/figures/comparison.py" in doors()
    assert len(doors()) > 30
