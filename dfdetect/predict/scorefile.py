"""A file of verdicts, a line of JSON each, that a second call goes on with where the first was cut."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from face_extraction.errors import InputError
from face_extraction.ledger import FAILED, PROCESS_ENDED
from face_extraction.lines import cut_torn_line, torn_line, whole_lines
from face_extraction.lock import held

_START = b'{"file": '  # of every line


class Outcome(NamedTuple):
    """What became of a file.

    Attributes:
        fake: whether it is called fake; None where there is no verdict.
        reason: why there is none, or what was wrong; "" if nothing.
        detail: the same, in words.
    """

    fake: bool | None
    reason: str
    detail: str = ""

    @property
    def is_final(self) -> bool:
        """Whether another call leaves the file alone.

        A file that could not be opened is tried again. One that killed the process that read it is not: it
        would do so in each call.
        """
        return self.reason != FAILED or self.detail.startswith(PROCESS_ENDED)


class ScoreFile:
    """The open file: what it holds, and a way to append.

    Attributes:
        done: what became of the files that have a row, by their name. Those that could not be opened or
            read are not among them: they are tried again, and their last row counts. See `Outcome.is_final`.
    """

    def __init__(self, handle: IO[bytes], done: Mapping[str, Outcome]) -> None:
        self._handle = handle
        self.done = done

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one row, whose first key is "file"."""
        self._handle.write(json.dumps(row, allow_nan=False).encode() + b"\n")
        self._handle.flush()


@contextmanager
def open_scores(path: Path, about: Mapping[str, Any]) -> Iterator[ScoreFile]:
    """Take up a file of scores, or make it; one process at a time.

    A torn last line is cut off, unless it cannot have been a row.

    Args:
        path: the file.
        about: what every row holds beside its verdict, of the model and how faces are found.

    Raises:
        InputError: it is no regular file, another process writes into it, it holds other things than rows,
            or `about` differs.
    """
    if (path.exists() and not path.is_file()) or Path("/dev") in path.absolute().parents:
        raise InputError(f"--out {path}: not a regular file; lines on standard output come with --jsonl")
    with held(path.with_name(f"{path.name}.lock"), path), path.open("a+b") as handle:
        done = _read(path, json.loads(json.dumps(about)))
        if not _START.startswith(torn_line(handle)[: len(_START)]):
            raise _strange(f"{path}, last line")
        cut_torn_line(handle)
        yield ScoreFile(handle, done)


def _read(path: Path, about: Mapping[str, Any]) -> dict[str, Outcome]:
    """What became of each file."""
    done: dict[str, Outcome] = {}
    for number, line in whole_lines(path):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
            name, outcome = row["file"], Outcome(row["fake"], row["reason"], row["detail"])
            differs = next((key for key in about if row[key] != about[key]), "")
        except (ValueError, TypeError, KeyError):
            raise _strange(where) from None
        if differs:
            told = f"{differs} {row[differs]!r}, now {about[differs]!r}"
            raise InputError(f"{where}: written with {told}; give another --out")
        done[name] = outcome
    return {name: outcome for name, outcome in done.items() if outcome.is_final}


def _strange(where: str) -> InputError:
    return InputError(f"{where}: no verdict of dfdetect.predict; give another --out")
