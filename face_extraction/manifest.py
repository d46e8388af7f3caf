"""The manifest: a CSV file with one row per labelled face crop, the type that everything speaks."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from face_extraction.atomic import write_csv
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, unknown_name

REAL, FAKE, UNKNOWN = 0, 1, -1
LABEL_NAMES = {REAL: "real", FAKE: "fake", UNKNOWN: "unknown"}
SPLITS = ("train", "val", "test")
MANIFEST_FILE = "manifest.csv"

_N = TypeVar("_N", int, float)


class Box(NamedTuple):
    """A face box in pixels of the upright frame, in face_recognition's order."""

    top: int
    right: int
    bottom: int
    left: int

    @property
    def longer_side(self) -> int:
        """In pixels."""
        return max(self.right - self.left, self.bottom - self.top)

    @property
    def area(self) -> int:
        """In pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    def overlap(self, other: "Box") -> float:
        """Common area of two boxes as a share of the area that they cover together, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        common = max(0, width) * max(0, height)
        return common / (self.area + other.area - common) if common else 0.0


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One face crop: one row of a manifest.

    Attributes:
        path: the crop's file, relative to the manifest, with forward slashes.
        label: 1 = fake, 0 = real, -1 = unknown.
        split: "train", "val" or "test".
        group: the original video or identity; a group never stands in two splits.
        video: the clip's name, unique together with `source` and `method`; "" for a still.
        frame: index of the frame in the clip, from 0.
        time: seconds from the clip's start.
        box: the face in the upright frame, in pixels.
        width: the crop's width in pixels before it was scaled.
        height: the crop's height in pixels before it was scaled.
        method: how the face was faked; "" if real or not known.
        source: the data set's name.
        person: whose face it is, within its clip: numbered from 1 in the order in which people appear;
            0 where they were not told apart (stills, ready-made crops but those of archives).
        rotation: degrees by which a photo was turned clockwise before its face was found; `box` is where
            the face is without that turn.
    """

    path: str
    label: int
    split: str
    group: str
    video: str = ""
    frame: int = 0
    time: float = 0.0
    box: Box = Box(0, 0, 0, 0)
    width: int = 0
    height: int = 0
    method: str = ""
    source: str = ""
    person: int = 0
    rotation: int = 0

    @property
    def clip(self) -> tuple[str, str, str]:
        """What tells one clip from another: FF++ gives four methods' fakes the same file name.

        A still is its own clip.
        """
        return (self.source, self.method, self.video or self.path)


COLUMNS = tuple(
    name
    for field in fields(FaceSample)
    for name in (("top", "right", "bottom", "left") if field.name == "box" else (field.name,))
)
REQUIRED = ("path", "label", "split", "group")
_INTEGERS = frozenset({"frame", "top", "right", "bottom", "left", "width", "height", "person", "rotation"})


def write_manifest(path: Path, samples: Iterable[FaceSample]) -> None:
    """Write `samples` as CSV, atomically, in the order given; equal samples give equal bytes."""
    write_csv(path, COLUMNS, map(_values, samples))


def read_manifest(path: Path, *, torn_groups: bool = False) -> list[FaceSample]:
    """Read and check a manifest.

    Only `path`, `label`, `split` and `group` must be there; the other columns have defaults.

    Args:
        path: the CSV file.
        torn_groups: accept groups that stand in two splits, which an audit is there to find.

    Raises:
        InputError: the file is missing, empty or not CSV text; a column is unknown or missing; a
            value is not of its kind; a path is absolute, leaves the manifest's folder or stands
            twice; a group stands in two splits. The line names the file and its row.
    """
    if not path.is_file():
        inside = path / MANIFEST_FILE
        raise InputError(f"{path}: no such manifest" + (f"; there is {inside}" if inside.is_file() else ""))
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, strict=True)
            _check_columns(path, reader.fieldnames or ())
            samples = [_parse(path, number, row) for number, row in enumerate(reader, start=2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file ({error})") from None
    if not samples:
        raise InputError(f"{path}: the manifest has no rows")
    _check_unique(path, samples)
    if not torn_groups:
        check_groups(path, samples)
    return samples


def check_groups(path: Path, samples: Sequence[FaceSample]) -> None:
    """Refuse samples of which one group stands in two splits.

    Raises:
        InputError: naming the file, the first such group, and how many there are.
    """
    homes: dict[tuple[str, str], set[str]] = {}
    for sample in samples:
        homes.setdefault((sample.source, sample.group), set()).add(sample.split)
    torn = [(group, sorted(splits)) for (_, group), splits in homes.items() if len(splits) > 1]
    if torn:
        group, splits = torn[0]
        raise InputError(
            f"{path}: group {group!r} stands in the splits {' and '.join(splits)} "
            f"({len(torn)} such groups); a group must stay in one split"
        )


def manifest_hash(path: Path) -> str:
    """SHA-256 of the manifest's bytes, in hexadecimal: which data a run saw."""
    return file_digest(path)


