"""Animated WebP and PNG: named as photos, read as the videos that they are.

FFmpeg reads animated PNG and GIF; animated WebP only Pillow does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from face_extraction.images import MAX_PIXELS, Unreadable, open_file
from face_extraction.ledger import DAMAGED, ItemFailed
from face_extraction.spacing import middles_in_time


class Picture(NamedTuple):
    """A picture's number, its seconds from the start, and its uint8 RGB of shape (height, width, 3)."""

    number: int
    time: float
    rgb: NDArray[np.uint8]


def is_animated(path: Path) -> bool:
    """Whether a file's head says that it is a WebP or PNG of several pictures.

    Raises:
        Unreadable: the system cannot open it.
    """
    with open_file(path) as file:
        head = file.read(4096)
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head.partition(b"IDAT")[0]
    return is_animated_webp(head)


def is_animated_webp(head: bytes) -> bool:
    """Whether a file that begins so is a WebP whose header has the bit of an animation."""
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:21]) and bool(head[20] & 2)


def read_pictures(path: Path, count: int | None) -> Iterator[Picture]:
    """The pictures of an animated WebP, `count` of them evenly spaced in time; all where it is None.

    What is transparent is shown black, as in other videos.

    Raises:
        Unreadable: it is no WebP, or has too many pixels.
        ItemFailed: "damaged", after the pictures before the first that cannot be decoded.
    """
    with open_file(path) as file:
        try:
            image = Image.open(file, formats=["WEBP"])
        except (UnidentifiedImageError, OSError, ValueError):
            raise Unreadable(path, "the WebP animation cannot be decoded") from None
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise Unreadable(path, f"more than {MAX_PIXELS:,} pixels")
            starts = _starts(image)
            total = len(starts) - 1
            times = np.array(starts[:-1], np.int64)
            wanted = range(total) if count is None else middles_in_time(times, starts[-1], count).tolist()
            for index in wanted:
                try:
                    yield Picture(index, starts[index] / 1000, _seek(image, index))
                except (OSError, EOFError, ValueError) as error:
                    raise ItemFailed(DAMAGED, f"picture {index} of {total}: {error}") from None


def _starts(image: Image.Image) -> list[int]:
    """When each picture begins and the last ends, in milliseconds; up to the first that is damaged."""
    starts = [0]
    for index in range(getattr(image, "n_frames", 1)):
        try:
            image.seek(index)
            image.load()
            length = int(image.info.get("duration", 0))
        except (OSError, EOFError, ValueError):
            length = 0  # It is told when it is wanted.
        starts.append(starts[-1] + max(length, 1))
    return starts


def _seek(image: Image.Image, index: int) -> NDArray[np.uint8]:
    image.seek(index)
    ground = Image.new("RGBA", image.size, "black")
    ground.alpha_composite(image.convert("RGBA"))
    return np.array(ground.convert("RGB"))
