"""Read GIF, PNG, WebP and AVIF files of several pictures like the frames of a video."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from face_extraction import webp, zeros
from face_extraction.colour import to_rgb
from face_extraction.errors import one_line
from face_extraction.gif import DamagedGif, Gif, Part, decode, read_gif
from face_extraction.heif import HEAD
from face_extraction.images import (
    Animated,
    Unreadable,
    check_frame,
    open_file,
    open_picture,
    read_content,
    read_photo,
    shown_rgb,
)
from face_extraction.jpeg import is_stream
from face_extraction.ledger import DAMAGED, ItemFailed
from face_extraction.signatures import known_format
from face_extraction.spacing import middles_in_time

# If a picture asks for less time than the first number, browsers show it for the second (milliseconds).
_SHORTEST, _DEFAULT = 11, 100
# Bytes of a JPEG in which its first picture ends.
_LONGEST_JPEG = 2**28


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of an animation.

    Attributes:
        index: its number, from 0.
        time: when it appears, in seconds from the start.
        rgb: uint8 of shape (height, width, 3), upright sRGB.
    """

    index: int
    time: float
    rgb: NDArray[np.uint8]


def is_picture(path: Path) -> bool:
    """Whether a file's content is JPEG, GIF, PNG, WebP, BMP, TIFF, AVIF or HEIC, whatever its name.

    FFmpeg would return one tile of a HEIC, no colour profile, and a JPEG's brightness map as a frame, and it
    cannot read animated WebP. A stream of JPEGs is a video.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as stream:
        try:
            head = stream.read(HEAD)
            kind = known_format(head)
            return not is_stream(head + stream.read(_LONGEST_JPEG)) if kind == "JPEG" else kind != ""
        except OSError:  # The reader of the frames reports it.
            return False


def read_pictures(path: Path, *, count: int | None = None) -> Iterator[Shown]:
    """The pictures of an animation; a photo gives its one picture.

    Args:
        path: the file.
        count: how many, evenly spaced over the animation's time; None for all.

    Raises:
        Unreadable: no picture can be read, or they are too large.
        ItemFailed: "damaged", raised after the last picture before the damage.
    """
    try:
        yield Shown(0, 0.0, read_photo(path).rgb)
        return
    except Animated:
        pass
    with open_file(path) as stream, open_picture(stream, path) as image:
        check_frame(image.size, path)
        if image.format == "GIF":
            stream.seek(0)
            yield from _read_gif(path, read_gif(stream), count)
            return
        # A PNG can hold a picture for viewers that show no animations; Pillow gives it as the first.
        before = 1 if getattr(image, "default_image", False) else 0
        times, damage = _times(image, before, _sound_pictures(path, image))
        for index in _wanted(times, count):
            image.seek(before + index)
            _load(image)
            yield Shown(index, times[index], shown_rgb(image))
    if damage:
        raise ItemFailed(DAMAGED, damage)


def _read_gif(path: Path, gif: Gif, count: int | None) -> Iterator[Shown]:
    check_frame((gif.width, gif.height), path)
    sound, damage = 0, ""
    try:
        for part in gif.parts:
            check_frame(_extent(part), path)
            decode(part)
            sound += 1
    except (DamagedGif, Unreadable) as error:
        detail = error.detail if isinstance(error, Unreadable) else error
        damage = f"picture {sound + 1} of {len(gif.parts)} cannot be decoded ({detail})"
    times = _clock([part.milliseconds for part in gif.parts[:sound]])
    wanted = set(_wanted(times, count))
    for index, rgba in enumerate(islice(gif.pictures(), sound)):
        if index in wanted:
            yield Shown(index, times[index], to_rgb(Image.fromarray(rgba)))
    if damage:
        raise ItemFailed(DAMAGED, damage)


def _extent(part: Part) -> tuple[int, int]:
    left, top, right, bottom = part.place
    return right - left, bottom - top


def _wanted(times: list[float], count: int | None) -> list[int]:
    """The numbers of the pictures to show, by when each appears and the last one ends."""
    *starts, end = (round(1e6 * time) for time in times)
    return [int(n) for n in middles_in_time(np.array(starts), end, len(starts) if count is None else count)]


def _sound_pictures(path: Path, image: Image.Image) -> float:
    """How many pictures come before the first whose damage its decoder passes over."""
    if image.format == "WEBP":
        return webp.sound_pictures(read_content(path))
    if image.format == "AVIF":
        return zeros.sound_pictures(read_content(path), getattr(image, "n_frames", 1))
    return float("inf")


def _times(image: Image.Image, first: int, sound: float) -> tuple[list[float], str]:
    """When each picture from `first` on appears and when the last one ends, in seconds; and the damage."""
    total = getattr(image, "n_frames", 1)
    durations: list[int] = []
    damage = ""
    for index in range(first, total):
        try:
            if index - first >= sound:
                raise ValueError("its pixels are damaged")
            image.seek(index)
            _load(image)
        except MemoryError:
            raise
        except Exception as error:  # The decoders raise many kinds.
            damage = f"picture {index + 1} of {total} cannot be decoded ({one_line(error)})"
            break
        durations.append(image.info.get("duration") or 0)
    return _clock(durations), damage


def _clock(durations: Iterable[int]) -> list[float]:
    """When each picture appears and when the last one ends, in seconds; durations are in milliseconds."""
    shown = ((wanted if wanted >= _SHORTEST else _DEFAULT) / 1000 for wanted in durations)
    return [round(time, 6) for time in accumulate(shown, initial=0.0)]


def _load(image: Any) -> None:
    """Load the picture, and keep for the next one what it covers.

    Pillow 13 draws an APNG's picture into its only copy of the one before, which it may have to restore.
    """
    before = getattr(image, "_prev_im", None) if image.format == "PNG" else None
    kept = before and before.copy()
    image.load()
    if kept:
        image._prev_im = kept
