"""Tell zeros or erased bytes (255) in place of a part of a HEIC or AVIF: decoders take them for a picture.

Reference: ISO/IEC 14496-12, 8.11 (items of a file), and 23008-12, 6.6.2 (pictures made of tiles).
"""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import av

from face_extraction.boxes import Box, boxes
from face_extraction.holes import units

# HEVC writes no three zeros inside a unit.
_MOST_ZEROS = 8
# Bytes of a unit's length, as encoders of pictures write it.
_PREFIX = 4
# AV1 and HEVC look like noise, also where a picture is flat: their longest row of equal bytes seen is 14.
_FILLED = (bytes(64), b"\xff" * 64)


def has_holes(content: bytes, *, opacity: bool = False) -> bool:
    """Whether the picture that is shown has holes; those of thumbnails do not matter.

    Args:
        content: a HEIC or AVIF file that can be decoded.
        opacity: the picture has one, which is a picture of its own.
    """
    parts = _coded(content, opacity)
    return any(_CHECKS[kind](content[start:end]) for kind, start, end in parts if kind in _CHECKS)


def sound_pictures(content: bytes, count: int) -> int:
    """How many pictures of an AVIF sequence come before the first that has holes.

    Args:
        content: the file.
        count: of its pictures.
    """
    sound, seen = count, Counter[int]()
    with suppress(av.error.FFmpegError), av.open(io.BytesIO(content), "r") as container:
        tracks = [track for track in container.streams.video if track.frames == count]
        for packet in container.demux(tracks):
            if _av1_has_holes(bytes(packet)):
                sound = min(sound, seen[packet.stream_index])
            seen[packet.stream_index] += 1
    return sound


def _hevc_has_holes(part: bytes) -> bool:
    return _FILLED[1] in part or any(bytes(_MOST_ZEROS) in unit for unit in units(part, _PREFIX))


def _av1_has_holes(part: bytes) -> bool:
    return any(filled in part for filled in _FILLED)


_CHECKS = {b"hvc1": _hevc_has_holes, b"av01": _av1_has_holes}


class _Numbers:
    """Reads numbers one behind the other; beyond the end all are 0."""

    def __init__(self, content: bytes, box: Box) -> None:
        self._content, self._at, self._end = content, box.start, box.end

    def next(self, size: int) -> int:
        self._at += size
        return int.from_bytes(self._content[self._at - size : min(self._at, self._end)])

    def repeat(self, count: int) -> Iterator[None]:
        """As many turns as `count`, at most until the end."""
        while count and self._at < self._end:
            count -= 1
            yield


def _coded(content: bytes, opacity: bool) -> Iterator[tuple[bytes, int, int]]:
    """How each part of the picture that is shown is coded, and where it begins and ends."""
    file = io.BytesIO(content)
    for meta in boxes(file, 0, len(content)):
        if meta.kind != b"meta":
            continue
        found = {box.kind: box for box in boxes(file, meta.start + 4, meta.end)}
        if not {b"pitm", b"iinf", b"iloc"} <= found.keys():
            return
        numbers = _Numbers(content, found[b"pitm"])
        shown = {numbers.next(4 if numbers.next(4) >> 24 else 2)}
        if b"iref" in found:
            shown = _with_tiles(content, found[b"iref"], shown, opacity)
        kinds = dict(_kinds(content, found[b"iinf"]))
        for item, start, end in _places(content, found[b"iloc"]):
            if item in shown:
                yield kinds.get(item, b""), start, end
        return


def _kinds(content: bytes, box: Box) -> Iterator[tuple[int, bytes]]:
    """The number and the kind of each item."""
    head = 8 if content[box.start] else 6
    for info in boxes(io.BytesIO(content), box.start + head, box.end):
        numbers = _Numbers(content, info)
        item = numbers.next(4 if numbers.next(4) >> 24 == 3 else 2)
        numbers.next(2)
        yield item, numbers.next(4).to_bytes(4)


def _with_tiles(content: bytes, box: Box, shown: set[int], opacity: bool) -> set[int]:
    """Items with those of which they are made, also over several steps, and with those that go with them."""
    wide = 4 if content[box.start] else 2
    made = dict[int, set[int]]()
    for link in boxes(io.BytesIO(content), box.start + 4, box.end):
        numbers = _Numbers(content, link)
        item = numbers.next(wide)
        others = [numbers.next(wide) for _ in numbers.repeat(numbers.next(2))]
        if link.kind == b"dimg":
            made.setdefault(item, set()).update(others)
        elif link.kind == b"auxl" and opacity:
            for other in others:
                made.setdefault(other, set()).add(item)
    while more := {part for item in shown for part in made.get(item, ())} - shown:
        shown = shown | more
    return shown


def _places(content: bytes, box: Box) -> Iterator[tuple[int, int, int]]:
    """The number of each item, and where a part of it begins and ends, if that is in this file."""
    numbers = _Numbers(content, box)
    version = numbers.next(4) >> 24
    sizes = numbers.next(2)
    wide = 4 if version == 2 else 2
    for _ in numbers.repeat(numbers.next(wide)):
        item = numbers.next(wide)
        elsewhere = numbers.next(2) & 15 if version else 0
        elsewhere |= numbers.next(2)
        base = numbers.next(sizes >> 4 & 15)
        for _ in numbers.repeat(numbers.next(2)):
            numbers.next(sizes & 15 if version else 0)
            start, length = base + numbers.next(sizes >> 12), numbers.next(sizes >> 8 & 15)
            if not elsewhere:
                yield item, start, start + length
