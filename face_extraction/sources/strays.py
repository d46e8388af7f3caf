"""Name the photos and videos in a data set's root that its layout has no place for.

Without it a folder in the wrong place, or with a wrong name, would be missed without a word.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from face_extraction.ledger import UNLISTED, LedgerRow, as_text
from face_extraction.media import ARCHIVE, FRAMES, PHOTO, SEQUENCE, VIDEO, is_archive, is_unread, kind_found
from face_extraction.sources.layout import is_extraction, visited

if TYPE_CHECKING:
    from face_extraction.sources.registry import Item

ELSEWHERE = "in a place that this data set's layout does not have"


def strays(
    root: Path, items: Sequence["Item"], ledger: Sequence[LedgerRow], passed: Collection[str] = ()
) -> list[LedgerRow]:
    """Ledger rows for files of the items' kinds that are neither items nor in the ledger.

    Args:
        root: the folder that the items' paths are relative to.
        items: what was found.
        ledger: its rows so far; what lies in a folder that has a row is told.
        passed: folders that are known and not read: their names, or their paths from the root.

    Returns:
        one row for each file in a folder that also has items, and one for each other folder, with the number
        of its files.
    """
    told = {item.path for item in items} | {row.path for row in ledger}
    used = {str(folder) for item in items for folder in PurePosixPath(item.path).parents}
    whole = {item.path for item in items if item.kind in (FRAMES, SEQUENCE)}
    kinds = {VIDEO if item.kind == VIDEO else PHOTO for item in items}
    packed = any(item.kind == ARCHIVE for item in items)
    counts: Counter[str] = Counter()
    single = set()
    for path in _files(root, told | whole | set(passed), passed):
        relative = path.relative_to(root).as_posix()
        if relative in told or as_text(relative) in told:
            continue
        unread = is_unread(path) and PHOTO in kinds
        if kind_found(path) in kinds or unread or (packed and is_archive(path)):
            folders = [str(folder) for folder in reversed(PurePosixPath(relative).parents)]
            place = next((folder for folder in folders if folder not in used), relative)
            counts[place] += 1
            if place == relative:
                single.add(place)
    return [
        LedgerRow(as_text(name), UNLISTED, ELSEWHERE if name in single else f"{count:,} files {ELSEWHERE}")
        for name, count in counts.items()
    ]


def _files(root: Path, told: Collection[str], passed: Collection[str]) -> Iterator[Path]:
    """The files below the root, without those in the folders named and in what earlier extractions wrote.

    A folder that cannot be read has none. Links are not followed: one may lead to a whole disk.
    """
    for here, names, files in os.walk(root):
        folders = {name: Path(here) / name for name in visited(names) if name not in passed}
        names[:] = [
            name
            for name, folder in folders.items()
            if folder.relative_to(root).as_posix() not in told and not is_extraction(folder)
        ]
        yield from (Path(here) / name for name in sorted(files))
