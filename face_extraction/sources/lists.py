"""Your own list of photos, videos, ready-made crops or folders of frames, as a CSV file.

Layout: a text file in UTF-8 (or Excel's "Unicode text", or Windows-1252), with one line for each file and
columns separated by commas, semicolons, tabs or bars, with or without a header. Relative paths begin at the
list's folder, or at --root; absolute paths stay as they are. A path may differ from the file's in capitals,
backslashes and the like, and lack the suffix, if only one file can be meant.
Columns are found by their names (path, file, filename, image or video; label, label_name, class or target;
split or set; group, original, identity, person or subject; method). --path-column and so on name them
otherwise, also by number from 1. Without a header, path and label are found by their content.

Labels: REAL and FAKE, and words that mean one of the two and nothing else (original, genuine, pristine;
deepfake, manipulated, forged), in any case. **Numbers are refused** unless --label says what they mean,
because 1 is fake in some lists and real in others: `--label real=0,original --label fake=1,swap`. Only a
column called is_fake, fake, is_deepfake, is_real or real says so itself.

Splits: the list's, if it has any (validation, valid and dev are val); otherwise a hash splits the groups.
Groups: the list's. A group that is a file name counts without its suffix, and an empty one (also nan, None
or NULL) means the file itself, so that DFDC's `original` can be the group. Groups that differ only in
capitals, in how an accent is written, or in a number's zeros (001, 1.0) are one. Without such a column each
file is its own group, so name one if several files show one person or come from one original.

`--crops` takes the pictures as faces that are already cut out. `--frame-folders` takes paths of folders, each
with the frames (with --crops: the faces) of one video; pictures have no rate, so 25 frames a second are
assumed. `--real-only` and `--fake-only` take one class; the list then needs no labels.

Licence and citation: the material's own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from face_extraction.csv_file import read_csv
from face_extraction.errors import InputError, unknown_name
from face_extraction.ledger import DOUBLED, MISSING, UNREADABLE, LedgerRow
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL
from face_extraction.media import CROP, FRAMES, PHOTO, SEQUENCE, VIDEO, kind_of
from face_extraction.sources.kinship import torn_series
from face_extraction.sources.layout import (
    LABEL_WORDS,
    SPLIT_WORDS,
    label_options,
    label_word,
    need_folder,
    no_text,
    plain,
    relative_to,
    wanted_labels,
)
from face_extraction.sources.registry import Item, Listing, Option, register
from face_extraction.sources.spelling import Finder, exists, is_address, with_one_spelling

NAMES = {
    "path": ("path", "file", "filename", "filepath", "image", "imagepath", "video", "videopath", "videoname"),
    "label": (
        "label",
        "labelname",
        "class",
        "classname",
        "target",
        "isfake",
        "isdeepfake",
        "fake",
        "isreal",
        "real",
    ),
    "split": ("split", "set", "subset", "partition"),
    "group": ("group", "original", "identity", "person", "personid", "subject", "subjectid", "actor"),
    "method": ("method", "manipulation", "technique"),
}
TEXT = ".txt"
SUFFIXES = (".csv", ".tsv", TEXT)
# A row must not end before these.
NEEDED = ("path", "label", "split")
FOLDERS = (FRAMES, SEQUENCE)
# What programs write for "no value".
NOTHING = frozenset(("nan", "NaN", "<NA>", "NA", "N/A", "n/a", "#N/A", "none", "None", "null", "NULL", "-"))
# Columns whose name says what their values mean.
MEANINGS = {
    name: dict.fromkeys(("1", "true", "yes"), yes) | dict.fromkeys(("0", "false", "no"), no)
    for names, yes, no in ((("isfake", "isdeepfake", "fake"), FAKE, REAL), (("isreal", "real"), REAL, FAKE))
    for name in names
}


@dataclass(frozen=True)
class _Table:
    """The rows of a list with their numbers, its header, and the place of each column found."""

    path: Path
    rows: list[tuple[int, list[str]]]
    header: list[str]
    places: dict[str, int]

    def value(self, row: list[str], column: str) -> str:
        """The value of a column; "" if the list lacks it, or has none there."""
        place = self.places.get(column)
        value = row[place].strip() if place is not None and place < len(row) else ""
        return "" if value in NOTHING and column != "label" else value

    @property
    def meanings(self) -> dict[str, int]:
        """What the labels mean by the name of their column, if it tells."""
        place = self.places.get("label", len(self.header))
        return MEANINGS.get(plain(self.header[place]), {}) if place < len(self.header) else {}


@dataclass(frozen=True)
class _Wish:
    """What the options ask for; `kind` is "" if each file's suffix decides."""

    root: Path
    source: str
    words: dict[str, int]
    labels: set[int]
    kind: str
    finder: Finder


