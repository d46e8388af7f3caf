"""Read an MP4's boxes: how many samples its tables claim, and whether its pictures need Dolby Vision.

FFmpeg allocates memory for each claimed sample, and shows pictures that need Dolby Vision in wrong colours.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from face_extraction.images import Unreadable, open_file

# Any file may claim this many samples, whatever its size: FFmpeg takes some 60 bytes for each.
FREE_SAMPLES = 1_000_000
_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
# Where the counts stand in a box's content: after one size for all samples, or first.
_COUNTS = {b"stsz": 8, b"stz2": 8, b"trun": 4, b"saiz": 5}
# Lists of (count, value) pairs.
_LISTS = frozenset({b"stts", b"ctts"})
_FIRST = frozenset({b"ftyp", b"moov", b"moof", b"styp", b"free", b"skip", b"wide", b"mdat", b"sidx", b"pnot"})


# Where the boxes in a picture's description begin, and the boxes that describe Dolby Vision.
_DESCRIPTION = 78
_DOLBY = frozenset({b"dvcC", b"dvvC", b"dvwC"})


class _Box(NamedTuple):
    kind: bytes
    start: int  # of its content
    end: int


def check_tables(path: Path) -> None:
    """Refuse an MP4 whose tables claim more samples than its bytes can hold.

    Raises:
        Unreadable: a table claims too many, or the system cannot read the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        file.seek(4)
        if file.read(4) not in _FIRST:
            return
        limit = FREE_SAMPLES + size
        for kind, claimed in _claims(file, 0, size):
            if claimed > limit:
                name = kind.decode("ascii")
                raise Unreadable(path, f"its table {name!r} claims {claimed:,} samples, in {size:,} bytes")


def needs_dolby_vision(path: Path, tag: str) -> bool:
    """Whether other players show an MP4's pictures in wrong colours: Dolby Vision without a base that fits.

    Args:
        path: the video.
        tag: the kind of description that its pictures have, such as "dvh1".

    Raises:
        Unreadable: the system cannot read the file.
    """
    with open_file(path) as file:
        for table in _inside(
            file, _Box(b"", 0, file.seek(0, 2)), b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"
        ):
            for picture in _boxes(file, table.start + 8, table.end):
                for box in _boxes(file, picture.start + _DESCRIPTION, picture.end):
                    if picture.kind == tag.encode("latin-1") and box.kind in _DOLBY:
                        file.seek(box.start)
                        told = file.read(5)
                        return len(told) == 5 and told[4] >> 4 == 0
    return False


def _inside(file: IO[bytes], box: _Box, *kinds: bytes) -> Iterator[_Box]:
    """The boxes at the end of a path of kinds."""
    if not kinds:
        yield box
        return
    for child in _boxes(file, box.start, box.end):
        if child.kind == kinds[0]:
            yield from _inside(file, child, *kinds[1:])


def _claims(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Each table of samples, and how many samples it claims."""
    for box in _boxes(file, start, end):
        if box.kind in _PARENTS:
            yield from _claims(file, box.start, box.end)
        elif box.kind in _COUNTS:
            yield box.kind, _count(file, box)
        elif box.kind in _LISTS:
            file.seek(box.start)
            content = file.read(box.end - box.start)
            counts = struct.iter_unpack(">II", content[8 : 8 + (len(content) - 8) // 8 * 8])
            yield box.kind, sum(count for count, _ in counts)


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[_Box]:
    while start + 8 <= end:
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:
            return
        size, kind = struct.unpack_from(">I4s", header)
        head = 8
        if size == 1 and len(header) == 16:
            size, head = struct.unpack_from(">Q", header, 8)[0], 16
        # Size 0 reaches to the end. A size that is too small or too large is damage, which FFmpeg reports.
        stop = end if size == 0 else min(start + size, end)
        if size and size < head:
            return
        yield _Box(kind, start + head, stop)
        start = stop


def _count(file: IO[bytes], box: _Box) -> int:
    at = _COUNTS[box.kind]
    file.seek(box.start)
    content = file.read(at + 8)
    if box.kind == b"saiz" and content[3:4] == b"\x01":  # The type of the information comes first.
        at += 8
        file.seek(box.start)
        content = file.read(at + 4)
    return int(struct.unpack_from(">I", content, at)[0]) if len(content) >= at + 4 else 0
