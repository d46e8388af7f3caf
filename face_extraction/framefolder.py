"""Folders of pictures that are the frames, or the ready-made crops, of one video."""

import re
from collections.abc import Iterator
from pathlib import Path

from face_extraction.ledger import UNREADABLE, ItemFailed
from face_extraction.media import PHOTO, kind_found

# Pictures do not tell their rate; people are followed from frame to frame as at this one.
FRAMES_PER_SECOND = 25.0


def spread(count: int, take: int) -> list[int]:
    """The middles of `take` equal parts of `count` places; all places where there are no more."""
    if not take or take >= count:
        return list(range(count))
    return [(2 * index + 1) * count // (2 * take) for index in range(take)]


def frame_files(folder: Path, take: int = 0) -> Iterator[tuple[int, Path]]:
    """The pictures directly in a folder, in the order of their numbers.

    Args:
        folder: where they lie.
        take: how many, evenly spaced; 0 for all.

    Yields:
        Each picture's number and path. The number is the last one in its name; where two pictures have the
        same, or one has none, it is the picture's place.

    Raises:
        ItemFailed: "unreadable", there is no picture in the folder, or no such folder.
    """
    try:
        found = [path for path in folder.iterdir() if path.is_file() and kind_found(path) == PHOTO]
    except OSError as error:
        raise ItemFailed(UNREADABLE, error.strerror or str(error)) from None
    if not found:
        raise ItemFailed(UNREADABLE, "no picture in the folder")
    paths = sorted(found, key=_natural)
    numbers = [re.findall(r"\d+", path.stem)[-1:] for path in paths]
    told = [int(each[0]) for each in numbers if each]
    if len(set(told)) < len(paths):
        told = list(range(len(paths)))
    for place in spread(len(paths), take):
        yield told[place], paths[place]


def _natural(path: Path) -> list[tuple[int, str]]:
    """Numbers in a name count as numbers: 2.png comes before 10.png."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
