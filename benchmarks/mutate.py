"""`python -m benchmarks.mutate`: change the code in one place, and see whether a test fails.

Such a mutant is one change of one token: a comparison, a sign, a constant, a condition, or a statement that
goes. The test files that mirror the changed file run on it, and a declared few. A mutant that no test kills
shows a missing test, or a change that means nothing. All happens in copies of the tree. The same command,
given again, goes on where it was stopped.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("benchmarks", "dfdetect", "docs", "face_extraction", "packaging", "reports", "tests", "tuning")
# What each test process would import anew. None of it may be a part of the tree.
HEAVY = (
    *("tensorflow", "keras", "sklearn.linear_model", "matplotlib.figure", "cv2", "dlib", "av", "scipy.stats"),
    *("optuna", "sqlalchemy", "faiss", "jinja2", "h5py", "hypothesis", "pytest"),
)
# Tests that run besides the mirroring ones, after them, for a file or for what lies in a folder.
MORE = {
    "face_extraction/boxes.py": ("face_extraction/test_video.py", "face_extraction/test_worker.py"),
    "face_extraction/png.py": ("face_extraction/test_images.py", "face_extraction/test_picture.py"),
    "face_extraction/images.py": ("face_extraction/test_heif.py",),
    "dfdetect/runs/scoring.py": ("dfdetect/runs/test_lineage.py",),
    "dfdetect/runs/results.py": ("dfdetect/evaluate/test_showing.py",),
    "dfdetect/runs/exported.py": ("dfdetect/pretrained/test_graph.py",),
    "dfdetect/train/optimization.py": ("dfdetect/train/test_fitting.py",),
    "dfdetect/report/__main__.py": ("dfdetect/report/test_recheck.py",),
    "dfdetect/data/faces.py": ("dfdetect/data/test_paired.py", "dfdetect/data/test_clips.py"),
    "dfdetect/data/pipeline.py": ("dfdetect/data/test_paired.py",),
    "dfdetect/data/features.py": ("tuning/test_features.py",),
    "dfdetect/train": ("dfdetect/train/test_main.py",),
    "dfdetect/data": ("dfdetect/train/test_main.py",),
    "dfdetect/runs": ("dfdetect/train/test_main.py",),
    "dfdetect/audit": ("dfdetect/audit/test_registry.py", "dfdetect/audit/test_main.py"),
    "dfdetect/render": ("dfdetect/report/test_tables.py",),
    "dfdetect/report": ("dfdetect/report/test_tables.py", "dfdetect/report/test_main.py"),
    "face_extraction": ("face_extraction/test_extract.py",),
}
COMPARISONS = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
}  # fmt: skip
SIGNS = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "*"),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: the file, relative to the tree.
        line: the number of the line that changes, from 1.
        start: the first byte of the file that goes.
        end: the byte after the last one.
        text: what stands there instead.
        kind: what kind of change it is.
    """

    file: str
    line: int
    start: int
    end: int
    text: str
    kind: str

    def apply(self, content: bytes) -> bytes:
        """The file's content with the change."""
        return content[: self.start] + self.text.encode() + content[self.end :]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the mutants, print what became of them, and return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.mutate", description=__doc__.partition("\n\n")[0])
    parser.add_argument("paths", nargs="+", help="files or folders of the tree to change")
    parser.add_argument("--mutants", type=int, default=100, metavar="N", help="how many (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws others (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a row for each, *.jsonl")
    parser.add_argument(
        "--tests", type=Path, default=ROOT / "tests", metavar="DIR", help="the tests to run (default: tests)"
    )
    parser.add_argument(
        "--survivors",
        type=Path,
        metavar="FILE",
        help="try only the mutants that survived in this earlier --out",
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument(
        "--seconds", type=int, default=240, metavar="S", help="most CPU time of one (default: 240)"
    )
    args = parser.parse_args(argv)
    mutants = draw(ROOT, args.paths, args.mutants, args.seed)
    if args.survivors:
        left = {key(row) for row in read_rows(args.survivors) if row["outcome"] == "survived"}
        mutants = [mutant for mutant in mutants if key(asdict(mutant)) in left]
    done = {key(row) for row in read_rows(args.out)}
    todo = [mutant for mutant in mutants if key(asdict(mutant)) not in done]
    with tempfile.TemporaryDirectory() as folder:
        trees = [Path(folder) / str(number) for number in range(args.workers)]
        for tree in trees:
            copy_tree(ROOT, tree, args.tests)
        with args.out.open("a", buffering=1) as file:
            for row in run(todo, trees, args.seconds):
                file.write(json.dumps(row) + "\n")
                print(f"{row['outcome']:<9} {row['file']}:{row['line']} {row['change']}", flush=True)
    wanted = {key(asdict(mutant)) for mutant in mutants}
    print(table([row for row in read_rows(args.out) if key(row) in wanted]))
    return 0


def draw(root: Path, paths: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """So many mutants of these files and folders, in random order; the same arguments draw the same."""
    files = [file for path in paths for file in sorted((root / path).rglob("*.py")) or [root / path]]
    found = [mutant for file in files for mutant in mutants_of(file.relative_to(root), file.read_bytes())]
    return random.Random(seed).sample(found, min(count, len(found)))


def mutants_of(file: Path, content: bytes) -> list[Mutant]:
    """Every mutant of a file."""
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def begin(node: Any) -> int:
        return int(starts[node.lineno - 1] + node.col_offset)

    def end(node: Any) -> int:
        return int(starts[node.end_lineno - 1] + node.end_col_offset)

    found: list[Mutant] = []

    def add(kind: str, line: int, start: int, stop: int, text: str) -> None:
        found.append(Mutant(file.as_posix(), line, start, stop, text, kind))

    def swap(kind: str, left: Any, right: Any, old: str, new: str) -> None:
        """Exchange the operator between two operands."""
        place = content.find(old.encode(), end(left), begin(right))
        if place >= 0:
            line = content.count(b"\n", 0, place) + 1
            add(kind, line, place, place + len(old), new)

    for node in _code(ast.parse(content)):
        match node:
            case ast.Compare():
                for left, sign, right in zip(
                    [node.left, *node.comparators], node.ops, node.comparators, strict=False
                ):
                    swap("comparison", left, right, *COMPARISONS[type(sign)])
            case ast.BinOp() if type(node.op) in SIGNS:
                swap("sign", node.left, node.right, *SIGNS[type(node.op)])
            case ast.BoolOp():
                old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                swap("condition", node.values[0], node.values[1], old, new)
            case ast.If() | ast.While() | ast.IfExp():
                test = content[begin(node.test) : end(node.test)].decode()
                add("negation", node.test.lineno, begin(node.test), end(node.test), f"(not ({test}))")
            case ast.Constant(value=bool() as value):
                add("constant", node.lineno, begin(node), end(node), str(not value))
            case ast.Constant(value=int() | float() as value):
                add("constant", node.lineno, begin(node), end(node), repr(value + 1))
            case ast.Return(value=value) if value is not None and ast.unparse(value) != "None":
                add("statement", node.lineno, begin(node), end(node), "return None")
            case ast.Raise() | ast.Continue() | ast.Break() | ast.Return():
                add("statement", node.lineno, begin(node), end(node), "pass")
    return found


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it but types, which mean nothing when the code runs."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.AST):
                yield child
                yield from _code(child)


def tests_of(file: str, tests: Path) -> list[str]:
    """The test files that run on a mutant of a file, relative to the tree: the mirroring one comes first.

    A file without one has the tests of its folder that name its module; if there are none, and MORE does not
    name the file either, all of that folder.
    """
    path = Path(file)
    name = "main" if path.stem == "__main__" else path.stem
    mirrors = [tests / path.parent / f"test_{name}.py"]
    if not mirrors[0].is_file():
        beside = sorted((tests / path.parent).glob("test_*.py"))
        module = ".".join(path.with_suffix("").parts)
        named = [test for test in beside if module in test.read_text()]
        mirrors = named if named or file in MORE else beside
    more = [tests / test for folder, found in MORE.items() if file.startswith(folder) for test in found]
    return [f"tests/{test.relative_to(tests).as_posix()}" for test in dict.fromkeys([*mirrors, *more])]


def copy_tree(root: Path, tree: Path, tests: Path) -> None:
    """Copy the tree with these tests; what lies beside the checkout is found beside the copy too."""
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for path in root.iterdir():
        if path.is_file():
            tree.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tree / path.name)
        elif path.name in COPIED:
            shutil.copytree(tests if path.name == "tests" else path, tree / path.name, ignore=skip)
    shared = root.parent / "shared"
    if shared.is_dir() and not (tree.parent / "shared").exists():
        (tree.parent / "shared").symlink_to(shared)


def run(mutants: Sequence[Mutant], trees: Sequence[Path], seconds: int) -> Iterator[dict[str, Any]]:
    """Run the tests on each mutant, one at a time in each tree; yields a row for each.

    Args:
        mutants: the mutants.
        trees: copies of the tree.
        seconds: CPU time after which a mutant counts as killed; ten times as long on the clock.
    """
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            __import__(name)
    waiting, free = list(reversed(mutants)), list(trees)
    running: dict[int, tuple[Mutant, Path, float]] = {}
    while waiting or running:
        while waiting and free:
            mutant, tree = waiting.pop(), free.pop()
            running[_start(mutant, tree, seconds)] = mutant, tree, time.monotonic()
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            time.sleep(0.1)
            for late, (_, _, start) in running.items():
                if time.monotonic() - start > 10 * seconds:
                    os.killpg(late, signal.SIGKILL)
            continue
        mutant, tree, start = running.pop(process)
        content = (tree / mutant.file).with_suffix(".before").read_bytes()
        (tree / mutant.file).write_bytes(content)
        free.append(tree)
        yield {
            **asdict(mutant),
            "change": f"{content[mutant.start : mutant.end].decode()} -> {mutant.text}",
            "outcome": _outcome(status),
            "test": _failed(tree / "log"),
            "seconds": round(time.monotonic() - start, 1),
        }


def _start(mutant: Mutant, tree: Path, seconds: int) -> int:
    """Change the file in the tree, and run its tests in a fork of this process; returns its number."""
    file = tree / mutant.file
    content = file.read_bytes()
    file.with_suffix(".before").write_bytes(content)
    file.write_bytes(mutant.apply(content))
    tests = tests_of(mutant.file, tree / "tests")
    process = os.fork()
    if process:
        return process
    status = 3
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        log = os.open(tree / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        os.chdir(tree)
        os.environ |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # no test needs one, and some take seconds
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(tree))
        for name in [name for name in sys.modules if name.partition(".")[0] in COPIED]:
            del sys.modules[name]
        import pytest

        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=line", *tests]))
    finally:
        print(end="", flush=True)
        os._exit(status)


def _outcome(status: int) -> str:
    """What pytest's exit status says: 0 is a success, 5 means that there was no test."""
    if os.WIFSIGNALED(status):
        return "too long" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else "killed"
    return {0: "survived", 5: "no tests"}.get(os.WEXITSTATUS(status), "killed")


def _failed(log: Path) -> str:
    """The test that failed, by the log of pytest; "" if none did."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line for line in lines if line.startswith(("FAILED ", "ERROR "))), "")[:200]


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a mutant from the others."""
    return row["file"], row["start"], row["end"], row["text"]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier run; none if there was none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def table(rows: Sequence[dict[str, Any]]) -> str:
    """How many mutants of each file were killed, then those that survived."""
    lines = [f"{'file':<48}{'mutants':>8}{'killed':>8}"]
    counts = Counter(row["file"] for row in rows)
    killed = Counter(row["file"] for row in rows if row["outcome"] in ("killed", "too long"))
    lines += [f"{file:<48}{counts[file]:>8}{killed[file]:>8}" for file in sorted(counts)]
    lines.append(f"{'all':<48}{sum(counts.values()):>8}{sum(killed.values()):>8}")
    left = (row for row in rows if row["outcome"] not in ("killed", "too long"))
    return "\n".join(
        [*lines, *(f"{row['outcome']}: {row['file']}:{row['line']} {row['change']}" for row in left)]
    )


if __name__ == "__main__":
    sys.exit(main())
