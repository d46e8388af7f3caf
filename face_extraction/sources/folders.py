"""Any tree with the folders real/ and fake/, or only unknown/, of photos or videos.

Layout: `real/` and `fake/` (in any case) with files at any depth, except in hidden folders and those of
thumbnails and deleted files. Files in a subfolder belong to the group of that name (a person, an original
video), unless it is called frames, videos, images, photos, faces or crops, or like the folder above it. A
file directly in real/ or fake/ is its own group, named like the file without its suffix. A group never stands
in two splits, and real/ and fake/ share group names, whatever their capitals: put a person's real and faked
videos into subfolders of one name, or use --group-pattern to find the original in the file names. The
folder's name is the data set's, unless --source gives one; to join two data sets later, give them two names.

Splits: a hash splits the groups. If RAW has the folders `train`, `val` (or `valid`, `validation`, `dev`) and
`test` with real/ and fake/ in each, or real/ and fake/ have nothing but such folders, these are the splits.
Folders between a split and its classes, as in train/METHOD/0_real, are read with --group-pattern alone: their
names do not tell whether they are methods, people or data sets.

Folders with other names, such as Original/, DeepFake/ and 0_real/, are read if the name can mean only one
class; `--label real=NAME,NAME` and `--label fake=NAME` name others. The ledger lists what else lies in RAW.
`--real-only` and `--fake-only` read one class, for a set that has no other. Nothing can be trained or
measured on its manifest alone, but it can be scored or joined with another, and fakes can be made of its
real faces.

`unknown/`, without the other two, holds files to score, not to learn from: its faces have unknown label and
the split test, which dfdetect.evaluate scores.

Licence and citation: the material's own.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from face_extraction.errors import InputError
from face_extraction.ledger import UNLISTED, UNREADABLE, LedgerRow, as_text
from face_extraction.manifest import LABEL_NAMES, UNKNOWN
from face_extraction.media import VIDEO, is_archive, is_unread, kind_found, kinds_told
from face_extraction.sources.kinship import kinship, torn_series
from face_extraction.sources.layout import (
    LABEL_WORDS,
    LABELS,
    SPLIT_WORDS,
    files_below,
    folder_below,
    is_extraction,
    label_options,
    label_word,
    named_folder,
    nearest,
    need_folder,
    no_text,
    packed,
    plain,
    subfolders,
    wanted_labels,
)
from face_extraction.sources.registry import Item, Listing, Option, register
from face_extraction.sources.spelling import with_one_spelling

NAMELESS = LABEL_NAMES[UNKNOWN]
BETWEEN = 2
"""The most folders between a split and its classes."""
# Folders of these names hold all of a class, not one person or original.
CONTAINERS = frozenset(("frames", "videos", "images", "photos", "faces", "crops"))


class _Class(NamedTuple):
    """A folder of one class, and its split if the folder above it tells."""

    folder: Path
    label: int
    split: str | None = None


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
        Option("source", "NAME", "the data set's name in the manifest (default: the name of RAW)"),
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
        InputError: a folder is missing or holds neither photo nor video, the pattern is wrong or misses a
            file, or a group stands in two splits.
    """
    need_folder(root)
    labels = wanted_labels(real_only=real_only, fake_only=fake_only)
    pattern = _compile(group_pattern) if group_pattern else None
    found = _classes(root, label, labels, grouped=bool(pattern))
    reader = _Reader(root, pattern, source or root.resolve().name)
    for each in found:
        reader.read(each)
    items = with_one_spelling(reader.items)
    kin = []
    if not pattern:
        _check_groups(root, items)
        stems = ((item, PurePosixPath(item.path).stem) for item in items)
        kin = kinship(item for item, stem in stems if item.group == stem and item.label != UNKNOWN)
        kin += torn_series(item for item in items if item.group.startswith(f"{item.split}/"))
    left = kinds_told(reader.others) if reader.others else ""
    notes = [f"left out, neither photo nor video: {left}"] if left else []
    notes += _renamed(root, found) + kin
    return Listing(items, reader.ledger + _beside(root, found), notes, passed=None)


