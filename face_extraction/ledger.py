"""The ledger: every item that gave no face, or could not be read completely, and the reason."""

import csv
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from face_extraction.atomic import write_csv
from face_extraction.errors import InputError, check_name, one_line

NO_FACE, SEVERAL_FACES, TOO_SMALL = "no_face", "several_faces", "too_small"
UNREADABLE, TRUNCATED, DAMAGED = "unreadable", "truncated", "damaged"
TOO_FEW, TOO_MANY = "too_few_faces", "too_many_faces"
MISSING, UNLISTED, DOUBLED, FAILED = "missing", "unlisted", "doubled", "failed"

REASONS = {
    NO_FACE: "the detector found no face",
    SEVERAL_FACES: "more than one face, where exactly one was wanted",
    TOO_SMALL: "all faces found are smaller than the smallest one wanted",
    UNREADABLE: "the file cannot be decoded",
    TRUNCATED: "the video ends before its container says; the readable part was used",
    DAMAGED: "some wanted frames of the video cannot be decoded; the others were used",
    TOO_FEW: "fewer frames with a face than the model needs for a clip",
    TOO_MANY: "more faces than a verdict's share of memory holds",
    MISSING: "the data set's own list names it, but the file is not there",
    UNLISTED: "the file is there, but the data set's own list does not name it",
    DOUBLED: "the same video or crop is there twice; the first was used",
    FAILED: "the file could not be opened or read, or an unforeseen error; the next start tries again",
}
COLUMNS = ("path", "reason", "detail")
PROCESS_ENDED = "its process was ended"
"""How the detail of a file begins that killed the process that read it."""
OVERTIME = "it took longer than the time limit"
"""The detail of a file whose process was stopped at the time limit."""


class ItemFailed(Exception):
    """One item (photo, frame or video) that gave no face; it does not stop the others.

    Attributes:
        reason: one of `REASONS`.
        detail: the exact problem, in a few words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


def without_faces(reasons: Counter[str]) -> ItemFailed:
    """The failure of a video without a face in any frame: the commonest of its frames' reasons.

    Args:
        reasons: each reason, and how many frames had it.
    """
    counts = ", ".join(f"{reason} in {count}" for reason, count in reasons.most_common())
    detail = f"of {reasons.total()} frames searched: {counts}"
    return ItemFailed(reasons.most_common(1)[0][0], detail)


def process_ended(exit_code: int | None) -> str:
    """The detail of a file that killed the process that read it."""
    return f"{PROCESS_ENDED} (exit code {exit_code}; out of memory?)"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One line of the ledger.

    Attributes:
        path: the item's file, relative to the data set's root, with forward slashes.
        reason: one of `REASONS`.
        detail: the exact problem, in a few words.
    """

    path: str
    reason: str
    detail: str


def write_ledger(path: Path, rows: Iterable[LedgerRow]) -> None:
    """Write `rows` as CSV, atomically, in the order given; without rows, only the header.

    Bytes of a file name that are not valid UTF-8 are written as escapes.
    """
    write_csv(path, COLUMNS, ([as_text(value) for value in astuple(row)] for row in rows))


def renew_ledger(path: Path, rows: Collection[LedgerRow]) -> None:
    """Write `rows` as `write_ledger` does; without rows there is no file, and an earlier one goes."""
    if rows:
        write_ledger(path, rows)
    else:
        path.unlink(missing_ok=True)


def as_text(name: str) -> str:
    """`name`, as Python reads a file's name, as text that UTF-8 can hold."""
    return name.encode("utf-8", "backslashreplace").decode()


def read_ledger(path: Path) -> list[LedgerRow]:
    """Read a file that `write_ledger` wrote.

    Raises:
        InputError: the file is missing, has other columns, or names an unknown reason.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such ledger")
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            lines = list(csv.reader(handle))
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file ({one_line(error)})") from None
    if tuple(lines[0] if lines else ()) != COLUMNS:
        raise InputError(f"{path}: not a ledger; its columns must be {', '.join(COLUMNS)}")
    rows = []
    for number, values in enumerate(lines[1:], start=2):
        if len(values) != len(COLUMNS):
            raise InputError(f"{path}, row {number}: {len(values)} values for {len(COLUMNS)} columns")
        row = LedgerRow(*values)
        check_name("reason", row.reason, REASONS, f"{path}, row {number}")
        rows.append(row)
    return rows
