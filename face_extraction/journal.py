"""The journal: one line for each finished item, so that an extraction can be taken up again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from face_extraction.atomic import write_text
from face_extraction.errors import InputError
from face_extraction.ledger import LedgerRow
from face_extraction.lines import cut_torn_line, whole_lines
from face_extraction.manifest import Box

JOURNAL_FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class FaceRow:
    """One crop of an item; the fields mean what they mean in `FaceSample`."""

    path: str
    frame: int = 0
    time: float = 0.0
    box: Box = Box(0, 0, 0, 0)
    width: int = 0
    height: int = 0
    person: int = 0
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item.

    Attributes:
        path: the item's file, relative to the root.
        faces: its crops, which are written already.
        ledger: what was the matter with it.
    """

    path: str
    faces: Sequence[FaceRow]
    ledger: Sequence[LedgerRow]


# Where the data lay: that alone may differ, for the same data can be moved or mounted elsewhere.
ROOT = "root"


class Journal:
    """Appends finished items to a file, and finds them again there.

    The first line says what the items were made from and with. A torn last one is cut off at the next start.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_FILE
        self.root = ""
        self._handle: IO[bytes] | None = None

    def start(self, header: dict[str, Any]) -> dict[str, tuple[int, ItemResult]]:
        """Open the journal for `header`, which is compared with that of an earlier run, but for the root.

        `root` then tells the earlier run's.

        Returns:
            the finished items by their path, each with the size its file had, in bytes.

        Raises:
            InputError: the journal belongs to other settings, or is damaged.
        """
        if not self.path.exists():
            write_text(self.path, _line(header))
        before, finished = _read(self.path)
        self._check_header(header, before)
        self.root = str(before.get(ROOT))
        self._handle = self.path.open("r+b")
        cut_torn_line(self._handle)
        return finished

    def add(self, size: int, result: ItemResult) -> None:
        """Append one finished item, whose file has `size` bytes. Its crops must be written before."""
        if self._handle is None:
            raise RuntimeError("start() opens the journal. Received: add() before it")
        self._handle.write(_line({"size": size, **asdict(result)}).encode())
        self._handle.flush()

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            self._handle.close()

    def _check_header(self, header: dict[str, Any], before: dict[str, Any]) -> None:
        now = json.loads(json.dumps(header))
        name = first_difference(before, now)
        if name:
            raise InputError(
                f"{self.path}: made with {name} {before.get(name)}, now {now.get(name)}; "
                "choose another --out, or start afresh with --overwrite"
            )


def first_difference(header: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first name of which two headers tell different things, or ""; the root is none of them."""
    names = (name for name in {**other, **header} if name != ROOT)
    return next((name for name in names if header.get(name) != other.get(name)), "")


def read_journal(folder: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ItemResult]]]:
    """The first line of the journal in `folder`, and the finished items as `Journal.start` gives them.

    Raises:
        InputError: there is no journal, or it is damaged.
    """
    path = folder / JOURNAL_FILE
    if not path.is_file():
        raise InputError(f"{folder}: no extraction (it has no {JOURNAL_FILE})")
    return _read(path)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ItemResult]]]:
    """The first line, and the finished items."""
    lines = whole_lines(path)
    _, first = next(lines, (1, b"null"))
    try:
        header = json.loads(first)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError(f"{path}: not a journal of an extraction; --overwrite starts afresh")
    finished = {}
    for number, line in lines:
        try:
            size, result = _parse(json.loads(line))
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}, line {number}: damaged; --overwrite starts afresh") from None
        finished[result.path] = (size, result)
    return header, finished


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":")) + "\n"


def _parse(values: dict[str, Any]) -> tuple[int, ItemResult]:
    faces = [FaceRow(**{**face, "box": Box(*face["box"])}) for face in values["faces"]]
    ledger = [LedgerRow(**row) for row in values["ledger"]]
    return values["size"], ItemResult(values["path"], faces, ledger)