def _renamed(root: Path, found: Sequence[_Class]) -> list[str]:
    """Notes on the folders that are called otherwise than their class, one for each name."""
    places: dict[tuple[str, int], list[Path]] = {}
    for each in found:
        if each.folder.name.lower() != LABEL_NAMES[each.label]:
            places.setdefault((each.folder.name, each.label), []).append(each.folder)
    return [
        f"folders {name}/ are read as {LABEL_NAMES[label]}"
        if len(folders) > 1
        else f"{folders[0].relative_to(root).as_posix()}/ is read as {LABEL_NAMES[label]}"
        for (name, label), folders in places.items()
    ]


def _check_groups(root: Path, items: Sequence[Item]) -> None:
    """Refuse a folder of a person or an original that stands in two of the splits that folders give."""
    homes: dict[str, Item] = {}
    for item in items:
        other = homes.setdefault(item.group, item)
        if item.split and other.split and other.split != item.split:
            raise InputError(
                f"{root}: {other.path} and {item.path}: the folder {item.group!r}, a person or an original, "
                "stands in two splits; if it is neither, --group-pattern '(.+)' makes each file a group"
            )


def _classes(root: Path, given: Sequence[str], labels: Collection[int], *, grouped: bool) -> list[_Class]:
    """The folders to read: those of the classes in the root, or in its folders of splits.

    Args:
        root: the data set's folder.
        given: the values of `--label`.
        labels: of the classes to read.
        grouped: whether a pattern tells the groups; folders may then stand between a split and its classes.

    Raises:
        InputError: a class has no folder, or several that nobody named.
    """
    words = label_options(given)
    splits = {root / name: split for name in subfolders(root) if (split := SPLIT_WORDS.get(plain(name)))}
    holders = {
        holder: split
        for folder, split in splits.items()
        for holder in _holders(folder, words, BETWEEN if grouped else 0)
    }
    if holders and not _has_classes(root, words):
        return [
            _Class(holder / name, value, split)
            for holder, split in holders.items()
            for name, value in _class_folders(holder, words, labels).items()
        ]
    found = _class_folders(root, words, labels)
    # What has no known label is there to be scored, not to be learned from.
    return [_Class(root / name, value, "test" if value == UNKNOWN else None) for name, value in found.items()]


def _holders(folder: Path, words: Mapping[str, int], between: int) -> list[Path]:
    """The folder, if it holds one of a class; else those below it that do, at most `between` deep."""
    if _has_classes(folder, words):
        return [folder]
    if not between:
        return []
    return [holder for name in subfolders(folder) for holder in _holders(folder / name, words, between - 1)]


def _has_classes(folder: Path, words: Mapping[str, int]) -> bool:
    """Whether a folder holds one of a class."""
    return any(label_word(name) in (words or LABEL_WORDS) for name in subfolders(folder))


def _class_folders(root: Path, words: Mapping[str, int], labels: Collection[int]) -> dict[str, int]:
    """The folders of the classes in a folder, by name, with the label of their files.

    Raises:
        InputError: a class has no folder, or several that nobody named.
    """
    names = subfolders(root)
    if words:
        found = {name: words[label_word(name)] for name in names if words.get(label_word(name)) in labels}
        known = {label_word(name) for name in names}
        missing = [word for word, value in words.items() if value in labels and word not in known]
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
        raise _no_class(root, LABEL_NAMES[value], words)
    return found


