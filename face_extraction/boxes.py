"""Read an MP4's boxes, and how many samples its tables claim: FFmpeg allocates memory for each."""

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


class Box(NamedTuple):
    """A box: its kind, where its content begins, and where it ends, in bytes of the file.

    `whole` says whether it ends where its head says, and not earlier with what it stands in.
    """

    kind: bytes
    start: int
    end: int
    whole: bool = True


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


def inside(file: IO[bytes], box: Box, *kinds: bytes) -> Iterator[Box]:
    """The boxes in a box, at the end of a path of kinds."""
    if not kinds:
        yield box
        return
    for child in boxes(file, box.start, box.end):
        if child.kind == kinds[0]:
            yield from inside(file, child, *kinds[1:])


def _claims(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Each table of samples, and how many samples it claims."""
    for box in boxes(file, start, end):
        if box.kind in _PARENTS:
            yield from _claims(file, box.start, box.end)
        elif box.kind in _COUNTS:
            yield box.kind, _count(file, box)
        elif box.kind in _LISTS:
            file.seek(box.start)
            content = file.read(box.end - box.start)
            counts = struct.iter_unpack(">II", content[8 : 8 + (len(content) - 8) // 8 * 8])
            yield box.kind, sum(count for count, _ in counts)


def boxes(file: IO[bytes], start: int, end: int) -> Iterator[Box]:
    """The boxes that stand one behind the other in a part of a file."""
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
        yield Box(kind, start + head, stop, not size or start + size == stop)
        start = stop


def _count(file: IO[bytes], box: Box) -> int:
    at = _COUNTS[box.kind]
    file.seek(box.start)
    content = file.read(at + 8)
    if box.kind == b"saiz" and content[3:4] == b"\x01":  # The type of the information comes first.
        at += 8
        file.seek(box.start)
        content = file.read(at + 4)
    return int(struct.unpack_from(">I", content, at)[0]) if len(content) >= at + 4 else 0
