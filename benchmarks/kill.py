"""`python -m benchmarks.kill`: kill long commands at random moments; they must lose nothing.

Each command runs once without a kill. Then, in a fresh folder, it is killed with SIGKILL after a random time
and started again, until it ends by itself. Its folder must then equal the uninterrupted command's. Exit
status 1: something differs.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_extraction.progress import progress

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """A long command.

    Attributes:
        argv: the arguments of `python`, given the folder that it writes into.
        outcome: reads what it left in that folder, without times.
    """

    argv: Callable[[Path], list[str]]
    outcome: Callable[[Path], Outcome]


def main(argv: Sequence[str] | None = None) -> int:
    """Kill each command, print what differed, and return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.kill", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="for each command (default: 50)")
    parser.add_argument("--command", action="append", choices=NAMES, help="one of them (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="gives the random moments (default: 0)")
    args = parser.parse_args(argv)
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        commands = make_commands(Path(folder) / "material", args.command or NAMES)
        for name, command in commands.items():
            rng = random.Random(args.seed)
            faults += [f"{name}: {fault}" for fault in check(command, Path(folder) / name, args.kills, rng)]
    print("\n".join(faults) or "nothing was lost, and nothing differs")
    return int(bool(faults))


def check(command: Command, home: Path, kills: int, rng: random.Random) -> list[str]:
    """Kill a command `kills` times, in as many fresh folders as needed; returns a line per difference."""
    start = time.monotonic()
    _run(command.argv(home / "whole"))
    seconds = time.monotonic() - start
    expected = command.outcome(home / "whole")
    faults: list[str] = []
    done = rounds = 0
    with progress(home.name, kills, unit="kills") as advance:
        while done < kills:
            rounds += 1
            out = home / f"killed-{rounds}"
            while done < kills and _killed(command.argv(out), rng.uniform(0, seconds)):
                done += 1
                advance()
            _run(command.argv(out))
            found = command.outcome(out)
            faults += [
                f"round {rounds}: {name} differs"
                for name in sorted(expected.keys() | found.keys())
                if expected.get(name) != found.get(name)
            ]
    return faults


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(argv)}: exit status {done.returncode}\n{done.stderr[-2000:]}")


def _killed(argv: Sequence[str], seconds: float) -> bool:
    """Start a command and kill it with all its processes after `seconds`; False if it ended before."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [sys.executable, *argv], stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


NAMES = ("extract", "train", "tune", "predict")


def make_commands(material: Path, names: Sequence[str]) -> dict[str, Command]:
    """The commands with these names, and the drawn videos, faces and run that they need."""
    from dfdetect.sample.sample_set import draw_sample

    raw, faces, run = material / "raw", material / "faces", material / "run"
    draw_sample(raw, pairs=4, seconds=1.0)
    extract = ["-m", "face_extraction", "folders", "--root", str(raw), "--workers", "2", "--out"]
    manifest = ["--manifest", str(faces / "manifest.csv")]
    small = [
        *manifest,
        *["--model", "custom_cnn", "--image-size", "32", "--batch-size", "8", "--augment", "none"],
    ]
    train = ["-m", "dfdetect.train", *small, "--epochs", "6", "--out"]
    tune = ["-m", "tuning", *small, "--epochs", "2", "--trials", "4", "--strategy", "random", "--out"]
    if set(names) - {"extract"}:
        _run([*extract, str(faces)])
    if "predict" in names:
        _run([*train, str(run)])
    commands = {
        "extract": Command(lambda out: [*extract, str(out)], _files),
        "train": Command(lambda out: [*train, str(out)], _training),
        "tune": Command(lambda out: [*tune, str(out / "best.toml")], _trials),
        "predict": Command(
            lambda out: ["-m", "dfdetect.predict", str(run), str(raw), "--out", str(_made(out) / "s.jsonl")],
            _scores,
        ),
    }
    return {name: commands[name] for name in names}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _files(out: Path) -> Outcome:
    """The hash of each crop and table; temporary files, the journal and locks do not count."""
    left = ("journal.jsonl", ".lock")
    paths = [path for path in out.rglob("*") if path.is_file() and path.name not in left]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _training(out: Path) -> Outcome:
    with (out / "history.csv").open(newline="") as handle:
        history = [{k: v for k, v in row.items() if "second" not in k} for row in csv.DictReader(handle)]
    tables = {path.name: path.read_text() for path in out.glob("predictions-*.csv")}
    names = sorted(path.name for path in out.iterdir() if path.name != ".lock")
    return {"history": history, "metrics": (out / "metrics.json").read_text(), "names": names, **tables}


def _trials(out: Path) -> Outcome:
    with (out / "best" / "trials.csv").open(newline="") as handle:
        rows = [{k: v for k, v in row.items() if "second" not in k} for row in csv.DictReader(handle)]
    return {"trials": rows, "best": (out / "best.toml").read_text()}


def _scores(out: Path) -> Outcome:
    rows = map(json.loads, (out / "s.jsonl").read_text().splitlines())
    return {row["file"]: row for row in rows}


if __name__ == "__main__":
    sys.exit(main())
