"""`python -m benchmarks.kill`: kill long commands at random moments; they must lose nothing.

Each command runs once without a kill. Then, in a fresh folder, it is killed with SIGKILL after a random part
of that time and started again, until it ends by itself, or was killed ten times and is left to end. Its
folder must then equal the uninterrupted command's. Exit status 1: something differs.

A kill counts as one in the work if the command had a file in its folder open, else as one during start-up.
This is read from /proc, so on Linux alone.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from face_extraction.atomic import TEMPORARY
from face_extraction.progress import progress

Outcome = dict[str, Any]
MOST = 10  # kills of one folder, so that a slow machine finishes some rounds too
START, WORK, ENDED = "in start-up", "in work", "ended before"


@dataclass(frozen=True)
class Command:
    """A long command.

    Attributes:
        argv: the arguments of `python`, given the folder that it writes into.
        outcome: reads what it left in that folder, without times.
        ending: arguments that a user adds to the last call.
    """

    argv: Callable[[Path], list[str]]
    outcome: Callable[[Path], Outcome]
    ending: tuple[str, ...] = ()


@dataclass
class Tally:
    """What became of one command.

    Attributes:
        seconds: that it takes without a kill.
        rounds: fresh folders.
        moments: how many starts were killed during start-up or in the work, or ended before their moment.
        faults: a line per difference.
    """

    seconds: float
    rounds: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """The starts that were killed."""
        return self.moments[START] + self.moments[WORK]


def main(argv: Sequence[str] | None = None) -> int:
    """Kill each command, print a table, and return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.kill", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="for each command (default: 50)")
    parser.add_argument("--command", action="append", choices=NAMES, help="one of them (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="gives the random moments (default: 0)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        commands = make_commands(Path(folder) / "material", args.command or NAMES)
        tallies = {}
        for name, command in commands.items():
            tallies[name] = check(command, Path(folder) / name, args.kills, random.Random(args.seed))
            if tallies[name].kills < args.kills:
                break
    print(table(tallies))
    return int(any(tally.faults for tally in tallies.values()))


def table(tallies: dict[str, Tally]) -> str:
    """Each command's kills as text, then each difference."""
    lines = [
        f"{'command':<10}{'seconds':>9}{'rounds':>8}{'kills':>7}{START:>13}{WORK:>9}{ENDED:>14}{'differences':>13}"
    ]
    for name, tally in tallies.items():
        moments = tally.moments
        lines.append(
            f"{name:<10}{tally.seconds:>9.1f}{tally.rounds:>8}{tally.kills:>7}{moments[START]:>13}"
            f"{moments[WORK]:>9}{moments[ENDED]:>14}{len(tally.faults):>13}"
        )
    return "\n".join(
        [*lines, *(f"{name}: {fault}" for name, tally in tallies.items() for fault in tally.faults)]
    )


def check(command: Command, home: Path, kills: int, rng: random.Random) -> Tally:
    """Kill a command `kills` times, in as many fresh folders as needed; Ctrl-C makes this round the last."""
    home.mkdir(parents=True)
    start = time.monotonic()
    _run(command.argv(home / "whole"))
    tally = Tally(time.monotonic() - start)
    expected = _left(command, home / "whole")
    with progress(home.name, kills, unit="kills") as advance:
        while tally.kills < kills:
            tally.rounds += 1
            out = home / f"killed-{tally.rounds}"
            moment, last = "", min(kills, tally.kills + MOST)
            try:
                while tally.kills < last and moment != ENDED:
                    moment = _start_and_kill(command.argv(out), out, rng.uniform(0, tally.seconds))
                    tally.moments[moment] += 1
                    advance(int(moment != ENDED))
            except KeyboardInterrupt:
                kills, moment = tally.kills, ""
            if moment != ENDED or command.ending:
                _run([*command.argv(out), *command.ending])
            found = _left(command, out)
            tally.faults += [
                f"round {tally.rounds}: {name} differs"
                for name in sorted(expected.keys() | found.keys())
                if expected.get(name) != found.get(name)
            ]
    return tally


def _left(command: Command, out: Path) -> Outcome:
    """The command's outcome, and temporary files that nobody deleted."""
    temporary = sorted(str(path.relative_to(out)) for path in out.rglob(f"{TEMPORARY}*"))
    return {**command.outcome(out), "temporary files": temporary}


def _run(argv: Sequence[str]) -> None:
    _start_and_kill(argv, Path(), None)


def _start_and_kill(argv: Sequence[str], out: Path, seconds: float | None) -> str:
    """Start a command, and kill it with all its processes after `seconds`; tells the moment of its end."""
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, *argv], stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        ) as process,
    ):
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            moment = WORK if _has_open(process.pid, out) else START
            os.killpg(process.pid, signal.SIGKILL)
            return moment
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        _check_status(status, argv, said)
    return ENDED