def _no_class(root: Path, name: str, words: Mapping[str, int]) -> InputError:
    """The error for a folder without the class `name`; it says what is there instead."""
    names = subfolders(root)
    inside = folder_below(root, lambda folder: _has_classes(folder, words))
    told = [
        f"{root}: no folder {name!r} in it{nearest(name, names)}",
        "needed: real and fake, or unknown",
        "--label names other folders, --real-only reads one class",
    ]
    if inside:
        # Of train/real, the folder above train is meant.
        meant = inside.parent if plain(inside.name) in SPLIT_WORDS else inside
        told.append(f"{meant} looks like it")
        above = inside.relative_to(root).parts[:-1]
        if above and plain(above[0]) in SPLIT_WORDS:
            told.append(
                f"{inside.name}/ may be a method, a person or a data set, so {above[0]}/ is read if "
                "--group-pattern tells the groups, such as '(.+)', which makes each file one"
            )
    elif names:
        told.append(f"there: {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}")
    return InputError("; ".join(filter(None, (*told, packed(root)))))


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
    items: list[Item] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def read(self, given: _Class) -> None:
        """Add the files below a folder; a folder without photo or video is an error."""
        before = len(self.items) + len(self.ledger)
        packed_too = 0
        splits = _split_folders(given.folder) if given.split is None else {}
        for path in files_below(given.folder):
            kind = kind_found(path)
            relative = path.relative_to(self.root).as_posix()
            unread = is_unread(path) or is_archive(path)
            if unnamed := no_text(relative) if kind or unread else []:
                self.ledger += unnamed
                continue
            if kind is None:
                self.others.append(path)
                if unread:
                    why = (
                        "an archive; unpack it" if is_archive(path) else f"{path.suffix.lower()} is not read"
                    )
                    self.ledger.append(LedgerRow(relative, UNREADABLE, why))
                    packed_too += is_archive(path)
                continue
            inside = path.relative_to(given.folder).parts
            split = given.split
            if len(inside) > 1 and inside[0] in splits:
                split, inside = splits[inside[0]], inside[1:]
            inside = _without_containers(inside, given.folder.name)
            told = split if given.label != UNKNOWN else None
            group = _group_by_pattern(self.pattern, relative) if self.pattern else _group(inside, told)
            video = relative if kind == VIDEO else ""
            self.items.append(
                Item(
                    relative,
                    given.label,
                    group.strip(),
                    kind,
                    source=self.source,
                    video=video,
                    split=split,
                    part=LABEL_NAMES[given.label],
                )
            )
        if len(self.items) + len(self.ledger) - packed_too == before:
            inside_it = f"; it holds {kinds_told(self.others)}" if self.others else ""
            raise InputError(f"{given.folder}: neither photos nor videos in it{inside_it}")


def _split_folders(folder: Path) -> dict[str, str]:
    """The splits of a class's subfolders by name, if these are its splits and nothing else."""
    names = subfolders(folder)
    splits = {name: SPLIT_WORDS[plain(name)] for name in names if plain(name) in SPLIT_WORDS}
    # One folder alone may be a person called Dev.
    return splits if len(splits) == len(names) and len(set(splits.values())) > 1 else {}


def _beside(root: Path, read: Collection[_Class]) -> list[LedgerRow]:
    """Ledger rows for what lies beside the folders that are read, in the root or in a folder of a split."""
    rows = []
    parents = {parent for each in read for parent in each.folder.parents if parent.is_relative_to(root)}
    above = sorted({root, *parents})
    known = {*above, *(each.folder for each in read)}
    for folder in above:
        for path in (folder / name for name in subfolders(folder)):
            if path in known or is_extraction(path):
                continue
            count = sum(kind_found(each) is not None for each in files_below(path, without=is_extraction))
            if count:
                name = as_text(path.relative_to(root).as_posix())
                rows.append(LedgerRow(name, UNLISTED, f"{count:,} photos and videos, of no class"))
        files = sorted(path for path in folder.iterdir() if path.is_file() and kind_found(path))
        names = (as_text(path.relative_to(root).as_posix()) for path in files)
        rows += [LedgerRow(name, UNLISTED, "in no folder of a class") for name in names]
    return rows


def _without_containers(inside: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The folders and the name of a file, without folders at the front that hold all of the class `name`.

    One of the class's own name is left by an archive that was unpacked into a folder of its name.
    """
    while len(inside) > 1 and (plain(inside[0]) in CONTAINERS or plain(inside[0]) == plain(name)):
        inside = inside[1:]
    return inside


def _group(inside: Sequence[str], split: str | None) -> str:
    """The group of a file by its place in the folder of its class.

    Args:
        inside: the folders and the name.
        split: the split that its folder tells; two splits then may hold other files of one name.
    """
    if len(inside) > 1:
        return inside[0]
    stem = PurePosixPath(inside[0]).stem
    return f"{split}/{stem}" if split else stem


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
