"""The manifest: a CSV file with one row for each labelled face crop."""

import csv
import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import NamedTuple

from face_extraction.atomic import write_csv
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, check_name, unknown_name
from face_extraction.paths import check_inside, is_there, relative_path

REAL, FAKE, UNKNOWN = 0, 1, -1
LABEL_NAMES = {REAL: "real", FAKE: "fake", UNKNOWN: "unknown"}
SPLITS = ("train", "val", "test")
MANIFEST_FILE = "manifest.csv"
# The settings of the extraction that made the crops, stored beside the manifest.
SETTINGS_FILE = "extraction.toml"


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

    def common(self, other: "Box") -> int:
        """The area that lies in both boxes, in pixels."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)

    def overlap(self, other: "Box") -> float:
        """Common area of two boxes as a share of the area that they cover together, 0 to 1."""
        common = self.common(other)
        return common / (self.area + other.area - common) if common else 0.0


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One face crop: a row of a manifest.

    Attributes:
        path: the crop's file, relative to the manifest, with forward slashes.
        label: 1 = fake, 0 = real, -1 = unknown.
        split: "train", "val" or "test".
        group: the original video or identity; a group never stands in two splits.
        video: the video's name, unique together with `source` and `method`; "" for a photo.
        frame: index of the frame in the video, from 0.
        time: seconds from the video's start.
        box: the face in the upright frame, in pixels.
        width: the crop's width in pixels before it was scaled.
        height: the crop's height in pixels before it was scaled.
        method: how the face was faked; "" if it is real or the method is unknown.
        source: the data set's name.
        person: the person's number within the video, from 1 in the order in which people appear; 0 if
            people were not told apart (photos, and ready-made crops except those of archives).
        rotation: degrees by which a photo was turned clockwise before its face was found; `box` is the
            face's place without that turn.
        digest: the beginning of the crop's SHA-256, so that other pixels make another manifest; of a real
            crop that was copied into a set of fakes, that of the crop it copies; "" if it was not recorded.
        found_by: the detector that set `box`, as in `settings.DETECTORS`; "" of ready-made crops. BlazeFace's
            boxes are faces that dlib did not confirm: profiles, dark ones, and false ones.
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
    digest: str = ""
    found_by: str = ""

    @property
    def video_key(self) -> tuple[str, str, str]:
        """Identifies a video. The name alone does not: FF++ gives four methods' fakes the same file name.

        A photo identifies itself.
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
    """Read a manifest and check it.

    Only `path`, `label`, `split` and `group` are required; the other columns have defaults.

    Example:
        >>> text = "path,label,split,group\\na.png,0,train,anna\\nb.png,1,train,anna\\n"
        >>> _ = Path("manifest.csv").write_text(text)
        >>> [(face.path, face.label) for face in read_manifest(Path("manifest.csv"))]
        [('a.png', 0), ('b.png', 1)]

    Args:
        path: the CSV file.
        torn_groups: accept groups that stand in two splits, which an audit has to find.

    Raises:
        InputError: the file is missing, empty or not CSV text; a column is unknown or missing; a value is
            of the wrong kind; a path is absolute, leaves the manifest's folder (even through a link), names
            no regular file or stands twice; a group stands in two splits; two names differ only in blanks.
            The line names the file and its row.
    """
    if not path.is_file():
        inside = path / MANIFEST_FILE
        raise InputError(f"{path}: no such manifest" + (f"; there is {inside}" if inside.is_file() else ""))
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, strict=True)
            _check_columns(path, reader.fieldnames or ())
            # A spreadsheet leaves rows without any value at the end.
            numbered = enumerate(reader, start=2)
            samples = [_parse(path, number, row) for number, row in numbered if not _is_blank(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file ({error})") from None
    if not samples:
        raise InputError(f"{path}: the manifest has no rows")
    _check_unique(path, samples)
    check_inside(path.parent, (sample.path for sample in samples))
    if torn_groups:
        _check_spelling(path, samples)
    else:
        check_groups(path, samples)
    return samples


def manifest_in(path: Path | str) -> Path:
    """The manifest in a folder that holds one; any other path unchanged."""
    inside = Path(path) / MANIFEST_FILE
    return inside if inside.is_file() else Path(path)


def check_groups(path: Path, samples: Sequence[FaceSample]) -> None:
    """Refuse a group that stands in two splits, or in two spellings that look alike.

    Raises:
        InputError: naming the file, the first such group, and how many there are.
    """
    _check_spelling(path, samples)
    homes: dict[tuple[str, str], set[str]] = {}
    for sample in samples:
        homes.setdefault((sample.source, sample.group), set()).add(sample.split)
    torn = [(group, sorted(splits)) for (_, group), splits in homes.items() if len(splits) > 1]
    if torn:
        group, splits = torn[0]
        others = f" ({len(torn):,} such groups)" if len(torn) > 1 else ""
        raise InputError(
            f"{path}: group {group!r} stands in the splits {' and '.join(splits)}{others}; "
            "a group must stay in one split"
        )


def _check_spelling(path: Path, samples: Iterable[FaceSample]) -> None:
    """Refuse names that look alike, such as "g" and "g ": one person could stand in two splits unseen."""
    names = {
        (column, getattr(sample, column))
        for sample in samples
        for column in ("group", "video", "method", "source")
    }
    known: dict[tuple[str, str], str] = {}
    for column, name in sorted(names):
        # Letters of category Cf, such as a space without width, are not seen.
        seen = (
            letter for letter in unicodedata.normalize("NFC", name) if unicodedata.category(letter) != "Cf"
        )
        plain = "".join(seen).strip()
        other = known.setdefault((column, plain), name)
        if other != name:
            raise InputError(
                f"{path}: {column} {other!r} and {name!r} differ in blanks or in how an accent is written; "
                "accepted: one spelling"
            )


def manifest_hash(path: Path) -> str:
    """Identify the data of a run: SHA-256, in hexadecimal, of the manifest and of how its crops were cut.

    The bytes of extraction.toml beside the manifest count too, because differently cut crops are other
    data. Without that file it is the SHA-256 of the manifest's bytes.
    """
    digest = file_digest(path)
    settings = path.with_name(SETTINGS_FILE)
    if not is_there(settings):
        return digest
    return hashlib.sha256(f"{digest} {file_digest(settings)}".encode()).hexdigest()


def of_split(samples: Iterable[FaceSample], split: str) -> list[FaceSample]:
    """The samples of a split, in their order; with "all" every one."""
    return [sample for sample in samples if split in (sample.split, "all")]


def count_table(samples: Iterable[FaceSample]) -> str:
    """Count real and fake faces, videos and groups in each split, as lines of text."""
    faces: Counter[tuple[str, int]] = Counter()
    videos: dict[str, set[tuple[str, str, str]]] = {split: set() for split in SPLITS}
    groups: dict[str, set[tuple[str, str]]] = {split: set() for split in SPLITS}
    for sample in samples:
        faces[sample.split, sample.label] += 1
        videos[sample.split].add(sample.video_key)
        groups[sample.split].add((sample.source, sample.group))
    lines = [f"{'split':<8}{'real':>9}{'fake':>9}{'unknown':>9}{'videos':>9}{'groups':>9}"]
    for split in SPLITS:
        labels = "".join(f"{faces[split, label]:>9,}" for label in (REAL, FAKE, UNKNOWN))
        lines.append(f"{split:<8}{labels}{len(videos[split]):>9,}{len(groups[split]):>9,}")
    return "\n".join(lines)


def _values(sample: FaceSample) -> list[object]:
    values: list[object] = []
    for value in astuple(sample):
        values.extend(value if isinstance(value, tuple) else (value,))
    return values


def _check_columns(path: Path, names: Sequence[str]) -> None:
    for place, name in enumerate(names, start=1):
        if name.startswith("Unnamed:") or not name.strip():
            raise InputError(
                f"{path}: column {place} has no name: an index? Write the table without it (in pandas: "
                "to_csv(..., index=False))"
            )
        if name not in COLUMNS:
            other = next((sign for sign in ";\t" if sign in name), None)
            if other and len(names) == 1:
                raise InputError(f"{path}: separated by {other!r}; accepted: a table separated by commas")
            raise unknown_name("column", name, COLUMNS, str(path))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column {', '.join(twice)} stands twice in the header")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(f"{path}: missing column {', '.join(missing)}; needed: {', '.join(REQUIRED)}")


def _is_blank(row: Mapping[str, str | list[str] | None]) -> bool:
    """Whether a row has no value; those beyond the header stand in a list."""
    return not any(any(value or "") for value in row.values())


def _parse(path: Path, number: int, row: dict[str, str | None]) -> FaceSample:
    where = f"{path}, row {number}"
    if None in row or None in row.values():
        raise InputError(f"{where}: the number of values is not the number of columns")
    text = {name: value for name, value in row.items() if value is not None}
    label = text["label"].removesuffix(".0")  # pandas writes this if the column once had a gap
    if label not in ("-1", "0", "1"):
        raise InputError(f"{where}: label {text['label']!r}; accepted: 1 = fake, 0 = real, -1 = unknown")
    check_name("split", text["split"], SPLITS, where)
    if not text["group"]:
        raise InputError(f"{where}: the group is empty")
    integers = {name: _whole(where, name, text.get(name) or "0") for name in _INTEGERS}
    return FaceSample(
        path=relative_path(text["path"], where),
        label=int(label),
        split=text["split"],
        group=text["group"],
        video=text.get("video", ""),
        frame=integers["frame"],
        time=_number(where, "time", text.get("time") or "0"),
        box=Box(integers["top"], integers["right"], integers["bottom"], integers["left"]),
        width=integers["width"],
        height=integers["height"],
        method=text.get("method", ""),
        source=text.get("source", ""),
        person=integers["person"],
        rotation=integers["rotation"],
        digest=text.get("digest", ""),
        found_by=text.get("found_by", ""),
    )


def _number(where: str, name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}: {name} {text!r} is not a number")
    return number


def _whole(where: str, name: str, text: str) -> int:
    """A whole number; 12.0 counts too, because pandas writes it in a column that has gaps."""
    if text.isdecimal() and len(text) < 19:  # Python refuses to read thousands of digits.
        return int(text)
    number = _number(where, name, text)
    if number != int(number):
        raise InputError(f"{where}: {name} {text!r} must be a whole number")
    return int(number)


def _check_unique(path: Path, samples: Iterable[FaceSample]) -> None:
    path_, count = Counter(sample.path for sample in samples).most_common(1)[0]
    if count > 1:
        raise InputError(f"{path}: {path_!r} stands in {count} rows; a crop may stand in one")
