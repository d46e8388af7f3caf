"""Any tree with the folders real/ and fake/, or only unknown/, of photos or videos.

Layout: `real/` and `fake/` (in any case) with files at any depth, except in hidden folders and Synology's
`@eaDir`. Files in a subfolder belong to the group of that name (a person, an original video). A file
directly in real/ or fake/ is its own group, named like the file without its suffix. A group never stands
in two splits, and real/ and fake/ share group names: put a person's real and faked videos into subfolders
of one name, or use --group-pattern to find the original in the file names. The folder's name is the data
set's, unless --source gives one; to join two data sets later, give them two names.

Folders with other names, such as Original/ and DeepFake/, are read if the name can mean only one class;
`--label real=NAME,NAME` and `--label fake=NAME` name others. The ledger lists what else lies in RAW.
`--real-only` and `--fake-only` read one class, for a set that has no other. Nothing can be trained or
measured on its manifest alone, but it can be scored or joined with another, and fakes can be made of its
real faces.

`unknown/`, without the other two, holds files to score, not to learn from: its faces have unknown label and
the split test, which dfdetect.evaluate scores.

Licence and citation: the material's own.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError
from face_extraction.ledger import UNLISTED, UNREADABLE, LedgerRow, as_text
from face_extraction.manifest import LABEL_NAMES, UNKNOWN
from face_extraction.media import VIDEO, is_unread, kind_found, kinds_told
from face_extraction.sources.layout import (
    LABEL_WORDS,
    LABELS,
    files_below,
    label_options,
    named_folder,
    nearest,
    need_folder,
    no_text,
    plain,
    subfolders,
    wanted_labels,
)
from face_extraction.sources.registry import Item, Listing, Option, register

NAMELESS = LABEL_NAMES[UNKNOWN]


@register(
    "folders",
    example={"real/ann/1.jpg": "", "real/bob.mp4": "", "fake/ann/2.jpg": "", "fake/bob_ann.mp4": ""},
    options=(
        Option(
            "group-pattern",
            "REGEX",
            "finds the group in each path under RAW, such as 'id([0-9]+)_': the part named "
            "(?P<group>...), or else the first (...)",
        ),
        Option("source", "NAME", "the data set's name in the manifest (the name of RAW)"),
        Option(
            "label",
            "CLASS=NAME,NAME",
            "folders of a class: real=Original or fake=DF,FS",
            many=True,
        ),
        Option("real-only", "", "read only the real files"),
        Option("fake-only", "", "read only the fake files"),
    ),
)
def folders(
    root: Path,
    *,
    group_pattern: str = "",
    source: str = "",
    label: Sequence[str] = (),
    real_only: bool = False,
    fake_only: bool = False,
) -> Listing:
    """List the photos and videos under the folders of the two classes, or under `root`/unknown.

    Args:
        root: the folder that holds real/ and fake/, or unknown/.
        group_pattern: a regular expression, searched in each relative path; the text that its parentheses
            capture becomes the group.
        source: the data set's name; "" for the root's.
        label: which folders hold which class, such as "real=Original,Genuine".
        real_only: read no fake files; they may be missing.
        fake_only: read no real files; they may be missing.

    Raises:
        InputError: a folder is missing or holds neither photo nor video, or the pattern is wrong
            or misses a file.
    """
    need_folder(root)
    labels = wanted_labels(real_only=real_only, fake_only=fake_only)
    pattern = _compile(group_pattern) if group_pattern else None
    found = _class_folders(root, label, labels)
    unlabelled = UNKNOWN in found.values()
    reader = _Reader(root, pattern, source or root.resolve().name, "test" if unlabelled else None)
    for name, meaning in found.items():
        reader.read(root / name, meaning)
    ledger = reader.ledger + _beside(root, found)
    left = kinds_told(reader.others) if reader.others else ""
    notes = [f"left out, neither photo nor video: {left}"] if left else []
    notes += [
        f"{name}/ is read as {LABEL_NAMES[value]}"
        for name, value in found.items()
        if name.lower() != LABEL_NAMES[value]
    ]
    return Listing(reader.items, ledger, notes)


def _class_folders(root: Path, given: Sequence[str], labels: Collection[int]) -> dict[str, int]:
    """The folders to read, by name, with the label of their files.

    Raises:
        InputError: a class has no folder, or several that nobody named.
    """
    words = label_options(given)
    names = subfolders(root)
    if words:
        found = {name: words[plain(name)] for name in names if words.get(plain(name)) in labels}
        missing = [word for word, value in words.items() if value in labels and word not in map(plain, names)]
        if missing:
            raise InputError(
                f"{root}: no folder {', '.join(missing)} in it; there: {', '.join(names) or 'none'}"
            )
    else:
        unlabelled = named_folder(root, NAMELESS)
        if unlabelled and not any(named_folder(root, name) for name in LABELS):
            return {unlabelled.name: UNKNOWN}
        found = {}
        for name, value in LABELS.items():
            if value in labels:
                found |= _folder_of_class(root, name, value)
    for value in sorted(set(labels) - set(found.values())):
        name = LABEL_NAMES[value]
        needed = "real and fake, or unknown; --label names other folders, --real-only reads one class"
        raise InputError(f"{root}: no folder {name!r} in it{nearest(name, names)}; needed: {needed}")
    return found


def _folder_of_class(root: Path, name: str, value: int) -> dict[str, int]:
    exact = named_folder(root, name)
    if exact:
        return {exact.name: value}
    meant = [each for each in subfolders(root) if LABEL_WORDS.get(plain(each)) == value]
    if len(meant) > 1:
        raise InputError(
            f"{root}: the folders {' and '.join(meant)} may both be {name}; --label {name}={','.join(meant)} "
            "names the right ones"
        )
    return dict.fromkeys(meant, value)


@dataclass
class _Reader:
    """Reads the folders of the classes one after another."""

    root: Path
    pattern: re.Pattern[str] | None
    source: str
    split: str | None
    items: list[Item] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def read(self, folder: Path, label: int) -> None:
        """Add the files below a folder; a folder without photo or video is an error."""
        before = len(self.items) + len(self.ledger)
        for path in files_below(folder):
            kind = kind_found(path)
            relative = path.relative_to(self.root).as_posix()
            if unnamed := no_text(relative) if kind or is_unread(path) else []:
                self.ledger += unnamed
                continue
            if kind is None:
                self.others.append(path)
                if is_unread(path):
                    self.ledger.append(LedgerRow(relative, UNREADABLE, f"{path.suffix.lower()} is not read"))
                continue
            group = _group_by_pattern(self.pattern, relative) if self.pattern else _group(relative)
            # macOS writes é as e and an accent, others as one letter; both are one name.
            group = unicodedata.normalize("NFC", group).strip()
            video = relative if kind == VIDEO else ""
            self.items.append(
                Item(
                    relative,
                    label,
                    group,
                    kind,
                    source=self.source,
                    video=video,
                    split=self.split,
                    part=LABEL_NAMES[label],
                )
            )
        if len(self.items) + len(self.ledger) == before:
            inside = f"; it holds {kinds_told(self.others)}" if self.others else ""
            raise InputError(f"{folder}: neither photos nor videos in it{inside}")


def _beside(root: Path, read: Collection[str]) -> list[LedgerRow]:
    """Ledger rows for what lies in the root beside the folders that are read."""
    rows = []
    for name in subfolders(root):
        if name not in read:
            count = sum(kind_found(path) is not None for path in files_below(root / name))
            if count:
                rows.append(LedgerRow(as_text(name), UNLISTED, f"{count:,} photos and videos, of no class"))
    files = sorted(path.name for path in root.iterdir() if path.is_file() and kind_found(path))
    return rows + [LedgerRow(as_text(name), UNLISTED, "in no folder of a class") for name in files]


def _group(relative: str) -> str:
    parts = PurePosixPath(relative).parts
    return parts[1] if len(parts) > 2 else PurePosixPath(relative).stem


def _compile(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"--group-pattern '{text}': not a regular expression ({error})") from None
    if not pattern.groups:
        raise InputError(f"--group-pattern '{text}': no group in it; needed: (...) or (?P<group>...)")
    return pattern


def _group_by_pattern(pattern: re.Pattern[str], relative: str) -> str:
    match = pattern.search(relative)
    group = match["group" if "group" in pattern.groupindex else 1] if match else None
    if not group:
        raise InputError(f"--group-pattern '{pattern.pattern}' finds no group in {relative!r}")
    return group
