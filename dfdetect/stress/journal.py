"""The file of results: a line for each finished part, so that a killed run goes on where it stopped."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from dfdetect.metrics.estimates import Estimate, with_nan
from dfdetect.stress.measuring import ESTIMATES, Row
from face_extraction.atomic import write_text
from face_extraction.errors import InputError
from face_extraction.journal import first_difference
from face_extraction.json_file import parse_json
from face_extraction.lines import LineFile, json_line, whole_lines


class _Row(msgspec.Struct):
    severity: float
    n: int
    n_groups: int
    estimates: dict[str, dict[str, float | None]]


class _Entry(msgspec.Struct):
    kind: str
    rows: list[_Row]


class Journal:
    """The open file.

    Attributes:
        rows: the rows of each kind that is finished, and those of each attack, mild first.
    """

    def __init__(self, lines: LineFile, rows: dict[str, list[Row]]) -> None:
        self._lines = lines
        self.rows = rows

    def add(self, kind: str, rows: Sequence[Row]) -> None:
        """Append finished rows of a kind."""
        self._lines.add({"kind": kind, "rows": [_plain(row) for row in rows]})
        self.rows.setdefault(kind, []).extend(rows)

    def severities(self, kind: str) -> set[float]:
        """The severities of a kind that are finished."""
        return {row.severity for row in self.rows.get(kind, ())}


@contextmanager
def open_journal(path: Path, header: Mapping[str, Any]) -> Iterator[Journal]:
    """Take up a file of results, or make it; a torn last line is cut off.

    Args:
        path: the file.
        header: what decides the results, as JSON has it; the first line.

    Raises:
        InputError: the file holds other results, or none at all.
    """
    if not path.exists():
        write_text(path, json_line(header))
    rows = _read(path, header)
    with closing(LineFile(path)) as lines:
        yield Journal(lines, rows)


def _read(path: Path, header: Mapping[str, Any]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    lines = whole_lines(path)
    _, first = next(lines, (1, b"null"))
    try:
        before = parse_json(first)
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise InputError(f"{path}: no results of dfdetect.stress; give another --out")
    if name := first_difference(before, json.loads(json.dumps(header))):
        raise InputError(
            f"{path}: made with {name} {before.get(name)!r}, now {header.get(name)!r}; give another "
            "--out, or delete that file"
        )
    for number, line in lines:
        try:
            entry = msgspec.convert(parse_json(line), _Entry)
            own = rows.setdefault(entry.kind, [])
            own += map(_row, entry.rows)
            if len({row.severity for row in own}) < len(own):
                raise ValueError(f"a severity of {entry.kind} stands twice")
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}, line {number}: damaged ({error}); delete the file") from None
    return rows


def _row(record: _Row) -> Row:
    """A row as it was written.

    Raises:
        ValueError: an estimate is missing, unknown or out of range.
    """
    if set(record.estimates) != ESTIMATES:
        raise ValueError(f"estimates of {', '.join(record.estimates)}")
    ends = [end for each in record.estimates.values() for end in each.values() if end is not None]
    if not all(-1 <= end <= 1 for end in ends) or not math.isfinite(record.severity):
        raise ValueError("a number out of range")
    estimates = {name: Estimate(**with_nan(ends)) for name, ends in record.estimates.items()}
    return Row(record.severity, record.n, record.n_groups, estimates)


def _plain(row: Row) -> dict[str, Any]:
    return {**vars(row), "estimates": {name: each.to_dict() for name, each in row.estimates.items()}}
