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
        size, at = file.seek(0, 2), 0
        numbers: dict[bytes, int] = {}
        while at < size:
            page = _page(file, at, size)
            if page and page.end > size:
                return
            if page is None or not page.whole:
                after = _find(file, at + 1, size)
                if after < size:
                    yield Hole(at, after)
                at, numbers = after, dict.fromkeys(numbers, -1)
                continue
            if page.flags & _FIRST:
                numbers.pop(page.stream, None)
                if page.content.startswith(_VIDEOS):
                    numbers[page.stream] = page.number
            elif page.stream in numbers:
                if page.number != numbers[page.stream] + 1 and numbers[page.stream] >= 0:
                    yield Hole(at, at)
                numbers[page.stream] = page.number
            at = page.end


def breaks_off(path: Path) -> bool:
    """Whether the file ends inside a page, or in other bytes before the last page of its video.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size, at = file.seek(0, 2), 0
        is_open: dict[bytes, bool] = {}
        while at < size:
            page = _page(file, at, size)
            if page is None:
                after = _find(file, at + 1, size)
                if after >= size:
                    return any(is_open.values())
                at = after
                continue
            if page.flags & _FIRST and page.content.startswith(_VIDEOS):
                is_open[page.stream] = True
            if page.flags & _LAST and page.stream in is_open:
                is_open[page.stream] = False
            at = page.end
        return at > size


def _page(file: IO[bytes], at: int, size: int) -> _Page | None:
    """The page at a place; None if there is none."""
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
    whole = _checksum(head[:22] + bytes(4) + head[26:] + table + content) == told
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