def count_table(samples: Iterable[FaceSample]) -> str:
    """Counts of real and fake faces, clips and groups per split, as lines of text."""
    faces: Counter[tuple[str, int]] = Counter()
    clips: dict[str, set[tuple[str, str, str]]] = {split: set() for split in SPLITS}
    groups: dict[str, set[tuple[str, str]]] = {split: set() for split in SPLITS}
    for sample in samples:
        faces[sample.split, sample.label] += 1
        clips[sample.split].add(sample.clip)
        groups[sample.split].add((sample.source, sample.group))
    lines = [f"{'split':<8}{'real':>9}{'fake':>9}{'unknown':>9}{'clips':>9}{'groups':>9}"]
    for split in SPLITS:
        labels = "".join(f"{faces[split, label]:>9,}" for label in (REAL, FAKE, UNKNOWN))
        lines.append(f"{split:<8}{labels}{len(clips[split]):>9,}{len(groups[split]):>9,}")
    return "\n".join(lines)


def _values(sample: FaceSample) -> list[object]:
    values: list[object] = []
    for value in astuple(sample):
        values.extend(value if isinstance(value, tuple) else (value,))
    return values


def _check_columns(path: Path, names: Sequence[str]) -> None:
    for name in names:
        if name not in COLUMNS:
            raise unknown_name("column", name, COLUMNS, str(path))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column {', '.join(twice)} stands twice in the header")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(f"{path}: missing column {', '.join(missing)}; needed: {', '.join(REQUIRED)}")


def _parse(path: Path, number: int, row: dict[str, str | None]) -> FaceSample:
    where = f"{path}, row {number}"
    if None in row or None in row.values():
        raise InputError(f"{where}: the number of values is not the number of columns")
    text = {name: value for name, value in row.items() if value is not None}
    if text["label"] not in ("-1", "0", "1"):
        raise InputError(f"{where}: label {text['label']!r}; accepted: 1 = fake, 0 = real, -1 = unknown")
    if text["split"] not in SPLITS:
        raise unknown_name("split", text["split"], SPLITS, where)
    if not text["group"]:
        raise InputError(f"{where}: the group is empty")
    integers = {name: _number(where, name, text.get(name) or "0", int) for name in _INTEGERS}
    return FaceSample(
        path=_path(where, text["path"]),
        label=int(text["label"]),
        split=text["split"],
        group=text["group"],
        video=text.get("video", ""),
        frame=integers["frame"],
        time=_number(where, "time", text.get("time") or "0", float),
        box=Box(integers["top"], integers["right"], integers["bottom"], integers["left"]),
        width=integers["width"],
        height=integers["height"],
        method=text.get("method", ""),
        source=text.get("source", ""),
        person=integers["person"],
        rotation=integers["rotation"],
    )


def _number(where: str, name: str, text: str, kind: Callable[[str], _N]) -> _N:
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"{where}: {name} {text!r} is not a number") from None


def _path(where: str, text: str) -> str:
    """The path in its one spelling: "./a.png" and "a.png" are one crop."""
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or any(sign in text for sign in "\\:\0"):
        raise InputError(
            f"{where}: path {text!r}; accepted: relative to the manifest, with '/', inside its folder"
        )
    return str(path)


def _check_unique(path: Path, samples: Iterable[FaceSample]) -> None:
    path_, count = Counter(sample.path for sample in samples).most_common(1)[0]
    if count > 1:
        raise InputError(f"{path}: {path_!r} stands in {count} rows; a crop may stand in one")
