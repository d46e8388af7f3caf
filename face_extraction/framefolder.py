"""Folders whose pictures are the frames, or the ready-made crops, of one video."""

import re
from collections.abc import Iterator
from pathlib import Path

from face_extraction.ledger import UNREADABLE, ItemFailed
from face_extraction.media import PHOTO, kind_found
from face_extraction.spacing import middles

# Pictures have no rate; people are followed from frame to frame as if at this one.
FRAMES_PER_SECOND = 25.0


def frame_files(folder: Path, take: int = 0) -> Iterator[tuple[int, Path]]:
    """The pictures directly in a folder, ordered by their numbers.

    Args:
        folder: the folder.
        take: how many, evenly spaced; 0 for all.

    Yields:
        Each picture's number and path. The number is the last one in its name. If two pictures share a
        number, or one has none, the numbers are the pictures' places.

    Raises:
        ItemFailed: "unreadable": the folder is missing, or has no picture.
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
    for place in middles(len(paths), take or len(paths)):
        yield told[place], paths[place]


def _natural(path: Path) -> list[tuple[int, str]]:
    """A sort key that compares numbers as numbers: 2.png comes before 10.png."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
