"""Find the places in an FLV where no tag stands: FFmpeg searches for the next one without a word.

Reference: Adobe Flash Video File Format Specification 10.1, annex E.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from face_extraction.holes import Hole
from face_extraction.images import open_file

# Sound, video, and what describes them; two bits above say other things.
_KINDS, _KIND = frozenset({8, 9, 18}), 0x1F
# Bytes of a tag's head, and of its size that is repeated behind it.
_HEAD, _BEHIND = 11, 4
_BLOCK = 2**16


def holes(path: Path) -> Iterator[Hole]:
    """The damaged parts between tags.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        file.seek(5)
        at = last = int.from_bytes(file.read(4)) + _BEHIND
        while at + _HEAD <= size:
            after = _end(file, at)
            if after is not None:
                at, last = after, at
                continue
            # The size of the tag before may be what is wrong.
            at = _find(file, last + _HEAD, size)
            if at < size:
                yield Hole(last, at)
            last = at


def _end(file: IO[bytes], at: int) -> int | None:
    """Where the tag at a place ends; None if none begins there."""
    file.seek(at)
    head = file.read(_HEAD)
    if len(head) < _HEAD or head[0] & _KIND not in _KINDS or any(head[8:]):
        return None
    return at + _HEAD + int.from_bytes(head[1:4]) + _BEHIND


def _find(file: IO[bytes], at: int, size: int) -> int:
    """Where the next tag begins that another follows, or that ends the file; `size` if there is none."""
    while at < size:
        file.seek(at)
        block = file.read(_BLOCK)
        for start, kind in enumerate(block):
            if kind in _KINDS and not any(block[start + 8 : start + _HEAD]):
                after = _end(file, at + start)
                if after == size or (after and after < size and _end(file, after)):
                    return at + start
        at += len(block)
    return size
