"""How many samples an MP4's tables claim: FFmpeg allocates memory for each."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from face_extraction.boxes import Box, boxes
from face_extraction.images import Unreadable, open_file

# Any file may claim this many samples, whatever its size: FFmpeg takes some 60 bytes for each.
FREE_SAMPLES = 1_000_000
_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
# Where the counts stand in a box's content: after one size for all samples, or first.
_COUNTS = {b"stsz": 8, b"stz2": 8, b"trun": 4, b"saiz": 5}
# Lists of (count, value) pairs.
_LISTS = frozenset({b"stts", b"ctts"})
_FIRST = frozenset({b"ftyp", b"moov", b"moof", b"styp", b"free", b"skip", b"wide", b"mdat", b"sidx", b"pnot"})


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


def _count(file: IO[bytes], box: Box) -> int:
    at = _COUNTS[box.kind]
    file.seek(box.start)
    content = file.read(at + 8)
    if box.kind == b"saiz" and content[3:4] == b"\x01":  # The type of the information comes first.
        at += 8
        file.seek(box.start)
        content = file.read(at + 4)
    return int(struct.unpack_from(">I", content, at)[0]) if len(content) >= at + 4 else 0
