"""Your own list of photos, videos, ready-made crops or folders of frames, as a CSV file.

Layout: a text file in UTF-8, or Excel's "Unicode text", with one line for each file and columns separated by
commas, semicolons, tabs or bars, with or without a header. Relative paths begin at the list's folder, or at
--root; absolute paths stay as they are.
Columns are found by their names (path, file, filename, image or video; label, label_name, class or target;
split or set; group, original, identity, person or subject; method). --path-column and so on name them
otherwise, also by number from 1. Without a header, path and label are found by their content.

Labels: REAL and FAKE, and words that mean one of the two and nothing else (original, genuine, pristine;
deepfake, manipulated, forged), in any case. **Numbers are refused** unless --label says what they mean,
because 1 is fake in some lists and real in others: `--label real=0,original --label fake=1,swap`.

Splits: the list's, if it has any (validation, valid and dev are val); otherwise a hash splits the groups.
Groups: the list's. A group that is a file name counts without its suffix, and an empty one means the file
itself, so that DFDC's `original` can be the group. Without such a column each file is its own group, so name
one if several files show one person or come from one original.

`--crops` takes the pictures as faces that are already cut out. `--frame-folders` takes paths of folders, each
with the frames (with --crops: the faces) of one video; pictures have no rate, so 25 frames a second are
assumed. `--real-only` and `--fake-only` take one class; the list then needs no labels.

Licence and citation: the material's own.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError, unknown_name
from face_extraction.ledger import DOUBLED, MISSING, UNREADABLE, LedgerRow
from face_extraction.manifest import FAKE, LABEL_NAMES
from face_extraction.media import CROP, FRAMES, PHOTO, SEQUENCE, VIDEO, kind_of
from face_extraction.sources.layout import (
    LABEL_WORDS,
    SPLIT_WORDS,
    label_options,
    need_folder,
    no_text,
    plain,
    relative_to,
    wanted_labels,
)
from face_extraction.sources.registry import Item, Listing, Option, register

NAMES = {
    "path": ("path", "file", "filename", "filepath", "image", "imagepath", "video", "videopath", "videoname"),
    "label": ("label", "labelname", "class", "classname", "target"),
    "split": ("split", "set", "subset", "partition"),
    "group": ("group", "original", "identity", "person", "personid", "subject", "subjectid", "actor"),
    "method": ("method", "manipulation", "technique"),
}
SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = ",;\t|"
FOLDERS = (FRAMES, SEQUENCE)
# Excel reads and writes the delimiter in a first line.
_TOLD = re.compile(r"(?i)\W*sep=(.)")
_WORKBOOK = b"PK\3\4"


@dataclass(frozen=True)
class _Table:
    """The rows of a list with their numbers, and the place of each column found."""

    path: Path
    rows: list[tuple[int, list[str]]]
    places: dict[str, int]

    def value(self, row: list[str], column: str) -> str:
        """The value of a column; "" if the list lacks it."""
        place = self.places.get(column)
        return row[place].strip() if place is not None else ""


@dataclass(frozen=True)
class _Wish:
    """What the options ask for; `kind` is "" if each file's suffix decides."""

    root: Path
    source: str
    words: dict[str, int]
    labels: set[int]
    kind: str


@dataclass
class _Found:
    """The items of a list so far, by their paths, and the problems of its rows."""

    items: dict[str, Item] = field(default_factory=dict)
    ledger: list[LedgerRow] = field(default_factory=list)


