"""Any tree with the folders real/ and fake/ of photos or videos, or unknown/ alone.

Layout: `real/` and `fake/` (capitals or not) with files at any depth below them, but for hidden folders
and Synology's `@eaDir`. What lies in a subfolder belongs to the group of that name (a person, an
original video); what lies directly in real/ or fake/ is a group of its own, named as the file without
its suffix. A group never stands in two splits, and real/ and fake/ share group names: put a person's
real and faked clips into subfolders of one name, or say with --group-pattern how the file names tell
the original. The folder's name is the data set's, unless --source gives one: two data sets that will be
joined need two names.

`unknown/`, where there is neither of the two, holds what is to be scored and not learned from: its
faces are of unknown label and in the split test, which is what dfdetect.evaluate scores.

Licence and citation: those of the material.
"""

import re
import unicodedata
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError
from face_extraction.ledger import UNREADABLE, LedgerRow
from face_extraction.manifest import LABEL_NAMES, UNKNOWN
from face_extraction.media import UNREAD_SUFFIXES, VIDEO, kind_found, kinds_told
from face_extraction.sources.layout import (
    LABELS,
    files_below,
    named_folder,
    nearest,
    need_folder,
    no_text,
    subfolders,
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
            "finds the group in each path under RAW, such as 'id([0-9]+)_': what is named "
            "(?P<group>...), or else the first (...)",
        ),
        Option("source", "NAME", "the data set's name in the manifest (the name of RAW)"),
    ),
)
def folders(root: Path, *, group_pattern: str = "", source: str = "") -> Listing:
    """List the photos and videos under `root`/real and `root`/fake, or under `root`/unknown.

    Args:
        root: the folder that holds real/ and fake/, or unknown/.
        group_pattern: a regular expression with a group, searched in each relative path.
        source: the data set's name; "" for the root's.

    Raises:
        InputError: a folder is missing or holds neither photo nor video, or the pattern is wrong
            or misses a file.
    """
    need_folder(root)
    pattern = _compile(group_pattern) if group_pattern else None
    source = source or root.resolve().name
    items: list[Item] = []
    ledger: list[LedgerRow] = []
    others: list[Path] = []
    unlabelled = named_folder(root, NAMELESS) and not any(named_folder(root, name) for name in LABELS)
    for name, label in ({NAMELESS: UNKNOWN} if unlabelled else LABELS).items():
        folder = named_folder(root, name)
        if folder is None:
            near = nearest(name, subfolders(root))
            needed = f"{' and '.join(LABELS)}, or {NAMELESS}"
            raise InputError(f"{root}: no folder {name!r} in it{near}; needed: {needed}")
        before = len(items) + len(ledger)
        for path in files_below(folder):
            kind = kind_found(path)
            relative = path.relative_to(root).as_posix()
            if unnamed := no_text(relative) if kind or _is_unread(path) else []:
                ledger += unnamed
                continue
            if kind is None:
                others.append(path)
                if _is_unread(path):
                    ledger.append(LedgerRow(relative, UNREADABLE, f"{path.suffix.lower()} is not read"))
                continue
            group = _group_by_pattern(pattern, relative) if pattern else _group(relative)
            # macOS writes é as e and an accent, others as one letter: one name all the same.
            group = unicodedata.normalize("NFC", group)
            video = relative if kind == VIDEO else ""
            split = "test" if unlabelled else None
            items.append(
                Item(relative, label, group, kind, source=source, video=video, split=split, part=name)
            )
        if len(items) + len(ledger) == before:
            inside = f"; it holds {kinds_told(others)}" if others else ""
            raise InputError(f"{folder}: neither photos nor videos in it{inside}")
    notes = [f"left out, being neither photo nor video: {kinds_told(others)}"] if others else []
    return Listing(items, ledger, notes)


def _is_unread(path: Path) -> bool:
    return path.suffix.lower() in UNREAD_SUFFIXES and not path.name.startswith(".")


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