def _check_status(status: int, argv: Sequence[str], said: IO[str]) -> None:
    if status not in (0, 1):
        said.seek(0)
        raise SystemExit(f"{' '.join(argv)}: exit status {status}\n{said.read()[-2000:]}")


def _has_open(pid: int, folder: Path) -> bool:
    """Whether a process has a file below `folder` open."""
    inside = f"{folder.resolve()}/"
    try:
        return any(os.readlink(link).startswith(inside) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # It ends just now, or this is no Linux.
        return False


NAMES = ("extract", "landmarks", "train", "tune", "predict")


def make_commands(material: Path, names: Sequence[str]) -> dict[str, Command]:
    """The commands with these names, and the drawn videos, faces and run that they need."""
    from dfdetect.sample.sample_set import draw_sample

    raw, faces, run = material / "raw", material / "faces", material / "run"
    draw_sample(raw, pairs=3, seconds=1.0)
    extract = ["-m", "face_extraction", "folders", "--root", str(raw), "--workers", "2"]
    extract += ["--faces-per-video", "5", "--out"]
    small = ["--manifest", str(faces / "manifest.csv"), "--split", "group", "--model", "custom_cnn"]
    small += ["--image-size", "32", "--batch-size", "8", "--augment", "none"]
    train = ["-m", "dfdetect.train", *small, "--epochs", "6", "--out"]
    tune = ["-m", "tuning", *small, "--epochs", "2", "--trials", "3", "--strategy", "random", "--out"]
    if set(names) - {"extract"}:
        _run([*extract, str(faces)])
    if "predict" in names:
        _run([*train, str(run)])

    def find_landmarks(out: Path) -> list[str]:
        if not out.exists():
            shutil.copytree(faces, out)
        return ["-m", "face_extraction", "landmarks", str(out), "--workers", "2"]

    commands = {
        "extract": Command(lambda out: [*extract, str(out)], files_left),
        "landmarks": Command(find_landmarks, files_left),
        "train": Command(lambda out: [*train, str(out)], _training),
        # A search gives a trial up in which three workers died, and names the flag that tries it again.
        "tune": Command(lambda out: [*tune, str(out / "best.toml")], _trials, ("--retry-failed",)),
        "predict": Command(
            lambda out: ["-m", "dfdetect.predict", str(run), str(raw), "--out", str(_made(out) / "s.jsonl")],
            _scores,
        ),
    }
    return {name: commands[name] for name in names}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def files_left(out: Path) -> Outcome:
    """The hash of each crop and table; temporary files, the journal and locks do not count."""
    left = ("journal.jsonl", ".lock")
    paths = [path for path in out.rglob("*") if path.is_file() and path.name not in left]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _training(out: Path) -> Outcome:
    tables = {path.name: path.read_text() for path in out.glob("predictions-*.csv")}
    names = sorted(path.name for path in out.iterdir() if path.name != ".lock")
    return {
        "history": _rows(out / "history.csv"),
        "metrics": (out / "metrics.json").read_text(),
        "names": names,
        **tables,
    }


def _trials(out: Path) -> Outcome:
    return {"trials": _rows(out / "best" / "trials.csv"), "best": (out / "best.toml").read_text()}


def _rows(path: Path) -> list[dict[str, str]]:
    """A table without times and the process that made each row."""
    with path.open(newline="") as handle:
        return [
            {name: value for name, value in row.items() if "second" not in name and name != "worker"}
            for row in csv.DictReader(handle)
        ]


def _scores(out: Path) -> Outcome:
    rows = [json.loads(line) for line in (out / "s.jsonl").read_text().splitlines()]
    return {"files": [row["file"] for row in rows], **{row["file"]: row for row in rows}}


if __name__ == "__main__":
    sys.exit(main())