@register(
    "list",
    root_of="csv",
    options=(
        Option("csv", "FILE", "the list (the only .csv, .tsv or .txt in RAW)"),
        Option("path-column", "COLUMN", "the column of the files' paths (found by its name)"),
        Option("label-column", "COLUMN", "the column of the labels (found by its name)"),
        Option("split-column", "COLUMN", "the column of the splits (found by its name, or none)"),
        Option("group-column", "COLUMN", "the column of originals or people (found by its name, or none)"),
        Option("method-column", "COLUMN", "the column of fake methods (found by its name, or none)"),
        Option("label", "CLASS=VALUE,VALUE", "what values mean: real=0,original or fake=1,swap", many=True),
        Option("source", "NAME", "the data set's name in the manifest (the list's name)"),
        Option("crops", "", "the pictures are faces that are already cut out"),
        Option("frame-folders", "", "each path is a folder with the frames of one video"),
        Option("real-only", "", "take only the real files"),
        Option("fake-only", "", "take only the fake files"),
    ),
    example={
        "list.csv": "filename;label_name;split;original\n"
        "a/1.jpg;REAL;train;\nb/2.jpg;Fake;train;1.jpg\nc/3.mp4;original;validation;\n",
        "a/1.jpg": "",
        "b/2.jpg": "",
        "c/3.mp4": "",
    },
)
def listed(
    root: Path,
    *,
    csv: str = "",
    path_column: str = "",
    label_column: str = "",
    split_column: str = "",
    group_column: str = "",
    method_column: str = "",
    label: Sequence[str] = (),
    source: str = "",
    crops: bool = False,
    frame_folders: bool = False,
    real_only: bool = False,
    fake_only: bool = False,
) -> Listing:
    """List the files that a list names, if they exist.

    Args:
        root: where relative paths begin.
        csv: the list; "" for the only one in `root`.
        path_column: the column of the paths, by name or number; "" finds it. The same holds below.
        label_column: the column of the labels.
        split_column: the column of the splits.
        group_column: the column of the groups.
        method_column: the column of fake methods.
        label: what its labels mean, such as "real=0,original".
        source: the data set's name; "" for the list's.
        crops: its pictures are faces that are already cut out.
        frame_folders: its paths are folders of frames.
        real_only: take only the real files.
        fake_only: take only the fake files.

    Raises:
        InputError: the list or an option is wrong, a label or split is ambiguous, or no file is there.
    """
    need_folder(root)
    path = Path(csv) if csv else _only_list(root)
    labels = wanted_labels(real_only=real_only, fake_only=fake_only)
    given = (path_column, label_column, split_column, group_column, method_column)
    asked = dict(zip(NAMES, given, strict=True))
    table = _read_table(path, asked, ("path",) if len(labels) == 1 else ("path", "label"))
    kind = (SEQUENCE if crops else FRAMES) if frame_folders else (CROP if crops else "")
    wish = _Wish(root, source or path.stem, label_options(label), labels, kind)
    found = _Found()
    for number, row in table.rows:
        _take(found, table, number, row, wish)
    if not found.items:
        first = f" ({found.ledger[0].path}: {found.ledger[0].detail})" if found.ledger else ""
        raise InputError(f"{path}: none of the files that it names is there and of the wanted class{first}")
    places = ", ".join(f"{name} is column {place + 1}" for name, place in table.places.items())
    notes = [f"{path.name}: {places}"]
    if "group" not in table.places:
        notes.append("no column of groups: each file is its own group; --group-column names one")
    return Listing(list(found.items.values()), found.ledger, notes)