@dataclass
class _Found:
    """The items of a list so far, by their paths, and the problems of its rows."""

    items: dict[str, Item] = field(default_factory=dict)
    ledger: list[LedgerRow] = field(default_factory=list)
    respelled: list[tuple[str, str]] = field(default_factory=list)


@register(
    "list",
    root_of="csv",
    options=(
        Option("csv", "FILE", "the list (default: the only .csv, .tsv or .txt in RAW)"),
        Option("path-column", "COLUMN", "the column of the files' paths (default: found by its name)"),
        Option("label-column", "COLUMN", "the column of the labels (default: found by its name)"),
        Option("split-column", "COLUMN", "the column of the splits (default: found by its name, or none)"),
        Option(
            "group-column", "COLUMN", "the column of originals, people (default: found by its name, or none)"
        ),
        Option("method-column", "COLUMN", "the column of fake methods (default: found by its name, or none)"),
        Option("label", "CLASS=VALUE,VALUE", "what values mean: real=0,original or fake=1,swap", many=True),
        Option("source", "NAME", "the data set's name in the manifest (default: the list's name)"),
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
    table, notes = _read_table(path, asked, ("path",) if len(labels) == 1 else ("path", "label"))
    kind = (SEQUENCE if crops else FRAMES) if frame_folders else (CROP if crops else "")
    words = table.meanings | label_options(label)
    wish = _Wish(root, source or path.stem, words, labels, kind, Finder(root))
    found = _Found()
    for number, row in table.rows:
        _take(found, table, number, row, wish)
    if not found.items:
        first = f" ({found.ledger[0].path}: {found.ledger[0].detail})" if found.ledger else ""
        hint = _hint(found.ledger[0].path, root) if found.ledger else ""
        raise InputError(
            f"{path}: none of the files that it names is there and of the wanted class{first}{hint}"
        )
    items = list(found.items.values())
    places = ", ".join(f"{name} is column {place + 1}" for name, place in table.places.items())
    notes.insert(0, f"{path.name}: {places}")
    if found.respelled:
        name, there = found.respelled[0]
        notes.append(
            f"paths spelled otherwise than the files: {len(found.respelled):,}, such as {name}: {there}"
        )
    if "group" in table.places:
        items = with_one_spelling(items)
    else:
        notes.append("no column of groups: each file is its own group; --group-column names one")
        notes += torn_series(items)
    return Listing(items, found.ledger, notes, passed=None)


def _hint(name: str, root: Path) -> str:
    """Where the paths of a list may begin, if a file of the first one is somewhere near; else nothing."""
    path = PurePosixPath(name.replace("\\", "/"))
    above = next((each for each in root.resolve().parents if exists(each / path)), None)
    if above is not None and not path.is_absolute():
        return f"; it lies in {above}: give --root {above}"
    tails = (PurePosixPath(*path.parts[cut:]) for cut in range(1, len(path.parts)))
    tail = next((each for each in tails if exists(root / each)), None)
    return f"; {root / tail} is there: cut the beginning of the paths" if tail else ""


def _only_list(root: Path) -> Path:
    lists = [path for path in sorted(root.iterdir()) if path.is_file() and not path.name.startswith(".")]
    found = [path for path in lists if path.suffix.lower() in SUFFIXES]
    tables = [path for path in found if path.suffix.lower() != TEXT]  # Beside one, a text is a README.
    if len(tables or found) == 1:
        return (tables or found)[0]
    others = found or [path for path in lists if not kind_of(path)]
    there = ", ".join(path.name for path in others[:5]) or "none"
    raise InputError(f"{root}: needed: --csv FILE, or one list in it; there: {there}")


def _read_table(path: Path, asked: Mapping[str, str], needed: Collection[str]) -> tuple[_Table, list[str]]:
    """The table, and notes."""
    if not path.is_file():
        raise InputError(f"{path}: no such list")
    content = read_csv(path)
    if not content.rows:
        raise InputError(f"{path}: the list is empty")
    first = content.rows[0][1]
    header = _header(first, asked)
    if header is None:
        table = _Table(path, content.rows, [], _places_by_content(path, first, asked, needed))
    else:
        table = _Table(path, content.rows[1:], header, _places_by_name(path, header, asked, needed))
    for number, row in table.rows:
        if any(place >= len(row) for column, place in table.places.items() if column in NEEDED):
            raise InputError(f"{path}, row {number}: {len(row)} values, but {len(first)} in the first row")
    note = "not UTF-8, so read as Windows-1252: look whether names with accents are right"
    return table, [note] if content.is_windows else []


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
    if header.count(name) > 1:
        raise InputError(f"{path}: --{column}-column {name}: stands twice in the header; give its number")
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
    if len(first) == 1 and "label" in needed:
        raise InputError(
            f"{path}: one column: {first[0]!r}; accepted: columns divided by commas, semicolons, tabs or bars"
        )
    free = [place for place in range(len(first)) if place not in places.values()]
    if "path" not in places:
        files = [place for place in free if kind_of(PurePosixPath(first[place].strip()))]
        if len(files) != 1:
            raise InputError(
                f"{path}: no header, and {len(files)} columns of files; --path-column names one; there: "
                f"{', '.join(first)}"
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
    name = row[table.places["path"]]
    if not name.strip():
        raise InputError(f"{where}: the path is empty")
    there = _find(name, wish)
    if there is None:
        found.ledger.append(_missing(name.strip(), wish))
        return
    relative = relative_to(wish.root / there, wish.root)
    problem = _problem(relative, wish)
    if problem is not None:
        found.ledger.append(problem)
        return
    kind = wish.kind or kind_of(PurePosixPath(relative)) or PHOTO
    item = Item(
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
    earlier = found.items.setdefault(relative, item)
    if earlier is not item:
        for what in ("label", "split", "group"):
            if getattr(earlier, what) != getattr(item, what):
                raise InputError(f"{where}: {name} stands in an earlier row too, with another {what}")
        found.ledger.append(LedgerRow(relative, DOUBLED, "named in an earlier row too"))
    elif PurePosixPath(there) not in map(PurePosixPath, (name, name.strip(), name.replace("\\", "/"))):
        found.respelled.append((name, relative))


def _find(name: str, wish: _Wish) -> str | None:
    """The path of the file or folder that a row names; None if it does not exist."""
    bare = PurePosixPath(name.strip().replace("\\", "/"))
    # Crops and folders of frames are made from videos, and lists keep the videos' names.
    if wish.kind and kind_of(bare) == VIDEO and (found := wish.finder.find(str(bare.with_suffix("")))):
        return found
    return wish.finder.find(name)


def _missing(name: str, wish: _Wish) -> LedgerRow:
    """A ledger row for a name without a file."""
    if is_address(name):
        return LedgerRow(name, MISSING, "a web address; download the file, and write its path")
    what = "no folder" if wish.kind in FOLDERS else "not there"
    return LedgerRow(name, MISSING, f"named in the list, but {what}")


def _problem(relative: str, wish: _Wish) -> LedgerRow | None:
    """A ledger row for a path that is there but cannot be taken, or None."""
    if unnamed := no_text(relative):
        return unnamed[0]
    path = wish.root / relative
    if wish.kind in FOLDERS:
        return None if path.is_dir() else _missing(relative, wish)
    if path.is_dir():
        return LedgerRow(relative, UNREADABLE, "a folder; --frame-folders takes folders of frames")
    kind = kind_of(path)
    if kind is None or (wish.kind == CROP and kind != PHOTO):
        wanted = "a picture" if wish.kind == CROP else "a photo or a video"
        return LedgerRow(relative, UNREADABLE, f"its suffix does not belong to {wanted}")
    return None


def _label(text: str, words: Mapping[str, int], where: str) -> int:
    word = label_word(text)
    label = words.get(word, LABEL_WORDS.get(word))
    if label is None and word.lstrip("-").isdecimal():
        raise InputError(
            f"{where}: label {text!r}: numbers mean different things in different lists; say which: "
            "--label real=0 --label fake=1, or the other way round"
        )
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
    path = PurePosixPath(text.replace("\\", "/") or relative)
    return path.stem if not text or kind_of(path) else text
