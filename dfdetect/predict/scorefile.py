"""A file of verdicts, one line of JSON each. A second call continues where the first was cut."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from dfdetect.verdict import Level, Record, Verdict
from face_extraction.atomic import naming
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.ledger import FAILED, PROCESS_ENDED
from face_extraction.lines import cut_torn_line, torn_line, whole_lines
from face_extraction.lock import held

_START = b'{"file": '  # of every line: `Verdict.to_json` writes the file first


class Outcome(NamedTuple):
    """What became of a file.

    Attributes:
        level: of the evidence; None where there is no verdict.
        reason: why there is none, or what was wrong; "" if nothing.
        detail: the same, in words.
        sha256: of the file judged; "" if it could not be read.
        bytes: its size.
    """

    level: Level | None
    reason: str
    detail: str = ""
    sha256: str = ""
    bytes: int = 0

    @classmethod
    def of(cls, verdict: Verdict) -> "Outcome":
        """The same of a verdict."""
        record = verdict.record
        return cls(verdict.level, verdict.reason, verdict.detail, record.sha256, record.bytes)

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

    def __init__(self, handle: IO[bytes], done: Mapping[str, Outcome], since: int) -> None:
        self._handle = handle
        self._since = since
        self.done = done

    def known(self, path: Path) -> Outcome | None:
        """What became of a file; None if it has no row, or if another file has taken its place since.

        A file's content is compared if its size is the same, but the system says that something of it changed
        after the last row was written.
        """
        outcome = self.done.get(str(path))
        if outcome is None or not outcome.sha256:
            return outcome
        try:
            stat = path.stat()
            same = stat.st_size == outcome.bytes
            if same and stat.st_ctime_ns >= self._since:
                same = file_digest(path) == outcome.sha256
        except OSError:
            return None  # Judging it gives the reason.
        return outcome if same else None

    def add(self, verdict: Verdict) -> None:
        """Append one verdict."""
        self._handle.write(verdict.to_json().encode() + b"\n")
        self._handle.flush()


@contextmanager
def open_scores(path: Path, records: Sequence[Record]) -> Iterator[ScoreFile]:
    """Take up a file of scores, or make it; one process at a time.

    A torn last line is cut off, unless it cannot have been a row.

    Args:
        path: the file.
        records: of the detector, for photos and for videos. Model, cuts and settings of every row must be
            those of one of them.

    Raises:
        InputError: it is no regular file, another process writes into it, it holds other things than rows,
            of another schema version, or of other records.
    """
    if (path.exists() and not path.is_file()) or Path("/dev") in path.absolute().parents:
        raise InputError(f"--out {path}: not a regular file; lines on standard output come with --jsonl")
    with held(path.with_name(f"{path.name}.lock"), path), naming(path), path.open("a+b") as handle:
        since = path.stat().st_mtime_ns
        done = _read(path, records)
        if not _START.startswith(torn_line(handle)[: len(_START)]):
            raise _strange(f"{path}, last line")
        cut_torn_line(handle)
        yield ScoreFile(handle, done, since)


def _read(path: Path, records: Sequence[Record]) -> dict[str, Outcome]:
    """What became of each file."""
    done: dict[str, Outcome] = {}
    known = [_decisive(record) for record in records]
    for number, line in whole_lines(path):
        where = f"{path}, line {number}"
        try:
            verdict = Verdict.from_json(line)
        except InputError:
            raise _strange(where) from None
        old = _decisive(verdict.record)
        if old not in known:
            now = min(known, key=lambda one: sum(old.get(name) != one[name] for name in one))
            differs = next(name for name in now if old.get(name) != now[name])
            told = f"{differs} {old.get(differs)!r}, now {now[differs]!r}"
            raise InputError(f"{where}: written with {told}; give another --out")
        done[verdict.file] = Outcome.of(verdict)
    return {name: outcome for name, outcome in done.items() if outcome.is_final}


def _decisive(record: Record) -> dict[str, Any]:
    """What must be the same in all rows of a file; versions and the run's name may differ."""
    cuts = record.cuts
    return {
        "model_sha256": record.model_sha256,
        "cuts": (cuts.lower, cuts.upper) if cuts else None,
        "skill": record.skill,
        "note": record.note,
        **record.settings,
    }


def _strange(where: str) -> InputError:
    return InputError(f"{where}: no verdict of dfdetect.predict; give another --out")
