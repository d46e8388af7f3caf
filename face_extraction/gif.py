"""Draw the pictures of a GIF as browsers do; Pillow decodes each part.

Places that no part covers, or that a part clears, are transparent in browsers; Pillow fills them with a
colour. If a part does not say what becomes of it, Pillow repeats what the part before it asked for.

Reference: GIF89a specification; what browsers do otherwise stands at the place.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_EXTENSION, _PART, _CONTROL = b"!", b",", 0xF9
_TABLE, _INTERLACED = 0x80, 0x40
_CLEAR, _RESTORE = 2, 3


class DamagedGif(ValueError):
    """A part of a GIF that cannot be decoded; the text says why."""


@dataclass(frozen=True)
class Part:
    """A part of a GIF, which is drawn over what is there.

    Attributes:
        place: left, top, right and bottom.
        content: a GIF of it alone.
        colours: uint8 of shape (256, 3).
        clear: the number of the colour that lets what is below show through; None if there is none.
        after: what becomes of it before the next is drawn: 2 clears its place, 3 restores what was there.
        milliseconds: how long it is shown.
    """

    place: tuple[int, int, int, int]
    content: bytes
    colours: NDArray[np.uint8]
    clear: int | None
    after: int
    milliseconds: int


@dataclass(frozen=True)
class Gif:
    """A GIF's parts, and the size of its picture."""

    width: int
    height: int
    parts: list[Part]

    @property
    def is_covered(self) -> bool:
        """Whether the first part covers the whole picture."""
        return bool(self.parts) and self.parts[0].place == (0, 0, self.width, self.height)

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """The picture after each part: uint8 of shape (height, width, 4), transparent where nothing is drawn.

        Raises:
            DamagedGif: a part cannot be decoded; the pictures before it are good.
        """
        shown = np.zeros((self.height, self.width, 4), np.uint8)
        for part in self.parts:
            left, top, *_ = part.place
            numbers = decode(part)[: self.height - top, : self.width - left]
            place = np.s_[top : top + len(numbers), left : left + numbers.shape[1]]
            before = shown[place].copy() if part.after == _RESTORE else None
            drawn = numbers != part.clear if part.clear is not None else np.ones(numbers.shape, np.bool_)
            shown[place][drawn, :3] = part.colours[numbers[drawn]]
            shown[place][drawn, 3] = 255
            yield shown.copy()
            if before is not None:
                shown[place] = before
            elif part.after == _CLEAR:  # To transparency, not to the file's background.
                shown[place] = 0


def decode(part: Part) -> NDArray[np.uint8]:
    """The numbers of a part's colours: uint8 of shape (height, width).

    Raises:
        DamagedGif: its pixels are damaged or cut off.
    """
    try:
        with Image.open(io.BytesIO(part.content), formats=("GIF",)) as image:
            return np.asarray(image, np.uint8)
    except Exception as error:  # Pillow raises many kinds.
        raise DamagedGif(str(error)) from None


def read_gif(stream: IO[bytes]) -> Gif:
    """Read a GIF's parts, without decoding them.

    Raises:
        DamagedGif: the file ends within its head.
    """
    head = stream.read(13)
    if len(head) < 13:
        raise DamagedGif("the GIF file is truncated")
    width, height = _number(head, 6), _number(head, 8)
    shared = stream.read(_size(head[10]))
    control, parts = bytes(4), list[Part]()
    while (kind := stream.read(1)) in (_EXTENSION, _PART):
        if kind == _EXTENSION:
            label = stream.read(1)
            blocks = _blocks(stream)
            if label[:1] == bytes([_CONTROL]) and len(blocks) > 4:
                control = blocks[1:5]
            continue
        frame = stream.read(9)
        if len(frame) < 9:
            break
        own = stream.read(_size(frame[8]))
        pixels = stream.read(1) + _blocks(stream)
        parts.append(_part(frame, own or shared, pixels, control))
        control = bytes(4)
    if parts:  # As in browsers, the first may make the picture larger.
        width, height = max(width, parts[0].place[2]), max(height, parts[0].place[3])
    return Gif(width, height, parts)


def _part(frame: bytes, table: bytes, pixels: bytes, control: bytes) -> Part:
    left, top, width, height = (_number(frame, at) for at in (0, 2, 4, 6))
    colours = np.zeros((256, 3), np.uint8)
    told = np.frombuffer(table, np.uint8)[: len(table) // 3 * 3].reshape(-1, 3)
    colours[: len(told)] = told
    # Without a table, so that Pillow gives the numbers of the colours.
    flags = bytes([frame[8] & _INTERLACED])
    content = b"GIF89a" + frame[4:8] + bytes(3) + _PART + bytes(4) + frame[4:8] + flags + pixels + b";"
    clear = control[3] if control[0] & 1 else None
    after, time = control[0] >> 2 & 7, 10 * _number(control, 1)
    return Part((left, top, left + width, top + height), content, colours, clear, after, time)


def _blocks(stream: IO[bytes]) -> bytes:
    """Blocks as they are in the file, up to the empty one that ends them."""
    found = []
    while size := stream.read(1):
        found.append(size + stream.read(size[0]))
        if size == b"\0":
            break
    return b"".join(found)


def _size(flags: int) -> int:
    """The bytes of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "little")
