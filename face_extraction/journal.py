"""The journal: one line for each finished item, so that a stopped extraction can continue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from face_extraction.atomic import write_text
from face_extraction.digest import FileMark
from face_extraction.errors import InputError
from face_extraction.json_file import parse_json
from face_extraction.ledger import LedgerRow
from face_extraction.lines import LineFile, json_line, whole_lines
from face_extraction.manifest import Box
from face_extraction.paths import relative_path

JOURNAL_FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class FaceRow:
    """One crop of an item; its fields mean the same as in `FaceSample`.

    `file` is the crop as written; None before it is written.
    """

    path: str
    frame: int = 0
    time: float = 0.0
    box: Box = Box(0, 0, 0, 0)
    width: int = 0
    height: int = 0
    person: int = 0
    rotation: int = 0
    found_by: str = ""
    file: FileMark | None = None


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of one item.

    Attributes:
        path: the item's file, relative to the root.
        faces: its crops, already written.
        ledger: its problems.
        file: the item's file as it was read; None if it could not be read.
    """

    path: str
    faces: Sequence[FaceRow]
    ledger: Sequence[LedgerRow]
    file: FileMark | None = None


# The data's folder. Only this may differ, because the same data can be moved or mounted elsewhere.
ROOT = "root"
# Raise this when older journals can no longer be read.
VERSION = ("journal", 2)


class Journal:
    """Appends finished items to a file, and finds them again there.

    The first line says what made the items, and from what. The next start cuts off a torn last line.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_FILE
        self.root = ""
        self._lines: LineFile | None = None

    def start(self, header: dict[str, Any]) -> dict[str, ItemResult]:
        """Open the journal, and compare `header`, except the root, with an earlier run's.

        `root` then holds the earlier run's root.

        Returns:
            the finished items by their path.

        Raises:
            InputError: the journal belongs to other settings, or is damaged.
        """
        header = dict([VERSION]) | header
        if not self.path.exists():
            write_text(self.path, json_line(header))
        before = _read_header(self.path)
        self._check_header(header, before)
        finished = _read_items(self.path)
        self.root = str(before.get(ROOT))
        self._lines = LineFile(self.path)
        return finished

    def add(self, result: ItemResult) -> None:
        """Append one finished item. Write its crops before."""
        if self._lines is None:
            raise RuntimeError("start() opens the journal. Received: add() before it")
        self._lines.add(asdict(result))

    def close(self) -> None:
        """Close the file."""
        if self._lines is not None:
            self._lines.close()

    def _check_header(self, header: dict[str, Any], before: dict[str, Any]) -> None:
        now = json.loads(json.dumps(header))
        name = first_difference(before, now)
        if name:
            raise InputError(
                f"{self.path}: made with {name} {before.get(name)}, now {now.get(name)}; "
                "choose another --out, or start afresh with --overwrite"
            )


def first_difference(header: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first name, except the root, under which two headers differ; "" if none."""
    names = (name for name in {**other, **header} if name != ROOT)
    return next((name for name in names if header.get(name) != other.get(name)), "")


def read_journal(folder: Path) -> tuple[dict[str, Any], dict[str, ItemResult]]:
    """The first line of the journal in `folder`, and the finished items as in `Journal.start`.

    Raises:
        InputError: the journal is missing, damaged, or of an earlier version.
    """
    path = folder / JOURNAL_FILE
    if not path.is_file():
        raise InputError(f"{folder}: no extraction (it has no {JOURNAL_FILE})")
    header = _read_header(path)
    name, version = VERSION
    if header.get(name) != version:
        raise InputError(f"{path}: written by another version of face_extraction; extract again")
    return header, _read_items(path)


def _read_header(path: Path) -> dict[str, Any]:
    _, first = next(whole_lines(path), (1, b"null"))
    try:
        header = parse_json(first)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError(f"{path}: not a journal of an extraction; --overwrite starts afresh")
    return header


def _read_items(path: Path) -> dict[str, ItemResult]:
    finished = {}
    for number, line in whole_lines(path):
        if number == 1:
            continue
        where = f"{path}, line {number}"
        try:
            result = msgspec.convert(parse_json(line), ItemResult)
        except ValueError:
            raise InputError(f"{where}: damaged; --overwrite starts afresh") from None
        # These paths decide where crops are deleted and written.
        faces = [replace(face, path=relative_path(face.path, where)) for face in result.faces]
        finished[result.path] = replace(result, faces=faces)
    return finished
