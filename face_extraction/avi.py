"""Tell where bytes are missing in an AVI, by its lists and their sizes: decoders need not notice.

Reference: AVI RIFF File Reference (Microsoft).
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from face_extraction.images import open_file

_LIST, _PALETTE = b"idx1", b"pc"
_FRAMES = b"movi"
# From here on, the size of the frames only says that they were never counted.
_UNKNOWN = 0x7FFFFFF0
_ENTRY = struct.Struct("<4sIII")
# Further back than this from the file's end the list is not looked for.
_TAIL = 2**25


class Chunk(NamedTuple):
    """A frame's place in bytes (in a list counted from anywhere), and its size."""

    at: int
    size: int


def listed(path: Path, stream: int) -> list[Chunk]:
    """The frames that an AVI lists, in the file's order, without repeated ones, which are empty.

    Args:
        path: the file.
        stream: the number of the video stream.

    Returns:
        nothing if the file has no list.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        content = _find_list(file)
    number = b"%02d" % stream
    entries = _ENTRY.iter_unpack(content)
    return [
        Chunk(at, size)
        for kind, _, at, size in entries
        if size and kind[:2] == number and kind != number + _PALETTE
    ]


def _find_list(file: IO[bytes]) -> bytes:
    size = file.seek(0, 2)
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read()
    at = len(tail)
    while (at := tail.rfind(_LIST, 0, at)) >= 0:
        end = at + 8 + int.from_bytes(tail[at + 4 : at + 8], "little")
        if end <= len(tail):
            return tail[at + 8 : at + 8 + (end - at - 8) // _ENTRY.size * _ENTRY.size]
    return b""


def breaks_off(path: Path) -> bool:
    """Whether the file ends before its frames do, and so without its list.

    A recorder that was cut off leaves the size of the frames at zero.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        end, at = file.seek(0, 2), 0
        while at + 12 <= end:
            file.seek(at)
            kind, size, inside = struct.unpack("<4sI4s", file.read(12))
            if inside == _FRAMES and size < _UNKNOWN and at + 8 + size > end:
                return not _find_list(file)
            # Each part of a large file is a RIFF of its own; what stands in one follows its head.
            at += 12 if kind == b"RIFF" else 8 + size + size % 2
    return False


def before_cuts(chunks: Sequence[Chunk], found: Sequence[Chunk]) -> list[int]:
    """The numbers of the found frames from which, or behind which, bytes were cut away.

    Behind a cut all places are smaller than the list says.

    Args:
        chunks: the frames listed.
        found: the frames in the file.
    """
    numbers = {chunk: number for number, chunk in enumerate(chunks)}
    if not chunks or not found or chunks[0].size != found[0].size:
        return []  # The list belongs to another file, or the first frame is missing.
    shift, number, cuts = found[0].at - chunks[0].at, 0, []
    for place, one in enumerate(found[1:], start=1):
        if (same := numbers.get(Chunk(one.at - shift, one.size))) is not None:
            number = same
            continue
        later = (n for n in range(number + 1, len(chunks)) if chunks[n].size == one.size)
        moved = next((n for n in later if one.at - chunks[n].at < shift), None)
        if moved is not None:
            cuts.append(place - 1)
            shift, number = one.at - chunks[moved].at, moved
    return cuts
