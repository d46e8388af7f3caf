"""Read the boxes of an MP4, a HEIC or an AVIF."""

import struct
from collections.abc import Iterator
from typing import IO, NamedTuple


class Box(NamedTuple):
    """A box: its kind, where its content begins, and where it ends, in bytes of the file.

    `whole` says whether it ends where its head says, and not earlier with what it stands in.
    """

    kind: bytes
    start: int
    end: int
    whole: bool = True


def inside(file: IO[bytes], box: Box, *kinds: bytes) -> Iterator[Box]:
    """The boxes in a box, at the end of a path of kinds."""
    if not kinds:
        yield box
        return
    for child in boxes(file, box.start, box.end):
        if child.kind == kinds[0]:
            yield from inside(file, child, *kinds[1:])


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
