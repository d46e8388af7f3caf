"""GIF, PNG, WebP and AVIF files of several pictures, read like the frames of a video."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from face_extraction.heif import HEAD, is_avif, is_heic
from face_extraction.images import Animated, known_format, open_file, open_picture, read_photo, shown_rgb
from face_extraction.ledger import DAMAGED, ItemFailed

# Browsers show a picture for so long that asks for no time.
_SHORTEST, _DEFAULT = 11, 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of an animation.

    Attributes:
        index: its number, from 0.
        time: seconds from the start at which it appears.
        rgb: uint8 of shape (height, width, 3), upright sRGB.
    """

    index: int
    time: float
    rgb: NDArray[np.uint8]


def is_picture(path: Path) -> bool:
    """Whether a file is a GIF, PNG, WebP, AVIF or HEIC by its content, whatever its name.

    FFmpeg would give one tile of a HEIC, and knows no moving WebP. JPEG is left to it, for a stream of them
    is a video.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as stream:
        try:
            head = stream.read(HEAD)
        except OSError:  # Whoever reads the frames tells it.
            return False
    return known_format(head) in ("GIF", "PNG", "WebP") or is_heic(head) or is_avif(head)


def read_pictures(path: Path, *, count: int | None = None) -> Iterator[Shown]:
    """The pictures of an animation; of a photo the one that it is.

    Args:
        path: the file.
        count: how many, evenly spaced over the time that the animation takes; None for all.

    Raises:
        Unreadable: no picture can be read.
        ItemFailed: "damaged", after the last picture before the damage.
    """
    try:
        yield Shown(0, 0.0, read_photo(path).rgb)
        return
    except Animated:
        pass
    with open_file(path) as stream, open_picture(stream, path) as image:
        times, damage = _times(image)
        for index in _evenly(times, count):
            image.seek(index)
            image.load()
            yield Shown(index, times[index], shown_rgb(image))
    if damage:
        raise ItemFailed(DAMAGED, damage)


def _times(image: Image.Image) -> tuple[list[float], str]:
    """When each picture appears, and at the end when the last one goes, in seconds; and what is damaged."""
    total = getattr(image, "n_frames", 1)
    durations: list[float] = []
    damage = ""
    for index in range(total):
        try:
            image.seek(index)
            image.load()
        except (OSError, EOFError, SyntaxError, ValueError) as error:
            damage = f"picture {index + 1} of {total} cannot be decoded ({error})"
            break
        wanted = image.info.get("duration") or 0
        durations.append((wanted if wanted >= _SHORTEST else _DEFAULT) / 1000)
    return [round(time, 6) for time in accumulate(durations, initial=0.0)], damage


def _evenly(times: list[float], count: int | None) -> list[int]:
    """Numbers of the pictures that are shown in the middles of `count` equal parts of the time."""
    total = len(times) - 1
    if count is None or count >= total:
        return list(range(total))
    middles = ((part + 0.5) * times[-1] / count for part in range(count))
    return sorted({int(np.searchsorted(times, middle, side="right")) - 1 for middle in middles})
