"""Tell where pages of an Ogg file are damaged or missing: it names no length, and FFmpeg skips such pages.

Reference: RFC 3533.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from face_extraction.holes import Hole
from face_extraction.images import open_file

_SIGN, _HEAD = b"OggS", 27
# Bits that say that a page is the first or the last of its stream.
_FIRST, _LAST = 2, 4
# What the first page of a video holds.
_VIDEOS = (b"\x80theora", b"OVP80", b"BBCD\0")
_BLOCK = 2**20
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Page(NamedTuple):
    at: int
    end: int
    flags: int
    stream: bytes
    number: int
    content: bytes
    whole: bool


def holes(path: Path) -> Iterator[Hole]:
    """The damaged pages, and where pages of the video are missing.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        numbers: dict[bytes, int] = {}
        for part in _parts(file, size, checked=True):
            if part.end > size:
                return
            if isinstance(part, Hole):
                if part.end < size:
                    yield part
                numbers = dict.fromkeys(numbers, -1)
                continue
            if part.flags & _FIRST:
                numbers.pop(part.stream, None)
                if part.content.startswith(_VIDEOS):
                    numbers[part.stream] = part.number
            elif part.stream in numbers:
                if part.number != numbers[part.stream] + 1 and numbers[part.stream] >= 0:
                    yield Hole(part.at, part.at)
                numbers[part.stream] = part.number


def breaks_off(path: Path) -> bool:
    """Whether the file ends inside a page, or in other bytes before the last page of its video.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        is_open: dict[bytes, bool] = {}
        for part in _parts(file, size, checked=False):
            if part.end > size:
                return True
            if isinstance(part, Hole):
                if part.end == size:
                    return any(is_open.values())
                continue
            if part.flags & _FIRST and part.content.startswith(_VIDEOS):
                is_open[part.stream] = True
            if part.flags & _LAST and part.stream in is_open:
                is_open[part.stream] = False
    return False


def _parts(file: IO[bytes], size: int, *, checked: bool) -> Iterator[_Page | Hole]:
    """The pages, and the other bytes between them, in order; a cut page ends beyond the file.

    Args:
        file: the file.
        size: its size in bytes.
        checked: whether a page whose checksum is wrong counts as other bytes.
    """
    at = 0
    while at < size:
        page = _page(file, at, size, checked)
        if page is not None and (page.whole or page.end > size):
            yield page
            at = page.end
        else:
            hole = Hole(at, _find(file, at + 1, size))
            yield hole
            at = hole.end


def _page(file: IO[bytes], at: int, size: int, checked: bool) -> _Page | None:
    """The page at a place; None if there is none. It is whole if it is not checked."""
    file.seek(at)
    head = file.read(_HEAD)
    if not head.startswith(_SIGN[: len(head)]):
        return None
    if len(head) < _HEAD:
        return _Page(at, at + _HEAD, 0, b"", 0, b"", whole=False)
    table = file.read(head[26])
    end = at + _HEAD + head[26] + sum(table)
    content = file.read(min(end, size) - at - _HEAD - len(table))
    told = int.from_bytes(head[22:26], "little")
    whole = not checked or _checksum(head[:22] + bytes(4) + head[26:] + table + content) == told
    return _Page(at, end, head[5], head[14:18], int.from_bytes(head[18:22], "little"), content, whole)


def _checksum(content: bytes) -> int:
    """Ogg's CRC: zlib's with the bits of every byte, and of the result, the other way round."""
    mirrored = zlib.crc32(content.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _find(file: IO[bytes], at: int, size: int) -> int:
    """Where the next page begins; `size` if there is none."""
    while at < size:
        file.seek(at)
        block = file.read(_BLOCK)
        found = block.find(_SIGN)
        if found >= 0:
            return at + found
        at += max(1, len(block) - len(_SIGN) + 1)
    return size