def _only_list(root: Path) -> Path:
    found = sorted(path for path in root.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if len(found) != 1:
        there = ", ".join(path.name for path in found) or "none"
        raise InputError(f"{root}: needed: --csv FILE, or one list in it; there: {there}")
    return found[0]


def _read_table(path: Path, asked: Mapping[str, str], needed: Collection[str]) -> _Table:
    if not path.is_file():
        raise InputError(f"{path}: no such list")
    try:
        lines = io.StringIO(_text(path), newline=None)
        first = lines.readline()
        told = _TOLD.fullmatch(first.strip())
        delimiter = told[1] if told else max(DELIMITERS, key=first.count)
        if not told:
            lines.seek(0)
        rows = [
            (number, row)
            for number, row in enumerate(
                csv.reader(lines, delimiter=delimiter, strict=True), 2 if told else 1
            )
            if any(value.strip() for value in row)
        ]
    except (UnicodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file in UTF-8 ({error})") from None
    if not rows:
        raise InputError(f"{path}: the list is empty")
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width:
            raise InputError(f"{path}, row {number}: {len(row)} values, but {width} in the first row")
    header = _header(rows[0][1], asked)
    if header is None:
        return _Table(path, rows, _places_by_content(path, rows[0][1], asked, needed))
    return _Table(path, rows[1:], _places_by_name(path, header, asked, needed))


def _text(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(_WORKBOOK):
        raise InputError(f"{path}: a spreadsheet, or another archive; save its table as CSV in UTF-8")
    is_wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = content.decode("utf-16" if is_wide else "utf-8-sig")
    if "\0" in text:
        raise UnicodeError("zero bytes, as in UTF-16 without a byte order mark, or UTF-32")
    return text


def _header(first: list[str], asked: Mapping[str, str]) -> list[str] | None:
    """The first row, if it is a header: it names no file, but a known or wanted column."""
    names = [value.strip() for value in first]
    if any(kind_of(PurePosixPath(name)) for name in names):
        return None
    known = {plain(name) for name in names} & {word for words in NAMES.values() for word in words}
    return names if known or any(value in names for value in asked.values() if value) else None


def _places_by_name(
    path: Path, header: list[str], asked: Mapping[str, str], needed: Collection[str]
) -> dict[str, int]:
    places = {}
    for column, words in NAMES.items():
        name = asked[column]
        if name:
            places[column] = _asked(path, column, name, header)
            continue
        found = [place for place, each in enumerate(header) if plain(each) in words]
        if len(found) > 1:
            meant = " and ".join(header[place] for place in found)
            raise InputError(f"{path}: {meant} may both be the {column}; choose one with --{column}-column")
        if found:
            places[column] = found[0]
        elif column in needed:
            there = ", ".join(header)
            raise InputError(f"{path}: no column is the {column}; --{column}-column names it; there: {there}")
    return places


def _asked(path: Path, column: str, name: str, header: list[str]) -> int:
    if name in header:
        return header.index(name)
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return int(name) - 1
    raise unknown_name("column", name, header, f"{path}: --{column}-column")


def _places_by_content(
    path: Path, first: list[str], asked: Mapping[str, str], needed: Collection[str]
) -> dict[str, int]:
    """The columns of a list without a header: those given by number, one of files and one of labels."""
    places = {}
    for column, name in asked.items():
        if name and not (name.isdecimal() and 1 <= int(name) <= len(first)):
            raise InputError(
                f"{path}: --{column}-column {name}: the list has no header; accepted: 1 to {len(first)}"
            )
        if name:
            places[column] = int(name) - 1
    free = [place for place in range(len(first)) if place not in places.values()]
    if "path" not in places:
        files = [place for place in free if kind_of(PurePosixPath(first[place].strip()))]
        if len(files) != 1:
            raise InputError(
                f"{path}: no header, and {len(files)} columns of files; --path-column N names one"
            )
        places["path"] = files[0]
        free.remove(files[0])
    if "label" not in places and (free or "label" in needed):
        if len(free) != 1:
            raise InputError(f"{path}: no header; --label-column N names the column of the labels, from 1")
        places["label"] = free[0]
    return places


def _take(found: _Found, table: _Table, number: int, row: list[str], wish: _Wish) -> None:
    """Add one row's item, or a ledger row that says why there is none."""
    where = f"{table.path}, row {number}"
    only = next(iter(wish.labels)) if len(wish.labels) == 1 else None
    label = _label(table.value(row, "label"), wish.words, where) if "label" in table.places else only
    if label is None or label not in wish.labels:
        return
    name = table.value(row, "path").replace("\\", "/")
    if not name:
        raise InputError(f"{where}: the path is empty")
    relative = _as_on_disk(relative_to(wish.root / name, wish.root), wish.root)
    problem = _problem(relative, wish)
    if problem is not None:
        found.ledger.append(problem)
    elif relative in found.items:
        if found.items[relative].label != label:
            raise InputError(f"{where}: {name} stands in an earlier row too, with another label")
        found.ledger.append(LedgerRow(relative, DOUBLED, "named in an earlier row too"))
    else:
        kind = wish.kind or kind_of(PurePosixPath(name)) or PHOTO
        found.items[relative] = Item(
            path=relative,
            label=label,
            group=_group(table, row, relative),
            kind=kind,
            source=wish.source,
            method=table.value(row, "method") if label == FAKE else "",
            split=_split(table.value(row, "split"), where),
            video=relative if kind in (VIDEO, *FOLDERS) else "",
            part=LABEL_NAMES[label],
        )


def _as_on_disk(relative: str, root: Path) -> str:
    """The name of a file that is there: macOS writes letters with accents in two parts, a list in one."""
    forms = (relative, *(unicodedata.normalize(form, relative) for form in ("NFC", "NFD")))
    return next((name for name in forms if (root / name).exists()), relative)


def _problem(relative: str, wish: _Wish) -> LedgerRow | None:
    """A ledger row for a path that cannot be taken, or None."""
    if unnamed := no_text(relative):
        return unnamed[0]
    path = wish.root / relative
    if wish.kind in FOLDERS:
        return None if path.is_dir() else LedgerRow(relative, MISSING, "named in the list, but no folder")
    if path.is_dir():
        return LedgerRow(relative, UNREADABLE, "a folder; --frame-folders takes folders of frames")
    if not path.exists():
        return LedgerRow(relative, MISSING, "named in the list, but not there")
    kind = kind_of(path)
    if kind is None or (wish.kind == CROP and kind != PHOTO):
        wanted = "a picture" if wish.kind == CROP else "a photo or a video"
        return LedgerRow(relative, UNREADABLE, f"its suffix does not belong to {wanted}")
    return None


def _label(text: str, words: Mapping[str, int], where: str) -> int:
    number = text.removesuffix(".0")  # pandas writes this if the column once had a gap
    if number.lstrip("+-").isdecimal():
        if number not in words:
            raise InputError(
                f"{where}: label {text!r}: numbers mean different things in different lists; say which: "
                "--label real=0 --label fake=1, or the other way round"
            )
        return words[number]
    word = plain(text)
    label = words.get(word, LABEL_WORDS.get(word))
    if label is None:
        raise InputError(
            f"{where}: label {text!r}; accepted: REAL, FAKE and words that mean the same; name others "
            "with --label real=A,B --label fake=C"
        )
    return label


def _split(text: str, where: str) -> str | None:
    if not text:
        return None
    if plain(text) not in SPLIT_WORDS:
        raise unknown_name("split", text, ("train", "val", "valid", "validation", "dev", "test"), where)
    return SPLIT_WORDS[plain(text)]


def _group(table: _Table, row: list[str], relative: str) -> str:
    """The group in the list. A file name counts without folder and suffix; an empty one means the file.

    Without a column of groups it is the whole path, because folders of frames reuse their file names.
    """
    if "group" not in table.places:
        return str(PurePosixPath(relative).with_suffix(""))
    text = table.value(row, "group")
    path = PurePosixPath(text or relative)
    return path.stem if not text or kind_of(path) else text
